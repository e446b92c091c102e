/** Vnodes of inodes: made for new files, and for those that are looked up. */
import { ERR } from '@anykernel/lib-sys';
import { type Mount, VBLK, VCHR, Vnode, modeToType } from '@anykernel/rumpvfs';
import { rdevOf } from './attr.js';
import { type Inode, inodeFault, isUsableIno, readInode } from './inode.js';
import { type UfsMount, corrupt } from './mount.js';

/** A vnode for an inode that is in order. */
export function makeVnode(fs: UfsMount, ip: Inode): Vnode {
  const type = modeToType(ip.mode);
  const vp = new Vnode(type, fs.opsOf(type), fs.mp, ip, ip.ino);
  if (type === VBLK || type === VCHR) vp.rdev = rdevOf(ip);
  return vp;
}

/** vget()'s. ESTALE: no file has this inode. EIO: it makes no sense. */
export function loadVnode(mp: Mount, ino: number): Vnode {
  const fs = mp.data as UfsMount;
  if (!isUsableIno(fs, ino)) throw ERR.ESTALE;
  const ip = readInode(fs, ino);
  try {
    if (ip.nlink <= 0 || ip.mode === 0) throw ERR.ESTALE;
    const fault = inodeFault(ip);
    if (fault !== undefined) corrupt(fs, `inode ${ino}: ${fault}`);
    return makeVnode(fs, ip);
  } catch (e) {
    ip.release();
    throw e;
  }
}
