/**
 * The GUID partition table: UEFI specification 2.10, chapter 5.3.
 *
 * A header in the second sector and one in the last, each with a check of itself and of its array of entries. Numbers are little-endian:
 * signature 0 "EFI PART", size 12, check 16, own sector 24, the other header's 32, first and last sector for use 40 and 48, disk GUID 56, sector of
 * the entries 72, their count 80, their size 84, their check 88. An entry: type 0[16], GUID 16[16], first and last sector 32 and 40, attributes 48,
 * name 56 (36 UTF-16 units).
 */
import { crc32, crc32Update, getU16le, getU32le, getU64le, toBytestr } from '@anykernel/lib-bytes';
import { type Medium, type Table, TableMaker } from './table.js';
import { gptType } from './typenames.js';

const SIGNATURE_LOW = 0x2049_4645;
const SIGNATURE_HIGH = 0x5452_4150;
const HEADER_MIN = 92;
const ENTRY_MIN = 128;
const ENTRY_MAX = 4096;
/** Bytes of entries that are read at most: 8192 entries of the usual size. */
const ENTRIES_MAX = 1 << 20;
const NAME_UNITS = 36;
const NO_GUID = '00000000-0000-0000-0000-000000000000';

export interface GptHeader {
  readonly self: number;
  readonly other: number;
  readonly firstUsable: number;
  readonly lastUsable: number;
  readonly guid: string;
  readonly entries: number;
  readonly count: number;
  readonly entrySize: number;
  readonly entriesCrc: number;
}

function hasSignature(b: Uint8Array): boolean {
  return b.length >= HEADER_MIN && getU32le(b, 0) === SIGNATURE_LOW && getU32le(b, 4) === SIGNATURE_HIGH;
}

/** The header in sector `lba`, whose bytes are `b`; otherwise what is wrong with it. */
function parseGptHeader(b: Uint8Array, lba: number): GptHeader | string {
  if (!hasSignature(b)) return 'is not there';
  const size = getU32le(b, 12);
  if (size < HEADER_MIN || size > b.length) return `has a size of ${size} bytes`;
  const zeroed = crc32Update(crc32Update(-1, b, 0, 16), ZEROS);
  if (~crc32Update(zeroed, b, 20, size) >>> 0 !== getU32le(b, 16)) return 'has a wrong checksum';
  if (getU64le(b, 24) !== lba) return `says that it is in sector ${getU64le(b, 24)}`;
  const header = {
    self: lba,
    other: getU64le(b, 32),
    firstUsable: getU64le(b, 40),
    lastUsable: getU64le(b, 48),
    guid: guidOf(b, 56),
    entries: getU64le(b, 72),
    count: getU32le(b, 80),
    entrySize: getU32le(b, 84),
    entriesCrc: getU32le(b, 88),
  };
  if (header.entrySize < ENTRY_MIN || header.entrySize > ENTRY_MAX || header.entrySize % 8 !== 0) return `has entries of ${header.entrySize} bytes`;
  if (header.count * header.entrySize > ENTRIES_MAX) return `has ${header.count} entries`;
  return header;
}

const ZEROS = new Uint8Array(4);

/** A GUID as text: the first three groups are little-endian. */
function guidOf(b: Uint8Array, at: number): string {
  const hex = (n: number, digits: number): string => n.toString(16).padStart(digits, '0');
  const bytes = (from: number, to: number): string => Array.from(b.subarray(at + from, at + to), (x) => hex(x, 2)).join('');
  return `${hex(getU32le(b, at), 8)}-${hex(getU16le(b, at + 4), 4)}-${hex(getU16le(b, at + 6), 4)}-${bytes(8, 10)}-${bytes(10, 16)}`;
}

/** A header and its entries, or what is wrong with them. */
interface Side {
  readonly header: GptHeader;
  readonly entries: Uint8Array;
}

