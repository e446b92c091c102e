/**
 * Whatever the bytes are: a table or none, in bounded time and reads. Truncation at every length, and mutation by seed (DISK_FUZZ rounds).
 */
import { describe, expect, test } from '@jest/globals';
import { hostSim } from '@anykernel/host-sim';
import { DIOCLWEDGES, DIOCMWEDGES, O_RDONLY, O_RDWR, newDkwedgeList, parseDkwedgeList } from '@anykernel/lib-sys';
import { md } from '@anykernel/md';
import { boot } from '@anykernel/rumpkern';
import { type Table, disk, scanTable } from '../src/index.js';
import { Bytes, SECTOR, putApple, putGpt, putLabel, putMbr, rng } from './kit.js';

const SAMPLES: readonly (readonly [name: string, bytes: Uint8Array])[] = [
  ['gpt', sample(64, (b) => putGpt(b, [{ start: 10, end: 19, name: 'one' }, { start: 20, end: 29, name: 'two' }]))],
  ['mbr', sample(64, mbrWithChain)],
  ['label', sample(64, (b) => putLabel(b, 512, [{ offset: 8, size: 20, fstype: 7 }, { offset: 28, size: 10, fstype: 1 }]))],
  ['slice', sample(64, mbrWithLabel)],
  ['apple', sample(64, (b) => putApple(b, [{ start: 1, blocks: 7, name: 'Apple', type: 'Apple_partition_map' }, { start: 8, blocks: 30, name: 'x', type: 'Apple_HFS' }]))],
];

function sample(sectors: number, fill: (b: Uint8Array) => void): Uint8Array {
  const b = new Uint8Array(sectors * SECTOR);
  fill(b);
  return b;
}

function mbrWithChain(b: Uint8Array): void {
  putMbr(b, 0, [{ type: 0x83, start: 2, count: 8 }, { type: 5, start: 10, count: 50 }]);
  putMbr(b, 10, [{ type: 0x83, start: 1, count: 9 }, { type: 5, start: 10, count: 10 }]);
  putMbr(b, 20, [{ type: 0x83, start: 1, count: 9 }, { type: 5, start: 20, count: 10 }]);
  putMbr(b, 30, [{ type: 0x83, start: 1, count: 9 }]);
}

function mbrWithLabel(b: Uint8Array): void {
  putMbr(b, 0, [{ type: 0xa5, start: 8, count: 50 }]);
  putLabel(b, 9 * SECTOR, [{ offset: 16, size: 20, fstype: 7 }]);
}

/** What holds of every table, and of the reads that it took. */
function check(m: Bytes, t: Table | undefined): void {
  for (const p of t?.parts ?? []) {
    if (p.fault !== undefined) continue;
    if (!(p.size > 0 && p.off >= 0 && p.off + p.size <= m.size)) throw new Error(`part ${p.id}: ${p.off}+${p.size} is not on a disk of ${m.size}`);
  }
  if (new Set(t?.parts.map((p) => p.id)).size !== (t?.parts.length ?? 0)) throw new Error('two parts have one number');
  if (m.reads > 3000 || m.bytesRead > 16 << 20) throw new Error(`${m.reads} reads of ${m.bytesRead} bytes`);
}

describe.each(SAMPLES)('%s', (_name, bytes) => {
  test('cut off at every length is a table or none', () => {
    for (let len = 0; len <= bytes.length; len += len < 8192 ? 1 : 37) {
      for (const secsize of [512, 4096]) {
        const m = new Bytes(bytes.subarray(0, len), secsize);
        check(m, scanTable(m));
      }
    }
  });

  test('with bytes changed is a table or none', () => {
    const rounds = Number(process.env['DISK_FUZZ'] ?? 3000);
    for (let seed = 1; seed <= rounds; seed++) {
      const m = new Bytes(mutated(bytes, seed));
      try {
        check(m, scanTable(m));
      } catch (e) {
        throw new Error(`seed ${seed}: ${String(e)}`, { cause: e });
      }
    }
  });
});

const INTERESTING: readonly number[] = [0, 1, 0x7f, 0x80, 0xff, 5, 0x0f, 0xee, 0xa5, 0xa9];

/** One to eight changes in the sectors that are not empty. */
function mutated(bytes: Uint8Array, seed: number): Uint8Array {
  const b = bytes.slice();
  const r = rng(seed);
  for (let n = 1 + r(8); n > 0; n--) {
    const sector = r(40);
    const at = sector * SECTOR + (r(2) === 0 ? r(SECTOR) : 440 + r(72));
    const len = [1, 1, 2, 4, 8, 16][r(6)] as number;
    const value = r(2) === 0 ? r(256) : (INTERESTING[r(INTERESTING.length)] as number);
    b.fill(value, at, at + len);
  }
  return b;
}

describe('in a kernel', () => {
  test('whatever the bytes are: wedges that can be read, and all is given back when the disk goes', () => {
    const k = boot(hostSim(), [md, disk]);
    const disks = k.modules.use(md);
    const names = k.sysctl.get('hw.disknames');
    for (const [name, bytes] of SAMPLES) {
      for (let seed = 1; seed <= 40; seed++) {
        const unit = k.run(() => disks.create(bytes.length));
        const { sys } = k.proc1;
        const raw = sys.open(`/dev/rmd${unit}d`, O_RDWR, 0);
        sys.pwrite(raw, mutated(bytes, seed), 0);
        sys.ioctl(raw, DIOCMWEDGES, new Uint8Array(4));
        const list = newDkwedgeList(64);
        sys.ioctl(raw, DIOCLWEDGES, list);
        for (const w of parseDkwedgeList(list).wedges) {
          const fd = sys.open(`/dev/r${w.devname}`, O_RDONLY, 0);
          expect([name, seed, sys.pread(fd, new Uint8Array(512), (w.size - 1) * 512)]).toEqual([name, seed, 512]);
          sys.close(fd);
        }
        sys.close(raw);
        k.run(() => disks.destroy(unit));
        expect([name, seed, k.sysctl.get('hw.disknames')]).toEqual([name, seed, names]);
      }
    }
    k.halt();
  });
});
