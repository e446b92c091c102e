/** Streams: bytes without bounds, in their order, none lost. */
import { expect } from '@jest/globals';
import { FIONWRITE, MSG_DONTWAIT, MSG_PEEK, MSG_WAITALL, SHUT_WR } from '@anykernel/lib-sys';
import { type Cases, codeOf, each, expectBytes, pattern, random, text } from './subject.js';

export const streams: Cases = {
  'has no bounds': async (t) => {
    const [a, b] = await t.pair();
    for (const piece of ['ab', 'c', 'defg']) await t.send(a, piece);
    await t.subject.advance(1e9);
    expect([await t.recv(b, 3), await t.recv(b, 1), await t.recv(b)]).toEqual(['abc', 'd', 'efg']);
  },

  'keeps what is looked at': async (t) => {
    const [a, b] = await t.pair();
    await t.send(a, 'abcdef');
    await t.ready(b);
    expect([await t.recv(b, 3, MSG_PEEK), await t.recv(b, 99, MSG_PEEK), await t.recv(b)]).toEqual(['abc', 'abcdef', 'abcdef']);
  },

  'waits for all with MSG_WAITALL, up to the end': async (t) => {
    const [a, b] = await t.pair();
    const waits = t.recv(b, 6, MSG_WAITALL);
    for (const piece of ['ab', 'cd', 'ef', 'gh']) await t.send(a, piece);
    expect(await waits).toBe('abcdef');
    const last = t.recv(b, 10, MSG_WAITALL);
    t.sys.shutdown(a, SHUT_WR);
    expect(await last).toBe('gh');
  },

  'waits for more than its buffer holds': async (t) => {
    const [a, b] = await t.pair();
    const data = pattern(1_000_000);
    const into = new Uint8Array(data.length);
    const waits = t.wait(t.call.recvfrom(b, into, MSG_WAITALL));
    for (let at = 0; at < data.length; ) at += await t.wait(t.call.write(a, data.subarray(at, at + 70_000)));
    expect(await waits).toBe(data.length);
    expectBytes(into, data);
  },

  'with MSG_WAITALL and without waiting gives what there is': async (t) => {
    const [a, b] = await t.pair();
    await t.send(a, 'abc');
    await t.ready(b);
    expect(await t.recv(b, 9, MSG_WAITALL | MSG_DONTWAIT)).toBe('abc');
  },

  'a write of any length is one call': async (t) => {
    const [a, b] = await t.pair();
    const data = pattern(3_000_000);
    const [n, got] = await Promise.all([t.wait(t.call.write(a, data)), t.recvAll(b, data.length)]);
    expect(n).toBe(data.length);
    expectBytes(got, data);
  },

  'a write that would wait moves what there is room for': async (t) => {
    const [a, b] = await t.pair();
    t.nonblock(a);
    const n = t.sys.write(a, pattern(8_000_000));
    expect(n).toBeGreaterThan(1000);
    expect(n).toBeLessThan(8_000_000);
    expectBytes(await t.recvAll(b, n), pattern(8_000_000).subarray(0, n));
  },

  'empty writes and reads are nothing': async (t) => {
    const [a, b] = await t.pair();
    expect(await t.send(a, '')).toBe(0);
    expect(await t.recv(b, 0)).toBe('');
    expect(t.polled(b, 1)).toBe('');
    await t.send(a, 'x');
    await t.ready(b);
    expect([await t.recv(b, 0), await t.recv(b)]).toEqual(['', 'x']);
  },

  'tells what waits to be sent, or read by the peer': async (t) => {
    const [a, b] = await t.pair();
    const left = (): number => {
      const data = new Uint8Array(4);
      t.sys.ioctl(a, FIONWRITE, data);
      return new DataView(data.buffer).getInt32(0, true);
    };
    expect(left()).toBe(0);
    await t.send(a, 'abc');
    await t.ready(b);
    expect(await t.recv(b)).toBe('abc');
    await t.subject.advance(1e9);
    expect(left()).toBe(0);
  },

  'a socket sends to itself through another descriptor': async (t) => {
    const [a, b] = await t.pair();
    const dup = t.sys.dup(b);
    await t.send(a, 'abcd');
    await t.ready(b);
    expect([await t.recv(dup, 2), await t.recv(b, 2)]).toEqual(['ab', 'cd']);
  },

  ...each([1, 2, 3], (seed) => `any sizes, peeks and directions, seed ${seed}`, async (t, seed) => {
    const rnd = random(seed);
    const [a, b] = await t.pair();
    t.nonblock(a);
    t.nonblock(b);
    const sent: number[] = [];
    let got = 0;
    let next = 0;
    const into = new Uint8Array(9000);
    const expected = (len: number): string => text(Uint8Array.from(sent.slice(got, got + len)));
    for (let step = 0; step < 400; step++) {
      if (rnd(2) === 0) {
        const data = Uint8Array.from({ length: rnd(rnd(8) === 0 ? 9000 : 200) }, () => (next = (next * 5 + 1) & 255));
        let n = 0;
        codeOf(() => (n = t.sys.write(a, data)));
        sent.push(...data.subarray(0, n));
        next = sent.at(-1) ?? 0;
      } else {
        const peek = rnd(3) === 0;
        let n = 0;
        codeOf(() => (n = t.sys.recvfrom(b, into.subarray(0, 1 + rnd(9000)), peek ? MSG_PEEK : 0)));
        expect([seed, step, text(into.subarray(0, n)) === expected(n)]).toEqual([seed, step, true]);
        if (!peek) got += n;
      }
      if (rnd(4) === 0) await t.subject.advance(1e6);
    }
    t.sys.close(a);
    t.nonblock(b, false);
    expect(text(await t.recvAll(b, sent.length - got + 1))).toBe(expected(sent.length));
  }),

  'several writers and readers lose nothing': async (t) => {
    const [a, b] = await t.pair();
    const total = 6 * 50_000;
    const writers = [1, 2, 3, 4, 5, 6].map((n) => t.wait(t.call.write(a, new Uint8Array(50_000).fill(n))));
    const counts = new Array<number>(7).fill(0);
    let left = total;
    const reader = async (): Promise<void> => {
      const into = new Uint8Array(7000);
      while (left > 0) {
        const n = await t.wait(t.call.read(b, into));
        if (n === 0) return;
        left -= n;
        for (let i = 0; i < n; i++) counts[into[i]!] = counts[into[i]!]! + 1;
        if (left === 0) t.sys.shutdown(a, SHUT_WR);
      }
    };
    await Promise.all([...writers, reader(), reader(), reader()]);
    expect(counts).toEqual([0, 50_000, 50_000, 50_000, 50_000, 50_000, 50_000]);
  },
};
