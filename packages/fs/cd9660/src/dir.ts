/**
 * Directories: records in sectors, none of which crosses a sector's end; zeros fill the rest.
 *
 * A file may have several records, all but the last of which say that it goes on. What is not shown: other versions of a file, associated files, and
 * directories that were moved (Rock Ridge) where they were moved to. A record that makes no sense ends its sector, with a complaint.
 */
import { bytestrOf, utf8Of } from '@anykernel/lib-bytes';
import { ERR, Errno } from '@anykernel/lib-sys';
import { type EmitDirent, VBLK, VCHR, VDIR, VFIFO, VLNK, VSOCK, type Vtype, modeToType } from '@anykernel/rumpvfs';
import { DirIndex } from './dirindex.js';
import type { CdFs } from './fs.js';
import { type Found, Node, type Section } from './node.js';
import {
  DR_ASSOCIATED, DR_DIRECTORY, DR_MIN, DR_MULTI_EXTENT, DR_NAME, type DirRecord, SECTOR, isDot, parseRecord, ucs2, withoutVersion,
} from './ondisk.js';
import { Rock, parseRock } from './rockridge.js';

/** Bytes of a directory beyond which it is none. */
const DIR_MAX = 64 << 20;
/** Bytes that are read ahead. */
const AHEAD = 16 * SECTOR;
/** Sections of one file. */
const SECTIONS_MAX = 4096;

/** A file in a directory. */
export interface Entry extends Found {
  /** A byte string. */
  readonly name: string;
  /** Where its first record begins, in the directory, and where the record after its last one does. */
  readonly off: number;
  readonly next: number;
  /** Where its first record is on the device. */
  readonly place: number;
}

/** Sees an entry; returns whether it wants more. */
type See = (e: Entry) => boolean;

/** The byte of the device where a directory's byte `off` is. */
function placeIn(dp: Node, off: number): number {
  return dp.block * dp.fs.bsize + off;
}

/** What is told of records one after another. */
interface Walk {
  readonly dp: Node;
  readonly see: See;
  /** Entries before this one are passed over. */
  readonly from: number;
  /** The file whose records are not all there yet. */
  open: { first: DirRecord; bytes: Uint8Array; off: number; sections: Section[] } | undefined;
  /** It holds directories that were moved. */
  readonly moved: boolean;
  /** The name that was seen last, whose other versions are not shown. */
  last: string;
}

/** Goes through the entries from byte `from` on, or from the sector that it is in, without `.` and `..`. EIO; sleeps. */
function eachEntry(dp: Node, from: number, see: See): void {
  const { fs, size } = dp;
  if (size > DIR_MAX) fs.corrupt(`the directory at block ${dp.block} has ${size} bytes`);
  const walk: Walk = { dp, see, from, open: undefined, last: '', moved: MOVED.test(dp.name) };
  for (let at = Math.max(0, from - (placeIn(dp, from) % SECTOR)), ahead = 0; at < size; ) {
    const end = Math.min(size, at + SECTOR - (placeIn(dp, at) % SECTOR));
    if (at >= ahead) {
      fs.bcache.readahead(Math.floor(placeIn(dp, at) / fs.bsize), Math.min(AHEAD, size - at) / fs.bsize);
      ahead = at + AHEAD;
    }
    if (!eachRecord(walk, at, end)) return;
    at = end;
  }
}

/** The records of one sector. Returns whether more are wanted. */
function eachRecord(walk: Walk, at: number, end: number): boolean {
  const { dp } = walk;
  const place = placeIn(dp, at);
  // What follows may read other sectors through the same memory.
  const b = dp.fs.bsize === SECTOR ? dp.fs.sectorAt(place, place + (end - at)) : dp.fs.sectorAt(place, place + (end - at)).slice();
  for (let off = 0; off + DR_MIN <= b.length && b[off] !== 0; off += b[off]) {
    const record = parseRecord(b, off, b.length);
    if (record === undefined) {
      dp.fs.complain(`the directory at block ${dp.block} has a record at byte ${at + off} that makes no sense`);
      break;
    }
    if (isDot(b, off)) continue;
    if (!takeRecord(walk, record, b.subarray(off, off + record.len), at + off)) return false;
  }
  return true;
}

