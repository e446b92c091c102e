import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';
import {
  ELAST,
  ERR,
  Errno,
  errnoByCode,
  errnoByNumber,
  errnoCodes,
  hostToErrno,
  libuvCode,
  libuvErrno,
  libuvMessage,
  linuxToErrno,
  nodeErrorMessage,
  strerror,
} from '@anykernel/lib-sys';

/** errno(2) of NetBSD, in order from 1. */
const NETBSD = `
EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EDEADLK ENOMEM EACCES EFAULT ENOTBLK EBUSY EEXIST EXDEV ENODEV ENOTDIR EISDIR
EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM ERANGE EAGAIN EINPROGRESS EALREADY ENOTSOCK EDESTADDRREQ
EMSGSIZE EPROTOTYPE ENOPROTOOPT EPROTONOSUPPORT ESOCKTNOSUPPORT EOPNOTSUPP EPFNOSUPPORT EAFNOSUPPORT EADDRINUSE EADDRNOTAVAIL ENETDOWN
ENETUNREACH ENETRESET ECONNABORTED ECONNRESET ENOBUFS EISCONN ENOTCONN ESHUTDOWN ETOOMANYREFS ETIMEDOUT ECONNREFUSED ELOOP ENAMETOOLONG
EHOSTDOWN EHOSTUNREACH ENOTEMPTY EPROCLIM EUSERS EDQUOT ESTALE EREMOTE EBADRPC ERPCMISMATCH EPROGUNAVAIL EPROGMISMATCH EPROCUNAVAIL ENOLCK
ENOSYS EFTYPE EAUTH ENEEDAUTH EIDRM ENOMSG EOVERFLOW EILSEQ ENOTSUP ECANCELED EBADMSG ENODATA ENOSR ENOSTR ETIME ENOATTR EMULTIHOP ENOLINK
EPROTO`
  .trim()
  .split(/\s+/);

describe('error numbers', () => {
  test("are NetBSD's, without a gap", () => {
    expect(errnoCodes).toEqual(NETBSD);
    expect(NETBSD.map((code) => errnoByCode(code)?.errno)).toEqual(NETBSD.map((_, i) => i + 1));
    expect(NETBSD).toHaveLength(ELAST);
  });

  test('a number leads back to the same object', () => {
    for (const code of errnoCodes) expect(errnoByNumber(ERR[code].errno)).toBe(ERR[code]);
    for (const none of [0, -1, 97, 1.5, Number.NaN]) expect(errnoByNumber(none)).toBeUndefined();
  });

  test('EWOULDBLOCK is EAGAIN', () => {
    expect(ERR.EWOULDBLOCK).toBe(ERR.EAGAIN);
    expect(ERR.EAGAIN.errno).toBe(35);
  });

  test('an Errno is no Error, has no stack, and cannot be changed', () => {
    expect(ERR.EIO).toBeInstanceOf(Errno);
    expect(ERR.EIO).not.toBeInstanceOf(Error);
    expect('stack' in ERR.EIO).toBe(false);
    expect(Object.isFrozen(ERR) && Object.isFrozen(ERR.EIO)).toBe(true);
    expect(`${ERR.EIO}`).toBe('EIO');
    expect(strerror('EIO')).toBe('Input/output error');
  });

  test('what every object inherits is no code', () => {
    for (const name of ['toString', 'constructor', '__proto__', '']) expect(errnoByCode(name)).toBeUndefined();
  });
});

describe("errors in Node's words", () => {
  const ofNode = new Map([...getSystemErrorMap()].map(([errno, [code, message]]) => [code, { errno, message }]));
  const shared = errnoCodes.filter((code) => ofNode.has(libuvCode(code)));

  test('the messages are those of this Node', () => {
    expect(shared.map((code) => [code, libuvMessage(code)])).toEqual(shared.map((code) => [code, ofNode.get(libuvCode(code))!.message]));
    expect(shared.length).toBeGreaterThan(60);
  });

  test('the numbers are those of Node on Linux', () => {
    if (process.platform !== 'linux') return expect(libuvErrno('ENOENT')).toBe(-2);
    expect(shared.map((code) => [code, libuvErrno(code)])).toEqual(shared.map((code) => [code, ofNode.get(libuvCode(code))!.errno]));
    const os = constants.errno as unknown as Record<string, number>;
    const ours = errnoCodes.filter((code) => os[code] !== undefined);
    expect(ours.map((code) => [code, -libuvErrno(code)])).toEqual(ours.map((code) => [code, os[code]]));
  });

  test('the whole message is what node:fs says', async () => {
    const { statSync, linkSync } = await import('node:fs');
    const message = (fn: () => unknown): string => {
      try {
        fn();
      } catch (error) {
        return (error as Error).message;
      }
      return 'no failure';
    };
    expect(nodeErrorMessage('ENOENT', 'stat', '/no/such')).toBe(message(() => statSync('/no/such')));
    expect(nodeErrorMessage('ENOENT', 'link', '/no/such', '/no/other')).toBe(message(() => linkSync('/no/such', '/no/other')));
  });

  test('what Node does not know has words and a number all the same', () => {
    expect(libuvMessage('EDQUOT')).toBe('disc quota exceeded');
    expect(libuvErrno('EDQUOT')).toBe(-122);
    expect(libuvErrno('EBADRPC')).toBe(-4094);
    expect(libuvMessage('EWHAT')).toBe('unknown error');
  });

  test('one number on Linux, one code in Node: EOPNOTSUPP is ENOTSUP, ENOATTR is ENODATA', () => {
    expect([libuvCode('EOPNOTSUPP'), libuvCode('ENOATTR'), libuvCode('EPERM')]).toEqual(['ENOTSUP', 'ENODATA', 'EPERM']);
  });
});

describe('errors from the host', () => {
  test('a name that NetBSD has stays, another becomes the nearest, none becomes EINVAL', () => {
    expect(hostToErrno('ENOSPC')).toBe(ERR.ENOSPC);
    expect(hostToErrno('EWOULDBLOCK')).toBe(ERR.EAGAIN);
    expect(hostToErrno('EREMOTEIO')).toBe(ERR.EIO);
    for (const unknown of ['EWHAT', 'ERR_INVALID_ARG_TYPE', 'toString', '', undefined]) expect(hostToErrno(unknown)).toBe(ERR.EINVAL);
  });

  test('every Linux number that has a NetBSD error leads to it, with either sign', () => {
    const back = errnoCodes.filter((code) => libuvErrno(code) > -4000 && linuxToErrno(libuvErrno(code)) !== ERR[code]);
    expect(back).toEqual(['ENOTSUP', 'ENOATTR']);
    expect(linuxToErrno(2)).toBe(ERR.ENOENT);
    expect(linuxToErrno(-95)).toBe(ERR.EOPNOTSUPP);
    expect(linuxToErrno(4095)).toBe(ERR.EINVAL);
  });
});
