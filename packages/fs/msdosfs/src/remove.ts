/**
 * The end of files: what has lost its name goes at once if nobody holds it, and stays until the last one lets go otherwise.
 *
 * FAT has no place to note a file without a name. A power cut leaves its clusters lost, which a checker finds. Where the end itself has to wait for a
 * device, the clusters are freed by the next sync.
 */
import { Errno } from '@anykernel/lib-sys';
import { SLEEP } from '@anykernel/rumpkern';
import type { Vnode } from '@anykernel/rumpvfs';
import { freeChain } from './alloc.js';
import { dropIndex, indexOf } from './dir.js';
import type { MsdosFs } from './fs.js';
import { type Node, forgetNode, movePlace } from './node.js';

/** The file has lost its name; its entry is its own from here on. Within a transaction. */
export function lostName(vp: Vnode, node: Node): void {
  const { fs } = node;
  if (node.isDir) invalidate(node);
  node.moveTo(undefined, 0);
  movePlace(node, -1);
  node.removed = true;
  fs.lazyTimes.delete(node);
  fs.txn.undo(() => {
    node.removed = false;
  });
  if (vp.usecount > 0) return;
  destroy(node);
  fs.txn.commit(() => {
    vp.uobj?.drop();
    node.destroyed = true;
  });
}

/** The blocks of a directory are not written any more: its clusters may be a file's soon. */
function invalidate(node: Node): void {
  const { fs } = node;
  for (const c of indexOf(node).clusters) for (let i = 0; i < fs.bpc; i++) fs.bcache.invalidate(fs.clusterBlock(c) + i);
  fs.txn.commit(() => dropIndex(node));
}

/** Within a transaction. EIO. */
function destroy(node: Node): void {
  if (node.start === 0 || !node.fs.isCluster(node.start)) return;
  freeChain(node.fs, node.start);
  node.chain.reset();
}

/** inactive(): nobody holds the file any more. Returns whether it is gone. */
export function endIfUnnamed(vp: Vnode, node: Node): boolean {
  if (node.destroyed) return true;
  if (!node.removed) return false;
  const { fs } = node;
  vp.uobj?.drop();
  if (!fs.writable) return true;
  try {
    fs.run(() => destroy(node));
    node.destroyed = true;
  } catch (e) {
    if (e !== SLEEP && !(e instanceof Errno)) throw e;
    if (e === SLEEP && node.start !== 0) fs.zombies.push(node.start);
  }
  return true;
}

/** Frees what could not be freed at once. Sleeps; what cannot be freed at all is left to a checker. */
export function reap(fs: MsdosFs): void {
  while (fs.zombies.length > 0) {
    try {
      fs.run(() => freeChain(fs, fs.zombies[0]));
    } catch (e) {
      if (!(e instanceof Errno)) throw e;
    }
    fs.zombies.shift();
  }
}

/** reclaim(): the vnode goes. */
export function reclaim(node: Node): void {
  node.vp = undefined;
  forgetNode(node, dropIndex);
}
