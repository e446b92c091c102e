/**
 * What ISO 9660 looks like on disk: volume descriptors, directory records, dates. Pure. Most numbers are there twice, in both byte orders; the little-endian
 * one is read.
 *
 * Source: ECMA-119 (ISO 9660:1988, and its 2017 edition with the enhanced volume descriptor of ISO 9660:1999); the Joliet specification of 1995.
 */
import { bytestrOf, getU16le, getU32le } from '@anykernel/lib-bytes';

/** Volume descriptors are in sectors of so many bytes, from the sixteenth of a session on; records of a directory do not cross their bounds. */
export const SECTOR = 2048;
export const FIRST_DESCRIPTOR = 16;
/** Descriptors that are looked at: the set may lack its end. */
export const DESCRIPTORS_MAX = 64;

export const VD_BOOT = 0;
export const VD_PRIMARY = 1;
export const VD_SUPPLEMENTARY = 2;
export const VD_END = 255;

// Offsets in a volume descriptor.
const VD_TYPE = 0;
const VD_ID = 1;
const VD_VERSION = 6;
const VD_SYSTEM_ID = 8;
const VD_VOLUME_ID = 40;
const VD_BLOCKS = 80;
const VD_ESCAPES = 88;
const VD_BLOCK_SIZE = 128;
export const VD_ROOT = 156;
const VD_BOOT_SYSTEM = 7;
const VD_BOOT_CATALOG = 71;

// Offsets in a directory record.
const DR_LEN = 0;
const DR_XATTR_LEN = 1;
const DR_EXTENT = 2;
const DR_SIZE = 10;
const DR_DATE = 18;
const DR_FLAGS = 25;
const DR_UNIT = 26;
const DR_GAP = 27;
const DR_NAME_LEN = 32;
export const DR_NAME = 33;
export const DR_MIN = 34;

export const DR_DIRECTORY = 0x02;
export const DR_ASSOCIATED = 0x04;
/** The file goes on in the next record. */
export const DR_MULTI_EXTENT = 0x80;

/** How the names of a hierarchy are written. */
export type Encoding = 'iso' | 'joliet' | 'enhanced';

/** A hierarchy of directories that a volume descriptor leads to. */
export interface VolumeInfo {
  readonly encoding: Encoding;
  /** Bytes of a logical block: 512, 1024 or 2048. */
  readonly bsize: number;
  /** Logical blocks of the volume. */
  readonly blocks: number;
  /** A byte string, or for Joliet UTF-16. */
  readonly label: string;
  readonly systemId: string;
  /** The record of the root directory. */
  readonly root: DirRecord;
  /** Where that record is, in bytes from the start of the descriptor. */
  readonly rootOff: number;
}

/** A directory record without its name's meaning. */
export interface DirRecord {
  readonly len: number;
  /** Blocks of an extended attribute record before the data. */
  readonly xattrLen: number;
  /** Logical block of the extent, and bytes of it that are the file's. */
  readonly extent: number;
  readonly size: number;
  /** Seconds since 1970. */
  readonly time: number;
  readonly flags: number;
  /** Interleaved: blocks of a unit and of the gap behind it. */
  readonly unit: number;
  readonly gap: number;
  readonly nameLen: number;
  /** Where the system use area begins, from the start of the record. */
  readonly suOff: number;
}

/** What kind of descriptor a sector holds; -1: none. */
export function descriptorType(b: Uint8Array): number {
  return b.length >= SECTOR && bytestrOf(b, VD_ID, VD_ID + 5) === 'CD001' ? b[VD_TYPE] : -1;
}

/** The hierarchy of a primary or supplementary descriptor; or what is wrong with it. */
export function parseVolume(b: Uint8Array): VolumeInfo | string {
  const encoding = encodingOf(b);
  if (encoding === undefined) return 'a supplementary descriptor of another kind';
  const bsize = getU16le(b, VD_BLOCK_SIZE);
  if (bsize !== 512 && bsize !== 1024 && bsize !== 2048) return `logical blocks of ${bsize} bytes`;
  const root = parseRecord(b, VD_ROOT, VD_ROOT + DR_MIN);
  if (root === undefined || (root.flags & DR_DIRECTORY) === 0) return 'its root is no directory';
  if (root.size === 0) return 'its root is empty';
  return {
    encoding, bsize, root,
    rootOff: VD_ROOT,
    blocks: getU32le(b, VD_BLOCKS),
    label: encoding === 'joliet' ? ucs2(b, VD_VOLUME_ID, 32).replace(/[ \0]+$/, '') : bytestrOf(b, VD_VOLUME_ID, VD_VOLUME_ID + 32).replace(/[ \0]+$/, ''),
    systemId: bytestrOf(b, VD_SYSTEM_ID, VD_SYSTEM_ID + 32).replace(/[ \0]+$/, ''),
  };
}

