/** What is refused, and in which order it is looked at. */
import { expect } from '@jest/globals';
import { MSG_OOB, MSG_TRUNC, SOL_SOCKET, SO_TYPE, AF_LINK } from '@anykernel/lib-sys';
import { type Cases, type Context, bytes, codeIn, codeOf } from './subject.js';

const NONE = new Uint8Array(0);


export const refusals: Cases = {
  'calls on descriptors that are no sockets': (t) => {
    const { sys } = t;
    const [fd] = sys.pipe();
    const calls = [
      () => sys.bind(fd!, t.address()),
      () => sys.listen(fd!, 1),
      () => sys.accept(fd!),
      () => sys.connect(fd!, t.address()),
      () => sys.shutdown(fd!, 1),
      () => sys.getpeername(fd!),
      () => sys.getsockname(fd!),
      () => sys.getsockopt(fd!, SOL_SOCKET, SO_TYPE, new Uint8Array(4)),
      () => sys.sendto(fd!, bytes('x'), 0),
      () => sys.recvfrom(fd!, new Uint8Array(1), 0),
      () => sys.sendmsg(fd!, { iov: [] }, 0),
      () => sys.recvmsg(fd!, { iov: [] }, 0),
    ];
    expect(calls.map(codeOf)).toEqual(calls.map(() => 'ENOTSOCK'));
    expect(codeOf(() => sys.bind(99, t.address()))).toBe('EBADF');
  },

  'families, types and protocols that there are not': (t) => {
    const { sys } = t;
    expect(codeOf(() => sys.socket(250, t.conf.type, 0))).toBe('EAFNOSUPPORT');
    expect(codeOf(() => sys.socket(t.conf.family, 9, 0))).toBe('EPROTOTYPE');
    expect(codeOf(() => sys.socket(t.conf.family, t.conf.type, 250))).toBe('EPROTONOSUPPORT');
  },

  'addresses of no length, of another family, and a second name': (t) => {
    const { sys } = t;
    const fd = t.socket();
    const other = t.address();
    other[1] = AF_LINK;
    const codes = [NONE, Uint8Array.of(1), new Uint8Array(256)].map((nam) => codeOf(() => sys.bind(fd, nam)));
    expect(codes).toEqual(['EINVAL', 'EINVAL', 'EINVAL']);
    expect(codeOf(() => sys.bind(fd, other))).toBe('EAFNOSUPPORT');
    expect(codeOf(() => sys.connect(fd, other))).toBe('EAFNOSUPPORT');
    sys.bind(fd, t.address());
    expect(codeOf(() => sys.bind(fd, t.address()))).toBe('EINVAL');
  },

  'a name that somebody has': (t) => {
    const { fd, nam } = t.bound();
    const other = t.socket();
    expect(codeOf(() => t.sys.bind(other, nam))).toBe('EADDRINUSE');
    t.sys.close(fd);
    expect(codeOf(() => t.sys.bind(other, nam))).toBe(t.lacks('rebind') ? 'EADDRINUSE' : 'ok');
  },

  'unknown flags of messages': (t) => {
    const fd = t.socket();
    expect(codeOf(() => t.sys.sendto(fd, bytes('x'), MSG_TRUNC))).toBe('EOPNOTSUPP');
    expect(codeOf(() => t.sys.recvfrom(fd, new Uint8Array(1), 0x4000_0000))).toBe('EOPNOTSUPP');
  },

  'ways to shut down that there are not': (t) => {
    const fd = t.socket();
    expect([-1, 3, 99].map((how) => codeOf(() => t.sys.shutdown(fd, how)))).toEqual(['EINVAL', 'EINVAL', 'EINVAL']);
    expect(codeOf(() => t.sys.shutdown(fd, 2))).toBe('ENOTCONN');
  },

  'a socketpair, where there is none': (t) => {
    if (t.lacks('socketpair')) {
      expect(codeOf(() => t.socketpair())).toBe('EOPNOTSUPP');
      return;
    }
    const [a, b] = t.socketpair();
    expect(t.sys.write(a, bytes('x'))).toBe(1);
    expect(t.sys.read(b, new Uint8Array(1))).toBe(1);
  },
};

/** Of sockets with connections. */
export const connectedRefusals: Cases = {
  'urgent data, where there is none': async (t) => {
    const [fd] = await t.pair();
    await urgent(t, fd);
  },

  'data without a connection': async (t) => {
    const fd = t.socket();
    expect(await codeIn(t.send(fd, 'x'))).toBe('ENOTCONN');
    expect(await codeIn(t.recv(fd))).toBe('ENOTCONN');
    expect(codeOf(() => t.sys.getpeername(fd))).toBe('ENOTCONN');
  },
};

/** Of datagram sockets. */
export const datagramRefusals: Cases = {
  'urgent data, where there is none': async (t) => {
    const { nam } = t.bound();
    const fd = t.socket();
    t.sys.connect(fd, nam);
    await urgent(t, fd);
  },

  'data to nobody': (t) => {
    const fd = t.socket();
    expect(codeOf(() => t.sys.sendto(fd, bytes('x'), 0))).toBe('EDESTADDRREQ');
    expect(codeOf(() => t.sys.write(fd, bytes('x')))).toBe('EDESTADDRREQ');
    expect(codeOf(() => t.sys.getpeername(fd))).toBe('ENOTCONN');
    expect(codeOf(() => t.sys.listen(fd, 1))).toBe('EOPNOTSUPP');
    expect(codeOf(() => t.sys.accept(fd))).toBe('EINVAL');
  },
};

/** Urgent data goes, or is refused; so is asking for it. */
async function urgent(t: Context, fd: number): Promise<void> {
  const refused = t.lacks('oob');
  expect(await codeIn(t.send(fd, 'x', MSG_OOB))).toBe(refused ? 'EOPNOTSUPP' : 'ok');
  expect(codeOf(() => t.sys.recvfrom(fd, new Uint8Array(1), MSG_OOB))).toBe(refused ? 'EOPNOTSUPP' : 'EINVAL');
}
