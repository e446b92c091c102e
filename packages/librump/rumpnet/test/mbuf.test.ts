import { describe, expect, test } from '@jest/globals';
import { CSUM_NONE, CSUM_PARTIAL, CSUM_VALID, GSO_TCPV4, MAXHDR, type Mbuf, type Mbufs, M_BCAST, Pktq, lengthOf, mbufsOf } from '../src/index.js';
import { box, codeOf, pattern, random } from './help.js';

function pool(options: { readonly memLimitBytes?: number } = {}): Mbufs {
  return mbufsOf(box([], options).k);
}

/** A packet of `data` in pieces of the given lengths. */
function pieces(mb: Mbufs, data: Uint8Array, ...lens: readonly number[]): Mbuf {
  let m: Mbuf | undefined;
  let at = 0;
  for (const len of [...lens, data.length - lens.reduce((a, b) => a + b, 0)]) {
    const n = mb.fromBytes(data.subarray(at, at + len), 4);
    at += len;
    if (m === undefined) m = n;
    else mb.cat(m, n);
  }
  return m!;
}

describe('a packet', () => {
  test.each([0, 1, 64, 128, 129, 1920, 1921, 3968, 65_408, 65_409, 65_536])('of %d bytes is one mbuf', (len) => {
    const mb = pool();
    const m = mb.get(len);
    expect({ len: m.len, pktlen: m.pktlen, next: m.next, fits: m.off + m.len <= m.buf.length }).toEqual({ len, pktlen: len, next: undefined, fits: true });
    expect(m.off).toBe(Math.min(MAXHDR, 65_536 - len));
    mb.free(m);
    expect({ mbufs: mb.used, bytes: mb.store.used }).toEqual({ mbufs: 0, bytes: 0 });
  });

  test('longer than 64 KiB has several', () => {
    const mb = pool();
    const data = pattern(200_000);
    const m = mb.fromBytes(data);
    expect(m.pktlen).toBe(data.length);
    expect(lengthOf(m)).toBe(data.length);
    expect(mb.toBytes(m)).toEqual(data);
    expect(codeOf(() => mb.get(65_537, 0))).toBe('ENOBUFS');
  });

  test('comes with a clean header, whatever it was before', () => {
    const mb = pool();
    const m = mb.get(10);
    Object.assign(m, { flags: M_BCAST, rcvif: 3, csum: CSUM_PARTIAL, csumStart: 9, csumOff: 8, gsoType: GSO_TCPV4, gsoSize: 1460, aux: {}, nextpkt: m });
    mb.free(m);
    const n = mb.get(10);
    expect(n).toBe(m);
    expect(n).toMatchObject({ flags: 0, rcvif: 0, csum: CSUM_NONE, csumStart: 0, csumOff: 0, gsoType: 0, gsoSize: 0, aux: undefined, nextpkt: undefined });
  });

  test('that is freed twice is a fault', () => {
    const mb = pool();
    const m = mb.get(10);
    mb.free(m);
    expect(() => mb.free(m)).toThrow(TypeError);
  });
});

describe('at the front', () => {
  test('headers go into the headroom, and the place of the checksum moves along', () => {
    const mb = pool();
    const m = mb.fromBytes(pattern(20));
    Object.assign(m, { csum: CSUM_PARTIAL, csumStart: 0, csumOff: 6 });
    const n = mb.prepend(m, 20)!;
    expect(n).toBe(m);
    expect({ pktlen: n.pktlen, len: n.len, csumStart: n.csumStart, csumOff: n.csumOff }).toEqual({ pktlen: 40, len: 40, csumStart: 20, csumOff: 6 });
    mb.adj(n, 20);
    expect({ pktlen: n.pktlen, csumStart: n.csumStart }).toEqual({ pktlen: 20, csumStart: 0 });
    expect(mb.toBytes(n)).toEqual(pattern(20));
  });

  test.each([['without headroom', false], ['on shared storage', true]])('a packet %s gets another mbuf in front', (_name, shared) => {
    const mb = pool();
    const m = mb.fromBytes(pattern(100), shared ? MAXHDR : 0);
    const other = shared ? mb.copym(m, 0, 100)! : undefined;
    Object.assign(m, { rcvif: 2, csum: CSUM_PARTIAL, csumStart: 4, flags: M_BCAST });
    const n = mb.prepend(m, 14)!;
    n.buf.fill(0xaa, n.off, n.off + 14);
    expect(n).not.toBe(m);
    expect(n).toMatchObject({ len: 14, pktlen: 114, rcvif: 2, csum: CSUM_PARTIAL, csumStart: 18, flags: M_BCAST });
    expect(mb.toBytes(n).subarray(14)).toEqual(pattern(100));
    if (other !== undefined) expect(mb.toBytes(other)).toEqual(pattern(100));
  });

  test.each([1, 3, 4, 5, 99, 100])('pullup makes %d bytes contiguous', (len) => {
    const mb = pool();
    const m = mb.pullup(pieces(mb, pattern(100), 3, 1, 0, 50), len)!;
    expect(m.len).toBeGreaterThanOrEqual(len);
    expect(m.pktlen).toBe(100);
    expect(lengthOf(m)).toBe(100);
    expect(mb.toBytes(m)).toEqual(pattern(100));
    mb.free(m);
    expect({ mbufs: mb.used, bytes: mb.store.used }).toEqual({ mbufs: 0, bytes: 0 });
  });

  test('pullup beyond the end frees the packet', () => {
    const mb = pool();
    expect(mb.pullup(pieces(mb, pattern(100), 50), 101)).toBeUndefined();
    expect(mb.used).toBe(0);
  });

  test('own gives bytes that are nobody else’s', () => {
    const mb = pool();
    const m = mb.fromBytes(pattern(100));
    const other = mb.copym(m, 0, 100)!;
    const n = mb.own(m, 20)!;
    n.buf.fill(0, n.off, n.off + 20);
    expect(mb.toBytes(other)).toEqual(pattern(100));
    expect(mb.toBytes(n).subarray(20)).toEqual(pattern(100).subarray(20));
    expect(mb.own(n, 20)).toBe(n);
  });
});

