/**
 * BSD disk labels, disklabel(5), of NetBSD, FreeBSD and OpenBSD, of either byte order, on a whole disk or in a slice of one.
 *
 * The label stands in the second sector, or in the first one behind boot code, where each machine has its own place: it is looked for. Fields as in
 * `lib/sys` (disklabel.ts). OpenBSD counts with 48 bits: version 1 at 114, the upper 16 bits of a partition's first sector and size at 8 and 10
 * of its entry. NetBSD and OpenBSD count from the start of the disk; FreeBSD from that of the slice, unless `c` begins where the slice does.
 */
import { cstringOf, getU16be, getU16le, getU32be, getU32le } from '@anykernel/lib-bytes';
import { DISKMAGIC, FS_UNUSED } from '@anykernel/lib-sys';
import { type Medium, type Part, type Table, TableMaker } from './table.js';
import { bsdType } from './typenames.js';

/** Whose label, by type of an MBR slice. */
export type LabelOwner = 'freebsd' | 'openbsd' | 'netbsd';
export const LABEL_TYPES: Readonly<Record<number, LabelOwner>> = { 0xa5: 'freebsd', 0xa6: 'openbsd', 0xa9: 'netbsd' };

const MAGIC2 = 132;
const NPARTITIONS = 138;
const PARTITIONS = 148;
const ENTRY_LEN = 16;
const OPENBSD_VERSION = 114;
const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
/** Bytes in which a label is looked for, and how far apart it may begin. */
const SEARCH_LEN = 4096;
const STEP = 4;
/** The whole of what a FreeBSD label describes. */
const PART_C = 2;
/** `c`, and NetBSD's `d`: the slice, and the disk. */
const WHOLE: readonly number[] = [PART_C, 3];

export interface BsdPartition {
  /** Sectors. */
  readonly offset: number;
  readonly size: number;
  readonly fstype: number;
}

export interface BsdLabel {
  readonly bigEndian: boolean;
  /** Its checksum is right. */
  readonly sound: boolean;
  readonly typename: string;
  readonly packname: string;
  /** Bytes. */
  readonly secsize: number;
  readonly partitions: readonly BsdPartition[];
}

/** The label at `at`; undefined: there is none. */
function parseBsdLabel(b: Uint8Array, at: number): BsdLabel | undefined {
  if (at + PARTITIONS > b.length) return undefined;
  const bigEndian = getU32be(b, at) === DISKMAGIC;
  const u16 = bigEndian ? getU16be : getU16le;
  const u32 = bigEndian ? getU32be : getU32le;
  if (u32(b, at) !== DISKMAGIC || u32(b, at + MAGIC2) !== DISKMAGIC) return undefined;
  const count = u16(b, at + NPARTITIONS);
  const end = at + PARTITIONS + count * ENTRY_LEN;
  if (count > LETTERS.length || end > b.length) return undefined;
  const secsize = u32(b, at + 40);
  if (secsize < 512 || secsize > 65536 || (secsize & (secsize - 1)) !== 0) return undefined;
  const wide = u16(b, at + OPENBSD_VERSION) === 1;
  const partition = (p: number): BsdPartition => ({
    size: u32(b, p) + (wide ? u16(b, p + 10) * 2 ** 32 : 0),
    offset: u32(b, p + 4) + (wide ? u16(b, p + 8) * 2 ** 32 : 0),
    fstype: b[p + 12] as number,
  });
  const partitions = Array.from({ length: count }, (_x, i) => partition(at + PARTITIONS + i * ENTRY_LEN));
  const sound = checksum(b, at, end) === 0;
  return { bigEndian, sound, typename: cstringOf(b, at + 8, 16), packname: cstringOf(b, at + 24, 16), secsize, partitions };
}

/** The exclusive or of all 16-bit words; the order of their bytes does not matter to whether it is 0. */
function checksum(b: Uint8Array, from: number, to: number): number {
  let sum = 0;
  for (let at = from; at < to; at += 2) sum ^= getU16le(b, at);
  return sum;
}

/** The first label in the bytes from `off` on; one whose checksum is wrong only where there is no other. */
function findLabel(m: Medium, off: number): BsdLabel | undefined {
  const b = m.peek(off, SEARCH_LEN);
  let unsound: BsdLabel | undefined;
  for (let at = 0; at + PARTITIONS <= b.length; at += STEP) {
    const label = parseBsdLabel(b, at);
    if (label?.sound === true) return label;
    unsound ??= label;
  }
  return unsound;
}

const UNSOUND = 'has a wrong checksum';

/** The partitions of the label that is in the slice of `size` bytes at `off`, whose number is `slice`; undefined: there is none that is sound. */
export function addLabel(t: TableMaker, off: number, size: number, owner: LabelOwner, slice: string): Part[] | undefined {
  const label = off < t.m.size ? findLabel(t.m, off) : undefined;
  if (label?.sound === false) t.fault(`the label in partition ${slice} ${UNSOUND}`);
  if (label?.sound !== true) return undefined;
  const c = label.partitions[PART_C];
  const absolute = owner !== 'freebsd' || (off > 0 && c !== undefined && c.size > 0 && c.offset * label.secsize === off);
  const own = new TableMaker(t.m, 'bsd', label.secsize);
  fill(own, label, absolute ? 0 : off, slice);
  // A label repeats what else is on the disk; a slice that begins at its start is all of it.
  return off === 0 ? own.parts : own.parts.filter((p) => p.off >= off && p.off < off + size);
}

/** Whether entry `i` is one. What FreeBSD's `bsdlabel -w` makes has no type; it is one where it has no byte of another, but for `c` and `d`, which are the whole. */
function isPart(entries: readonly BsdPartition[], i: number): boolean {
  const p = entries[i] as BsdPartition;
  if (p.size === 0 || p.fstype !== FS_UNUSED) return p.size > 0;
  const others = entries.filter((_q, j) => j !== i && !WHOLE.includes(j));
  return !WHOLE.includes(i) && others.every((q) => q.size === 0 || q.offset >= p.offset + p.size || p.offset >= q.offset + q.size);
}

function fill(t: TableMaker, label: BsdLabel, base: number, prefix: string): void {
  for (const [i, p] of label.partitions.entries()) {
    if (!isPart(label.partitions, i)) continue;
    const [type, ptype] = bsdType(p.fstype);
    const place = { off: base + p.offset * label.secsize, size: p.size * label.secsize };
    t.add({ id: prefix + (LETTERS[i] as string), code: String(p.fstype), type, ptype, ...place });
  }
}

/** A label on the disk itself; undefined: there is none. */
export function scanBsd(m: Medium): Table | undefined {
  const label = findLabel(m, 0);
  if (label === undefined) return undefined;
  const t = new TableMaker(m, 'bsd', label.secsize);
  if (label.sound) fill(t, label, 0, '');
  else t.fault(`the label ${UNSOUND}`);
  return t.finish();
}
