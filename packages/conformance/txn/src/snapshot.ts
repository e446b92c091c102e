/**
 * What a file system holds: the disk with the dirty buffers of its cache laid over it, and which of them are dirty.
 *
 * Buffers that were merely read since do not count; buffers that say something else than the disk, without being dirty, do.
 */
import type { Bcache } from '@anykernel/rumpvfs';

export class Snapshot {
  readonly #disk: Uint8Array;
  readonly #cached = new Map<number, Uint8Array>();
  readonly #dirty = new Set<number>();
  readonly #bsize: number;

  /** `disk`: the device's bytes, kept. */
  constructor(disk: Uint8Array, bcache: Bcache) {
    this.#disk = disk;
    this.#bsize = bcache.bsize;
    for (const bp of bcache.bufs()) {
      if (!bp.valid) continue;
      this.#cached.set(bp.blkno, bp.data.slice());
      if (bp.dirty) this.#dirty.add(bp.blkno);
    }
  }

  /** The first thing in which `after` differs; undefined: nothing has happened in between. */
  difference(after: Snapshot): string | undefined {
    const blocks = new Set([...this.#cached.keys(), ...after.#cached.keys()]);
    for (const blkno of [...blocks].sort((a, b) => a - b)) {
      const was = this.#block(blkno);
      const is = after.#block(blkno);
      for (let i = 0; i < was.length; i++) {
        if (was[i] !== is[i]) return `block ${blkno}, byte ${i}: ${was[i]} before, ${is[i]} after`;
      }
      if (this.#dirty.has(blkno) !== after.#dirty.has(blkno) && !same(is, after.#onDisk(blkno))) {
        return `block ${blkno}: ${this.#dirty.has(blkno) ? 'dirty' : 'clean'} before, and not after`;
      }
    }
    return same(this.#disk, after.#disk) || this.#written(after) ? undefined : 'the disk has changed';
  }

  #block(blkno: number): Uint8Array {
    return this.#cached.get(blkno) ?? this.#onDisk(blkno);
  }

  #onDisk(blkno: number): Uint8Array {
    return this.#disk.subarray(blkno * this.#bsize, (blkno + 1) * this.#bsize);
  }

  /** Whether the disk has changed only by what was dirty before, as it was: a cache may write at any time. */
  #written(after: Snapshot): boolean {
    for (let blkno = 0; blkno * this.#bsize < this.#disk.length; blkno++) {
      if (same(this.#onDisk(blkno), after.#onDisk(blkno))) continue;
      if (!this.#dirty.has(blkno) || !same(this.#block(blkno), after.#onDisk(blkno))) return false;
    }
    return true;
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
