/** Connections: how they begin, and what both ends know of each other. */
import { expect } from '@jest/globals';
import { type Cases, EINPROGRESS_CODES, NONBLOCK, bytes, codeIn, codeOf, text } from './subject.js';
import { FD_CLOEXEC, F_GETFD, F_GETFL, O_NONBLOCK, POLLOUT, SOCK_CLOEXEC, SOCK_NONBLOCK, SOL_SOCKET, SO_ERROR } from '@anykernel/lib-sys';

export const connections: Cases = {
  'carries data both ways': async (t) => {
    const [a, b] = await t.pair();
    expect(await t.send(a, 'hello')).toBe(5);
    expect(await t.recv(b)).toBe('hello');
    expect(await t.send(b, 'yes?')).toBe(4);
    expect(await t.recv(a)).toBe('yes?');
  },

  'knows its names': async (t) => {
    const { sys } = t;
    const { fd, nam } = t.listener();
    const client = t.socket();
    const from = { addr: undefined as Uint8Array | undefined };
    const [server] = await Promise.all([t.wait(t.call.accept(fd, from)), t.wait(t.call.connect(client, nam))]);
    expect(sys.getpeername(client)).toEqual(nam);
    expect(sys.getsockname(server)).toEqual(nam);
    expect(from.addr).toEqual(sys.getsockname(client));
    expect(sys.getpeername(server)).toEqual(sys.getsockname(client));
    expect(sys.getsockname(client)[1]).toBe(t.conf.family);
  },

  'comes from the name that its socket is bound to': async (t) => {
    const { fd, nam } = t.listener();
    const client = t.bound();
    const from = { addr: undefined as Uint8Array | undefined };
    await Promise.all([t.wait(t.call.accept(fd, from)), t.wait(t.call.connect(client.fd, nam))]);
    expect(from.addr).toEqual(client.nam);
  },

  'to where nobody listens is refused, and the socket can be used again': async (t) => {
    const { nam } = t.bound();
    const fd = t.socket();
    expect(await codeIn(t.wait(t.call.connect(fd, nam)))).toBe('ECONNREFUSED');
    const other = t.listener();
    const again = t.socket();
    const [, code] = await Promise.all([t.wait(t.call.accept(other.fd)), codeIn(t.wait(t.call.connect(again, other.nam)))]);
    expect(code).toBe('ok');
  },

  'is one: a second connect is refused': async (t) => {
    const { nam } = t.listener();
    const [a] = await t.pair();
    expect(codeOf(() => t.sys.connect(a, nam))).toBe('EISCONN');
    expect(codeOf(() => t.sys.listen(a, 1))).toBe('EINVAL');
  },

  'is not made by a socket that listens': async (t) => {
    const { fd } = t.listener();
    expect(codeOf(() => t.sys.connect(fd, t.listener().nam))).toBe('EOPNOTSUPP');
  },

  'without waiting: poll and SO_ERROR tell how it ended': async (t) => {
    const { fd, nam } = t.listener();
    const client = t.socket(NONBLOCK);
    expect(EINPROGRESS_CODES).toContain(codeOf(() => t.sys.connect(client, nam)));
    expect((await t.ready(client, POLLOUT)) & POLLOUT).toBe(POLLOUT);
    expect(t.intopt(client, SOL_SOCKET, SO_ERROR)).toBe(0);
    const server = await t.wait(t.call.accept(fd));
    await t.send(client, 'x');
    expect(await t.recv(server)).toBe('x');
  },

  'is there before it is accepted': async (t) => {
    const { fd, nam } = t.listener();
    const client = t.socket();
    await t.wait(t.call.connect(client, nam));
    expect(await t.send(client, 'early')).toBe(5);
    const server = await t.wait(t.call.accept(fd));
    expect(await t.recv(server)).toBe('early');
  },

  'has buffers of several pieces, as writev and readv': async (t) => {
    const [a, b] = await t.pair();
    await t.wait(t.call.writev(a, [bytes('ab'), new Uint8Array(0), bytes('cde')]));
    const parts = [new Uint8Array(1), new Uint8Array(3), new Uint8Array(9)];
    expect(await t.wait(t.call.readv(b, parts))).toBe(5);
    expect([text(parts[0]!), text(parts[1]!), text(parts[2]!.subarray(0, 1))]).toEqual(['a', 'bcd', 'e']);
  },

  'a socketpair has the flags that were asked for, or is refused': async (t) => {
    const { sys } = t;
    const flags = (fd: number): [boolean, boolean] => [sys.fcntl(fd, F_GETFD) === FD_CLOEXEC, (sys.fcntl(fd, F_GETFL) & O_NONBLOCK) !== 0];
    const make = (wanted: number): unknown => (t.lacks('socketpair') ? codeOf(() => t.socketpair(wanted)) : t.socketpair(wanted).map(flags));
    const refused = t.lacks('socketpair');
    expect(make(0)).toEqual(refused ? 'EOPNOTSUPP' : [[false, false], [false, false]]);
    expect(make(SOCK_CLOEXEC)).toEqual(refused ? 'EOPNOTSUPP' : [[true, false], [true, false]]);
    expect(make(SOCK_NONBLOCK)).toEqual(refused ? 'EOPNOTSUPP' : [[false, true], [false, true]]);
  },

  'a new socket has the flags that were asked for': (t) => {
    const flags = [0, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_CLOEXEC | SOCK_NONBLOCK].map((wanted) => {
      const fd = t.socket(wanted);
      return [t.sys.fcntl(fd, F_GETFD) === FD_CLOEXEC, (t.sys.fcntl(fd, F_GETFL) & O_NONBLOCK) !== 0];
    });
    expect(flags).toEqual([[false, false], [true, false], [false, true], [true, true]]);
  },
};
