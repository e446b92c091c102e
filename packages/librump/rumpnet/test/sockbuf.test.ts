import { describe, expect, test } from '@jest/globals';
import { SOCK_STREAM } from '@anykernel/lib-sys';
import { MSIZE, MT_CONTROL, MT_SONAME, M_EOR, type Mbuf, type Mbufs, Sockbuf, type Socket, rumpnetOf, socketOf } from '../src/index.js';
import { box, bytes, pattern, random } from './help.js';
import { AF_LOOP, loop } from './loop.js';

function buffer(len = 10_000): { sb: Sockbuf; mb: Mbufs } {
  const { k, p } = box([loop]);
  const so: Socket = socketOf(p.fd.get(p.sys.socket(AF_LOOP, SOCK_STREAM, 0)));
  const mb = rumpnetOf(k).mbufs;
  const sb = new Sockbuf(so, mb);
  sb.reserve(len, 1 << 20);
  return { sb, mb };
}

function mbuf(mb: Mbufs, data: string | Uint8Array, type?: number): Mbuf {
  const m = mb.fromBytes(typeof data === 'string' ? bytes(data) : data, 0);
  if (type !== undefined) m.type = type;
  return m;
}

/** What is in a buffer: its records, each as its kinds and texts. */
function records(sb: Sockbuf): string[] {
  const all: string[] = [];
  for (let record = sb.head; record !== undefined; record = record.nextpkt) {
    let one = '';
    for (let m: Mbuf | undefined = record; m !== undefined; m = m.next) {
      const kind = m.type === MT_SONAME ? '@' : m.type === MT_CONTROL ? '!' : '';
      one += `${one === '' ? '' : ' '}${kind}${String.fromCharCode(...m.buf.subarray(m.off, m.off + m.len))}${(m.flags & M_EOR) === 0 ? '' : '.'}`;
    }
    all.push(one);
  }
  return all;
}

