/**
 * fsck: checks an FFS, and repairs it. It knows the formats, and shares nothing else with the driver, so that each can be held to account by the other.
 *
 * Five passes, as ever: inodes and blocks, directories, what is not reached, links, groups. All repairs are made in memory, each pass on what
 * the one before has left; a check throws them away, and a repair writes them and checks again.
 */
import { ERR } from '@anykernel/lib-sys';
import { set64 } from '@anykernel/ufs';
import { findCopy, findSuper } from '../findsuper.js';
import { FS_CKHASHES, FS_CLEAN, FS_DOWAPBL, FS_FLAGS, FS_FMOD, FS_ISCLEAN, FS_METACKHASH, FS_OLD_TIME, FS_SBLOCKLOC, FS_TIME, INODEFMT_44, SB_LEN, type SuperInfo, parseSuper } from '../ondisk.js';
import { hasLog, isClean } from '../log.js';
import { Context, FREE, type Problem, SYSTEM } from './context.js';
import { checkDirectories, visitAll } from './dirs.js';
import { checkGroups, checkTotals } from './groups.js';
import { checkInodes } from './inodes.js';
import { checkLinks } from './links.js';
import { openLog, replayNow, replayed } from './log.js';
import { release } from './release.js';
import { type ImageIo, Store } from './store.js';

export type { ImageIo } from './store.js';
export type { Problem } from './context.js';

export interface FsckOptions {
  /** Write the repairs; otherwise nothing is written. */
  readonly repair?: boolean;
  /** Seconds since 1970. */
  readonly time: number;
}

export interface FsckReport {
  /** What was wrong, in the order in which it was found, and what was done about it (or would be). */
  readonly problems: readonly Problem[];
  /** There were more of them than are listed. */
  readonly more: number;
  /** It says of itself that it was unmounted cleanly. */
  readonly marked: boolean;
  /** Nothing is wrong (any more). */
  readonly clean: boolean;
  readonly files: number;
  /** Fragments in use, and in all. */
  readonly used: number;
  readonly size: number;
}

/** Rounds of repair, after which it is given up. */
const ROUNDS = 4;

/** EINVAL: there is no FFS. EOPNOTSUPP: its format is from before 2003, or it has snapshots. ENOMEM: too large. What the image throws. */
export function fsck(io: ImageIo, options: FsckOptions): FsckReport {
  const start = locate(io);
  if (start.restore !== undefined && options.repair === true) io.write(start.info.loc, start.restore);
  const { io: image, info, unlinked, said } = withLog(io, start.info, options);
  const problems: Problem[] = start.restore === undefined ? [] : [{ text: `the superblock is spoiled: restored from the copy at byte ${start.at}` }];
  problems.push(...said);
  let report = round(image, info, options, unlinked);
  const first = report;
  problems.push(...report.problems);
  if (options.repair === true) {
    for (let i = 1; i < ROUNDS && !report.clean; i++) report = round(image, info, options, []);
    mark(image, info, options.time, report.clean);
  }
  const clean = report.clean && (options.repair === true || (start.restore === undefined && said.length === 0));
  return { ...report, problems, more: first.more, marked: isMarked(start.info), clean };
}

interface Located {
  readonly info: SuperInfo;
  /** The superblock to write in the first one's place, and where it comes from. */
  readonly restore?: Uint8Array;
  readonly at?: number;
}

function locate(io: ImageIo): Located {
  const peek = (off: number, len: number): Uint8Array => (off >= io.size ? new Uint8Array(0) : io.read(off, Math.min(len, io.size - off)));
  const found = findSuper(peek);
  if (typeof found === 'object' && found.size * 2 ** found.fshift <= io.size) {
    if (!found.updated || found.inodefmt < INODEFMT_44 || found.snapshots.length > 0) throw ERR.EOPNOTSUPP;
    return { info: found };
  }
  const copy = findCopy(peek, io.size);
  if (copy === undefined || copy.info.size * 2 ** copy.info.fshift > io.size) throw ERR.EINVAL;
  const restore = copy.bytes.slice(0, SB_LEN);
  restore[FS_CLEAN] = 0;
  const view = new DataView(restore.buffer);
  set64(view, FS_SBLOCKLOC, copy.info.loc, copy.info.le);
  return { info: copy.info, restore, at: copy.at };
}

