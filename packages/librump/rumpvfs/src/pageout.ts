/**
 * How dirty pages go to the device: in the order of the file, neighbours on the device in one transfer.
 *
 * On a synchronous device straight from the clusters; elsewhere from a private copy, so that a page may change (and is dirty again) while
 * its last contents are on their way. Only where memory is too short for that are the pages lent to the host meanwhile.
 */
import { ERR, Errno, major, minor, strerror } from '@anykernel/lib-sys';
import { PAGE_SHIFT, PAGE_SIZE } from '@anykernel/rumpkern';
import { CLUSTER_SIZE, type Cluster, pagesOf } from './cluster.js';
import { Extents } from './extents.js';
import { PageIo } from './pageio.js';
import type { PagedUobj } from './pageduobj.js';

/** The longest transfer, in bytes. */
const RUN_MAX = 512 << 10;

/**
 * Writes the dirty pages of [from, to). A failure stands in u.writeError, and what could not be written is dirty still. `must`: all of them,
 * and a page without a block is a failure. Returns whether all was put on its way; if not, more is when something has arrived. Sleeps where the block
 * map does.
 */
export function pageout(u: PagedUobj, from: number, to: number, must: boolean): boolean {
  if (!u.dirty) return true;
  const list = [...u.dirtyClusters!].sort((a, b) => a.index - b.index);
  const out = new Writer(u, must);
  try {
    for (const c of list) {
      const base = c.index * CLUSTER_SIZE;
      if (base + CLUSTER_SIZE <= from || base >= to) continue;
      // What was made ready for a write must not become busy before that comes.
      if (!must && c.epoch === u.k.epoch) continue;
      if (u.cache.full) {
        u.cache.later(u);
        return false;
      }
      out.cluster(c, Math.max(from - base, 0), Math.min(to - base, CLUSTER_SIZE));
    }
  } catch (e) {
    if (!(e instanceof Errno)) throw e;
    failed(u, e);
  } finally {
    out.start();
  }
  return true;
}

class Writer {
  #io = new PageIo();
  readonly #u: PagedUobj;
  readonly #must: boolean;
  readonly #map: Extents;

  constructor(u: PagedUobj, must: boolean) {
    this.#u = u;
    this.#must = must;
    this.#map = new Extents(u.pager);
  }

  /** The dirty pages of `c` that touch its bytes [from, to). EIO; sleeps. */
  cluster(c: Cluster, from: number, to: number): void {
    const wanted = pagesOf(from, to) & c.dirty & ~(c.writing | c.busy);
    for (let at = from & -PAGE_SIZE; at < to; ) {
      if (((wanted >> (at >> PAGE_SHIFT)) & 1) === 0) at += PAGE_SIZE;
      else at = this.#pages(c, at, wanted);
    }
  }

  /** Takes wanted pages from the one at `from` on; returns where to go on. */
  #pages(c: Cluster, from: number, wanted: number): number {
    const { at, len } = this.#map.find(c.index * CLUSTER_SIZE + from);
    if (at === -1 || len < PAGE_SIZE) return this.#scattered(c, from);
    let to = from + PAGE_SIZE;
    while (to < CLUSTER_SIZE && to + PAGE_SIZE <= from + len && ((wanted >> (to >> PAGE_SHIFT)) & 1) === 1) to += PAGE_SIZE;
    this.#goOn(at);
    this.#io.add(at, c.chunk.subarray(from, to));
    this.#io.addPages(c, pagesOf(from, to));
    return to;
  }

  /** One page of several extents. Holes in it were never written, and are left. */
  #scattered(c: Cluster, from: number): number {
    const base = c.index * CLUSTER_SIZE;
    const end = from + PAGE_SIZE;
    const parts: { at: number; from: number; to: number }[] = [];
    for (let at = from; at < end; ) {
      const x = this.#map.find(base + at);
      const to = Math.min(at + x.len, end);
      if (x.at !== -1) parts.push({ at: x.at, from: at, to });
      at = to;
    }
    if (parts.length === 0) this.#homeless(c, from, end);
    else {
      this.#goOn(parts[0].at);
      for (const part of parts) this.#io.add(part.at, c.chunk.subarray(part.from, part.to));
      this.#io.addPages(c, pagesOf(from, end));
    }
    return end;
  }

  /** A dirty page in a hole: zeros are there already; anything else is an error of the file system. */
  #homeless(c: Cluster, from: number, to: number): void {
    if (c.chunk.subarray(from, to).every((b) => b === 0)) this.#u.markClean(c, pagesOf(from, to));
    else if (this.#must) failed(this.#u, ERR.EIO);
  }

  /** What comes next is at `at` of the device: it belongs to the same transfer, or begins another. */
  #goOn(at: number): void {
    if (this.#io.bytes > 0 && (this.#io.end !== at || this.#io.bytes >= RUN_MAX)) this.start();
  }

  /** Writes what was collected. */
  start(): void {
    const io = this.#io;
    this.#io = new PageIo();
    if (io.clusters.length === 0) return;
    const u = this.#u;
    const disk = u.pager.disk;
    io.copied = disk.asyncWrite !== false && io.detach(disk);
    for (const [i, c] of io.clusters.entries()) {
      u.markClean(c, io.masks[i]);
      c.writing |= io.masks[i];
      if (!io.copied) c.transfers++;
    }
    if (io.start(disk, true, () => this.#late(io))) {
      settle(u, io);
      return;
    }
    u.outgoing++;
    u.cache.inflight += io.bytes;
    if (!io.copied) for (const [i, c] of io.clusters.entries()) c.lent |= io.masks[i];
  }

  #late(io: PageIo): void {
    const u = this.#u;
    u.outgoing--;
    settle(u, io);
    u.cache.written(io.bytes);
    if (u.outgoing === 0) u.k.wakeup(u);
  }
}

/** A transfer has ended: its pages are written, or dirty again. */
function settle(u: PagedUobj, io: PageIo): void {
  io.release(u.pager.disk);
  if (io.error !== undefined) failed(u, io.error);
  for (const [i, c] of io.clusters.entries()) {
    const mask = io.masks[i] & c.writing;
    c.writing &= ~mask;
    c.lent &= ~mask;
    if (io.error !== undefined && !c.gone) u.markDirty(c, mask & c.valid);
    if (!io.copied) u.settled(c);
    u.k.wakeup(c);
  }
  // What had failed has been written by now: there is nothing to report.
  if (io.error === undefined && !u.dirty && u.outgoing === 0) u.writeError = undefined;
}

function failed(u: PagedUobj, error: Errno): void {
  const { dev } = u.pager.disk;
  if (u.writeError === undefined) u.k.printf(`device ${major(dev)},${minor(dev)}: file data cannot be written: ${strerror(error.code)}`);
  u.writeError = error;
}
