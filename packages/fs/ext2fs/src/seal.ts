/** Puts checksums into buffers that are about to be written: bitmaps and blocks of files first, then group descriptors, then the superblock. */
import type { Buf } from '@anykernel/rumpvfs';
import { T_BBMAP, T_GD, T_IBMAP, T_INODES, T_SUPER, type Tag } from './csum.js';
import type { Ext2fs } from './fs.js';

export function sealBufs(fs: Ext2fs, bufs: readonly Buf[]): void {
  const { sums } = fs;
  if (sums.on) for (const bp of bufs) sealOne(fs, bp);
  for (const bp of bufs) {
    const tag = bp.tag as Tag | undefined;
    if (tag?.kind === T_GD) sealGroups(fs, bp, tag.owner);
  }
  if (sums.on) for (const bp of bufs) if (bp === fs.sbuf) sums.sealSuper(bp.data, fs.soff);
}

function sealOne(fs: Ext2fs, bp: Buf): void {
  const tag = bp.tag as Tag | undefined;
  if (tag === undefined || tag.kind === T_GD || tag.kind === T_SUPER) return;
  if (tag.kind === T_INODES) sealInodes(fs, bp, tag);
  else if (tag.kind === T_BBMAP || tag.kind === T_IBMAP) sealBitmap(fs, bp, tag);
  else fs.sums.sealBlock(bp, tag);
}

function sealInodes(fs: Ext2fs, bp: Buf, tag: Tag): void {
  const { inodeSize } = fs.info;
  for (let mask = tag.mask, i = 0; mask !== 0; mask >>>= 1, i++) if ((mask & 1) !== 0) fs.sums.sealInode(bp.data, i * inodeSize, tag.owner + i);
  tag.mask = 0;
}

/** The sum is in the descriptor, which whoever changed the bitmap has changed, too. */
function sealBitmap(fs: Ext2fs, bp: Buf, tag: Tag): void {
  const g = tag.owner;
  fs.sums.sealBitmap(bp.data, tag.kind, fs.gd.buf(g).data, fs.gd.off(g));
  fs.gd.touched[g] = 1;
  fs.bcache.markDirty(fs.gd.buf(g));
}

function sealGroups(fs: Ext2fs, bp: Buf, first: number): void {
  const last = Math.min(fs.groups, first + (fs.bsize >> fs.gd.shift));
  for (let g = first; g < last; g++) {
    if (fs.gd.touched[g] === 0) continue;
    fs.gd.touched[g] = 0;
    fs.sums.sealGroup(bp.data, fs.gd.off(g), g);
  }
}
