import { hostSim } from '@anykernel/host-sim';
import { Mem, Uio, copy } from '@anykernel/rumpkern';
import { box, bytes, codeOf, random, text } from './help.js';

test('chunks of one class do not overlap, and come back', () => {
  const host = hostSim();
  const mem = new Mem(host, Infinity);
  const next = random(5);
  const live: { chunk: Uint8Array; mark: number }[] = [];
  for (let i = 0; i < 3000; i++) {
    if (live.length > 0 && next(2) === 0) {
      const [{ chunk, mark }] = live.splice(next(live.length), 1);
      expect([chunk[0], chunk[chunk.length - 1]]).toEqual([mark, mark]);
      mem.free(chunk);
    } else {
      const chunk = mem.alloc(4096 << next(5));
      const mark = i & 0xff;
      chunk[0] = chunk[chunk.length - 1] = mark;
      live.push({ chunk, mark });
    }
  }
  expect(mem.used).toBe(live.reduce((sum, { chunk }) => sum + chunk.length, 0));
  mem.release();
  expect([host.allocated, mem.used]).toEqual([0, 0]);
});

test('only powers of two from 4 to 64 KiB are chunks', () => {
  const mem = new Mem(hostSim(), Infinity);
  for (const len of [0, 1, 2048, 5000, 131_072]) expect(() => mem.alloc(len)).toThrow(`no chunk of ${len} bytes`);
});

test('near the limit caches are asked, and when nothing helps it is ENOMEM', () => {
  const mem = new Mem(hostSim(), 16_384);
  const kept = [mem.alloc(8192), mem.alloc(4096), mem.alloc(4096)];
  expect(codeOf(() => mem.alloc(4096))).toBe('ENOMEM');
  const asked: number[] = [];
  const out = mem.onPressure((want) => {
    asked.push(want);
    const chunk = kept.pop();
    if (chunk !== undefined) mem.free(chunk);
  });
  mem.alloc(4096);
  expect(asked).toEqual([4096]);
  out();
  expect(codeOf(() => mem.alloc(4096))).toBe('ENOMEM');
  expect(codeOf(() => mem.charge(1))).toBe('ENOMEM');
  mem.uncharge(1);
  mem.charge(1);
  expect(mem.used).toBe(16_384);
});

test('what the host refuses is not counted', () => {
  const mem = new Mem(hostSim({ memLimitBytes: 65_536 }), Infinity);
  mem.alloc(65_536);
  expect(codeOf(() => mem.alloc(65_536))).toBe('ENOMEM');
  expect(mem.used).toBe(65_536);
});

test('RUMP_MEMLIMIT has units, and an option goes before it', () => {
  const limit = (params: Record<string, string>, memLimitBytes?: number): number =>
    box([], memLimitBytes === undefined ? {} : { memLimitBytes }, { params }).k.mem.limit;
  expect([limit({ RUMP_MEMLIMIT: '4096' }), limit({ RUMP_MEMLIMIT: '2k' }), limit({ RUMP_MEMLIMIT: '3M' }), limit({ RUMP_MEMLIMIT: '1g' })]).toEqual([
    4096, 2048, 3_145_728, 1_073_741_824,
  ]);
  expect([limit({}), limit({ RUMP_MEMLIMIT: 'lots' }), limit({ RUMP_MEMLIMIT: '1k' }, 77)]).toEqual([Infinity, Infinity, 77]);
});

test('a uio moves across the borders of its buffers, in either direction', () => {
  for (const seed of [1, 2, 3]) {
    const next = random(seed);
    const lens = Array.from({ length: 20 }, () => (next(4) === 0 ? 0 : next(300)));
    const total = lens.reduce((a, b) => a + b, 0);
    const data = Uint8Array.from({ length: total + 50 }, (_, i) => i & 0xff);
    const bufs = lens.map((len) => new Uint8Array(len));
    const uio = new Uio().initv(bufs, 1000, 'read');
    let at = 0;
    while (uio.resid > 0) at += uio.move(data, at, 1 + next(200));
    expect([seed, uio.moved, uio.offset, uio.move(data, 0, 5)]).toEqual([seed, total, 1000 + total, 0]);
    expect(Buffer.compare(Buffer.concat(bufs), data.subarray(0, total))).toBe(0);
    const back = new Uint8Array(total);
    const out = new Uio().initv(bufs, 0, 'write');
    while (out.resid > 0) {
      const piece = out.peek(1 + next(100)) as Uint8Array;
      back.set(piece, out.moved);
      out.skip(piece.length);
    }
    expect([out.peek(1), Buffer.compare(back, data.subarray(0, total))]).toEqual([undefined, 0]);
  }
});

test('a uio goes back to where it began', () => {
  const data = Uint8Array.from({ length: 10 }, (_, i) => i + 1);
  for (const bufs of [[new Uint8Array(10)], [new Uint8Array(0), new Uint8Array(3), new Uint8Array(7)]]) {
    const uio = bufs.length === 1 ? new Uio().init(bufs[0]!, 50, 'read') : new Uio().initv(bufs, 50, 'read');
    uio.move(data, 5, 5);
    uio.rewind();
    expect([uio.resid, uio.moved, uio.offset]).toEqual([10, 0, 50]);
    uio.move(data, 0, 10);
    expect(Buffer.compare(Buffer.concat(bufs), data)).toBe(0);
  }
});

test('a uio gives zeros, and refuses what is no buffer', () => {
  const buf = bytes('xxxxxx');
  const uio = new Uio().initv([buf.subarray(0, 2), buf.subarray(2, 5)], 0, 'read');
  expect([uio.moveZeros(3), text(buf)]).toEqual([3, '\0\0\0xxx']);
  expect([uio.moveZeros(99), text(buf)]).toEqual([2, '\0\0\0\0\0x']);
  expect(codeOf(() => new Uio().init('no' as never, 0, 'read'))).toBe('EFAULT');
  expect(codeOf(() => new Uio().initv([buf, undefined as never], 0, 'read'))).toBe('EFAULT');
});

test('a copy is the same, short or long', () => {
  for (const len of [0, 1, 64, 65, 500]) {
    const from = Uint8Array.from({ length: 600 }, (_, i) => i * 3);
    const to = new Uint8Array(600);
    copy(to, 7, from, 11, len);
    expect(Buffer.compare(to.subarray(7, 7 + len), from.subarray(11, 11 + len))).toBe(0);
    expect([to[6], to[7 + len]]).toEqual([0, 0]);
  }
});
