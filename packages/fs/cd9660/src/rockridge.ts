/**
 * Rock Ridge: what POSIX knows of a file, in the system use area of its directory record and in continuation areas elsewhere. Pure but for the
 * reader of these areas.
 *
 * Nothing is believed: entries that do not fit end the area, and there are limits on areas, names and targets, so that areas which lead to each other come
 * to an end.
 *
 * Source: IEEE P1281 (SUSP) 1.12, IEEE P1282 (RRIP) 1.12; zisofs's ZF entry.
 */
import { bytestrOf, getU16le, getU32le } from '@anykernel/lib-bytes';
import { longDate, shortDate } from './ondisk.js';

/** Continuation areas of one record, and bytes of one area. */
const AREAS_MAX = 64;
const AREA_MAX = 16_384;
/** Bytes of a name and of the target of a link, beyond which they are none. */
const NAME_MAX = 511;
const TARGET_MAX = 1023;

/** What a record's entries say; what they do not speak of is undefined. */
export class Rock {
  name: string | undefined = undefined;
  /** Type and permission bits. */
  mode: number | undefined = undefined;
  nlink = 1;
  uid = 0;
  gid = 0;
  /** Device numbers. */
  major = 0;
  minor = 0;
  hasDevice = false;
  /** The target of a symbolic link, a byte string. */
  target: string | undefined = undefined;
  /** Times in seconds. */
  birthtime: number | undefined = undefined;
  mtime: number | undefined = undefined;
  atime: number | undefined = undefined;
  ctime: number | undefined = undefined;
  /** The logical block of the directory that this stands for, or that is the real parent. */
  childLink: number | undefined = undefined;
  parentLink: number | undefined = undefined;
  /** The directory was moved here from elsewhere, where it is found. */
  relocated = false;
  /** Sparse: the data are tables. */
  sparse = false;
  /** zisofs: the algorithm's letters, bytes of the header, log2 of the block size, length when unpacked. */
  zisofs: { readonly algorithm: string; readonly headerLen: number; readonly bshift: number; readonly size: number } | undefined = undefined;
  /** Some entry was there that belongs to Rock Ridge. */
  any = false;
  /** What the name and the target are still to be continued with. */
  nameOpen = false;
  slash = '';
  componentOpen = false;
}

/** Gives `len` bytes from byte `off` of logical block `block`; undefined: they are not on the device. May sleep, EIO. */
export type ReadArea = (block: number, off: number, len: number) => Uint8Array | undefined;

/** Bytes that each system use area begins with and that are not ours, from the SP entry of the root; undefined: there is no such entry. */
export function suspSkip(b: Uint8Array, off: number, end: number): number | undefined {
  // CD-ROM XA has fourteen bytes of its own before.
  for (const at of [off, off + 14]) {
    if (at + 7 <= end && b[at] === 0x53 && b[at + 1] === 0x50 && b[at + 2] >= 7 && b[at + 4] === 0xbe && b[at + 5] === 0xef) return b[at + 6];
  }
  return undefined;
}

/** The entries of the area [off, end) of `b` and of those that it leads to. */
export function parseRock(b: Uint8Array, off: number, end: number, read: ReadArea): Rock {
  const rock = new Rock();
  let area: Uint8Array | undefined = b.subarray(off, end);
  for (let n = 0; area !== undefined && n < AREAS_MAX; n++) {
    const next: number[] = [];
    parseArea(rock, area, next);
    area = next.length === 0 || next[2] > AREA_MAX || next[1] > AREA_MAX ? undefined : read(next[0], next[1], next[2]);
  }
  if (rock.name !== undefined && (rock.name === '' || rock.name === '.' || rock.name === '..' || rock.name.length > NAME_MAX || /[/\0]/.test(rock.name))) {
    rock.name = undefined;
  }
  if (rock.target !== undefined && (rock.target.length > TARGET_MAX || rock.target.includes('\0'))) rock.target = undefined;
  return rock;
}

/** One area; `next` gets where the next one is: block, offset, length. */
function parseArea(rock: Rock, b: Uint8Array, next: number[]): void {
  for (let off = 0; off + 4 <= b.length; ) {
    const len = b[off + 2];
    if (len < 4 || off + len > b.length) return;
    const e = b.subarray(off, off + len);
    const signature = bytestrOf(e, 0, 2);
    if (signature === 'ST') return;
    if (signature === 'CE') {
      if (len >= 28 && next.length === 0) next.push(getU32le(e, 4), getU32le(e, 12), getU32le(e, 20));
    } else takeEntry(rock, signature, e);
    off += len;
  }
}

