import { equalBytes, getU32le, putU32le } from '@anykernel/lib-bytes';
import { BUS_HDR_LEN, BUS_LEN, BUS_MAGIC, Bus, PKT_HDR_LEN, initBus, isBus } from '@anykernel/shmif';

const ME = { lo: 0x1234_5678, hi: 0x9abc_def0 };

function newBus(len: number): Uint8Array {
  const memory = new Uint8Array(new SharedArrayBuffer(len));
  expect(initBus(memory)).toBe(true);
  return memory;
}

function write(bus: Bus, frame: Uint8Array, flags = 0, gap = 0): void {
  if (!bus.lock()) throw new Error('no lock');
  bus.begin(frame.length, 1, 2, ME, flags, gap);
  // In pieces, as a chain of mbufs comes.
  const half = frame.length >> 1;
  bus.put(frame, 0, half);
  bus.put(frame, half, frame.length - half);
  bus.unlock();
}

/** The next frame, or undefined. */
function read(bus: Bus): Uint8Array | undefined {
  if (!bus.lock()) throw new Error('no lock');
  const found = bus.next();
  const frame = new Uint8Array(found ? bus.len : 0);
  if (found) bus.take(0, frame, 0, frame.length);
  bus.unlock();
  return found ? frame : undefined;
}

function frame(index: number, len: number): Uint8Array {
  return Uint8Array.from({ length: len }, (_, i) => index + i);
}

describe('the layout', () => {
  // rump-facts: a new bus has magic and version, first is the length of the ring, and the first packet lands at 24 of the ring.
  test('is NetBSD\'s', () => {
    const memory = newBus(BUS_LEN);
    expect([0, 4, 8, 12, 16, 20, 24, 28].map((at) => getU32le(memory, at))).toEqual([BUS_MAGIC, 3, 0, 0, 1_048_544, 0, 0, 0]);
    write(new Bus(memory), Uint8Array.of(1, 2, 3));
    expect(getU32le(memory, 20)).toBe(24);
    const at = BUS_HDR_LEN + 24;
    expect([0, 4, 8, 12, 16, 20].map((off) => getU32le(memory, at + off))).toEqual([3, 1, 2, 0, ME.lo, ME.hi]);
    expect([...memory.subarray(at + PKT_HDR_LEN, at + PKT_HDR_LEN + 3)]).toEqual([1, 2, 3]);
    write(new Bus(memory), Uint8Array.of(4));
    expect(getU32le(memory, 20)).toBe(24 + PKT_HDR_LEN + 3);
    expect(getU32le(memory, 16)).toBe(1_048_544);
  });

  test('memory that is not blank is not made a bus, and no bus is taken for one', () => {
    expect(initBus(new Uint8Array(BUS_LEN).fill(1, 0, 4))).toBe(false);
    expect(initBus(new Uint8Array(BUS_HDR_LEN))).toBe(false);
    expect(isBus(new Uint8Array(BUS_LEN))).toBe(false);
    const old = newBus(BUS_LEN);
    putU32le(old, 4, 2);
    expect(isBus(old)).toBe(false);
  });
});

describe('the layout of a native bus', () => {
  test('has packets at multiples of eight, and the frame as far behind as it was asked for', () => {
    const memory = newBus(BUS_HDR_LEN + 1000);
    const bus = new Bus(memory, true);
    const reader = new Bus(memory, true);
    write(bus, Uint8Array.of(1, 2, 3), 9, 6);
    const at = BUS_HDR_LEN + 24;
    expect([0, 8, 12].map((off) => getU32le(memory, at + off))).toEqual([16, (3 << 3) | 6, 9]);
    expect([...memory.subarray(at + PKT_HDR_LEN + 6, at + PKT_HDR_LEN + 9)]).toEqual([1, 2, 3]);
    write(bus, Uint8Array.of(4), 0, 7);
    expect(getU32le(memory, 20)).toBe(24 + PKT_HDR_LEN + 16);
    expect(read(reader)).toEqual(Uint8Array.of(1, 2, 3));
    expect([reader.gap, reader.flags]).toEqual([6, 9]);
    expect(read(reader)).toEqual(Uint8Array.of(4));
  });

  test('a frame that is longer than its room is the end', () => {
    const memory = newBus(BUS_HDR_LEN + 1000);
    const reader = new Bus(memory, true);
    write(new Bus(memory, true), Uint8Array.of(1, 2, 3), 0, 1);
    putU32le(memory, BUS_HDR_LEN + 24 + 8, (8 << 3) | 1);
    expect(read(reader)).toBeUndefined();
    expect(reader.overruns).toBe(1);
  });
});

