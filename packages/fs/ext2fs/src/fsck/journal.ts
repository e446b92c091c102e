/** The journal: found in its inode, or by the copy of that in the superblock; replayed, checked, and made anew where it is lost. */
import { bitSet, getU16be, getU16le, getU32be, getU32le, isZero, putU16le, putU32le } from '@anykernel/lib-bytes';
import { JBD2_MAGIC, JournalPlace, JS_NR_USERS, Replay, parseJournalSuper } from '@anykernel/jbd2';
import { type BlockRun, journalLength, journalSuper, mapByExtents, mapByPointers, pointerBlocks } from '../newfsjournal.js';
import {
  COMPAT_HAS_JOURNAL, DI_ATIME, DI_BLOCK, DI_CTIME, DI_EXTRA, DI_FLAGS, DI_MODE, DI_MTIME, DI_NLINK, DI_OLD_LEN, DI_SIZE, EXTRA_LEN, FL_EXTENTS, INCOMPAT_EXTENTS, INCOMPAT_RECOVER, JOURNAL_INO,
  SB_COMPAT, SB_INCOMPAT, SB_JOURNAL_BACKUP, SB_JOURNAL_BLOCKS, SB_JOURNAL_INO, SB_UUID,
} from '../ondisk.js';
import { type Check, Hopeless } from './check.js';
import { type Run, runsOf } from './runs.js';
import { freeRun } from './take.js';

const S_IFREG = 0o100000;
/** Block types of a journal's superblock: the older one ends where the newer one's fields begin. */
const SUPER_V1 = 3;
const V2_FIELDS = 36;
const V2_END = 1024;

function has(c: Check): boolean {
  return (c.info.compat & COMPAT_HAS_JOURNAL) !== 0;
}

/** Where the journal is; undefined: its inode makes no sense, and there is no copy. */
function journalRuns(c: Check): Run[] | undefined {
  const b = c.inode(c.info.journalIno);
  const runs = b === undefined || getU16le(b, DI_MODE) >> 12 !== 8 || getU16le(b, DI_NLINK) === 0 ? undefined : runsOf(c, b);
  return runs !== undefined && isJournal(c, runs) ? runs : undefined;
}

function isJournal(c: Check, runs: readonly Run[]): boolean {
  return getU32be(c.block(runs[0]![0]), 0) === JBD2_MAGIC;
}

/** The inode of the journal as the copy in the superblock has it: undefined where that makes no sense. */
function backup(c: Check): Uint8Array | undefined {
  if (c.sb[SB_JOURNAL_BACKUP] !== 1) return undefined;
  const b = emptyInode(c);
  b.set(c.sb.subarray(SB_JOURNAL_BLOCKS, SB_JOURNAL_BLOCKS + 60), DI_BLOCK);
  putU32le(b, DI_SIZE, getU32le(c.sb, SB_JOURNAL_BLOCKS + 64));
  if (getU16le(b, DI_BLOCK) === 0xf30a) putU32le(b, DI_FLAGS, FL_EXTENTS);
  const runs = runsOf(c, b);
  return runs !== undefined && isJournal(c, runs) ? b : undefined;
}

function emptyInode(c: Check): Uint8Array {
  const b = new Uint8Array(c.info.inodeSize);
  putU16le(b, DI_MODE, S_IFREG | 0o600);
  putU16le(b, DI_NLINK, 1);
  for (const field of [DI_ATIME, DI_CTIME, DI_MTIME]) putU32le(b, field, c.options.time);
  if (b.length > DI_OLD_LEN) putU16le(b, DI_EXTRA, Math.min(EXTRA_LEN, b.length - DI_OLD_LEN));
  return b;
}

/** Replays the journal, in memory. Returns whether there was something: all is to be read again then. */
export function replayJournal(c: Check): boolean {
  if (has(c) && c.info.journalIno === 0 && (c.info.incompat & INCOMPAT_RECOVER) !== 0) throw new Hopeless('it needs recovery, and its journal is on another device');
  if (has(c) && c.info.journalIno !== 0) restoreInode(c);
  const runs = has(c) && c.info.journalIno !== 0 ? journalRuns(c) : undefined;
  const forget = (): void => putU32le(c.sb, SB_INCOMPAT, (getU32le(c.sb, SB_INCOMPAT) & ~INCOMPAT_RECOVER) >>> 0);
  if ((c.info.incompat & INCOMPAT_RECOVER) === 0) return false;
  if (runs === undefined) {
    c.problem('it needs recovery, and its journal cannot be found', forget);
    return false;
  }
  const place = new JournalPlace(c.bsize, runs);
  const sb = c.block(runs[0]![0]).slice();
  const info = parseJournalSuper(sb, place.count);
  if (typeof info === 'string' || info.bsize !== c.bsize) {
    c.problem(`it needs recovery, and its journal makes no sense: ${typeof info === 'string' ? info : 'it has other blocks'}`, forget);
    return false;
  }
  const result = new Replay(device(c), place, sb, info, c.info.blocks).run();
  if (typeof result === 'string') c.problem(`its journal cannot be replayed: ${result}`, forget);
  else c.notes.push(`the journal was replayed: ${result.transactions} transactions, ${result.blocks} blocks`);
  return typeof result !== 'string';
}

/** The inode comes from the copy in the superblock where it makes no sense itself. */
function restoreInode(c: Check): void {
  const copy = journalRuns(c) === undefined ? backup(c) : undefined;
  if (copy === undefined) return;
  c.problem('the inode of the journal makes no sense: the copy in the superblock is used', () => c.putInode(c.info.journalIno, copy));
}