/** The table, with sectors of `secsize` bytes; undefined: there is none. `expected`: the first sector says that there is one. */
export function scanGpt(m: Medium, secsize: number, expected: boolean): Table | undefined {
  const last = Math.floor(m.size / secsize) - 1;
  if (last < 2) return undefined;
  const first = m.peek(secsize, secsize);
  const present = hasSignature(first);
  const backup = m.peek(last * secsize, secsize);
  if (!present && !(expected && hasSignature(backup))) return undefined;
  const t = new TableMaker(m, 'gpt', secsize);
  const side = sideOf(m, secsize, first, 1);
  const other = sideOf(m, secsize, backup, last);
  if (typeof side === 'string') t.fault(`the first header ${side}`);
  if (typeof other === 'string') t.fault(backupFault(side, other, last));
  const used = typeof side === 'string' ? other : side;
  if (typeof used === 'string') return t.finish();
  if (typeof side !== 'string' && typeof other !== 'string' && side.header.entriesCrc !== other.header.entriesCrc) t.fault('the two headers differ');
  readEntries(t, used);
  if (!expected) t.fault('there is no protective MBR');
  return t.finish(used.header.guid);
}

/** A disk that has become larger since has its second header where it ended. */
function backupFault(side: Side | string, other: string, last: number): string {
  const moved = typeof side !== 'string' && side.header.other !== last;
  return moved ? `the second header is not in the last sector (${last}) but in ${side.header.other}` : `the second header ${other}`;
}

function sideOf(m: Medium, secsize: number, b: Uint8Array, lba: number): Side | string {
  const header = parseGptHeader(b, lba);
  if (typeof header === 'string') return header;
  const len = header.count * header.entrySize;
  const off = header.entries * secsize;
  if (!(off + len <= m.size)) return 'has entries beyond the end of the disk';
  const entries = m.peek(off, len);
  if (crc32(entries) !== header.entriesCrc) return 'has entries with a wrong checksum';
  return { header, entries };
}

function readEntries(t: TableMaker, { header, entries }: Side): void {
  for (let i = 0; i < header.count; i++) {
    const at = i * header.entrySize;
    const type = guidOf(entries, at);
    if (type !== NO_GUID) addEntry(t, header, entries, at, i + 1, type);
  }
}

function addEntry(t: TableMaker, header: GptHeader, b: Uint8Array, at: number, number: number, code: string): void {
  const start = getU64le(b, at + 32);
  const end = getU64le(b, at + 40);
  const [type, ptype] = gptType(code);
  const outside = start < header.firstUsable || end > header.lastUsable;
  t.add({
    id: String(number),
    label: nameOf(b, at + 56),
    uuid: guidOf(b, at + 16),
    code,
    type,
    ptype,
    off: start * t.secsize,
    size: end < start ? 0 : (end - start + 1) * t.secsize,
    flags: flagsOf(getU32le(b, at + 48), getU32le(b, at + 52)),
    ...(outside ? { fault: 'is not where the table says that partitions may be' } : {}),
  });
}

/** UTF-16 up to a NUL, as a byte string of UTF-8. */
function nameOf(b: Uint8Array, at: number): string {
  let text = '';
  for (let i = 0; i < NAME_UNITS; i++) {
    const unit = getU16le(b, at + 2 * i);
    if (unit === 0) break;
    text += String.fromCharCode(unit);
  }
  return toBytestr(text);
}

/** Bits 0 to 2 are everybody's; 60 to 63 are Microsoft's and those of the Discoverable Partitions Specification. */
const FLAGS: readonly (readonly [bit: number, high: boolean, word: string])[] = [
  [1, false, 'required'],
  [2, false, 'no-block-io'],
  [4, false, 'boot'],
  [0x1000_0000, true, 'read-only'],
  [0x4000_0000, true, 'hidden'],
  [0x8000_0000, true, 'no-automount'],
];

function flagsOf(low: number, high: number): string[] {
  return FLAGS.filter(([bit, upper]) => ((upper ? high : low) & bit) !== 0).map(([, , word]) => word);
}
