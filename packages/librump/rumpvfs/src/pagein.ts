/**
 * How pages come from the device: what a reader lacks, and what a sequential one will want next, in long transfers.
 */
import { ERR, Errno } from '@anykernel/lib-sys';
import { PAGE_SHIFT, PAGE_SIZE, SLEEP, type Uio } from '@anykernel/rumpkern';
import { CLUSTER_SIZE, type Cluster, chunkLength, countPages, pagesOf } from './cluster.js';
import { PageIo } from './pageio.js';
import type { Pager, Uobj } from './uobj.js';
import { Run } from './vnode.js';

/** How far ahead a sequential reader is served, at first and at most. */
const WINDOW_MIN = 32 << 10;
const WINDOW_MAX = 512 << 10;
/** The most that is asked for at once. */
const DEMAND_MAX = 1 << 20;

/** Where the file goes on from some offset. */
interface Extent {
  /** On the device; -1: a hole. */
  at: number;
  /** Bytes. */
  len: number;
}

/** The extent that begins at byte `off` of the file. EIO. */
export function extentAt(pager: Pager, off: number, run: Run): Extent {
  const bsize = 2 ** pager.bshift;
  const lbn = Math.floor(off / bsize);
  const skip = off - lbn * bsize;
  run.blkno = -1;
  run.count = 1;
  pager.bmap(lbn, run);
  const count = run.count > 1 ? run.count : 1;
  return { at: run.blkno < 0 ? -1 : run.blkno * bsize + skip, len: count * bsize - skip };
}

/**
 * Moves some bytes at uio.offset, which is `from` in cluster `c` (if there is one), where not all pages up to the end of the transfer are
 * there. The file is read up to `end`, and ends at `size`.
 */
export function readAbsent(u: Uobj, uio: Uio, c: Cluster | undefined, from: number, end: number, size: number): void {
  const off = uio.offset;
  if (c !== undefined && ((c.valid >> (from >> PAGE_SHIFT)) & 1) === 1) {
    let to = (from & -PAGE_SIZE) + PAGE_SIZE;
    while (to < CLUSTER_SIZE && ((c.valid >> (to >> PAGE_SHIFT)) & 1) === 1) to += PAGE_SIZE;
    c.recent = true;
    uio.move(c.chunk, from, Math.min(to - from, end - off));
    return;
  }
  if (c !== undefined) attend(u, c, pagesOf(from, from + 1));
  const hole = holeAt(u.pager!, off);
  if (hole > 0) {
    uio.moveZeros(Math.min(hole, end - off));
    return;
  }
  const start = off - (off % PAGE_SIZE);
  const demand = Math.min(end, start + DEMAND_MAX);
  const ahead = Math.min(aheadOf(u, off, demand), size);
  load(u, start, demand, ahead, size);
}

/** Sleeps while the host fills one of these pages; throws the error of one whose read has failed, once. */
function attend(u: Uobj, c: Cluster, mask: number): void {
  if (((c.reading | c.cancelled) & mask) !== 0) u.k.sleep(c);
  if ((c.failed & mask) === 0) return;
  c.failed &= ~mask;
  throw ERR.EIO;
}

/** Bytes of a hole that begins at `off` and reaches to the end of its page at least; 0: there is none. */
function holeAt(pager: Pager, off: number): number {
  const x = extentAt(pager, off, new Run());
  if (x.at !== -1) return 0;
  const pageLeft = PAGE_SIZE - (off % PAGE_SIZE);
  if (pageLeft < PAGE_SIZE && 2 ** pager.bshift < PAGE_SIZE) return 0;
  return x.len >= pageLeft ? x.len : 0;
}

/** Up to where to read for a reader who wants the bytes [off, demand). */
function aheadOf(u: Uobj, off: number, demand: number): number {
  if (off !== u.next && off !== u.aheadEnd) u.window = 0;
  else u.window = Math.min(Math.max(2 * u.window, 2 * (demand - off), WINDOW_MIN), WINDOW_MAX, u.cache!.limit >> 3);
  return Math.max(demand, off + u.window);
}

/** Brings in [start, demand), and as much up to `ahead` as is easily had. */
function load(u: Uobj, start: number, demand: number, ahead: number, size: number): void {
  if (u.aheadFailed) ahead = demand;
  u.aheadFailed = false;
  try {
    fill(u, start, ahead, demand, size);
    u.aheadEnd = Math.max(ahead, demand);
  } catch (e) {
    // With more asked for than is needed now, it may be the rest that fails.
    if (!(e instanceof Errno)) throw e;
    fill(u, start, start + PAGE_SIZE, start + PAGE_SIZE, size);
    u.window = 0;
  }
}

/** Brings in one page. EIO, ENOMEM; sleeps. */
export function loadPage(u: Uobj, c: Cluster, from: number, size: number): void {
  attend(u, c, pagesOf(from, from + 1));
  const start = c.index * CLUSTER_SIZE + from;
  const epoch = c.epoch;
  c.epoch = u.k.epoch;
  try {
    fill(u, start, start + PAGE_SIZE, start + PAGE_SIZE, size);
  } finally {
    c.epoch = epoch;
  }
}

/** Fills absent pages of [start, end). Where it sleeps, all transfers are on their way. Memory and maps for what lies past `demand` may be wanting. */
function fill(u: Uobj, start: number, end: number, demand: number, size: number): void {
  const filler = new Filler(u, size, demand);
  try {
    for (let off = start; off < end; ) off = filler.take(off, end);
  } catch (e) {
    if (!filler.enough || (e !== SLEEP && !(e instanceof Errno))) {
      filler.giveUp();
      throw e;
    }
  }
  filler.finish();
}