/** The first block of a journal that has nothing in it. */
export function checkJournal(c: Check): void {
  if (!has(c) || c.info.journalIno === 0) return;
  const runs = journalRuns(c);
  if (runs === undefined) return;
  const count = runs.reduce((sum, [, n]) => sum + n, 0);
  const head = c.block(runs[0]![0]);
  const info = parseJournalSuper(head, count);
  if (typeof info !== 'string' && info.bsize === c.bsize && (info.start === 0 || c.recovered) && !hasStrangeFields(head)) return;
  const what =
    typeof info === 'string' ? info : hasStrangeFields(head) ? 'it has fields of another kind' : info.start !== 0 ? 'there is something in it, and the superblock says no' : 'it has other blocks';
  c.problem(`its journal makes no sense: ${what}: it is made anew`, () => c.changed(runs[0]![0], journalSuper(c.bsize, count, uuidOf(c), c.sums.on)));
}

function uuidOf(c: Check): Uint8Array {
  return c.sb.slice(SB_UUID, SB_UUID + 16);
}

/** The older kind has nothing in the fields of the newer one, and no journal within a file system has several users. */
function hasStrangeFields(head: Uint8Array): boolean {
  if (getU16be(head, 6) === SUPER_V1) return !isZero(head.subarray(V2_FIELDS, V2_END));
  return getU32be(head, JS_NR_USERS) > 1;
}

/** A new journal for one that is lost, when all blocks in use are known; where there is no room for one, the file system has none any more. */
export function remakeJournal(c: Check): void {
  if (!has(c) || c.info.journalIno === 0 || journalRuns(c) !== undefined) return;
  const made = newJournal(c);
  const inode = made ?? new Uint8Array(c.info.inodeSize);
  c.problem(`the journal is lost: ${made === undefined ? 'there is none any more' : 'it is made anew'}`, () => {
    if (c.info.journalIno !== JOURNAL_INO && c.info.journalIno >= c.info.firstIno) c.clearInode(c.info.journalIno);
    putU32le(c.sb, SB_JOURNAL_INO, made === undefined ? 0 : JOURNAL_INO);
    if (made === undefined) putU32le(c.sb, SB_COMPAT, (getU32le(c.sb, SB_COMPAT) & ~COMPAT_HAS_JOURNAL) >>> 0);
    putU32le(c.sb, SB_INCOMPAT, (getU32le(c.sb, SB_INCOMPAT) & ~INCOMPAT_RECOVER) >>> 0);
    c.sb[SB_JOURNAL_BACKUP] = made === undefined ? 0 : 1;
    c.sb.fill(0, SB_JOURNAL_BLOCKS, SB_JOURNAL_BLOCKS + 68);
    c.sb.set(inode.subarray(DI_BLOCK, DI_BLOCK + 60), SB_JOURNAL_BLOCKS);
    putU32le(c.sb, SB_JOURNAL_BLOCKS + 64, getU32le(inode, DI_SIZE));
    c.putInode(JOURNAL_INO, inode);
  });
}

/** The inode of an empty journal, which is one run of blocks; undefined: there is no room. */
function newJournal(c: Check): Uint8Array | undefined {
  const length = journalLength(c.info.blocks);
  if (length === 0) return undefined;
  const extents = (c.info.incompat & INCOMPAT_EXTENTS) !== 0;
  const pointerCount = extents ? 0 : pointerBlocks(length, c.bsize);
  const first = freeRun(c, c.info.firstData + 1, c.info.blocks, pointerCount + length);
  if (first === 0) return undefined;
  for (let i = 0; i < pointerCount + length; i++) bitSet(c.used, first + i);
  const b = emptyInode(c);
  const runs: BlockRun[] = [[first + pointerCount, length]];
  putU32le(b, DI_SIZE, length * c.bsize);
  if (extents) {
    putU32le(b, DI_FLAGS, FL_EXTENTS);
    mapByExtents(b, 0, runs);
  } else mapByPointers(b, 0, runs, Array.from({ length: pointerCount }, (_, i) => first + i), c.bsize, (blkno, data) => c.changed(blkno, data));
  c.setSectors(b, (pointerCount + length) * (c.bsize >> 9));
  c.changed(first + pointerCount, journalSuper(c.bsize, length, uuidOf(c), c.sums.on));
  // What is left in the blocks behind it is no journal's: it would be looked at from the first transaction on.
  c.changed(first + pointerCount + 1, new Uint8Array(c.bsize));
  return b;
}

/** The image and what is changed of it, as a disk. */
function device(c: Check): ConstructorParameters<typeof Replay>[0] {
  const each = (data: readonly Uint8Array[], off: number, fn: (b: Uint8Array, at: number, from: Uint8Array, fromAt: number, n: number) => void): number => {
    let at = off;
    for (const b of data) {
      for (let i = 0; i < b.length; ) {
        const blkno = Math.floor(at / c.bsize);
        const n = Math.min(b.length - i, c.bsize - (at % c.bsize));
        fn(c.block(blkno), blkno, b.subarray(i, i + n), at % c.bsize, n);
        i += n;
        at += n;
      }
    }
    return at - off;
  };
  return {
    size: c.info.blocks * c.bsize,
    read: (data, off) => each(data, off, (b, _blkno, to, at, n) => to.set(b.subarray(at, at + n))),
    write: (data, off) =>
      each(data, off, (b, blkno, from, at) => {
        b.set(from, at);
        c.changed(blkno, b);
      }),
    flush: () => undefined,
    k: { sleep: () => { throw new Hopeless('the image does not answer'); }, wakeup: () => undefined },
  };
}
