/**
 * How pages come from the device: what a reader lacks, and what a sequential one will want next, in long transfers.
 */
import { ERR, Errno } from '@anykernel/lib-sys';
import { PAGE_SHIFT, PAGE_SIZE, SLEEP, type Uio } from '@anykernel/rumpkern';
import { CLUSTER_SIZE, type Cluster, chunkLength, countPages, pagesOf } from './cluster.js';
import { Extents } from './extents.js';
import { PageIo } from './pageio.js';
import type { PagedUobj } from './pageduobj.js';

/** How far ahead a sequential reader is served, at first and at most. */
const WINDOW_MIN = 32 << 10;
const WINDOW_MAX = 512 << 10;
/** The most that is asked for at once. */
const DEMAND_MAX = 1 << 20;

/**
 * Moves some bytes at uio.offset, which is `from` in cluster `c` (if there is one), where not all pages up to the end of the transfer are
 * there. The file is read up to `end`, and ends at `size`.
 */
export function readAbsent(u: PagedUobj, uio: Uio, c: Cluster | undefined, from: number, end: number, size: number): void {
  const off = uio.offset;
  if (c !== undefined && ((c.valid >> (from >> PAGE_SHIFT)) & 1) === 1) {
    let to = (from & -PAGE_SIZE) + PAGE_SIZE;
    while (to < CLUSTER_SIZE && ((c.valid >> (to >> PAGE_SHIFT)) & 1) === 1) to += PAGE_SIZE;
    c.recent = true;
    uio.move(c.chunk, from, Math.min(to - from, end - off));
    return;
  }
  if (c !== undefined) attend(u, c, pagesOf(from, from + 1));
  const map = new Extents(u.pager);
  const start = off - (off % PAGE_SIZE);
  const hole = holeAt(map, start, off, size);
  if (hole > 0) {
    uio.moveZeros(Math.min(hole, end - off));
    return;
  }
  const demand = Math.min(end, start + demandMax(u));
  load(u, map, start, demand, Math.min(aheadOf(u, off, demand), size), size);
}

/** Sleeps while the host fills one of these pages; throws the error of one whose read has failed, once. */
function attend(u: PagedUobj, c: Cluster, mask: number): void {
  if (((c.reading | c.cancelled) & mask) !== 0) u.k.sleep(c);
  if ((c.failed & mask) === 0) return;
  c.failed &= ~mask;
  throw ERR.EIO;
}

/** Bytes from `off` to the end of a hole that takes all of the page at `start`, or what the file has of it; 0: there is none. */
function holeAt(map: Extents, start: number, off: number, size: number): number {
  if (map.find(start).at !== -1 || (map.len < PAGE_SIZE && start + map.len < size)) return 0;
  return start + map.len - off;
}

function demandMax(u: PagedUobj): number {
  return Math.min(DEMAND_MAX, Math.max(CLUSTER_SIZE, u.cache.limit >> 2));
}

/** Up to where to read for a reader who wants the bytes [off, demand). */
function aheadOf(u: PagedUobj, off: number, demand: number): number {
  if (off < u.next || off > Math.max(u.next, u.aheadEnd)) u.window = 0;
  else u.window = Math.min(Math.max(2 * u.window, 2 * (demand - off), WINDOW_MIN), windowMax(u));
  return Math.max(demand, off + u.window);
}

function windowMax(u: PagedUobj): number {
  return Math.min(WINDOW_MAX, u.cache.limit >> 3);
}

/** Brings in [start, demand), and as much up to `ahead` as is easily had. One page only, after a longer transfer has failed. */
function load(u: PagedUobj, map: Extents, start: number, demand: number, ahead: number, size: number): void {
  if (u.single) {
    fill(u, map, start, start + PAGE_SIZE, start + PAGE_SIZE, size);
    return;
  }
  try {
    u.aheadEnd = Math.max(ahead, demand);
    fill(u, map, start, u.aheadEnd, demand, size);
  } catch (e) {
    if (!(e instanceof Errno)) throw e;
    u.window = 0;
    fill(u, map, start, start + PAGE_SIZE, start + PAGE_SIZE, size);
  }
}

