/**
 * Which inodes are free, and where a new one goes. All within a transaction.
 *
 * Files go to their directory's group, so that what is listed together lies together. Directories are spread as Orlov proposed: those of
 * the root over the whole disk, the others near their parent as long as its group is not crowded.
 */
import { bitClear, bitSet, bitSetRange, bitTest, findZero } from '@anykernel/lib-bytes';
import { ERR } from '@anykernel/lib-sys';
import type { Buf } from '@anykernel/rumpvfs';
import { T_IBMAP, Tag } from './csum.js';
import type { Ext2fs } from './fs.js';
import { Inode, inodeBlock, inodeOffset, markInode } from './inode.js';
import { BG_INODE_UNINIT, DI_EXTRA, DI_NLINK, DI_OLD_LEN, EXTRA_LEN, ROOT_INO, SB_FREE_BLOCKS, SB_FREE_INODES } from './ondisk.js';

/**
 * Takes a free inode for a file in directory `dp`, zeroed but for its generation, extra size and birth time. The caller releases it.
 * ENOSPC, EIO.
 */
export function allocInode(fs: Ext2fs, dp: Inode, isDir: boolean): Inode {
  if (fs.sb32(SB_FREE_INODES) === 0) throw ERR.ENOSPC;
  const first = isDir ? groupForDir(fs, dp) : groupForFile(fs, dp);
  for (let i = 0; i < fs.groups; i++) {
    const g = (first + i) % fs.groups;
    if (!usable(fs, g)) continue;
    const ino = takeInGroup(fs, g, isDir);
    if (ino > 0) return freshInode(fs, ino);
  }
  throw ERR.ENOSPC;
}

function usable(fs: Ext2fs, g: number): boolean {
  return fs.suspect[g] === 0 && fs.ibmap[g] !== 0 && fs.gd.freeInodes(g) > 0;
}

function groupOfInode(fs: Ext2fs, ino: number): number {
  return Math.floor((ino - 1) / fs.info.inodesPerGroup);
}

/** The directory's group if it has room; then at distances 1, 2, 4 ...; then whichever comes. */
function groupForFile(fs: Ext2fs, dp: Inode): number {
  const own = groupOfInode(fs, dp.ino);
  const hasRoom = (g: number): boolean => usable(fs, g) && fs.gd.freeBlocks(g) > 0;
  if (hasRoom(own)) return own;
  for (let step = 1, g = (own + dp.ino) % fs.groups; step < fs.groups; step <<= 1) {
    g = (g + step) % fs.groups;
    if (hasRoom(g)) return g;
  }
  return own;
}

/** Orlov's rule, with the averages of free inodes and blocks as its thresholds. */
function groupForDir(fs: Ext2fs, dp: Inode): number {
  const own = groupOfInode(fs, dp.ino);
  const avgInodes = fs.sb32(SB_FREE_INODES) / fs.groups;
  const avgBlocks = fs.sb32(SB_FREE_BLOCKS) / fs.groups;
  if (dp.ino === ROOT_INO) return leastDirs(fs, own, avgInodes, avgBlocks);
  const minInodes = avgInodes - fs.info.inodesPerGroup / 4;
  const minBlocks = avgBlocks - fs.info.blocksPerGroup / 4;
  const maxDirs = fs.info.inodesPerGroup / 16 + (fs.info.inodes - fs.sb32(SB_FREE_INODES)) / fs.groups;
  for (let i = 0; i < fs.groups; i++) {
    const g = (own + i) % fs.groups;
    if (!usable(fs, g) || fs.gd.dirs(g) >= maxDirs) continue;
    if (fs.gd.freeInodes(g) >= minInodes && fs.gd.freeBlocks(g) >= minBlocks) return g;
  }
  return own;
}

/** Of the groups that are emptier than the average, the one with the fewest directories. */
function leastDirs(fs: Ext2fs, own: number, avgInodes: number, avgBlocks: number): number {
  let best = own;
  let least = Infinity;
  for (let g = 0; g < fs.groups; g++) {
    if (!usable(fs, g) || fs.gd.dirs(g) >= least || fs.gd.freeInodes(g) < avgInodes || fs.gd.freeBlocks(g) < avgBlocks) continue;
    least = fs.gd.dirs(g);
    best = g;
  }
  return best;
}