function takeRecord(walk: Walk, record: DirRecord, bytes: Uint8Array, off: number): boolean {
  if ((record.flags & DR_ASSOCIATED) !== 0) return true;
  const { open } = walk;
  const file = open ?? { first: record, bytes, off, sections: [] };
  if (file.sections.length < SECTIONS_MAX) file.sections.push({ block: record.extent + record.xattrLen, size: record.size });
  walk.open = (record.flags & DR_MULTI_EXTENT) !== 0 ? { ...file, bytes: file.bytes.slice() } : undefined;
  if (walk.open !== undefined) return true;
  const entry = entryOf(walk.dp, file.first, file.bytes, file.sections, file.off, off + record.len);
  if (entry === undefined || entry.rock.relocated || entry.name === walk.last) return true;
  // Some writers do not say of a directory's record that it was moved.
  if (walk.moved && isMovedHere(walk.dp, entry)) return true;
  walk.last = entry.name;
  return entry.off < walk.from || walk.see(entry);
}

function entryOf(dp: Node, first: DirRecord, bytes: Uint8Array, sections: readonly Section[], off: number, next: number): Entry | undefined {
  const { fs } = dp;
  const rock = rockOf(fs, first, bytes);
  const name = nameOf(fs, first, bytes, rock);
  if (name === undefined) return undefined;
  const place = placeIn(dp, off);
  if (rock.childLink !== undefined) return movedEntry(fs, name, rock, off, next, place);
  return { name, off, next, place, first, sections, rock, obstacle: obstacleOf(fs, first, sections, rock) };
}

/** What Rock Ridge says of a record, if it is used. */
function rockOf(fs: CdFs, first: DirRecord, bytes: Uint8Array): Rock {
  if (fs.suspSkip === undefined) return new Rock();
  return parseRock(bytes, Math.min(first.suOff + fs.suspSkip, first.len), first.len, (block, skip, len) => readArea(fs, block, skip, len));
}

/** A continuation area; undefined: it is not on the device. */
function readArea(fs: CdFs, block: number, skip: number, len: number): Uint8Array | undefined {
  const off = block * fs.bsize + skip;
  if (off + len > fs.blocks * fs.bsize) return undefined;
  return fs.bytes(off, len);
}

/** A directory that is somewhere else, and says itself how long it is. */
function movedEntry(fs: CdFs, name: string, rock: Rock, off: number, next: number, place: number): Entry | undefined {
  const found = foundDir(fs, rock.childLink as number);
  if (found === undefined) {
    fs.complain(`the directory that was moved to block ${rock.childLink} is not there`);
    return undefined;
  }
  return { name, off, next, place, ...found };
}

/** The directory that begins at a block, by its own record; undefined: there is none. */
export function foundDir(fs: CdFs, block: number): Found | undefined {
  if (block >= fs.blocks) return undefined;
  const place = block * fs.bsize;
  const b = fs.sectorAt(place, place + SECTOR).slice();
  const first = parseRecord(b, 0, b.length);
  if (first === undefined || (first.flags & DR_DIRECTORY) === 0 || !isDot(b, 0) || first.extent !== block) return undefined;
  return { first, sections: [{ block: first.extent + first.xattrLen, size: first.size }], rock: rockOf(fs, first, b.subarray(0, first.len)), obstacle: undefined };
}

/** What the second record of the directory at a block says of the one above: its block, and where Rock Ridge says it was moved from. Undefined: nothing. */
function upOf(fs: CdFs, block: number): { block: number; movedFrom: number | undefined } | undefined {
  const place = block * fs.bsize;
  if (place >= fs.blocks * fs.bsize) return undefined;
  const b = fs.sectorAt(place, place + SECTOR).slice();
  const self = parseRecord(b, 0, b.length);
  const up = self === undefined ? undefined : parseRecord(b, self.len, b.length);
  if (self === undefined || up === undefined || !isDot(b, self.len)) return undefined;
  return { block: up.extent, movedFrom: rockOf(fs, up, b.subarray(self.len, self.len + up.len)).parentLink };
}

/** The block of the directory above. EIO: it has none. */
export function parentBlock(dp: Node): number {
  const up = upOf(dp.fs, dp.block) ?? dp.fs.corrupt(`the directory at block ${dp.block} has no parent`);
  return up.movedFrom ?? up.block;
}

/** Whether a directory that was found in `dp` says that it was moved there from another one, where it is found as well. */
function isMovedHere(dp: Node, e: Entry): boolean {
  const { fs } = dp;
  if (fs.suspSkip === undefined || (e.first.flags & DR_DIRECTORY) === 0 || e.rock.childLink !== undefined) return false;
  const from = upOf(fs, e.sections[0].block)?.movedFrom;
  return from !== undefined && from !== dp.block;
}

/** Where directories are moved to, by those who do so. */
const MOVED = /^\.?rr_moved$/i;