describe('parts', () => {
  test('a copy shares storage, and is freed by itself', () => {
    const mb = pool();
    const m = mb.fromBytes(pattern(5000));
    Object.assign(m, { csum: CSUM_VALID, rcvif: 1 });
    const used = mb.store.used;
    const whole = mb.copym(m, 0, 1e9)!;
    const part = mb.copym(m, 100, 50)!;
    expect(mb.store.used).toBe(used);
    expect(whole).toMatchObject({ pktlen: 5000, csum: CSUM_VALID, rcvif: 1 });
    expect(part).toMatchObject({ pktlen: 50, csum: CSUM_NONE, rcvif: 1 });
    expect([m.writable, m.headroom, m.tailroom]).toEqual([false, 0, 0]);
    mb.free(m);
    expect(mb.toBytes(part)).toEqual(pattern(5000).slice(100, 150));
    mb.free(part);
    expect(whole.writable).toBe(true);
    mb.free(whole);
    expect(mb.store.used).toBe(0);
  });

  test('a copy of nothing is an empty packet', () => {
    const mb = pool();
    expect(mb.copym(mb.fromBytes(pattern(5)), 5, 10)).toMatchObject({ pktlen: 0, len: 0 });
  });
});

describe('memory', () => {
  test('is limited: what is beyond fails, and asks the protocols a little later', () => {
    const { k } = box();
    const mb = mbufsOf(k);
    mb.store.limit = 10 * 2048;
    let asked = 0;
    const forget = mb.onDrain(() => asked++);
    const held: Mbuf[] = [];
    k.run(() => {
      for (let m = mb.tryGet(2000, 0); m !== undefined; m = mb.tryGet(2000, 0)) held.push(m);
      expect(asked).toBe(0);
    });
    expect({ held: held.length, asked, drops: mb.drops, drains: mb.drains }).toEqual({ held: 10, asked: 1, drops: 1, drains: 1 });
    expect(codeOf(() => mb.get(1))).toBe('ENOBUFS');
    expect(codeOf(() => mb.fromBytes(pattern(100_000)))).toBe('ENOBUFS');
    forget();
    for (const m of held) mb.free(m);
    expect(mb.tryGet(2000)).toBeDefined();
  });

  test('a packet for whose front there is no memory is freed', () => {
    const mb = pool();
    const m = mb.fromBytes(pattern(256), 0);
    mb.store.limit = 256;
    expect(mb.prepend(m, 20)).toBeUndefined();
    expect(mb.used).toBe(0);
  });

  test('goes back to the kernel when it is asked for', () => {
    const { k } = box();
    const before = k.mem.used;
    const mb = mbufsOf(k);
    const held = [mb.get(10), mb.get(1000), mb.get(10_000)];
    for (let i = 0; i < 100; i++) mb.free(mb.get(1500));
    mb.free(held[2]!);
    mb.reclaim();
    expect(k.mem.used).toBe(before + 2 * 4096 + 2 * 192);
    for (const m of held.slice(0, 2)) mb.free(m);
    mb.reclaim();
    expect(k.mem.used).toBe(before);
    expect(mb.made).toBe(0);
  });

  test('of the kernel runs out: no packets, and what is free is given back', () => {
    const { k } = box([], { memLimitBytes: 256 << 10 });
    const mb = mbufsOf(k);
    const held: Mbuf[] = [];
    for (let m = mb.tryGet(100); m !== undefined; m = mb.tryGet(100)) held.push(m);
    expect(held.length).toBeGreaterThan(100);
    for (const m of held) mb.free(m);
    expect(() => k.mem.alloc(65_536)).not.toThrow();
  });
});

