/** What ufs asks of its file system (the seam UfsOps), as FFS answers it. */
import type { Cred } from '@anykernel/rumpkern';
import type { PagedUobj, Run } from '@anykernel/rumpvfs';
import type { Inode, UfsOps } from '@anykernel/ufs';
import { balloc } from './balloc.js';
import type { Ffs } from './fs.js';
import { allocInode, freeInode } from './ialloc.js';
import { snapshotBmap } from './snapshot.js';
import { freeRange, truncate } from './truncate.js';
import { freeExtattrs } from './xattr.js';

export function ffsOps(fs: Ffs): UfsOps {
  return {
    balloc: (ip: Inode, off: number, len: number): void => balloc(fs, ip, off, len),
    truncate: (ip: Inode, size: number): void => truncate(fs, ip, size),
    punch: (ip: Inode, from: number, to: number): void => freeRange(fs, ip, from, to, ip.size),
    valloc: (dp: Inode, isDir: boolean): Inode => allocInode(fs, dp, isDir),
    vfree: (ip: Inode, isDir: boolean): void => freeInode(fs, ip, isDir),
    freeExtattrs: (ip: Inode): void => freeExtattrs(fs, ip),
    snapshotBmap: (ip: Inode, lfn: number, run: Run): void => snapshotBmap(fs, ip, lfn, run),
    orphaned(ip: Inode): void {
      if (fs.journal === undefined) return;
      fs.unlinked.set(ip.ino, ip.mode);
      fs.txn.undo(() => fs.unlinked.delete(ip.ino));
    },
    isLarge: (ip: Inode): boolean => fs.journal !== undefined && (ip.blocks * 512) / fs.fsize > fs.journal.capacity,
    unorphaned(ip: Inode): void {
      const mode = fs.unlinked.get(ip.ino);
      if (mode === undefined) return;
      fs.unlinked.delete(ip.ino);
      fs.txn.undo(() => fs.unlinked.set(ip.ino, mode));
    },
    ordered(u: PagedUobj): void {
      fs.journal?.order(u);
    },
    flushMetadata(): void {
      if (fs.journal !== undefined) {
        fs.journal.commit();
        return;
      }
      fs.bcache.flush(true);
      fs.disk.flush();
    },
    freeFrags: (cred: Cred): number => fs.freeFrags(cred),
  };
}