/** Starts to read what a sequential reader, who is served from memory, will want next. Never sleeps, never fails. */
export function readMore(u: PagedUobj, size: number): void {
  const start = u.aheadEnd - (u.aheadEnd % PAGE_SIZE);
  if (start >= size || u.single) return;
  u.window = Math.min(2 * u.window, windowMax(u));
  u.aheadEnd = Math.min(start + u.window, size);
  fill(u, new Extents(u.pager), start, u.aheadEnd, start, size);
}

/** Brings in one page, zeros if it is a hole. EIO, ENOMEM; sleeps. */
export function loadPage(u: PagedUobj, c: Cluster, from: number, size: number): void {
  attend(u, c, pagesOf(from, from + 1));
  const start = c.index * CLUSTER_SIZE + from;
  const epoch = c.epoch;
  c.epoch = u.k.epoch;
  try {
    fill(u, new Extents(u.pager), start, start + PAGE_SIZE, start + PAGE_SIZE, size, true);
  } finally {
    c.epoch = epoch;
  }
}

/**
 * Fills absent pages of [start, end). Where it sleeps, all transfers are on their way. For what lies past `demand`, memory, maps and luck
 * may be wanting. Pages in holes are left out, unless `holes`.
 */
function fill(u: PagedUobj, map: Extents, start: number, end: number, demand: number, size: number, holes = false): void {
  const filler = new Filler(u, map, start, demand, size, holes);
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
  /** The transfer has pages that are needed now. */
  #needed = false;
  #sleepOn: Cluster | undefined;
  /** Clusters that are filled already. They stay until all is done: what is read ahead must not take the place of what is needed. */
  readonly #done: Cluster[] = [];
  #off: number;
  readonly #u: PagedUobj;
  readonly #map: Extents;
  readonly #demand: number;
  readonly #size: number;
  readonly #holes: boolean;

  constructor(u: PagedUobj, map: Extents, start: number, demand: number, size: number, holes: boolean) {
    this.#u = u;
    this.#map = map;
    this.#off = start;
    this.#demand = demand;
    this.#size = size;
    this.#holes = holes;
  }

  /** All that is needed now has been taken. */
  get enough(): boolean {
    return this.#off >= this.#demand;
  }

  /** Takes pages from the one at `off` on, or passes over them; returns where to go on. */
  take(off: number, end: number): number {
    this.#off = off;
    const u = this.#u;
    if (this.#needed && this.enough && u.pager.disk.asyncRead !== false) this.#start();
    const index = Math.floor(off / CLUSTER_SIZE);
    const base = index * CLUSTER_SIZE;
    const from = off - base;
    const found = u.find(index);
    if (found !== undefined && ((found.valid | found.busy | found.failed) & pagesOf(from, from + 1)) !== 0) {
      if ((found.busy & pagesOf(from, from + 1)) !== 0 && !this.enough) this.#sleepOn ??= found;
      return off + PAGE_SIZE;
    }
    const { at, len } = this.#map.find(off);
    if (at === -1 && !this.#holes && (len >= PAGE_SIZE || off + len >= this.#size)) return off + Math.max(PAGE_SIZE, len - (len % PAGE_SIZE));
    // Long enough for all that may come: once a transfer knows the chunk, it stays.
    const room = Math.min(CLUSTER_SIZE, Math.max(this.#size - base, from + PAGE_SIZE));
    const c = found ?? u.add(index, chunkLength(room));
    c.epoch = u.k.epoch;
    const to = this.#absentTo(c, from, Math.min(end - base, CLUSTER_SIZE), at === -1 ? 0 : len);
    u.extend(c, room);
    if (this.#io.bytes > 0 && (this.#io.end !== at || this.#io.bytes >= WINDOW_MAX)) this.#start();
    if (len >= to - from && at !== -1) this.#io.add(at, c.chunk.subarray(from, to));
    else this.#page(c, from, base);
    if (off < this.#demand) this.#needed = true;
    const mask = pagesOf(from, to);
    c.reading |= mask;
    this.#io.addPages(c, mask);
    return base + to;
  }

  /** Where the absent pages end that begin at `from` and are in one extent of `len` bytes; one page at least. */
  #absentTo(c: Cluster, from: number, max: number, len: number): number {
    let to = from + PAGE_SIZE;
    const taken = c.valid | c.busy | c.failed;
    while (to < max && to + PAGE_SIZE <= from + len && ((taken >> (to >> PAGE_SHIFT)) & 1) === 0) to += PAGE_SIZE;
    return to;
  }

  /** The blocks of one page that is in several extents, or at the end of the file. */
  #page(c: Cluster, from: number, base: number): void {
    const stop = Math.min(from + PAGE_SIZE, this.#size - base);
    const parts: { at: number; from: number; to: number }[] = [];
    for (let at = from; at < stop; ) {
      const x = this.#map.find(base + at);
      const to = Math.min(at + x.len, from + PAGE_SIZE);
      parts.push({ at: x.at, from: at, to });
      at = to;
    }
    let done = from;
    for (const part of parts) {
      if (part.at === -1) c.chunk.fill(0, part.from, part.to);
      else this.#io.add(part.at, c.chunk.subarray(part.from, part.to));
      done = part.to;
    }
    c.chunk.fill(0, done, from + PAGE_SIZE);
  }

  #start(): void {
    const io = this.#io;
    const needed = this.#needed;
    this.#io = new PageIo();
    this.#needed = false;
    if (io.clusters.length === 0) return;
    const u = this.#u;
    const size = this.#size;
    for (const c of io.clusters) c.transfers++;
    if (io.start(u.pager.disk, false, () => late(u, io, size))) {
      arrived(u, io, size);
      for (const c of io.clusters) {
        c.epoch = u.k.epoch;
        this.#done.push(c);
      }
      if (io.error !== undefined) this.#failed(io, io.error);
      return;
    }
    u.cache.incoming += io.bytes;
    u.incoming++;
    if (needed) this.#sleepOn ??= io.clusters[0];
  }

  /** A transfer that ended at once has failed: the caller hears of it now. */
  #failed(io: PageIo, error: Errno): never {
    for (const [i, c] of io.clusters.entries()) c.failed &= ~io.masks[i];
    throw error;
  }

  /** Pages that were taken will not be asked for. */
  giveUp(): void {
    for (const [i, c] of this.#io.clusters.entries()) c.reading &= ~this.#io.masks[i];
    this.#release();
  }

  #release(): void {
    for (const c of this.#done) c.epoch = -1;
  }

  finish(): void {
    try {
      this.#start();
    } catch (e) {
      if (!(e instanceof Errno) || this.#off < this.#demand) throw e;
    } finally {
      this.#release();
    }
    if (this.#sleepOn !== undefined) this.#u.k.sleep(this.#sleepOn);
  }
}

function late(u: PagedUobj, io: PageIo, size: number): void {
  u.incoming--;
  arrived(u, io, size);
  u.cache.arrived(io.bytes);
}

/** A transfer has ended: its pages are there, or it is noted that they are not. */
function arrived(u: PagedUobj, io: PageIo, size: number): void {
  let count = 0;
  for (const mask of io.masks) count += countPages(mask);
  for (const [i, c] of io.clusters.entries()) {
    const mask = io.masks[i] & c.reading;
    c.reading &= ~mask;
    if (io.error === undefined) {
      zeroTail(c, mask, size);
      c.valid |= mask;
      u.pages += countPages(mask);
    } else if (count === 1) c.failed |= mask;
    c.epoch = -1;
    c.recent = true;
    u.settled(c);
  }
  // Which page of several has failed shows when they are read one by one.
  u.single = io.error !== undefined;
  for (const c of io.clusters) u.k.wakeup(c);
}

/** What follows the end of the file in its last block is nobody's. */
function zeroTail(c: Cluster, mask: number, size: number): void {
  const end = size - c.index * CLUSTER_SIZE;
  if (end <= 0 || end >= CLUSTER_SIZE || (end & (PAGE_SIZE - 1)) === 0) return;
  if ((mask & pagesOf(end, end + 1)) !== 0) c.chunk.fill(0, end, (end & -PAGE_SIZE) + PAGE_SIZE);
}