describe('a socket buffer', () => {
  test('joins what comes on a stream, and copies what is short', () => {
    const { sb, mb } = buffer();
    for (const piece of ['ab', 'cd', '', 'ef']) sb.appendstream(mbuf(mb, piece));
    sb.appendstream(mbuf(mb, new Uint8Array(2000).fill(0x78)));
    expect([records(sb)[0]!.slice(0, 9), sb.cc, mb.used]).toEqual(['abcdef xx', 2006, 2]);
    sb.drop(4);
    expect([records(sb)[0]!.slice(0, 4), sb.cc]).toEqual(['ef x', 2002]);
    sb.drop(2002);
    expect([sb.head, sb.lastrecord, sb.mbtail, sb.cc, sb.mbcnt, mb.used]).toEqual([undefined, undefined, undefined, 0, 0, 0]);
  });

  test('does not write into storage that is shared', () => {
    const { sb, mb } = buffer();
    sb.appendstream(mbuf(mb, 'shared'));
    const copy = mb.copym(sb.head!, 0, 6)!;
    sb.appendstream(mbuf(mb, ' more'));
    expect(records(sb)).toEqual(['shared  more']);
    expect(mb.toBytes(copy)).toEqual(bytes('shared'));
  });

  test('keeps messages apart, with addresses and ancillary data', () => {
    const { sb, mb } = buffer();
    sb.appendaddr(bytes('A'), mbuf(mb, 'one'), undefined);
    sb.appendaddr(bytes('B'), mbuf(mb, 'two'), mbuf(mb, 'c', MT_CONTROL));
    sb.appendaddr(bytes('C'), undefined, undefined);
    sb.appendcontrol(mbuf(mb, 'four'), mbuf(mb, 'd', MT_CONTROL));
    expect(records(sb)).toEqual(['@A one', '@B !c two', '@C', '!d four']);
    expect([sb.cc, sb.ctl]).toEqual([10, 5]);
    sb.droprecord();
    expect(records(sb)).toEqual(['@B !c two', '@C', '!d four']);
    sb.flush();
    expect([sb.cc, sb.ctl, sb.mbcnt, mb.used]).toEqual([0, 0, 0, 0]);
  });

  test('keeps the end of a record', () => {
    const { sb, mb } = buffer();
    const end = mbuf(mb, 'end');
    end.flags |= M_EOR;
    sb.appendstream(mbuf(mb, 'the '));
    sb.appendstream(end);
    sb.appendstream(mbuf(mb, 'next'));
    expect(records(sb)).toEqual(['the end. next']);
  });

  test('takes no message that does not fit, and counts it', () => {
    const { sb, mb } = buffer(10);
    const m = mbuf(mb, '12345678');
    expect(sb.appendaddr(bytes('abc'), m, undefined)).toBe(false);
    expect([sb.overflowed, sb.head, mb.used]).toEqual([1, undefined, 1]);
    expect(sb.appendaddr(bytes('ab'), m, undefined)).toBe(true);
    expect(sb.space).toBe(0);
    expect(sb.appendcontrol(undefined, mbuf(mb, 'c', MT_CONTROL))).toBe(false);
  });

  test('has limits on memory, too: many short messages fill it', () => {
    const { sb, mb } = buffer(10_000);
    let count = 0;
    while (sb.appendaddr(bytes('a'), mbuf(mb, 'b'), undefined)) count++;
    expect(sb.cc + sb.ctl).toBeLessThan(10_000);
    expect(count * 2 * (MSIZE + 256)).toBeGreaterThanOrEqual(sb.mbmax - 2 * (MSIZE + 256));
    expect(sb.mbcnt).toBeLessThanOrEqual(sb.mbmax + 2 * (MSIZE + 256));
  });

  test('a part of a large storage counts as what it is', () => {
    const { sb, mb } = buffer(100_000);
    const large = mb.fromBytes(new Uint8Array(60_000), 0);
    for (let at = 0; at < 60_000; at += 1000) sb.appendstream(mb.copym(large, at, 1000)!);
    expect([sb.cc, sb.mbcnt]).toEqual([60_000, 60 * (1000 + MSIZE)]);
    mb.free(large);
    sb.flush();
    expect([sb.mbcnt, mb.used]).toEqual([0, 0]);
  });

  test('sizes are between one byte and the most that anybody may have', () => {
    const { sb } = buffer();
    expect([sb.reserve(0, 100), sb.reserve(101, 100), sb.hiwat, sb.reserve(100, 100), sb.hiwat]).toEqual([false, false, 10_000, true, 100]);
    sb.lowat = 90;
    sb.reserve(50, 100);
    expect(sb.lowat).toBe(50);
  });

  test.each([1, 2, 3])('has the bytes of a stream in order, whatever is appended and dropped, seed %d', (seed) => {
    const rnd = random(seed);
    const { sb, mb } = buffer(1 << 19);
    const model: number[] = [];
    const held: Mbuf[] = [];
    for (let step = 0; step < 600; step++) {
      if (rnd(3) > 0 && model.length < 100_000) {
        const data = pattern(rnd(5) === 0 ? rnd(5000) : rnd(100), rnd(256));
        sb.appendstream(mbuf(mb, data));
        model.push(...data);
      } else {
        const len = rnd(Math.min(model.length, 3000) + 1);
        sb.drop(len);
        model.splice(0, len);
      }
      if (sb.head !== undefined && rnd(4) === 0) held.push(mb.copym(sb.head, rnd(model.length + 1), rnd(2000))!);
      if (held.length > 5) mb.free(held.shift()!);
      expect([seed, step, sb.cc]).toEqual([seed, step, model.length]);
    }
    const all = new Uint8Array(model.length);
    if (sb.head !== undefined) mb.copydata(sb.head, 0, all.length, all);
    expect(Buffer.compare(all, Uint8Array.from(model))).toBe(0);
    sb.flush();
    for (const m of held) mb.free(m);
    expect([sb.mbcnt, mb.used, mb.store.used]).toEqual([0, 0, 0]);
  });
});