function encodingOf(b: Uint8Array): Encoding | undefined {
  if (b[VD_TYPE] === VD_PRIMARY) return 'iso';
  if (b[VD_VERSION] === 2) return 'enhanced';
  // UCS-2 level 1, 2, 3.
  const escapes = bytestrOf(b, VD_ESCAPES, VD_ESCAPES + 32);
  return /%\/[@CE]/.test(escapes) ? 'joliet' : undefined;
}

/** The logical block of an El Torito boot catalogue; undefined: the descriptor is of another system. */
export function bootCatalogOf(b: Uint8Array): number | undefined {
  return bytestrOf(b, VD_BOOT_SYSTEM, VD_BOOT_SYSTEM + 23) === 'EL TORITO SPECIFICATION' ? getU32le(b, VD_BOOT_CATALOG) : undefined;
}

/** The record at `off`, which ends at `end` or before; undefined: there is none that makes sense. */
export function parseRecord(b: Uint8Array, off: number, end: number): DirRecord | undefined {
  const len = b[off + DR_LEN];
  if (off + DR_MIN > end || len < DR_MIN || off + len > end) return undefined;
  const nameLen = b[off + DR_NAME_LEN];
  const suOff = DR_NAME + nameLen + ((nameLen & 1) === 0 ? 1 : 0);
  if (nameLen === 0 || DR_NAME + nameLen > len) return undefined;
  return {
    len, nameLen,
    xattrLen: b[off + DR_XATTR_LEN],
    extent: getU32le(b, off + DR_EXTENT),
    size: getU32le(b, off + DR_SIZE),
    time: shortDate(b, off + DR_DATE),
    flags: b[off + DR_FLAGS],
    unit: b[off + DR_UNIT],
    gap: b[off + DR_GAP],
    suOff: Math.min(suOff, len),
  };
}

/** `.` is a name of one byte 0, `..` of one byte 1. */
export function isDot(b: Uint8Array, off: number): boolean {
  return b[off + DR_NAME_LEN] === 1 && b[off + DR_NAME] <= 1;
}

// -- names

const fromCharCode = String.fromCharCode;

/** `len` bytes of big-endian UTF-16. */
export function ucs2(b: Uint8Array, off: number, len: number): string {
  let s = '';
  for (let i = 0; i + 1 < len; i += 2) s += fromCharCode((b[off + i] << 8) | b[off + i + 1]);
  return s;
}

/** A name without its version, and without the dot that a name without an extension ends in; `keep`: with the version. */
export function withoutVersion(name: string, keep: boolean): string {
  const m = /^(.+);\d*$/s.exec(name);
  if (m === null || keep) return name;
  const bare = m[1] as string;
  return bare.length > 1 && bare.endsWith('.') ? bare.slice(0, -1) : bare;
}

// -- dates, in seconds since 1970

const DAY = 86_400;

function daysOf(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468;
}

function secondsOf(year: number, month: number, day: number, hour: number, minute: number, second: number, zone: number): number {
  if (month < 1 || month > 12 || day < 1) return 0;
  // The zone is a signed byte of quarters of an hour; some writers leave rubbish there.
  const quarters = zone > 127 ? zone - 256 : zone;
  const offset = quarters >= -48 && quarters <= 52 ? quarters * 900 : 0;
  return daysOf(year, month, day) * DAY + hour * 3600 + minute * 60 + second - offset;
}

/** Seven bytes: years since 1900, month, day, hour, minute, second, zone. */
export function shortDate(b: Uint8Array, off: number): number {
  return secondsOf(1900 + b[off], b[off + 1], b[off + 2], b[off + 3], b[off + 4], b[off + 5], b[off + 6]);
}

/** Seventeen bytes: digits of the year (4), month, day, hour, minute, second, hundredths (2 each), zone. */
export function longDate(b: Uint8Array, off: number): number {
  const digits = (at: number, n: number): number => Number(bytestrOf(b, off + at, off + at + n).replace(/\D/g, '0'));
  return secondsOf(digits(0, 4), digits(4, 2), digits(6, 2), digits(8, 2), digits(10, 2), digits(12, 2), b[off + 16]);
}