/** A free inode of group `g`, or 0. */
function takeInGroup(fs: Ext2fs, g: number, isDir: boolean): number {
  const bp = inodeMap(fs, g);
  if (bp === undefined) return 0;
  const end = fs.info.inodesPerGroup;
  const hint = fs.inodeHint[g];
  let bit = findZero(bp.data, hint, end);
  if (bit < 0) bit = findZero(bp.data, 0, hint);
  const ino = g * fs.info.inodesPerGroup + bit + 1;
  if (bit < 0 || ino < fs.info.firstIno) {
    fs.complain(`group ${g} has ${fs.gd.freeInodes(g)} free inodes by its descriptor, and ${bit < 0 ? 'none' : `the reserved one ${ino}`} by its bitmap`);
    fs.suspect[g] = 1;
    return 0;
  }
  fs.txn.dirty(bp, bit >> 3, 1);
  bitSet(bp.data, bit);
  fs.gd.countInodes(g, -1);
  if (isDir) fs.gd.countDirs(g, 1);
  // A call that sleeps must find the same inode when it is restarted: its block is the one that was read for it.
  fs.txn.undo(() => void (fs.inodeHint[g] = hint));
  fs.inodeHint[g] = bit + 1;
  return ino;
}

/** The bitmap of group `g`, made where it was never written; undefined: its checksum is wrong. */
function inodeMap(fs: Ext2fs, g: number): Buf | undefined {
  if (!fs.gd.flag(g, BG_INODE_UNINIT)) {
    const bp = fs.bcache.bread(fs.ibmap[g]);
    return fs.gd.bitmapSound(g, bp, T_IBMAP) ? bp : undefined;
  }
  const bp = fs.bcache.getblk(fs.ibmap[g]);
  fs.txn.dirty(bp);
  bp.data.fill(0);
  bitSetRange(bp.data, fs.info.inodesPerGroup, 8 * fs.bsize);
  bp.tag = new Tag(T_IBMAP, g, 0);
  fs.gd.clearFlag(g, BG_INODE_UNINIT);
  return bp;
}

/** Inodes up to the one at `index` of group `g` are in use from now on: what was never written of the table is zero. */
function useTable(fs: Ext2fs, g: number, index: number): void {
  const { inodesPerGroup: ipg, inodeSize } = fs.info;
  const first = ipg - fs.gd.unusedInodes(g);
  if (index < first) return;
  for (let i = first; i <= index; i++) {
    const ino = g * ipg + i + 1;
    const bp = fs.bcache.bread(inodeBlock(fs, ino));
    const off = inodeOffset(fs, ino);
    fs.txn.dirty(bp, off, inodeSize);
    bp.data.fill(0, off, off + inodeSize);
    markInode(fs, bp, off, ino);
  }
  fs.gd.setUnusedInodes(g, ipg - index - 1);
}

/** The inode's place in the table, zeroed. EIO: there is a file in it, whatever the bitmap says. */
function freshInode(fs: Ext2fs, ino: number): Inode {
  useTable(fs, groupOfInode(fs, ino), (ino - 1) % fs.info.inodesPerGroup);
  const bp = fs.bcache.bread(inodeBlock(fs, ino));
  const off = inodeOffset(fs, ino);
  if (bp.view.getUint16(off + DI_NLINK, true) !== 0 || fs.mp.peekVnode(ino) !== undefined) {
    fs.suspect[groupOfInode(fs, ino)] = 1;
    fs.corrupt(`inode ${ino} is free by its bitmap, and has a file in it`);
  }
  fs.txn.dirty(bp, off, fs.info.inodeSize);
  bp.data.fill(0, off, off + fs.info.inodeSize);
  markInode(fs, bp, off, ino);
  if (fs.info.inodeSize > DI_OLD_LEN) bp.view.setUint16(off + DI_EXTRA, extraFor(fs), true);
  const ip = new Inode(fs, ino, bp, off);
  ip.generation = fs.nextGeneration();
  const { sec, nsec } = fs.now();
  ip.setBirthtime(sec, nsec);
  return ip;
}

/** What the superblock wants new inodes to have, but no less than our times need, where there is room. */
function extraFor(fs: Ext2fs): number {
  const room = fs.info.inodeSize - DI_OLD_LEN;
  const want = Math.max(fs.info.wantExtra & ~3, EXTRA_LEN);
  return Math.min(want, room);
}

/** Gives inode `ino` back. EIO: it is free already. */
export function freeInode(fs: Ext2fs, ino: number, isDir: boolean): void {
  const g = groupOfInode(fs, ino);
  if (fs.ibmap[g] === 0) fs.corrupt(`inode ${ino} is to be freed in group ${g}, whose bitmap is not known`);
  const bp = inodeMap(fs, g);
  if (bp === undefined) fs.corrupt(`inode ${ino} is to be freed in group ${g}, whose bitmap has a wrong checksum`);
  const bit = (ino - 1) % fs.info.inodesPerGroup;
  if (!bitTest(bp.data, bit)) fs.corrupt(`inode ${ino} is to be freed, and is free already`);
  fs.txn.dirty(bp, bit >> 3, 1);
  bitClear(bp.data, bit);
  fs.gd.countInodes(g, 1);
  if (isDir) fs.gd.countDirs(g, -1);
  if (bit < fs.inodeHint[g]) fs.inodeHint[g] = bit;
}
