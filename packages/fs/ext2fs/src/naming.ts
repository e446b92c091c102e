/** How ext2 holds names, and what new files begin with; targets of symbolic links. */
import { bytestrOf } from '@anykernel/lib-bytes';
import { ERR, major, minor } from '@anykernel/lib-sys';
import type { Lwp } from '@anykernel/rumpkern';
import { VBLK, VCHR, VDIR, VLNK, VREG, type Vattr, type Vnode } from '@anykernel/rumpvfs';
import { type Naming, markAccess } from '@anykernel/ufs';
import { flagsOf } from './attr.js';
import { balloc } from './balloc.js';
import { blockAt, bmap } from './bmap.js';
import { dirEnter, dirFind, dirRead, dirRemove, dirRewrite } from './dir.js';
import { dirInit, dirIsEmpty, parentOf, setParent } from './dots.js';
import { allocInode } from './ialloc.js';
import { emptyMap, inlineBytes } from './inline.js';
import { type Inode, VTOI, isUsableIno } from './inode.js';
import {
  DI_BLOCK, FAST_LINK_MAX, FL_DIRSYNC, FL_ENCRYPT, FL_INHERITED, FL_PROJINHERIT, LINK_MAX, LINK_MAX_DIR_NLINK, emitRdev,
} from './ondisk.js';
import { lostLastName } from './orphan.js';
import { inheritAcl } from './xattr.js';

/** The names of ext2. */
export const ext2Naming: Naming = {
  find: dirFind,
  enter: dirEnter,
  remove: dirRemove,
  rewrite: dirRewrite,
  read: dirRead,
  isEmpty: dirIsEmpty,
  parentOf,
  setParent,
  isUsable: isUsableIno,
  flagsOf,
  linkMax: (ip: Inode) => (ip.fs.manyLinks ? LINK_MAX_DIR_NLINK : LINK_MAX),
  // Directories with more links than a count holds say 1, with `dir_nlink`.
  mayHaveSubdir: (dp: Inode) => dp.fs.manyLinks || dp.nlink < LINK_MAX,
  gainSubdir(dp: Inode): void {
    dp.dirty();
    if (dp.nlink === 1) return;
    dp.nlink = dp.fs.manyLinks && dp.nlink + 1 >= LINK_MAX_DIR_NLINK ? 1 : dp.nlink + 1;
  },
  alloc: (dp: Inode, isDir) => allocInode(dp.fs, dp, isDir),
  begin,
  lostLastName,
};

function begin(dp: Inode, ip: Inode, va: Vattr, target: string): void {
  if ((dp.flags & FL_PROJINHERIT) !== 0) ip.projid = dp.projid;
  // Files with blocks have extents, where the image has them.
  if (va.type === VREG || va.type === VDIR || (va.type === VLNK && target.length >= FAST_LINK_MAX)) emptyMap(ip);
  ip.flags |= dp.flags & (va.type === VDIR ? FL_INHERITED : FL_INHERITED & ~FL_DIRSYNC);
  if (va.type === VDIR) dirInit(ip, dp.ino);
  else if (va.type === VLNK) putTarget(ip, target);
  else if (va.type === VBLK || va.type === VCHR) {
    const [word0, word1] = emitRdev(major(va.rdev), minor(va.rdev));
    ip.setPtr(0, word0);
    ip.setPtr(1, word1);
  }
  inheritAcl(dp, ip);
}

function putTarget(ip: Inode, target: string): void {
  const { fs } = ip;
  ip.size = target.length;
  let { bp } = ip;
  let off = ip.off + DI_BLOCK;
  if (target.length >= FAST_LINK_MAX) {
    balloc(ip, 0, 1);
    bp = fs.bcache.getblk(blockAt(ip, 0));
    off = 0;
    fs.txn.dirty(bp);
    bp.data.fill(0);
  }
  for (let i = 0; i < target.length; i++) bp.data[off + i] = target.charCodeAt(i);
}

/** The target as a byte string. EIO. */
export function readlink(vp: Vnode, _l: Lwp): string {
  const ip = VTOI(vp);
  const { fs } = ip;
  const { size } = ip;
  if ((ip.flags & FL_ENCRYPT) !== 0) throw ERR.EOPNOTSUPP;
  markAccess(vp, ip);
  if (ip.isInline) return bytestrOf(inlineBytes(ip), 0, size);
  if (ip.isFastLink) return bytestrOf(ip.bp.data, ip.off + DI_BLOCK, ip.off + DI_BLOCK + size);
  const run = fs.scratchRun;
  bmap(ip, 0, run);
  if (run.blkno < 0) fs.corrupt(`symbolic link ${ip.ino} has no target`);
  return bytestrOf(fs.bcache.bread(run.blkno).data, 0, size);
}
