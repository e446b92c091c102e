/** Datagrams: messages without a connection. */
import { expect } from '@jest/globals';
import {
  EVFILT_READ, FIONREAD, MSG_DONTWAIT, MSG_PEEK, POLLIN, SIGINT, SOL_SOCKET, SO_ERROR, SO_OVERFLOWED, SO_RCVBUF, SO_RCVTIMEO, SO_SNDBUF, intBytes, timevalBytes,
} from '@anykernel/lib-sys';
import { type Cases, bytes, codeIn, codeOf, each, expectBytes, pattern, random, text } from './subject.js';

interface Name {
  addr: Uint8Array | undefined;
}

export const datagrams: Cases = {
  'come one by one, each as it was sent': async (t) => {
    const { fd, nam } = t.bound();
    const a = t.socket();
    for (const one of ['first', '', 'third']) await t.send(a, one, 0, nam);
    await t.subject.advance(1e9);
    expect([await t.recv(fd), await t.recv(fd), await t.recv(fd)]).toEqual(['first', '', 'third']);
    expect(codeOf(() => t.sys.recvfrom(fd, new Uint8Array(1), MSG_DONTWAIT))).toBe('EAGAIN');
  },

  'say where they are from, and an answer finds its way': async (t) => {
    const { fd, nam } = t.bound();
    const a = t.bound();
    await t.send(a.fd, 'ping', 0, nam);
    const from: Name = { addr: undefined };
    await t.wait(t.call.recvfrom(fd, new Uint8Array(9), 0, from));
    expect(from.addr).toEqual(a.nam);
    await t.send(fd, 'pong', 0, from.addr);
    expect(await t.recv(a.fd)).toBe('pong');
  },

  'from a socket without a name': async (t) => {
    const { fd, nam } = t.bound();
    const a = t.socket();
    await t.send(a, 'x', 0, nam);
    const from: Name = { addr: undefined };
    await t.wait(t.call.recvfrom(fd, new Uint8Array(9), 0, from));
    expect(from.addr?.[1]).toBe(t.conf.family);
    const code = await codeIn(t.send(fd, 'y', 0, from.addr));
    expect(code).toBe(t.lacks('autobind') ? 'ENOENT' : 'ok');
    if (code === 'ok') expect(await t.recv(a)).toBe('y');
  },

  'to a peer, after connect': async (t) => {
    const { fd, nam } = t.bound();
    const a = t.socket();
    t.sys.connect(a, nam);
    expect(t.sys.getpeername(a)).toEqual(nam);
    await t.send(a, 'x');
    expect(await t.recv(fd)).toBe('x');
    expect(codeOf(() => t.sys.sendto(a, bytes('x'), 0, nam))).toBe('EISCONN');
  },

  'to another peer, after another connect': async (t) => {
    const [one, two] = [t.bound(), t.bound()];
    const a = t.socket();
    t.sys.connect(a, one.nam);
    t.sys.connect(a, two.nam);
    expect(t.sys.getpeername(a)).toEqual(two.nam);
    await t.send(a, 'x');
    expect(await t.recv(two.fd)).toBe('x');
    expect(t.polled(one.fd, POLLIN)).toBe('');
  },

  'to where nobody is': async (t) => {
    const gone = t.bound();
    const a = t.socket();
    t.sys.connect(a, gone.nam);
    t.sys.close(gone.fd);
    let code = await codeIn(t.send(a, 'x'));
    await t.subject.advance(1e9);
    if (code === 'ok') code = await codeIn(t.send(a, 'x'));
    expect(t.lacks('refusal') ? ['ok'] : ['ECONNREFUSED', 'ECONNRESET']).toContain(code);
    expect(t.intopt(a, SOL_SOCKET, SO_ERROR)).toBe(0);
  },

  'are cut, looked at, and counted': async (t) => {
    const { fd, nam } = t.bound();
    const a = t.socket();
    await t.send(a, 'abcdef', 0, nam);
    await t.ready(fd);
    expect([await t.recv(fd, 2, MSG_PEEK), await t.recv(fd, 99, MSG_PEEK), await t.recv(fd, 3)]).toEqual(['ab', 'abcdef', 'abc']);
    expect(t.polled(fd, POLLIN)).toBe('');
  },

  'that are too long are refused': (t) => {
    const { nam } = t.bound();
    const a = t.socket();
    t.sys.setsockopt(a, SOL_SOCKET, SO_SNDBUF, intBytes(5000));
    expect(codeOf(() => t.sys.sendto(a, pattern(5001), 0, nam))).toBe('EMSGSIZE');
  },

  ...each([1, 1000, 1472, 1473, 4096, 9000], (len) => `of ${len} bytes arrive whole`, async (t, len) => {
    const { fd, nam } = t.bound();
    const a = t.socket();
    await t.wait(t.call.sendto(a, pattern(len), 0, nam));
    const into = new Uint8Array(len + 1);
    expect(await t.wait(t.call.recvfrom(fd, into, 0))).toBe(len);
    expectBytes(into.subarray(0, len), pattern(len));
  }),

  'for which there is no room are lost, or refused, and counted': async (t) => {
    const { fd, nam } = t.bound();
    t.sys.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, intBytes(5000));
    const a = t.socket();
    let sent = 0;
    for (let i = 0; i < 1000; i++) if (codeOf(() => t.sys.sendto(a, pattern(1000, i), MSG_DONTWAIT, nam)) === 'ok') sent++;
    await t.subject.advance(1e9);
    let got = 0;
    for (const into = new Uint8Array(2000); codeOf(() => t.sys.recvfrom(fd, into, MSG_DONTWAIT)) === 'ok'; got++) expectBytes(into.subarray(0, 1000), pattern(1000, got));
    expect(got).toBeGreaterThanOrEqual(1);
    expect(got).toBeLessThanOrEqual(5);
    expect(sent).toBeGreaterThanOrEqual(got);
    expect(t.intopt(fd, SOL_SOCKET, SO_OVERFLOWED)).toBeGreaterThan(0);
  },

  'are waited for: for ever, for a time, until a signal': async (t) => {
    const { fd, nam } = t.bound();
    const waits = t.recv(fd);
    await t.send(t.socket(), 'x', 0, nam);
    expect(await waits).toBe('x');
    const interrupted = codeIn(t.call.read(fd, new Uint8Array(1)));
    t.signal(SIGINT);
    expect(await interrupted).toBe('EINTR');
    t.p.sig.take();
    t.sys.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timevalBytes(0, 500_000));
    expect(await codeIn(t.wait(t.call.read(fd, new Uint8Array(1))))).toBe('EAGAIN');
  },

  'make a socket ready': async (t) => {
    const { fd, nam } = t.bound();
    expect(t.polled(fd)).toBe('out');
    const waits = t.ready(fd);
    await t.send(t.socket(), 'abc', 0, nam);
    expect(await waits).toBe(POLLIN);
    expect(t.kevent(fd, EVFILT_READ)?.data).toBe(3);
    const len = new Uint8Array(4);
    t.sys.ioctl(fd, FIONREAD, len);
    expect(len[0]).toBe(3);
  },

  'come to a socket that was shut down no more': async (t) => {
    const { fd, nam } = t.bound();
    const other = t.bound();
    t.sys.connect(fd, other.nam);
    t.sys.shutdown(fd, 0);
    await codeIn(t.send(other.fd, 'x', 0, nam));
    await t.subject.advance(1e9);
    expect(await t.recv(fd)).toBe('');
  },

  ...each([1, 2], (seed) => `of any length, each at most once and in order, seed ${seed}`, async (t, seed) => {
    const rnd = random(seed);
    const { fd, nam } = t.bound();
    const a = t.socket();
    const sent: string[] = [];
    for (let i = 0; i < 300; i++) {
      const data = pattern(rnd(1400), seed * 1000 + i);
      await t.wait(t.call.sendto(a, data, 0, nam));
      sent.push(text(data));
      if (rnd(3) > 0) continue;
      await t.subject.advance(1e6);
      for (const into = new Uint8Array(2000); t.polled(fd, POLLIN) === 'in'; ) {
        const got = text(into.subarray(0, t.sys.recvfrom(fd, into, 0)));
        expect([seed, i, got === sent.shift()]).toEqual([seed, i, true]);
      }
    }
  }),
};