/** Why the data of a file cannot be read; undefined: they can. */
function obstacleOf(fs: CdFs, first: DirRecord, sections: readonly Section[], rock: Rock): string | undefined {
  if (first.unit !== 0 || first.gap !== 0) return 'it is interleaved';
  if (rock.sparse) return 'it is in the sparse file format';
  if (sections.length >= SECTIONS_MAX) return 'it has too many sections';
  for (let i = 0; i < sections.length - 1; i++) if (sections[i].size % fs.bsize !== 0) return 'a section before its last is no whole number of blocks';
  return undefined;
}

/** A byte string; undefined: no path can have it. */
function nameOf(fs: CdFs, first: DirRecord, b: Uint8Array, rock: Rock): string | undefined {
  if (rock.name !== undefined) return rock.name;
  const { encoding } = fs.info;
  const raw = encoding === 'joliet' ? utf8Of(ucs2(b, DR_NAME, first.nameLen)) : bytestrOf(b, DR_NAME, DR_NAME + first.nameLen);
  const bare = withoutVersion(raw, fs.wishes.gens);
  const name = encoding === 'iso' && !fs.wishes.nocasetrans ? lower(bare) : bare;
  return name === '' || name === '.' || name === '..' || /[/\0]/.test(name) ? undefined : name;
}

/** ASCII letters only: what else there may be is in nobody knows which character set. */
function lower(name: string): string {
  return name.replace(/[A-Z]+/g, (s) => s.toLowerCase());
}

// -- searching

/** Whether names that differ by case are one: those of a plain ISO 9660, which has capitals only. */
function folds(fs: CdFs): boolean {
  return fs.info.encoding === 'iso' && fs.suspSkip === undefined;
}

/** The entry called `name`; undefined: there is none. EIO; sleeps. */
export function dirFind(dp: Node, name: string): Entry | undefined {
  const key = folds(dp.fs) ? lower(name) : name;
  const index = indexOf(dp);
  if (index === undefined) return findLinear(dp, key);
  const off = index.names.get(key);
  return off === undefined ? undefined : entryAt(dp, off);
}

function entryAt(dp: Node, off: number): Entry | undefined {
  let found: Entry | undefined;
  eachEntry(dp, off, (e) => {
    if (e.off === off) found = e;
    return false;
  });
  return found;
}

function findLinear(dp: Node, key: string): Entry | undefined {
  let found: Entry | undefined;
  eachEntry(dp, 0, (e) => {
    if ((folds(dp.fs) ? lower(e.name) : e.name) !== key) return true;
    found = e;
    return false;
  });
  return found;
}

/** The directory's table, made if it fits into memory. */
function indexOf(dp: Node): DirIndex | undefined {
  const { fs } = dp;
  if (dp.index !== undefined) {
    fs.indexes.renew(dp.index);
    return dp.index;
  }
  if (!fs.indexes.fits(dp.size / DR_MIN)) return undefined;
  const index = new DirIndex(() => {
    dp.index = undefined;
  });
  eachEntry(dp, 0, (e) => {
    const key = folds(fs) ? lower(e.name) : e.name;
    if (!index.names.has(key)) index.names.set(key, e.off);
    return true;
  });
  try {
    fs.indexes.add(index);
    dp.index = index;
  } catch (e) {
    if (!(e instanceof Errno)) throw e;
  }
  return index;
}

// -- listing

/** Tells the number of the file of an entry. */
export type InoOf = (e: Entry) => number;

/** Gives the entries from `cookie` on: 0 is `.`, 1 is `..`, the others stand for their place. EINVAL: it is no cookie. EIO. */
export function dirRead(dp: Node, cookie: number, parentIno: () => number, inoOf: InoOf, emit: EmitDirent): void {
  if (!Number.isSafeInteger(cookie) || cookie < 0) throw ERR.EINVAL;
  if (cookie === 0 && !emit(dp.ino, DT_DIR, '.', 1)) return;
  if (cookie <= 1 && !emit(parentIno(), DT_DIR, '..', FIRST)) return;
  eachEntry(dp, cookie <= FIRST ? 0 : cookie, (e) => emit(inoOf(e), dtypeOf(e), e.name, e.next));
}

/** Before any other entry: the first two records are `.` and `..`. */
const FIRST = 2;
const DT_DIR = 4;
const DTYPES: Readonly<Partial<Record<Vtype, number>>> = { [VDIR]: DT_DIR, [VLNK]: 10, [VCHR]: 2, [VBLK]: 6, [VFIFO]: 1, [VSOCK]: 12 };
const DT_REG = 8;

function dtypeOf(e: Entry): number {
  if ((e.first.flags & DR_DIRECTORY) !== 0) return DT_DIR;
  const type = e.rock.mode === undefined ? 0 : modeToType(e.rock.mode);
  return type === VDIR ? DT_REG : (DTYPES[type] ?? DT_REG);
}
