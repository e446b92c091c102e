/** How connections end: shut down on one side or both, closed, with data still in them. */
import { expect } from '@jest/globals';
import { MSG_NOSIGNAL, SHUT_RD, SHUT_RDWR, SHUT_WR, SOCK_NOSIGPIPE, SOL_SOCKET, SO_LINGER, SO_NOSIGPIPE, intBytes, lingerBytes } from '@anykernel/lib-sys';
import { type Cases, bytes, codeIn, codeOf } from './subject.js';

export const ends: Cases = {
  'of sending is the end of what the peer reads, who may go on': async (t) => {
    const [a, b] = await t.pair();
    await t.send(a, 'last words');
    t.sys.shutdown(a, SHUT_WR);
    expect(await t.recv(b)).toBe('last words');
    expect(await t.recv(b)).toBe('');
    expect(await t.recv(b)).toBe('');
    await t.send(b, 'heard');
    expect(await t.recv(a)).toBe('heard');
  },

  'of sending: EPIPE and SIGPIPE for who sends all the same': async (t) => {
    const [a] = await t.pair();
    t.sys.shutdown(a, SHUT_WR);
    expect(codeOf(() => t.sys.write(a, bytes('x')))).toBe('EPIPE');
    expect(t.sigpipe()).toBe(true);
    expect(codeOf(() => t.sys.sendto(a, bytes('x'), MSG_NOSIGNAL))).toBe('EPIPE');
    expect(t.sigpipe()).toBe(false);
    t.sys.setsockopt(a, SOL_SOCKET, SO_NOSIGPIPE, intBytes(1));
    expect(codeOf(() => t.sys.write(a, bytes('x')))).toBe('EPIPE');
    expect(t.sigpipe()).toBe(false);
  },

  'SOCK_NOSIGPIPE is of the descriptor': async (t) => {
    const { nam, fd } = t.listener();
    const client = t.socket(SOCK_NOSIGPIPE);
    await Promise.all([t.wait(t.call.accept(fd)), t.wait(t.call.connect(client, nam))]);
    t.sys.shutdown(client, SHUT_WR);
    expect(codeOf(() => t.sys.write(client, bytes('x')))).toBe('EPIPE');
    expect(t.sigpipe()).toBe(false);
  },

  'of receiving: what waited is gone, and nothing more comes': async (t) => {
    const [a, b] = await t.pair();
    await t.send(a, 'unread');
    await t.ready(b);
    t.sys.shutdown(b, SHUT_RD);
    expect(await t.recv(b)).toBe('');
    await t.send(b, 'still here');
    expect(await t.recv(a)).toBe('still here');
  },

  'of both': async (t) => {
    const [a, b] = await t.pair();
    t.sys.shutdown(a, SHUT_RDWR);
    expect(await t.recv(a)).toBe('');
    expect(await t.recv(b)).toBe('');
    expect(codeOf(() => t.sys.write(a, bytes('x')))).toBe('EPIPE');
  },

  'by close: what was sent arrives': async (t) => {
    const [a, b] = await t.pair();
    await t.send(a, 'good bye');
    t.sys.close(a);
    expect(await t.recv(b)).toBe('good bye');
    expect(await t.recv(b)).toBe('');
  },

  'by close: who sends to it hears of it, at the latest the second time': async (t) => {
    const [a, b] = await t.pair();
    t.sys.close(a);
    let code = 'ok';
    for (let i = 0; i < 3 && code === 'ok'; i++) {
      code = await codeIn(t.send(b, 'x'));
      await t.subject.advance(1e9);
    }
    expect(['EPIPE', 'ECONNRESET']).toContain(code);
  },

  'by close wakes who waits for data': async (t) => {
    const [a, b] = await t.pair();
    const waits = t.recv(b);
    t.sys.close(a);
    expect(await waits).toBe('');
  },

  'by close of a descriptor that a call of the same process waits on': async (t) => {
    const [a] = await t.pair();
    const waits = codeIn(t.wait(t.call.read(a, new Uint8Array(1))));
    t.sys.close(a);
    expect(await waits).toBe('EBADF');
  },

  'comes with the last descriptor': async (t) => {
    const [a, b] = await t.pair();
    const other = t.sys.dup(a);
    t.sys.close(a);
    await t.send(other, 'alive');
    expect(await t.recv(b)).toBe('alive');
    t.sys.close(other);
    expect(await t.recv(b)).toBe('');
  },

  'with SO_LINGER waits no longer than it says': async (t) => {
    const [a, b] = await t.pair();
    t.sys.setsockopt(a, SOL_SOCKET, SO_LINGER, lingerBytes(true, 2));
    await t.send(a, 'x');
    expect(await codeIn(t.wait(t.call.close(a)))).toBe('ok');
    expect(await t.recv(b)).toBe('x');
  },

  'of the process ends its connections': async (t) => {
    const { fd, nam } = t.listener();
    const other = t.k.newproc();
    const client = other.sys.socket(t.conf.family, t.conf.type, t.conf.protocol ?? 0);
    const [server] = await Promise.all([t.wait(t.call.accept(fd)), t.wait(other.call.connect(client, nam))]);
    other.exit();
    expect(await t.recv(server)).toBe('');
  },
};
