import { describe, expect, test } from '@jest/globals';
import {
  AF_LOCAL, O_RDWR, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM, S_IFMT, S_IFSOCK, parseSockaddrUn, sockaddrUn,
} from '@anykernel/lib-sys';
import { tmpfs } from '@anykernel/tmpfs';
import { Rig, bytes, codeOf } from './help.js';

describe('a name', () => {
  test('is a node of type socket, with the permissions that umask leaves', () => {
    const { p } = Object.assign(new Rig());
    p.sys.umask(0o027);
    const fd = p.sys.socket(AF_LOCAL, SOCK_STREAM, 0);
    p.sys.bind(fd, sockaddrUn('/tmp/sock'));
    const st = p.sys.stat('/tmp/sock');
    expect([st.mode & S_IFMT, st.mode & 0o7777]).toEqual([S_IFSOCK, 0o750]);
    expect(codeOf(() => p.sys.open('/tmp/sock', O_RDWR))).toBe('EOPNOTSUPP');
    expect(parseSockaddrUn(p.sys.getsockname(fd))).toBe('/tmp/sock');
  });

  test.each(['rumpfs', 'tmpfs'])('is on any file system: %s', (type) => {
    const rig = new Rig(tmpfs);
    const { sys } = rig.p;
    sys.mkdir('/mnt', 0o777);
    if (type === 'tmpfs') sys.mount('tmpfs', '/mnt', 0, {});
    const fd = rig.bound('/mnt/sock');
    sys.listen(fd, 1);
    const client = rig.socket();
    sys.connect(client, sockaddrUn('/mnt/sock'));
    const server = sys.accept(fd);
    sys.write(client, bytes('x'));
    expect(sys.read(server, new Uint8Array(1))).toBe(1);
    expect(codeOf(() => sys.unmount('/mnt', 0))).toBe(type === 'tmpfs' ? 'EBUSY' : 'EINVAL');
    for (const one of [fd, client, server]) sys.close(one);
    sys.unlink('/mnt/sock');
    if (type === 'tmpfs') sys.unmount('/mnt', 0);
    expect(rig.sockets).toBe(0);
  });

  test('is found from where the process is, and through symbolic links', () => {
    const rig = new Rig();
    const { sys } = rig.p;
    sys.chdir('/tmp');
    sys.listen(rig.bound('sock'), 5);
    sys.symlink('/tmp/sock', '/link');
    for (const path of ['sock', './sock', '/link', '../tmp/sock']) expect(codeOf(() => sys.connect(rig.socket(), sockaddrUn(path)))).toBe('ok');
  });

  test('stays when its socket has gone, and then leads nowhere', () => {
    const rig = new Rig();
    rig.p.sys.close(rig.bound('/sock'));
    expect(codeOf(() => rig.p.sys.connect(rig.socket(), sockaddrUn('/sock')))).toBe('ECONNREFUSED');
    expect(codeOf(() => rig.bound('/sock'))).toBe('EADDRINUSE');
    rig.p.sys.unlink('/sock');
    expect(codeOf(() => rig.bound('/sock'))).toBe('ok');
  });

  test('that was removed leads nowhere, though the socket listens on', () => {
    const rig = new Rig();
    const fd = rig.bound('/sock');
    rig.p.sys.listen(fd, 1);
    rig.p.sys.unlink('/sock');
    expect(codeOf(() => rig.p.sys.connect(rig.socket(), sockaddrUn('/sock')))).toBe('ENOENT');
    expect(parseSockaddrUn(rig.p.sys.getsockname(fd))).toBe('/sock');
  });

  test('that was renamed leads to the same socket', () => {
    const rig = new Rig();
    rig.p.sys.listen(rig.bound('/tmp/sock'), 1);
    rig.p.sys.link('/tmp/sock', '/tmp/other');
    expect(codeOf(() => rig.p.sys.connect(rig.socket(), sockaddrUn('/tmp/other')))).toBe('ok');
  });

  test('of up to 253 bytes, and no more', () => {
    const rig = new Rig();
    const dirs = `/${'d'.repeat(120)}`;
    rig.p.sys.mkdir(dirs, 0o755);
    const longest = `${dirs}/${'s'.repeat(253 - dirs.length - 1)}`;
    const fd = rig.bound(longest);
    rig.p.sys.listen(fd, 1);
    expect(parseSockaddrUn(rig.p.sys.getsockname(fd))).toBe(longest);
    expect(rig.p.sys.getsockname(fd).length).toBe(255);
    rig.p.sys.connect(rig.socket(), sockaddrUn(longest));
    expect(codeOf(() => rig.p.sys.bind(rig.socket(), sockaddrUn(`${longest}x`)))).toBe('EINVAL');
  });

  test('of other lengths and kinds', () => {
    const rig = new Rig();
    const { sys } = rig.p;
    sys.mkdir('/dir', 0o755);
    const bind = (path: string): string => codeOf(() => sys.bind(rig.socket(), sockaddrUn(path)));
    const connect = (path: string, type = SOCK_STREAM): string => codeOf(() => sys.connect(rig.socket(type), sockaddrUn(path)));
    expect([bind(''), bind('/dir'), bind('/no/where'), bind('/dir/')]).toEqual(['ENOENT', 'EADDRINUSE', 'ENOENT', 'EADDRINUSE']);
    sys.close(sys.open('/file', O_RDWR | 0x200, 0o644));
    expect([connect('/file'), connect('/dir'), connect('/none')]).toEqual(['ENOTSOCK', 'ENOTSOCK', 'ENOENT']);
    sys.listen(rig.bound('/stream'), 1);
    rig.bound('/dgram', SOCK_DGRAM);
    expect([connect('/stream', SOCK_DGRAM), connect('/dgram'), connect('/stream', SOCK_SEQPACKET)]).toEqual(['EPROTOTYPE', 'EPROTOTYPE', 'EPROTOTYPE']);
    expect(codeOf(() => sys.bind(rig.socket(), Uint8Array.of(16, 1, 0x2f, 0x7a, 0, 0x79)))).toBe('ok');
    expect(codeOf(() => sys.stat('/z'))).toBe('ok');
  });

  test('has permissions: who may not write it may not connect', () => {
    const rig = new Rig();
    const user = rig.k.newproc({ uid: 7, gid: 7 });
    rig.p.sys.listen(rig.bound('/tmp/sock'), 5);
    const connect = (): string => codeOf(() => user.sys.connect(rig.socket(SOCK_STREAM, user), sockaddrUn('/tmp/sock')));
    expect(connect()).toBe('EACCES');
    rig.p.sys.chmod('/tmp/sock', 0o777);
    expect(connect()).toBe('ok');
    rig.p.sys.mkdir('/closed', 0o700);
    expect(codeOf(() => rig.bound('/closed/sock', SOCK_STREAM, user))).toBe('EACCES');
    expect(codeOf(() => rig.bound('/sock', SOCK_STREAM, user))).toBe('EACCES');
  });

  test('listening needs one', () => {
    const rig = new Rig();
    expect(codeOf(() => rig.p.sys.listen(rig.socket(), 1))).toBe('EINVAL');
    expect(parseSockaddrUn(rig.p.sys.getsockname(rig.socket()))).toBe('');
  });
});

test('a kernel halts with sockets open, bound and connected', () => {
  const rig = new Rig();
  rig.p.sys.listen(rig.bound('/sock'), 5);
  rig.p.sys.connect(rig.socket(), sockaddrUn('/sock'));
  rig.k.halt();
  expect(rig.k.stopped).toBe('the kernel has been halted');
});
