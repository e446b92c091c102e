/**
 * Disk labels: disklabel(5), the geometry of a disk and its partitions, as DIOCGDINFO gives it (DISKLABEL_LEN bytes, little-endian).
 *
 * Offsets: magic 0, type 4, typename 8[16], packname 24[16], secsize 40, nsectors 44, ntracks 48, ncylinders 52, secpercyl 56, secperunit 60,
 * rpm 72, interleave 74, magic again 132, checksum 136, npartitions 138, and from 148 on 16 bytes for each partition: size 0, offset 4 (in
 * sectors), fragment size 8, type 12, fragments of a block 13.
 */
import { cstringOf, emitBytestr, getU16le, getU32le, putU16le, putU32le } from '@anykernel/lib-bytes';
import { DISKLABEL_LEN } from './ioctl.js';

export const DISKMAGIC = 0x82564557;
/** Partitions that a label has room for, and the one that is the whole disk: `d`. */
export const MAXPARTITIONS = 16;
export const RAW_PART = 3;
export const DKTYPE_MD = 22;
export const FS_UNUSED = 0;
export const FS_BSDFFS = 7;

export interface Partition {
  /** Sectors. */
  readonly offset: number;
  readonly size: number;
  /** FS_*. */
  readonly fstype: number;
}

export interface Disklabel {
  /** DKTYPE_*. */
  readonly type: number;
  readonly typename: string;
  readonly packname: string;
  /** Bytes. */
  readonly secsize: number;
  readonly nsectors: number;
  readonly ntracks: number;
  readonly ncylinders: number;
  readonly secperunit: number;
  readonly rpm: number;
  /** By number: 0 is `a`. */
  readonly partitions: readonly Partition[];
}

const CHECKSUM = 136;
const NPARTITIONS = 138;
const PARTITIONS = 148;
const PARTITION_LEN = 16;

/** Writes a label into the first DISKLABEL_LEN bytes of `b`, in place. */
export function emitDisklabel(b: Uint8Array, d: Disklabel): void {
  b.fill(0, 0, DISKLABEL_LEN);
  putU32le(b, 0, DISKMAGIC);
  putU16le(b, 4, d.type);
  emitBytestr(b, 8, d.typename.slice(0, 16));
  emitBytestr(b, 24, d.packname.slice(0, 16));
  putU32le(b, 40, d.secsize);
  putU32le(b, 44, d.nsectors);
  putU32le(b, 48, d.ntracks);
  putU32le(b, 52, d.ncylinders);
  putU32le(b, 56, d.nsectors * d.ntracks);
  putU32le(b, 60, d.secperunit);
  putU16le(b, 72, d.rpm);
  putU16le(b, 74, 1);
  putU32le(b, 132, DISKMAGIC);
  putU16le(b, NPARTITIONS, d.partitions.length);
  d.partitions.forEach((p, i) => {
    const at = PARTITIONS + i * PARTITION_LEN;
    putU32le(b, at, p.size);
    putU32le(b, at + 4, p.offset);
    b[at + 12] = p.fstype;
  });
  putU16le(b, CHECKSUM, checksum(b, d.partitions.length));
}

/** The label in `b`; undefined: there is none, or its checksum is wrong. */
export function parseDisklabel(b: Uint8Array): Disklabel | undefined {
  if (b.length < DISKLABEL_LEN || getU32le(b, 0) !== DISKMAGIC || getU32le(b, 132) !== DISKMAGIC) return undefined;
  const count = getU16le(b, NPARTITIONS);
  if (count > MAXPARTITIONS || checksum(b, count) !== 0) return undefined;
  return {
    type: getU16le(b, 4),
    typename: cstringOf(b, 8, 16),
    packname: cstringOf(b, 24, 16),
    secsize: getU32le(b, 40),
    nsectors: getU32le(b, 44),
    ntracks: getU32le(b, 48),
    ncylinders: getU32le(b, 52),
    secperunit: getU32le(b, 60),
    rpm: getU16le(b, 72),
    partitions: Array.from({ length: count }, (_x, i) => partitionAt(b, PARTITIONS + i * PARTITION_LEN)),
  };
}

function partitionAt(b: Uint8Array, at: number): Partition {
  return { size: getU32le(b, at), offset: getU32le(b, at + 4), fstype: b[at + 12] as number };
}

/** The exclusive or of all 16-bit words up to the end of the partitions: 0 for a label that has its checksum. */
function checksum(b: Uint8Array, partitions: number): number {
  let sum = 0;
  for (let at = 0; at < PARTITIONS + partitions * PARTITION_LEN; at += 2) sum ^= getU16le(b, at);
  return sum;
}