describe.each([false, true])('reading (native: %j)', (native) => {
  test('begins after what was there', () => {
    const memory = newBus(4096);
    write(new Bus(memory, native), frame(1, 10));
    const reader = new Bus(memory, native);
    expect(read(reader)).toBeUndefined();
    write(new Bus(memory, native), frame(2, 20));
    expect(read(reader)).toEqual(frame(2, 20));
    expect(read(reader)).toBeUndefined();
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('gives everything in order, round and round a ring of odd length (seed %i)', (seed) => {
    const memory = newBus(BUS_HDR_LEN + 1000 + seed);
    const writer = new Bus(memory, native);
    const reader = new Bus(memory, native);
    let state = seed;
    for (let i = 0; i < 2000; i++) {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fff_ffff;
      const one = frame(i, state % 300);
      write(writer, one, i, native ? i & 7 : 0);
      const got = read(reader);
      if (got === undefined || !equalBytes(got, one) || reader.flags !== i) throw new Error(`packet ${i} is another`);
    }
    expect(reader.overruns).toBe(0);
    expect(read(reader)).toBeUndefined();
  });

  test.each([1, 2, 3, 4])('that is late loses the oldest packets, and goes on in order (seed %i)', (seed) => {
    const memory = newBus(BUS_HDR_LEN + 400 + 97 * seed);
    const writer = new Bus(memory, native);
    const reader = new Bus(memory, native);
    let state = seed;
    const next = (n: number): number => (state = (Math.imul(state, 1103515245) + 12345) & 0x7fff_ffff) % n;
    let written = 0;
    let last = -1;
    let lost = 0;
    for (let round = 0; round < 300; round++) {
      for (let i = next(30); i > 0; i--) write(writer, frame(written % 200, 2 + next(100)), written++);
      for (let got = read(reader); got !== undefined; got = read(reader)) {
        if (!equalBytes(got, frame(reader.flags % 200, got.length))) throw new Error(`packet ${reader.flags} is another`);
        expect(reader.flags).toBeGreaterThan(last);
        lost += reader.flags - last - 1;
        last = reader.flags;
      }
      if (written > 0) expect(last).toBe(written - 1);
    }
    expect(lost).toBeGreaterThan(0);
    expect(reader.overruns).toBeGreaterThan(0);
  });

  test('a packet that fills the ring to the last byte, and one after it', () => {
    const memory = newBus(BUS_HDR_LEN + 200);
    const writer = new Bus(memory, native);
    const reader = new Bus(memory, native);
    write(writer, frame(1, 200 - 2 * PKT_HDR_LEN));
    expect(read(reader)).toEqual(frame(1, 200 - 2 * PKT_HDR_LEN));
    write(writer, frame(2, 5));
    expect(read(reader)).toEqual(frame(2, 5));
    expect(reader.overruns).toBe(0);
  });
});

test.each([false, true])('whatever is in the memory, reading and writing end, and stay inside it (native: %j)', (native) => {
  let state = 99;
  const next = (): number => (state = (Math.imul(state, 1664525) + 1013904223) | 0) >>> 0;
  for (let round = 0; round < 400; round++) {
    const memory = newBus(BUS_HDR_LEN + 512);
    const bus = new Bus(memory, native);
    write(bus, frame(round, 100));
    for (let i = 0; i < 8; i++) putU32le(memory, (next() % 132) * 4, i % 2 === 0 ? next() : next() % 700);
    putU32le(memory, 24, 0);
    const late = new Bus(memory, native);
    for (let i = 0; i < 20; i++) {
      if (late.lock() && late.next()) {
        const len = late.len;
        if (len <= 512) late.take(0, new Uint8Array(len), 0, len);
      }
      late.unlock();
    }
    write(late, frame(1, 50));
  }
});

test('a lock that nobody gives back does not hang', () => {
  const memory = newBus(4096);
  const bus = new Bus(memory);
  expect(bus.lock()).toBe(true);
  expect(new Bus(memory).lock()).toBe(false);
});
