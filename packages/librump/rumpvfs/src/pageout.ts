/**
 * How dirty pages go to the device: in the order of the file, neighbours on the device in one transfer.
 *
 * On a synchronous device straight from the clusters; elsewhere from a private copy, so that a page may change (and is dirty again) while
 * its last contents are on their way. Only where memory is too short for that are the pages lent to the host meanwhile.
 */
import { ERR, type Errno, major, minor } from '@anykernel/lib-sys';
import { PAGE_SHIFT, PAGE_SIZE } from '@anykernel/rumpkern';
import { CLUSTER_SIZE, type Cluster } from './cluster.js';
import { extentAt } from './pagein.js';
import { PageIo } from './pageio.js';
import type { Uobj } from './uobj.js';
import { Run } from './vnode.js';

/** The longest transfer, in bytes. */
const RUN_MAX = 512 << 10;

/**
 * Writes the dirty pages of [from, to). A failure stands in u.writeError, and what could not be written is dirty still. `must`: a page
 * without a block is a failure. Sleeps where the block map does.
 */
export function pageout(u: Uobj, from: number, to: number, must: boolean): void {
  if (u.dirtyClusters.size === 0) return;
  const list = [...u.dirtyClusters].sort((a, b) => a.index - b.index);
  const out = new Writer(u, must);
  for (const c of list) {
    const base = c.index * CLUSTER_SIZE;
    if (base + CLUSTER_SIZE <= from || base >= to) continue;
    if (u.cache!.full) {
      u.cache!.later(u);
      break;
    }
    out.cluster(c, from - base, to - base);
  }
  out.start();
}

class Writer {
  #io = new PageIo();
  readonly #u: Uobj;
  readonly #must: boolean;
  readonly #run = new Run();

  constructor(u: Uobj, must: boolean) {
    this.#u = u;
    this.#must = must;
  }

  /** The dirty pages of `c` that touch its bytes [from, to). */
  cluster(c: Cluster, from: number, to: number): void {
    for (let page = 0; page < CLUSTER_SIZE >> PAGE_SHIFT; page++) {
      const mask = 1 << page;
      const at = page << PAGE_SHIFT;
      if ((c.dirty & mask) === 0 || ((c.writing | c.busy) & mask) !== 0 || at + PAGE_SIZE <= from || at >= to) continue;
      this.#page(c, at, mask);
    }
  }

  /** The blocks of one page. Holes in it were never written, and are left. */
  #page(c: Cluster, from: number, mask: number): void {
    const base = c.index * CLUSTER_SIZE;
    const extents: { at: number; from: number; len: number }[] = [];
    for (let at = from; at < from + PAGE_SIZE; ) {
      const x = extentAt(this.#u.pager!, base + at, this.#run);
      const len = Math.min(x.len, from + PAGE_SIZE - at);
      if (x.at !== -1) extents.push({ at: x.at, from: at, len });
      at += len;
    }
    if (extents.length === 0) {
      this.#homeless(c, from, mask);
      return;
    }
    if (this.#io.bytes > 0 && (this.#io.end !== extents[0].at || this.#io.bytes >= RUN_MAX)) this.start();
    for (const x of extents) this.#io.add(x.at, c.chunk.subarray(x.from, x.from + x.len));
    this.#io.addPages(c, mask);
  }

  /** A dirty page in a hole: zeros are there already; anything else is an error of the file system. */
  #homeless(c: Cluster, from: number, mask: number): void {
    if (c.chunk.subarray(from, from + PAGE_SIZE).every((b) => b === 0)) this.#u.markClean(c, mask);
    else if (this.#must) this.#u.writeError = ERR.EIO;
  }

  /** Writes what was collected. */
  start(): void {
    const io = this.#io;
    this.#io = new PageIo();
    if (io.clusters.length === 0) return;
    const u = this.#u;
    const disk = u.pager!.disk;
    const copied = disk.asyncWrite !== false && io.detach(disk);
    for (const [i, c] of io.clusters.entries()) {
      u.markClean(c, io.masks[i]);
      c.writing |= io.masks[i];
      c.transfers++;
    }
    if (io.start(disk, true, () => this.#late(io))) {
      settle(u, io);
      return;
    }
    u.outgoing++;
    u.cache!.inflight += io.bytes;
    if (!copied) for (const [i, c] of io.clusters.entries()) c.lent |= io.masks[i];
  }

  #late(io: PageIo): void {
    const u = this.#u;
    u.outgoing--;
    settle(u, io);
    u.cache!.arrived(io.bytes);
    if (u.outgoing === 0) u.k.wakeup(u);
  }
}

/** A transfer has ended: its pages are written, or dirty again. */
function settle(u: Uobj, io: PageIo): void {
  io.release(u.pager!.disk);
  if (io.error !== undefined) failed(u, io.error);
  for (const [i, c] of io.clusters.entries()) {
    const mask = io.masks[i] & c.writing;
    c.writing &= ~mask;
    c.lent &= ~mask;
    if (io.error !== undefined && !c.gone) u.markDirty(c, mask & c.valid);
    u.settled(c);
    u.k.wakeup(c);
  }
}

function failed(u: Uobj, error: Errno): void {
  const { dev } = u.pager!.disk;
  if (u.writeError === undefined) u.k.printf(`device ${major(dev)},${minor(dev)}: file data cannot be written: ${error.message}`);
  u.writeError = error;
}
