/** A bus whose memory somebody has filled with whatever he likes: it is read, and written to, and nothing comes of it but packets and losses. */
import { test } from '@jest/globals';
import { Random, damage, fuzzRuns, patched, soon } from '@anykernel/conformance-fuzz';
import { putU32le } from '@anykernel/lib-bytes';
import { BUS_HDR_LEN, Bus, initBus } from '@anykernel/shmif';

const ME = { lo: 1, hi: 2 };
/** Rounds of reading and writing on one memory, and packets that are read in a row. */
const ROUNDS = 12;

/** A bus with some packets in it, in memory that is shared. */
function sound(random: Random, size: number, native: boolean): Uint8Array {
  const memory = new Uint8Array(new SharedArrayBuffer(size));
  initBus(memory);
  const bus = new Bus(memory, native);
  for (let i = random.below(40); i > 0; i--) send(bus, random);
  return memory;
}

function send(bus: Bus, random: Random): void {
  const frame = new Uint8Array(random.below(Math.max(1, Math.min(1500, bus.maxLen)))).fill(7);
  bus.begin(frame.length, 1, 2, ME, random.next(), bus.native ? random.below(8) : 0);
  bus.put(frame, 0, frame.length);
}

/** Numbers of the header that are on the edge of something. */
function spoil(random: Random, memory: Uint8Array): void {
  const size = memory.length - BUS_HDR_LEN;
  const edges = [0, 1, size - 1, size, size + 1, size >> 1, 24, 0xffff_ffff, 0x8000_0000, random.next()];
  for (const at of [8, 12, 16, 20]) if (random.below(3) === 0) putU32le(memory, at, random.pick(edges));
  const worse = patched(memory.slice(), Array.from({ length: random.below(6) }, () => damage(random, memory, [[8, 24], [BUS_HDR_LEN, Math.min(memory.length, 300)]])));
  memory.set(worse.subarray(8), 8);
  putU32le(memory, 24, 0);
}

function use(bus: Bus, random: Random): void {
  for (let i = 0; i < 300 && bus.next(); i++) {
    if (bus.len > 2 * 70_000) throw new Error(`a packet of ${bus.len} bytes`);
    bus.byteAt(0);
    const into = new Uint8Array(bus.len);
    bus.take(0, into, 0, bus.len);
    bus.take(Math.min(bus.len, 14), into, 0, Math.max(0, bus.len - 14));
  }
  for (let i = random.below(6); i > 0; i--) send(bus, random);
}

test.each([false, true])('whatever the memory holds, a bus is read and written (native: %s)', (native) => {
  const runs = fuzzRuns(600);
  for (let run = 1; run <= runs; run++) {
    const random = new Random(run);
    const memory = sound(random, random.pick([96, 136, 200, 1000, 4096, 65_536]), native);
    const bus = new Bus(memory, native);
    try {
      for (let round = 0; round < ROUNDS; round++) {
        spoil(random, memory);
        soon(5000, () => use(random.below(4) === 0 ? new Bus(memory, native) : bus, random));
      }
    } catch (e) {
      throw new Error(`run ${run}`, { cause: e });
    }
  }
});
