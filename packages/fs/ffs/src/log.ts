/**
 * The journal of a mounted FFS: where it is, its replay at mount, its start and its end.
 *
 * It lies behind the file system on the device, or in a file of the file system that no directory names. While it is in use the superblock says so; a file
 * system that says so at mount was not unmounted, and what its log has is brought home first.
 */
import { ERR } from '@anykernel/lib-sys';
import { type Lwp, transfer } from '@anykernel/rumpkern';
import { type Bcache, type Disk, Journal, type Mount, type Txn } from '@anykernel/rumpvfs';
import { LOG_BSIZE, type Replay, WapblFormat, emitEmptyLog, readHeader, readReplay } from '@anykernel/wapbl';
import type { Ffs } from './fs.js';
import { createLog } from './makelog.js';
import {
  FS_DOWAPBL, FS_FLAGS, FS_ID, FS_ISCLEAN, FS_JOURNALLOCS, FS_JOURNAL_LOCATION, FS_JOURNAL_VERSION, FS_WASCLEAN, JLOC_ADDR, JLOC_BLKSZ, JLOC_COUNT, JLOC_END, JLOC_INFS,
  JOURNAL_VERSION, type JournalPlace, type SuperInfo,
} from './ondisk.js';
import { type Progress, runSteps } from './steps.js';

/** The smallest log: two headers, and a ring that holds something. */
const LOG_MIN = 64 << 10;

/** Bytes of the device. */
export interface LogPlace {
  readonly off: number;
  readonly len: number;
}

/** Where the log is, as the superblock has it; undefined: it says nothing, or nothing that can be. */
export function logPlace(info: SuperInfo, deviceBytes: number): LogPlace | undefined {
  return info.journal === undefined ? undefined : placeAt(info.journal, info, deviceBytes);
}

/** The same of a superblock that has changed since. */
function livePlace(fs: Ffs): LogPlace | undefined {
  const { sb } = fs;
  if (sb.u8(FS_JOURNAL_VERSION) !== JOURNAL_VERSION) return undefined;
  const loc = (i: number): number => sb.u64(FS_JOURNALLOCS + 8 * i);
  const journal = { kind: sb.u8(FS_JOURNAL_LOCATION), addr: loc(JLOC_ADDR), count: loc(JLOC_COUNT), blksz: loc(JLOC_BLKSZ) };
  return placeAt(journal, fs.info, fs.disk.size);
}

function placeAt(journal: Pick<JournalPlace, 'kind' | 'addr' | 'count' | 'blksz'>, info: SuperInfo, deviceBytes: number): LogPlace | undefined {
  if (journal.blksz !== LOG_BSIZE) return undefined;
  const off = journal.addr * LOG_BSIZE;
  const len = journal.count * LOG_BSIZE;
  const fsBytes = info.size * 2 ** info.fshift;
  const within = journal.kind === JLOC_END ? off >= fsBytes && off + len <= deviceBytes : journal.kind === JLOC_INFS && off >= info.dblkno * 2 ** info.fshift && off + len <= fsBytes;
  return within && len >= LOG_MIN ? { off, len } : undefined;
}

// -- replay

/** The replay of one mount, as far as it has come. */
export class Replaying implements Progress {
  step = 0;
  done = false;
  #replay: Replay | undefined;
  /** Pieces of the log that were read, and fragments that were put right. */
  readonly #pieces = new Map<number, Uint8Array>();
  #applied = 0;

  /** Brings home what the log has, or, where nothing may be written, puts it into buffers that stay. EIO: the log makes no sense. Sleeps. */
  run(mp: Mount, disk: Disk, bcache: Bcache, txn: Txn, place: LogPlace, fsBytes: number): Replay {
    const l = mp.vfs.k.curlwp;
    this.#replay ??= this.#read(mp, l, disk, place, fsBytes);
    const replay = this.#replay;
    const frags = byFragment(replay, bcache.bsize);
    if (disk.readonly) this.#hold(bcache, frags);
    else {
      runSteps(this, [
        () => this.#apply(bcache, txn, frags),
        () => bcache.flush(true),
        () => disk.flush(),
        () => writeDisk(l, disk, place.off, emitEmptyLog(place.len, replay.header.le, replay.header.fsid, replay.header.generation)),
        () => disk.flush(),
      ]);
    }
    if (!this.done && frags.length > 0) mp.vfs.k.printf(`ffs: ${mp.fromName}: replayed ${replay.sectors.size} sectors of the journal`);
    this.done = true;
    return replay;
  }

  #read(mp: Mount, l: Lwp, disk: Disk, place: LogPlace, fsBytes: number): Replay {
    const replay = readReplay((off, len) => this.#piece(l, disk, place.off + off, len), place.len);
    this.#pieces.clear();
    const outside = typeof replay === 'object' && [...replay.sectors.keys()].some((s) => (s + 1) * LOG_BSIZE > fsBytes);
    if (typeof replay === 'object' && !outside) return replay;
    mp.vfs.k.printf(`ffs: ${mp.fromName}: the journal cannot be replayed: ${typeof replay === 'string' ? replay : 'it has sectors outside of the file system'}`);
    throw ERR.EIO;
  }

