/** A file on a simulated disk with a block map of its own, beside a plain array that says what it must hold. */
import type { Rng } from '@anykernel/host-sim';
import { Uio } from '@anykernel/rumpkern';
import { pagedUobj } from '../src/pageduobj.js';
import type { PagedUobj } from '../src/pageduobj.js';
import type { Pager } from '../src/uobj.js';
import { uobjDiscard } from '../src/uobjholes.js';
import type { Run } from '../src/vnode.js';
import type { Rig } from './rig.js';

export class ModelFile {
  readonly u: PagedUobj;
  size = 0;
  /** What the file holds, beyond its size zeros. */
  readonly want: Uint8Array;
  /** Device block of each block of the file; -1: a hole. */
  readonly map: number[];
  readonly bsize: number;
  readonly #rig: Rig;
  readonly #free: number[] = [];
  /** New blocks that hold what they held before. */
  readonly #fresh = new Set<number>();
  readonly #rng: Rng;
  /** One block in this many is not the next one of the device. */
  scatter = 8;

  /** `from`, `to`: the part of the device that it may use, in bytes. */
  constructor(rig: Rig, bshift: number, max: number, from = 0, to: number = rig.disk.size) {
    this.#rig = rig;
    this.#rng = rig.rng;
    this.bsize = 1 << bshift;
    this.want = new Uint8Array(max);
    this.map = new Array<number>(Math.ceil(max / this.bsize)).fill(-1);
    for (let b = Math.floor(to / this.bsize) - 1; b * this.bsize >= from; b--) this.#free.push(b);
    const pager: Pager = { disk: rig.disk, bshift, writable: true, bmap: (lbn, run) => this.#bmap(lbn, run) };
    this.u = pagedUobj(rig.k, pager);
  }

  #bmap(lbn: number, run: Run): void {
    run.blkno = this.map[lbn] ?? -1;
    run.count = 1;
    while (lbn + run.count < this.map.length && this.map[lbn + run.count] === (run.blkno === -1 ? -1 : run.blkno + run.count)) run.count++;
  }

  /** Blocks for [off, off+len). Of one that is larger than a page, the rest is zeroed. */
  allocate(off: number, len: number): void {
    for (let lbn = Math.floor(off / this.bsize); lbn * this.bsize < off + len; lbn++) {
      if (this.map[lbn] !== -1) continue;
      // Mostly one after another, sometimes from anywhere.
      const at = this.#rng.below(this.scatter) === 0 ? this.#rng.below(this.#free.length) : this.#free.length - 1;
      this.map[lbn] = this.#free.splice(at, 1)[0];
      if (this.bsize > 4096) this.#fresh.add(lbn);
    }
  }

  #clean(): void {
    for (const lbn of this.#fresh) {
      this.u.zero(lbn * this.bsize, this.bsize, this.size);
      this.#fresh.delete(lbn);
    }
  }

  #release(lbn: number): void {
    if (this.map[lbn] === -1) return;
    this.#free.push(this.map[lbn]);
    this.map[lbn] = -1;
  }

  write(off: number, data: Uint8Array): void {
    const uio = new Uio().init(data, off, 'write');
    const before = this.size;
    this.#rig.call(() => {
      this.u.prepare(uio.offset, uio.resid, before);
      this.allocate(off, data.length);
      this.#clean();
      this.u.write(uio, uio.resid, before);
    });
    this.want.set(data, off);
    this.size = Math.max(this.size, off + data.length);
  }

  /** Reads, and returns how many bytes came; they must be right. */
  read(off: number, len: number): { moved: number; got: Uint8Array; want: Uint8Array } {
    const buf = new Uint8Array(len).fill(0xdd);
    const uio = new Uio().init(buf, off, 'read');
    this.#rig.call(() => this.u.read(uio, this.size));
    const expected = Math.max(0, Math.min(len, this.size - off));
    return { moved: uio.moved, got: buf.subarray(0, uio.moved), want: this.want.subarray(off, off + expected) };
  }

  zero(off: number, len: number): void {
    const before = this.size;
    this.#rig.call(() => {
      this.u.prepare(off, len, before);
      this.allocate(off, len);
      this.#clean();
      this.u.zero(off, len, before);
    });
    this.want.fill(0, off, off + len);
    this.size = Math.max(this.size, off + len);
  }

  /** Zeroes [off, end) of one block, if it has one. */
  #zeroRest(off: number, end: number): void {
    if (off < end && this.map[Math.floor(off / this.bsize)] !== -1) this.#rig.call(() => this.u.zero(off, end - off, this.size));
  }

  truncate(size: number): void {
    if (size < this.size) {
      this.#zeroRest(size, Math.ceil(size / this.bsize) * this.bsize);
      for (let lbn = Math.ceil(size / this.bsize); lbn < this.map.length; lbn++) this.#release(lbn);
      this.want.fill(0, size);
    }
    this.size = size;
    this.u.truncate(size);
  }

  discard(off: number, len: number): void {
    const end = Math.min(off + len, this.size);
    if (end <= off) return;
    const first = Math.ceil(off / this.bsize);
    const last = Math.floor(end / this.bsize);
    if (first > last) this.#zeroRest(off, end);
    else {
      this.#zeroRest(off, first * this.bsize);
      this.#zeroRest(last * this.bsize, end);
    }
    for (let lbn = first; lbn < last; lbn++) this.#release(lbn);
    if (first < last) uobjDiscard(this.u, first * this.bsize, (last - first) * this.bsize);
    this.want.fill(0, off, end);
  }

  /** What the disk holds of the file. */
  onDisk(): Uint8Array {
    const image = this.#rig.sd.snapshot();
    const all = new Uint8Array(this.map.length * this.bsize);
    this.map.forEach((blkno, lbn) => {
      if (blkno !== -1) all.set(image.bytes(blkno * this.bsize, this.bsize), lbn * this.bsize);
    });
    return all.subarray(0, this.size);
  }
}
