/** Calls that wait: for data, for room, for a time; and those that do not. */
import { expect } from '@jest/globals';
import { MSG_DONTWAIT, SIGINT, SOL_SOCKET, SO_RCVBUF, SO_RCVTIMEO, SO_SNDBUF, SO_SNDTIMEO, intBytes, timevalBytes } from '@anykernel/lib-sys';
import { type Cases, type Context, codeIn, codeOf, expectBytes, pattern } from './subject.js';

/** Sends without waiting until there is no room. Returns how many bytes went, in messages of 1000. */
function fill(context: Context, fd: number): number {
  const data = pattern(1000);
  for (let sent = 0; ; ) {
    const code = codeOf(() => {
      sent += context.sys.sendto(fd, data, MSG_DONTWAIT);
    });
    if (code === 'EAGAIN') return sent;
    if (code !== 'ok') throw new Error(code);
    if (sent > 64 << 20) throw new Error('there is no end to the room');
  }
}

export const waiting: Cases = {
  'for data': async (t) => {
    const [a, b] = await t.pair();
    const waits = t.recv(b);
    await t.send(a, 'at last');
    expect(await waits).toBe('at last');
  },

  'is not done where it should not be': async (t) => {
    const [a] = await t.pair();
    expect(codeOf(() => t.sys.recvfrom(a, new Uint8Array(1), MSG_DONTWAIT))).toBe('EAGAIN');
    expect(codeOf(() => t.sys.read(a, new Uint8Array(1)))).toBe('WouldSleep');
    t.nonblock(a);
    expect(codeOf(() => t.sys.read(a, new Uint8Array(1)))).toBe('EAGAIN');
    t.nonblock(a, false);
    expect(codeOf(() => t.sys.read(a, new Uint8Array(1)))).toBe('WouldSleep');
  },

  'for room, until the peer has read': async (t) => {
    const [a, b] = await t.pair();
    let sent = 0;
    for (let n = fill(t, a); n > 0; n = fill(t, a)) {
      sent += n;
      await t.subject.advance(1e9);
    }
    expect(codeOf(() => t.sys.write(a, pattern(1000)))).toBe('WouldSleep');
    const waits = t.wait(t.call.write(a, pattern(1000)));
    expect((await t.recvAll(b, sent + 1000)).length).toBe(sent + 1000);
    expect(await waits).toBe(1000);
  },

  'for data ends with its time': async (t) => {
    const [a] = await t.pair();
    t.sys.setsockopt(a, SOL_SOCKET, SO_RCVTIMEO, timevalBytes(1, 500_000));
    const begin = t.k.mono();
    expect(await codeIn(t.wait(t.call.read(a, new Uint8Array(1))))).toBe('EAGAIN');
    expect(t.k.mono() - begin).toBeGreaterThanOrEqual(1.5e9);
    expect(t.k.mono() - begin).toBeLessThan(2e9);
  },

  'for room ends with its time': async (t) => {
    const [a] = await t.pair();
    t.sys.setsockopt(a, SOL_SOCKET, SO_SNDTIMEO, timevalBytes(0, 200_000));
    while (fill(t, a) > 0) await t.subject.advance(1e9);
    const begin = t.k.mono();
    expect(await codeIn(t.wait(t.call.write(a, pattern(1000))))).toBe('EAGAIN');
    expect(t.k.mono() - begin).toBeLessThan(1e9);
  },

  'ends with a signal': async (t) => {
    const [a] = await t.pair();
    const waits = codeIn(t.call.read(a, new Uint8Array(1)));
    t.signal(SIGINT);
    expect(await waits).toBe('EINTR');
    t.p.sig.take();
  },

  'ends with the process': async (t) => {
    const { fd } = t.listener();
    const [a] = await t.pair();
    const ends = [codeIn(t.call.read(a, new Uint8Array(1))), codeIn(t.call.accept(fd))];
    t.p.exit();
    expect(await Promise.all(ends)).toEqual(['EINTR', 'EINTR']);
  },

  'small buffers carry all there is, both ways at once': async (t) => {
    const [a, b] = await t.pair();
    for (const fd of [a, b]) {
      t.sys.setsockopt(fd, SOL_SOCKET, SO_SNDBUF, intBytes(4096));
      t.sys.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, intBytes(4096));
    }
    const [there, back] = [pattern(40_000, 1), pattern(30_000, 2)];
    const write = async (fd: number, data: Uint8Array): Promise<void> => {
      for (let at = 0; at < data.length; ) at += await t.wait(t.call.write(fd, data.subarray(at, at + 3000)));
    };
    const [atB, atA] = await Promise.all([t.recvAll(b, there.length), t.recvAll(a, back.length), write(a, there), write(b, back)]);
    expectBytes(atB, there);
    expectBytes(atA, back);
  },
};
