/**
 * Snapshots, read: a file as long as its file system, whose blocks are the copies of those that have changed since.
 *
 * A pointer of 0 means that the block has not changed: it is the device's own. BLK_NOCOPY and BLK_SNAP say that there was nothing in it. A file system
 * with snapshots is mounted read-only here, so that nothing changes beneath them.
 */
import type { Run } from '@anykernel/rumpvfs';
import { BLK_SNAP, type Inode, corrupt, find, getPtr } from '@anykernel/ufs';
import type { Ffs } from './fs.js';

/** Blocks of one run at most. */
const RUN_MAX = 256;

/** bmap() of a snapshot, in fragments. EIO; sleeps. */
export function snapshotBmap(fs: Ffs, ip: Inode, lfn: number, run: Run): void {
  const lbn = Math.floor(lfn / fs.frag);
  const within = lfn - lbn * fs.frag;
  const p = fs.place;
  const there = find(ip, lbn, p);
  const addr = there ? getPtr(fs, p.view, p.off) : 0;
  run.count = (there ? 1 : Math.min(RUN_MAX, p.count)) * fs.frag - within;
  run.blkno = -1;
  if (addr === 0) {
    // Beyond the file system there is the snapshot's own list of blocks, or nothing.
    if (lfn >= fs.info.size) return;
    run.blkno = lfn;
    run.count = Math.min(run.count, fs.info.size - lfn);
    return;
  }
  if (addr <= BLK_SNAP) return;
  if (!(addr + fs.frag <= fs.info.size) || (addr & (fs.frag - 1)) !== 0) corrupt(fs, `inode ${ip.ino}: block ${lbn} of a snapshot is said to be at ${addr}`);
  run.blkno = addr + within;
}
