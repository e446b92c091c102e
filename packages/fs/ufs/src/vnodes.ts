/** Vnodes of files that are looked up. */
import { ERR } from '@anykernel/lib-sys';
import type { Mount, Vnode } from '@anykernel/rumpvfs';
import { makeVnode } from './incore.js';
import { inodeFault, isUsableIno, readInode } from './inode.js';
import { corrupt } from './inodefs.js';
import type { UfsMount } from './mount.js';

/** vget()'s. ESTALE: no file has this inode. EIO: it makes no sense. */
export function loadVnode(mp: Mount, ino: number): Vnode {
  const fs = mp.data as UfsMount;
  if (!isUsableIno(fs, ino)) throw ERR.ESTALE;
  const ip = readInode(fs, ino);
  try {
    if (ip.nlink <= 0 || ip.mode === 0) throw ERR.ESTALE;
    const fault = inodeFault(ip);
    if (fault !== undefined) corrupt(fs, `inode ${ino}: ${fault}`);
    return makeVnode(ip);
  } catch (e) {
    ip.release();
    throw e;
  }
}
