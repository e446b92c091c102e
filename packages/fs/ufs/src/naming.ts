/** How UFS holds names, and what new files begin with; targets of symbolic links. */
import { bytestrOf } from '@anykernel/lib-bytes';
import type { Lwp } from '@anykernel/rumpkern';
import { VBLK, VCHR, VDIR, VLNK, type Vattr, type Vnode } from '@anykernel/rumpvfs';
import { blockAt } from './bmap.js';
import { dirEnter, dirFind, dirRead, dirRemove, dirRewrite } from './dir.js';
import { dirInit, dirIsEmpty, parentOf, setParent } from './dots.js';
import { lostLastName } from './ending.js';
import { markAccess } from './incore.js';
import { type Inode, VTOI, isUsableIno } from './inode.js';
import { type Naming, corrupt } from './inodefs.js';
import { LINK_MAX } from './ondisk.js';

/** The names of UFS. */
export const ufsNaming: Naming = {
  find: dirFind,
  enter: dirEnter,
  remove: dirRemove,
  rewrite: dirRewrite,
  read: dirRead,
  isEmpty: dirIsEmpty,
  parentOf,
  setParent,
  isUsable: isUsableIno,
  flagsOf: (ip) => (ip as Inode).flags,
  linkMax: () => LINK_MAX,
  mayHaveSubdir: (dp) => dp.nlink < LINK_MAX,
  gainSubdir(dp): void {
    dp.dirty();
    dp.nlink++;
  },
  alloc: (dp: Inode, isDir) => dp.fs.ops.valloc(dp, isDir),
  begin(dp, ip: Inode, va: Vattr, target): void {
    if (va.type === VDIR) dirInit(ip, dp.ino);
    else if (va.type === VLNK) putTarget(ip, target);
    else if (va.type === VBLK || va.type === VCHR) ip.setPtr(0, va.rdev >>> 0);
  },
  lostLastName,
};

function putTarget(ip: Inode, target: string): void {
  const { fs } = ip;
  if (target.length < fs.maxSymlinkLen) {
    ip.size = target.length;
    putBytes(ip.bp.data, ip.ptrOff, target, 0, target.length);
    return;
  }
  fs.ops.balloc(ip, 0, target.length);
  const addr = ip.ptr(0);
  for (let f = 0; f * fs.fsize < target.length; f++) {
    const bp = fs.bcache.getblk(addr + f);
    fs.txn.dirty(bp);
    bp.data.fill(0);
    putBytes(bp.data, 0, target, f * fs.fsize, Math.min(target.length, (f + 1) * fs.fsize));
  }
}

/** Characters from..to - 1 of a byte string. */
function putBytes(b: Uint8Array, off: number, text: string, from: number, to: number): void {
  for (let i = from; i < to; i++) b[off + i - from] = text.charCodeAt(i);
}

/** The target as a byte string. EIO. */
export function readlink(vp: Vnode, _l: Lwp): string {
  const ip = VTOI(vp);
  const { fs } = ip;
  const { size } = ip;
  markAccess(vp, ip);
  if (ip.isFastLink) return bytestrOf(ip.bp.data, ip.ptrOff, ip.ptrOff + size);
  const addr = blockAt(ip, 0);
  if (addr === 0) corrupt(fs, `symbolic link ${ip.ino} has no target`);
  let target = '';
  for (let f = 0; f * fs.fsize < size; f++) target += bytestrOf(fs.bcache.bread(addr + f).data, 0, Math.min(fs.fsize, size - f * fs.fsize));
  return target;
}
