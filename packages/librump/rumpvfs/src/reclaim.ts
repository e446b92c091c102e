/**
 * Taking back vnodes that nobody uses, between system calls, when there are more than the limit, or memory is short: what a file system
 * holds for them is memory, too.
 *
 * Each mount keeps its vnodes by age. One that was used since the last round gets another one; one with dirty data stays until that is
 * written, one with data on their way until they are there; what is held stays.
 */
import type { Softint } from '@anykernel/rumpkern';
import { fifoAwaited } from './fifofs.js';
import type { Mount } from './mount.js';
import type { PagedUobj } from './pageduobj.js';
import type { Vfs } from './vfs.js';
import { VFIFO, type Vnode } from './vnode.js';

/** Vnodes that are taken back at once beyond the excess, so that not every new file brings the reclaimer. */
const SLACK_SHIFT = 4;
/** The share of all that goes at once where memory is short. */
const SHORT_SHIFT = 2;

export class Reclaimer {
  readonly #vfs: Vfs;
  readonly #softint: Softint;
  /** Memory is short when more than this is used. */
  readonly #plenty: number;
  /** Where it was so last: no new round before there are so many vnodes. */
  #nextShort = 0;

  constructor(vfs: Vfs) {
    const { k } = vfs;
    this.#vfs = vfs;
    this.#softint = k.softint(() => this.#run());
    this.#plenty = k.mem.limit * 0.875;
    k.mem.onPressure(() => this.#softint.schedule());
  }

  /** There is one more vnode. */
  made(): void {
    const { nvnodes, maxvnodes } = this.#vfs;
    if (nvnodes > maxvnodes || (this.#short && nvnodes >= this.#nextShort)) this.#softint.schedule();
  }

  /** Whether most of the memory that there may be is in use. */
  get #short(): boolean {
    return this.#vfs.k.mem.used > this.#plenty;
  }

  #run(): void {
    const vfs = this.#vfs;
    let excess = vfs.nvnodes - vfs.maxvnodes;
    if (excess > 0) excess += vfs.maxvnodes >> SLACK_SHIFT;
    if (this.#short) excess = Math.max(excess, vfs.nvnodes >> SHORT_SHIFT);
    for (const mp of vfs.mounts) if (excess > 0 && mp.ops.vnodes === undefined) excess -= reclaimFrom(mp, excess);
    this.#nextShort = vfs.nvnodes + (vfs.nvnodes >> 3) + 16;
  }
}

function inUse(vp: Vnode): boolean {
  if (vp.usecount > 0 || vp.isRoot || vp.mountedHere !== undefined) return true;
  const u = vp.uobj as PagedUobj | undefined;
  // Somebody waits for what is on its way here; without it he would ask again, and again in vain. What is on its way out may fail, and is dirty again then.
  if (u !== undefined && (u.dirty || u.incoming > 0 || u.outgoing > 0)) return true;
  return vp.type === VFIFO && fifoAwaited(vp);
}

/** Returns how many were taken. Looks at no vnode more than twice. */
function reclaimFrom(mp: Mount, count: number): number {
  const taken: Vnode[] = [];
  const renewed: Vnode[] = [];
  for (const vp of mp.vnodes()) {
    if (taken.length === count) break;
    if (inUse(vp)) continue;
    if (vp.recent) {
      vp.recent = false;
      renewed.push(vp);
    } else taken.push(vp);
  }
  for (const vp of taken) mp.forget(vp);
  for (const vp of renewed) {
    if (taken.length < count) {
      mp.forget(vp);
      taken.push(vp);
    } else mp.renew(vp);
  }
  return taken.length;
}
