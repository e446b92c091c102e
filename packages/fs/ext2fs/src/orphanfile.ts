/**
 * The orphan file (`orphan_file`): a hidden file full of inode numbers, in which Linux notes the files that it would otherwise have on the orphan list.
 *
 * Where a power cut has left some there, they join the list, which is what is used here, and the file is empty again.
 * Each block ends with a magic number and a checksum; its seed goes on with the number of the block.
 */
import { getU32le, putU32le } from '@anykernel/lib-bytes';
import { VREG, modeToType } from '@anykernel/rumpvfs';
import { blockAt } from './bmap.js';
import { T_ORPHANS, Tag } from './csum.js';
import type { Ext2fs } from './fs.js';
import { Inode, inodeBlock, inodeFault, inodeOffset, isUsableIno } from './inode.js';
import { ROCOMPAT_ORPHAN_PRESENT, SB_ROCOMPAT } from './ondisk.js';
import { addOrphan } from './unfinished.js';

const ORPHAN_MAGIC = 0x0b10ca04;
/** Magic number and checksum. */
const TAIL_LEN = 8;

/** What the orphan file names joins the orphan list. What makes no sense is left out. Sleeps, EIO; called again it goes on. */
export function emptyOrphanFile(fs: Ext2fs): void {
  const features = fs.sb32(SB_ROCOMPAT);
  if ((features & ROCOMPAT_ORPHAN_PRESENT) === 0) return;
  const ino = fs.info.orphanIno;
  if (ino === 0) fs.corrupt('there are said to be orphans in a file, and there is no such file');
  const file = new Inode(fs, ino, fs.bcache.bread(inodeBlock(fs, ino)), inodeOffset(fs, ino));
  try {
    const fault = modeToType(file.mode) !== VREG ? 'it is no file' : inodeFault(file);
    if (fault !== undefined) fs.corrupt(`the orphan file, inode ${ino}: ${fault}`);
    for (let lbn = 0; lbn < file.size / fs.bsize; lbn++) emptyBlock(fs, file, lbn);
  } finally {
    file.release();
  }
  fs.run(() => fs.setSb32(SB_ROCOMPAT, (fs.sb32(SB_ROCOMPAT) & ~ROCOMPAT_ORPHAN_PRESENT) >>> 0));
}

function emptyBlock(fs: Ext2fs, file: Inode, lbn: number): void {
  const blkno = blockAt(file, lbn);
  if (blkno === 0) fs.corrupt(`the orphan file has a hole at block ${lbn}`);
  const bp = fs.bcache.bread(blkno);
  const tag = new Tag(T_ORPHANS, file.ino, file.seed);
  if (bp.tag === undefined && (getU32le(bp.data, fs.bsize - TAIL_LEN) !== ORPHAN_MAGIC || !fs.sums.holds(bp, tag))) fs.corrupt(`block ${lbn} of the orphan file makes no sense`);
  bp.tag ??= tag;
  for (let at = 0; at < fs.bsize - TAIL_LEN; at += 4) {
    const ino = getU32le(bp.data, at);
    if (ino === 0) continue;
    const ip = orphanOf(fs, ino);
    fs.run(() => {
      fs.txn.dirty(bp, at, 4);
      putU32le(bp.data, at, 0);
      if (ip !== undefined) addOrphan(ip);
    });
    ip?.release();
    if (ip !== undefined) fs.zombies.add(ino);
  }
}

/** The orphan with this number; undefined: it is none. */
function orphanOf(fs: Ext2fs, ino: number): Inode | undefined {
  if (isUsableIno(fs, ino) && !fs.orphans.includes(ino)) {
    const ip = new Inode(fs, ino, fs.bcache.bread(inodeBlock(fs, ino)), inodeOffset(fs, ino));
    if ((ip.nlink === 0 || modeToType(ip.mode) === VREG) && inodeFault(ip) === undefined) return ip;
    ip.release();
  }
  fs.complain(`the orphan file names inode ${ino}, which is no orphan`);
  return undefined;
}
