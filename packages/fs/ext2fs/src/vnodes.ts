/** Vnodes of inodes: made for new files, and for those that are looked up. */
import { ERR } from '@anykernel/lib-sys';
import { type Mount, VBLK, VCHR, Vnode, modeToType } from '@anykernel/rumpvfs';
import { rdevOf } from './attr.js';
import { FL_EA_INODE } from './ondisk.js';
import type { Ext2fs } from './fs.js';
import { Inode, inodeBlock, inodeFault, inodeOffset, isUsableIno } from './inode.js';

/** A vnode for an inode that is in order. */
export function makeVnode(fs: Ext2fs, ip: Inode): Vnode {
  const type = modeToType(ip.mode);
  const vp = new Vnode(type, fs.opsOf(type), fs.mp, ip, ip.ino);
  if (type === VBLK || type === VCHR) vp.rdev = rdevOf(ip);
  return vp;
}

/** vget()'s. ESTALE: no file has this inode. EIO: it makes no sense. */
export function loadVnode(mp: Mount, ino: number): Vnode {
  const fs = mp.data as Ext2fs;
  if (!isUsableIno(fs, ino)) throw ERR.ESTALE;
  const bp = fs.bcache.bread(inodeBlock(fs, ino));
  const ip = new Inode(fs, ino, bp, inodeOffset(fs, ino));
  try {
    if (ip.nlink === 0) throw ERR.ESTALE;
    const fault = inodeFault(ip);
    if ((ip.flags & FL_EA_INODE) !== 0) fs.corrupt(`inode ${ino} holds an attribute, and is no file`);
    if (fault !== undefined) fs.corrupt(`inode ${ino}: ${fault}`);
    return makeVnode(fs, ip);
  } catch (e) {
    ip.release();
    throw e;
  }
}
