/**
 * The journal of a mounted ext3 or ext4: where its blocks are, recovery at mount, and what metadata is written ahead to.
 */
import { Jbd2Log, JournalPlace, type JournalSuper, parseJournalSuper, Replay } from '@anykernel/jbd2';
import { Journal, VREG, modeToType } from '@anykernel/rumpvfs';
import { bmap } from './bmap.js';
import type { Ext2fs } from './fs.js';
import { Inode, inodeBlock, inodeFault, inodeOffset } from './inode.js';
import { COMPAT_HAS_JOURNAL } from './ondisk.js';

/** A journal that makes sense. */
export interface OpenJournal {
  readonly place: JournalPlace;
  /** Its first block, copied. */
  readonly sb: Uint8Array;
  readonly info: JournalSuper;
}

/** Opens the journal; a string says why it cannot be. Sleeps, EIO. */
export function openJournal(fs: Ext2fs): OpenJournal | string {
  const ino = fs.info.journalIno;
  if (ino === 0) return 'its journal is on another device';
  const ip = new Inode(fs, ino, fs.bcache.bread(inodeBlock(fs, ino)), inodeOffset(fs, ino));
  try {
    const fault = modeToType(ip.mode) !== VREG || ip.nlink === 0 ? 'it is no file' : inodeFault(ip);
    if (fault !== undefined) return `its journal, inode ${ino}: ${fault}`;
    const place = placeOf(ip);
    if (place === undefined) return 'its journal has holes';
    const sb = fs.bcache.bread(place.off(0) / fs.bsize).data.slice();
    const info = parseJournalSuper(sb, place.count);
    if (typeof info === 'string') return `its journal: ${info}`;
    if (info.bsize !== fs.bsize) return `its journal has blocks of ${info.bsize} bytes`;
    fs.hidden = place.count;
    return { place, sb, info };
  } finally {
    ip.release();
  }
}

function placeOf(ip: Inode): JournalPlace | undefined {
  const { fs } = ip;
  const runs: [number, number][] = [];
  const run = fs.scratchRun;
  const blocks = Math.floor(ip.size / fs.bsize);
  for (let lbn = 0; lbn < blocks; ) {
    bmap(ip, lbn, run);
    if (run.blkno < 0) return undefined;
    const n = Math.min(run.count, blocks - lbn);
    runs.push([run.blkno, n]);
    lbn += n;
  }
  return runs.length === 0 ? undefined : new JournalPlace(fs.bsize, runs);
}

export function hasJournal(fs: Ext2fs): boolean {
  return (fs.info.compat & COMPAT_HAS_JOURNAL) !== 0;
}

/** What recovers the file system. */
export function replayOf(fs: Ext2fs, j: OpenJournal): Replay {
  return new Replay(fs.disk, j.place, j.sb, j.info, fs.info.blocks);
}

/** Recovery of a file system that may not be written: what it would write is kept in memory, and shown to whoever reads the device. */
export function overlayOf(fs: Ext2fs, j: OpenJournal): Replay {
  const { disk, bsize, k } = fs;
  const blocks = new Map<number, Uint8Array>();
  const write = (data: readonly Uint8Array[], off: number): number => {
    // Whole blocks: that is what a log has.
    for (const b of data) {
      if (!blocks.has(off / bsize)) k.mem.charge(bsize);
      blocks.set(off / bsize, b.slice());
    }
    return data.reduce((sum, b) => sum + b.length, 0);
  };
  const patch = (data: readonly Uint8Array[], off: number): void => {
    let at = off;
    for (const b of data) {
      for (let i = 0; i < b.length; ) {
        const from = (at + i) % bsize;
        const n = Math.min(b.length - i, bsize - from);
        const known = blocks.get(Math.floor((at + i) / bsize));
        if (known !== undefined) b.set(known.subarray(from, from + n), i);
        i += n;
      }
      at += b.length;
    }
  };
  const device = { size: disk.size, k, read: disk.read.bind(disk), write, flush: (): void => void (disk.patch = patch) };
  fs.overlay.push(() => k.mem.uncharge(blocks.size * bsize));
  return new Replay(device, j.place, j.sb, j.info, fs.info.blocks);
}

/** From the first change on, metadata is written ahead. */
export function useJournal(fs: Ext2fs, j: OpenJournal): void {
  fs.journal = new Journal(fs.bcache, new Jbd2Log(j.place, j.sb, j.info, fs.info.blocks >= 2 ** 32, fs.sums.on), { tid: j.info.sequence, pos: 0 });
}