  #piece(l: Lwp, disk: Disk, off: number, len: number): Uint8Array {
    const there = this.#pieces.get(off);
    if (there !== undefined && there.length >= len) return there.subarray(0, len);
    const b = readDisk(l, disk, off, len);
    if (disk.asyncRead === true) this.#pieces.set(off, b);
    return b;
  }

  #apply(bcache: Bcache, txn: Txn, frags: readonly Fragment[]): void {
    while (this.#applied < frags.length) {
      const some = frags.slice(this.#applied, this.#applied + 32);
      txn.run(() => {
        for (const { addr, parts } of some) {
          const bp = bcache.bread(addr);
          for (const [off, data] of parts) {
            txn.dirty(bp, off, data.length);
            bp.data.set(data, off);
          }
        }
      });
      this.#applied += some.length;
    }
  }

  #hold(bcache: Bcache, frags: readonly Fragment[]): void {
    for (; this.#applied < frags.length; this.#applied++) {
      const { addr, parts } = frags[this.#applied];
      const bp = bcache.bread(addr);
      bcache.hold(bp);
      for (const [off, data] of parts) bp.data.set(data, off);
    }
  }
}

interface Fragment {
  readonly addr: number;
  readonly parts: [number, Uint8Array][];
}

function byFragment(replay: Replay, fsize: number): Fragment[] {
  const frags = new Map<number, Fragment>();
  for (const [sector, data] of replay.sectors) {
    const at = sector * LOG_BSIZE;
    const addr = Math.floor(at / fsize);
    let frag = frags.get(addr);
    if (frag === undefined) {
      frag = { addr, parts: [] };
      frags.set(addr, frag);
    }
    frag.parts.push([at % fsize, data]);
  }
  return [...frags.values()];
}

function readDisk(l: Lwp, disk: Disk, off: number, len: number): Uint8Array {
  const start = off - (off % disk.secsize);
  const end = Math.ceil((off + len) / disk.secsize) * disk.secsize;
  const b = transfer(l, end - start, start, undefined, (buf, done) => disk.read([buf], start, done));
  return b.subarray(off - start, off - start + len);
}

function writeDisk(l: Lwp, disk: Disk, off: number, data: Uint8Array): void {
  transfer(l, data.length, -1 - off, (buf) => buf.set(data), (buf, done) => disk.write([buf], off, done));
}

// -- the running journal

/** The start of a journal, as far as it has come. */
export class Starting implements Progress {
  step = 0;
  #place: LogPlace | undefined;
  #generation = 0;

  /** From here on metadata goes to the log first. ENOSPC: there is no room for a log. EIO; sleeps. */
  run(fs: Ffs): void {
    const l = fs.k.curlwp;
    const { disk } = fs;
    const fsid = [fs.sb.i32(FS_ID), fs.sb.i32(FS_ID + 4)] as const;
    runSteps(this, [
      () => void (this.#place = livePlace(fs)),
      () => void (this.#place ??= createLog(fs)),
      () => void (this.#generation = this.#lastGeneration(l, disk)),
      () => writeDisk(l, disk, this.#at.off, emitEmptyLog(this.#at.len, fs.le, fsid, this.#generation)),
      () => disk.flush(),
      () => fs.run(() => setFlag(fs, true)),
      () => fs.bcache.flush(true),
      () => disk.flush(),
      () => begin(fs, this.#at, fsid, this.#generation + 2),
    ]);
    this.step = 0;
  }

  get #at(): LogPlace {
    if (this.#place === undefined) throw ERR.EIO;
    return this.#place;
  }

  #lastGeneration(l: Lwp, disk: Disk): number {
    return readHeader((off, len) => readDisk(l, disk, this.#at.off + off, len), this.#at.len)?.generation ?? 0;
  }
}

function begin(fs: Ffs, place: LogPlace, fsid: readonly [number, number], generation: number): void {
  const format = new WapblFormat({
    le: fs.le,
    off: place.off,
    len: place.len,
    bsize: fs.fsize,
    fsid,
    generation,
    now: () => fs.now(),
    unlinked: () => fs.unlinked,
    unlinkedCount: () => fs.unlinked.size,
  });
  fs.journal = fs.bcache.journal = new Journal(fs.bcache, format, { tid: 1, pos: 0 });
}

/** Everything is brought home, and there is no journal any more. EIO; sleeps. */
export function stopJournal(fs: Ffs): void {
  if (fs.journal !== undefined) {
    fs.journal.empty();
    fs.journal = fs.bcache.journal = undefined;
    fs.limbo.clear();
    fs.run(() => setFlag(fs, false));
  }
}

/** Within a transaction. The superblock says whether the log has to be replayed. */
export function setFlag(fs: Ffs, on: boolean): void {
  const flags = fs.sb.i32(FS_FLAGS);
  fs.sb.set32(FS_FLAGS, on ? flags | FS_DOWAPBL : flags & ~FS_DOWAPBL);
}

/** Whether a superblock tells of a journal that may have something in it. */
export function hasLog(info: SuperInfo): boolean {
  return info.logged;
}

/** Clean, or so once the journal has been replayed. */
export function isClean(info: SuperInfo, replayed: boolean): boolean {
  return info.clean === FS_ISCLEAN || (replayed && info.clean === FS_WASCLEAN);
}