test('a queue of packets keeps their order, and its limit', () => {
  const mb = pool();
  const q = new Pktq(2);
  const [a, b, c] = [mb.get(1), mb.get(2), mb.get(3)];
  expect([q.enqueue(a), q.enqueue(b), q.enqueue(c)]).toEqual([true, true, false]);
  expect({ len: q.len, drops: q.drops }).toEqual({ len: 2, drops: 1 });
  expect(q.dequeue()).toBe(a);
  q.prepend(c);
  expect([q.dequeue(), q.dequeue(), q.dequeue()]).toEqual([c, b, undefined]);
  q.prepend(a);
  q.enqueue(b);
  expect([q.dequeue(), q.dequeue(), q.len]).toEqual([a, b, 0]);
});

/** Packets beside plain arrays, which must always have the same bytes. */
interface Pair {
  m: Mbuf;
  b: number[];
}

const STEPS: readonly ((mb: Mbufs, pairs: Pair[], rnd: (below: number) => number) => void)[] = [
  (mb, pairs, rnd) => {
    const data = pattern(rnd(3) === 0 ? rnd(9000) : rnd(300), rnd(256));
    pairs.push({ m: mb.fromBytes(data, rnd(2) * rnd(200)), b: [...data] });
  },
  (mb, pairs, rnd) => {
    const one = pairs[rnd(pairs.length)]!;
    const [off, len] = [rnd(one.b.length + 2), rnd(one.b.length + 2)];
    pairs.push({ m: mb.copym(one.m, off, len)!, b: one.b.slice(off, off + len) });
  },
  (mb, pairs, rnd) => {
    const one = pairs[rnd(pairs.length)]!;
    const len = 1 + rnd(128);
    one.m = mb.prepend(one.m, len)!;
    const front = pattern(len, rnd(256));
    one.m.buf.set(front, one.m.off);
    one.b.unshift(...front);
  },
  (mb, pairs, rnd) => {
    const one = pairs[rnd(pairs.length)]!;
    const len = rnd(one.b.length + 20) * (rnd(2) * 2 - 1);
    mb.adj(one.m, len);
    if (len >= 0) one.b.splice(0, len);
    else one.b.splice(Math.max(0, one.b.length + len));
  },
  (mb, pairs, rnd) => {
    const one = pairs[rnd(pairs.length)]!;
    const len = rnd(Math.min(one.b.length, 4000) + 1);
    one.m = rnd(2) === 0 ? mb.pullup(one.m, len)! : mb.own(one.m, len)!;
    expect(one.m.len).toBeGreaterThanOrEqual(len);
  },
  (mb, pairs, rnd) => {
    const i = rnd(pairs.length);
    const [one] = pairs.splice(i, 1);
    const other = pairs[rnd(pairs.length)];
    if (other === undefined) return void mb.free(one!.m);
    mb.cat(other.m, one!.m);
    other.b.push(...one!.b);
  },
  (mb, pairs, rnd) => {
    const one = pairs[rnd(pairs.length)]!;
    const off = rnd(one.b.length + 1);
    pairs.push({ m: mb.split(one.m, off)!, b: one.b.splice(off) });
  },
  (mb, pairs, rnd) => {
    const one = pairs[rnd(pairs.length)]!;
    const off = rnd(one.b.length + 1);
    const data = pattern(rnd(500), rnd(256));
    expect(mb.copyback(one.m, off, data)).toBe(true);
    one.b.splice(off, data.length, ...data);
  },
  (mb, pairs, rnd) => {
    const one = pairs[rnd(pairs.length)]!;
    const data = pattern(rnd(500), rnd(256));
    const at = rnd(data.length + 1);
    expect(mb.append(one.m, data, at)).toBe(true);
    one.b.push(...data.subarray(at));
  },
  (mb, pairs, rnd) => {
    const [one] = pairs.splice(rnd(pairs.length), 1);
    mb.free(one!.m);
  },
];

function check(mb: Mbufs, { m, b }: Pair): void {
  expect({ pktlen: m.pktlen, counted: lengthOf(m) }).toEqual({ pktlen: b.length, counted: b.length });
  expect(Buffer.compare(mb.toBytes(m), Uint8Array.from(b))).toBe(0);
}

test.each([1, 2, 3, 4])('packets have the bytes that plain arrays have, seed %d', (seed) => {
  const rnd = random(seed);
  const mb = pool();
  const pairs: Pair[] = [];
  for (let step = 0; step < 200; step++) {
    const which = pairs.length === 0 ? 0 : rnd(STEPS.length);
    STEPS[which]!(mb, pairs, rnd);
    for (const pair of pairs) check(mb, pair);
    while (pairs.length > 12) mb.free(pairs.shift()!.m);
  }
  for (const pair of pairs) mb.free(pair.m);
  expect({ mbufs: mb.used, bytes: mb.store.used }).toEqual({ mbufs: 0, bytes: 0 });
});
