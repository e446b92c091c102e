/**
 * ufs: what file systems of the UFS family have in common: inodes and directories on disk, and the vnode operations on them. A file system that allocates
 * (ffs) stands on it, through the seam in mount.ts; one with formats of its own (ext2fs) takes the operations on names, through the seam in inodefs.ts.
 */
import { type Component, component } from '@anykernel/lib-component';
import { rumpkern } from '@anykernel/rumpkern';
import { rumpvfs } from '@anykernel/rumpvfs';

export * from './ondisk.js';
export * from './mount.js';
export * from './inode.js';
export * from './inodefs.js';
export * from './bmap.js';
export * from './dirindex.js';
export { dirFind, dirRead } from './dir.js';
export { dropIndex, hashBytes, indexAdd, indexMove, indexRemove, makeIndex } from './dirtable.js';
export { reap } from './ending.js';
export * from './incore.js';
export { nameOps } from './names.js';
export { ufsNaming } from './naming.js';
export { loadVnode } from './vnodes.js';
export { ufsOpsOf } from './vnops.js';
export { IOSIZE } from './attr.js';

/** Inodes, directories and vnode operations of the UFS family. */
export const ufs: Component<void, readonly [typeof rumpkern, typeof rumpvfs]> = component({
  name: 'ufs',
  class: 'vfs',
  requires: [rumpkern, rumpvfs],
  attach(): void {},
});