/** Collects absent pages into transfers. */
class Filler {
  #io = new PageIo();
  readonly #u: Uobj;
  readonly #size: number;
  readonly #demand: number;
  readonly #run = new Run();
  #extentOff = 0;
  #extent: Extent = { at: -1, len: 0 };
  #sleepOn: Cluster | undefined;
  #off = 0;

  constructor(u: Uobj, size: number, demand: number) {
    this.#u = u;
    this.#size = size;
    this.#demand = demand;
  }

  /** All that is needed now has been taken. */
  get enough(): boolean {
    return this.#off >= this.#demand;
  }

  /** Takes the page at `off`, or passes over it; returns where to go on. */
  take(off: number, end: number): number {
    this.#off = off;
    const u = this.#u;
    const index = Math.floor(off / CLUSTER_SIZE);
    const from = off - index * CLUSTER_SIZE;
    const base = index * CLUSTER_SIZE;
    const mask = pagesOf(from, from + 1);
    let c = u.find(index);
    if (c !== undefined && ((c.valid | c.busy | c.failed) & mask) !== 0) {
      if ((c.busy & mask) !== 0 && off < this.#demand) this.#sleepOn = c;
      return off + PAGE_SIZE;
    }
    const stop = Math.min(off + PAGE_SIZE, this.#size);
    if (this.#extentFor(off).at === -1 && this.#extentOff + this.#extent.len >= stop && off > 0 && c === undefined) {
      const holeEnd = this.#extentOff + this.#extent.len;
      return Math.max(off + PAGE_SIZE, Math.min(end, holeEnd - (holeEnd % PAGE_SIZE)));
    }
    const want = Math.min(CLUSTER_SIZE, Math.max(this.#size, off + PAGE_SIZE) - base);
    c ??= u.add(index, chunkLength(want));
    u.extend(c, Math.min(CLUSTER_SIZE, from + PAGE_SIZE));
    if (this.#io.bytes > 0 && (this.#io.end !== this.#extentFor(off).at || this.#io.bytes >= WINDOW_MAX)) this.#start();
    this.#page(c, from, base, stop);
    c.reading |= mask;
    c.epoch = u.k.epoch;
    this.#io.addPages(c, mask);
    return off + PAGE_SIZE;
  }

  /** The blocks of one page, up to byte `stop` of the file. */
  #page(c: Cluster, from: number, base: number, stop: number): void {
    let at = base + from;
    while (at < stop) {
      const x = this.#extentFor(at);
      const room = Math.min(this.#extentOff + x.len, base + from + PAGE_SIZE) - at;
      if (x.at === -1) c.chunk.fill(0, at - base, at - base + room);
      else this.#io.add(x.at + (at - this.#extentOff), c.chunk.subarray(at - base, at - base + room));
      at += room;
    }
    if (at < base + from + PAGE_SIZE) c.chunk.fill(0, at - base, from + PAGE_SIZE);
  }

  /** The extent that holds byte `off`. */
  #extentFor(off: number): Extent {
    if (off < this.#extentOff || off >= this.#extentOff + this.#extent.len) {
      this.#extent = extentAt(this.#u.pager!, off, this.#run);
      this.#extentOff = off;
    }
    return this.#extent;
  }

  #start(): void {
    const io = this.#io;
    this.#io = new PageIo();
    if (io.clusters.length === 0) return;
    const u = this.#u;
    const ahead = this.#off > this.#demand;
    for (const c of io.clusters) c.transfers++;
    if (!io.start(u.pager!.disk, false, () => arrived(u, io, this.#size, ahead))) {
      this.#sleepOn ??= io.clusters[0];
      return;
    }
    arrived(u, io, this.#size, ahead);
    if (io.error !== undefined) {
      for (const [i, c] of io.clusters.entries()) c.failed &= ~io.masks[i];
      throw io.error;
    }
  }

  /** Pages that were taken but will not be asked for. */
  giveUp(): void {
    for (const [i, c] of this.#io.clusters.entries()) c.reading &= ~this.#io.masks[i];
  }

  finish(): void {
    this.#start();
    if (this.#sleepOn !== undefined) this.#u.k.sleep(this.#sleepOn);
  }
}

/** A transfer has ended: its pages are there, or it is noted that they are not. */
function arrived(u: Uobj, io: PageIo, size: number, ahead: boolean): void {
  for (const [i, c] of io.clusters.entries()) {
    const mask = io.masks[i] & c.reading;
    c.reading &= ~mask;
    if (io.error === undefined) {
      zeroTail(c, mask, size);
      c.valid |= mask;
      u.pages += countPages(mask);
    } else if (!ahead) c.failed |= mask;
    c.epoch = -1;
    c.recent = true;
    u.settled(c);
  }
  if (io.error !== undefined && ahead) u.aheadFailed = true;
  for (const c of io.clusters) u.k.wakeup(c);
}

/** What follows the end of the file in its last block is nobody's. */
function zeroTail(c: Cluster, mask: number, size: number): void {
  const end = size - c.index * CLUSTER_SIZE;
  if (end <= 0 || end >= CLUSTER_SIZE || (end & (PAGE_SIZE - 1)) === 0) return;
  if ((mask & pagesOf(end, end + 1)) !== 0) c.chunk.fill(0, end, (end & -PAGE_SIZE) + PAGE_SIZE);
}
