/**
 * Taking back vnodes that nobody uses, between system calls, when there are more than the limit, or memory is short: what a file system
 * holds for them is memory, too.
 *
 * Each mount keeps its vnodes by age. One that was used since the last round gets another one; one with dirty data stays until that is
 * written; what is held stays.
 */
import { fifoAwaited } from './fifofs.js';
import type { Mount } from './mount.js';
import type { Vfs } from './vfs.js';
import { VFIFO, type Vnode } from './vnode.js';

/** Vnodes that are taken back at once beyond the excess, so that not every new file brings the reclaimer. */
const SLACK_SHIFT = 4;
/** The share of all that goes at once where memory is short. */
const SHORT_SHIFT = 2;

export function reclaimVnodes(vfs: Vfs): void {
  let excess = vfs.nvnodes - vfs.maxvnodes;
  if (excess > 0) excess += vfs.maxvnodes >> SLACK_SHIFT;
  if (vfs.memoryShort) excess = Math.max(excess, vfs.nvnodes >> SHORT_SHIFT);
  if (excess <= 0) return;
  for (const mp of vfs.mounts) {
    if (mp.ops.vnodes !== undefined) continue;
    excess -= reclaimFrom(mp, excess);
    if (excess <= 0) return;
  }
}

function inUse(vp: Vnode): boolean {
  if (vp.usecount > 0 || vp.isRoot || vp.mountedHere !== undefined || vp.uobj?.dirty === true) return true;
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