function takeEntry(rock: Rock, signature: string, e: Uint8Array): void {
  const len = e.length;
  switch (signature) {
    case 'PX':
      if (len < 36) return;
      rock.mode = getU32le(e, 4) & 0xffff;
      rock.nlink = getU32le(e, 12);
      rock.uid = getU32le(e, 20);
      rock.gid = getU32le(e, 28);
      break;
    case 'PN':
      if (len < 20) return;
      takeDevice(rock, getU32le(e, 4), getU32le(e, 12));
      break;
    case 'NM':
      takeName(rock, e);
      break;
    case 'SL':
      takeTarget(rock, e);
      break;
    case 'TF':
      takeTimes(rock, e);
      break;
    case 'CL':
      if (len >= 12) rock.childLink = getU32le(e, 4);
      break;
    case 'PL':
      if (len >= 12) rock.parentLink = getU32le(e, 4);
      break;
    case 'RE':
      rock.relocated = true;
      break;
    case 'SF':
      rock.sparse = true;
      break;
    case 'ZF':
      takeZisofs(rock, e);
      break;
    default:
      return;
  }
  rock.any = true;
}

/** The numbers are those of the system that wrote them: in two halves, or in one word of 8 and 8 bits. */
function takeDevice(rock: Rock, high: number, low: number): void {
  rock.hasDevice = true;
  const one = high === 0 && low > 0xff;
  rock.major = one ? low >>> 8 : high;
  rock.minor = one ? low & 0xff : low;
}

const NM_CONTINUE = 1;
const NM_CURRENT = 2;
const NM_PARENT = 4;

/** A name comes in pieces, each of which says whether there are more. */
function takeName(rock: Rock, e: Uint8Array): void {
  if (e.length < 5 || (e[4] & (NM_CURRENT | NM_PARENT)) !== 0) return;
  if (rock.name !== undefined && !rock.nameOpen) return;
  if ((rock.name ?? '').length <= NAME_MAX) rock.name = (rock.name ?? '') + bytestrOf(e, 5, e.length);
  rock.nameOpen = (e[4] & NM_CONTINUE) !== 0;
}

const SL_CONTINUE = 1;
const SL_CURRENT = 2;
const SL_PARENT = 4;
const SL_ROOT = 8;

/** A target comes in components, and these in pieces. */
function takeTarget(rock: Rock, e: Uint8Array): void {
  let target = rock.target ?? '';
  for (let off = 5; off + 2 <= e.length && target.length <= TARGET_MAX; ) {
    const flags = e[off];
    const len = e[off + 1];
    if (off + 2 + len > e.length) break;
    if (!rock.componentOpen) target += rock.slash;
    rock.slash = '/';
    if ((flags & SL_ROOT) !== 0) {
      target = '/';
      rock.slash = '';
    } else if ((flags & SL_CURRENT) !== 0) target += '.';
    else if ((flags & SL_PARENT) !== 0) target += '..';
    else target += bytestrOf(e, off + 2, off + 2 + len);
    rock.componentOpen = (flags & SL_CONTINUE) !== 0;
    off += 2 + len;
  }
  rock.target = target;
}

const TF_LONG = 0x80;

/** Which times are there is said by bits, in the order in which they stand. */
function takeTimes(rock: Rock, e: Uint8Array): void {
  if (e.length < 5) return;
  const flags = e[4];
  const width = (flags & TF_LONG) !== 0 ? 17 : 7;
  let off = 5;
  for (let bit = 0; bit < 7; bit++) {
    if ((flags & (1 << bit)) === 0) continue;
    if (off + width > e.length) return;
    const sec = width === 17 ? longDate(e, off) : shortDate(e, off);
    if (bit === 0) rock.birthtime = sec;
    else if (bit === 1) rock.mtime = sec;
    else if (bit === 2) rock.atime = sec;
    else if (bit === 3) rock.ctime = sec;
    off += width;
  }
}

function takeZisofs(rock: Rock, e: Uint8Array): void {
  if (e.length < 16) return;
  const algorithm = bytestrOf(e, 4, 6);
  // Of the second version, the length is one number of 64 bits; of the first, one of 32 in both byte orders.
  const size = algorithm === 'PZ' ? getU32le(e, 8) + getU16le(e, 12) * 0x1_0000_0000 : getU32le(e, 8);
  rock.zisofs = { algorithm, headerLen: e[6] * 4, bshift: e[7], size };
}