interface WithLog {
  readonly io: ImageIo;
  readonly info: SuperInfo;
  readonly unlinked: readonly number[];
  readonly said: readonly Problem[];
}

/** What the journal has comes first. */
function withLog(io: ImageIo, info: SuperInfo, options: FsckOptions): WithLog {
  const log = openLog(io, info);
  if (log === undefined) return { io, info, unlinked: [], said: [] };
  if (typeof log === 'string') return { io, info, unlinked: [], said: [{ text: `the journal ${log}: it is given up` }] };
  if (options.repair === true) replayNow(io, log);
  const image = options.repair === true ? io : replayed(io, log);
  const after = parseSuper(image.read(info.loc, SB_LEN), info.loc);
  if (typeof after === 'string' || after.size !== info.size || after.fshift !== info.fshift) {
    return { io, info, unlinked: [], said: [{ text: 'the journal has another superblock: it is given up' }] };
  }
  return { io: image, info: after, unlinked: log.replay.unlinked.map(([ino]) => ino), said: [] };
}

/** Unmounted cleanly, or as good as that by its journal. */
function isMarked(info: SuperInfo): boolean {
  return isClean(info, hasLog(info));
}

function round(io: ImageIo, info: SuperInfo, options: FsckOptions, unlinked: readonly number[]): FsckReport {
  const store = new Store(io, 2 ** info.fshift, info.size);
  const c = new Context(info, store, options.time);
  checkInodes(c);
  endUnlinked(c, unlinked, options.repair === true);
  checkDirectories(c);
  checkLinks(c, (queue) => visitAll(c, queue));
  checkTotals(c, checkGroups(c));
  if (options.repair === true) store.flush();
  let files = 0;
  for (let ino = 2; ino < c.inodes; ino++) if (c.state[ino] !== 0) files++;
  let used = 0;
  for (let a = 0; a < info.size; a++) if (c.isUsed(a)) used++;
  return { problems: c.problems, more: c.more, marked: isMarked(info), clean: c.problems.length === 0, files, used, size: info.size };
}

/** Inodes that the journal says are on their way out: they go, or, where nothing is repaired, are nobody's concern. */
function endUnlinked(c: Context, unlinked: readonly number[], repair: boolean): void {
  for (const ino of unlinked) {
    if (!(ino >= 2 && ino < c.inodes) || c.state[ino] === FREE || c.inode(ino).nlink > 0) continue;
    if (!repair) {
      c.state[ino] = SYSTEM;
      continue;
    }
    release(c, ino);
    c.state[ino] = FREE;
  }
}

/** Says in the superblock that it has been checked. */
function mark(io: ImageIo, info: SuperInfo, time: number, clean: boolean): void {
  const fsize = 2 ** info.fshift;
  const store = new Store(io, fsize, info.size);
  store.put(info.loc + FS_CLEAN, Uint8Array.of(clean ? FS_ISCLEAN : 0));
  store.put(info.loc + FS_FMOD, Uint8Array.of(0));
  const flags = new DataView(new ArrayBuffer(4));
  flags.setUint32(0, info.flags & ~(info.logged ? FS_DOWAPBL : 0) & ~(info.quotas ? 0 : FS_METACKHASH), info.le);
  store.put(info.loc + FS_FLAGS, new Uint8Array(flags.buffer));
  if (info.version === 2) store.put(info.loc + FS_CKHASHES, new Uint8Array(4));
  if (store.changed) {
    const stamp = new DataView(new ArrayBuffer(8));
    set64(stamp, 0, time, info.le);
    store.put(info.loc + FS_TIME, new Uint8Array(stamp.buffer));
    if (info.version === 1) {
      const old = new DataView(new ArrayBuffer(4));
      old.setInt32(0, time | 0, info.le);
      store.put(info.loc + FS_OLD_TIME, new Uint8Array(old.buffer));
    }
  }
  store.flush();
}
