/**
 * Wedges, dk(4): commands on a disk about the wedges on it, and on a wedge about itself; and vnd(4)'s commands.
 *
 * Where a structure has a pointer, what it points to follows the structure in the same buffer: the records of DIOCLWEDGES, the path of VNDIOCSET.
 */
import { cstringOf, emitBytestr, getU32le, getU64le, putU32le, putU64le } from '@anykernel/lib-bytes';
import { DKWEDGE_INFO_LEN, _IOR, _IOW, _IOWR } from './ioctl.js';

/** struct dkwedge_info: make a wedge (its node's name comes back), take one away. */
export const DIOCAWEDGE: number = _IOWR('d', 121, DKWEDGE_INFO_LEN);
export const DIOCDWEDGE: number = _IOW('d', 123, DKWEDGE_INFO_LEN);
/** struct dkwedge_list: the wedges of a disk. */
export const DKWEDGE_LIST_LEN = 24;
export const DIOCLWEDGES: number = _IOWR('d', 124, DKWEDGE_LIST_LEN);
/** Look for wedges, and take those away that nobody has open; an int comes back: how many were made, or taken. */
export const DIOCMWEDGES: number = _IOR('d', 131, 4);
export const DIOCRMWEDGES: number = _IOR('d', 134, 4);

const DEVNAME_LEN = 16;
const WNAME_LEN = 128;
const PTYPE_LEN = 32;

/** struct dkwedge_info: node 0[16], name 16[128], parent 144[16], offset 160, size 168 (64 bits, sectors), type 176[32]. Texts are byte strings. */
export interface DkwedgeInfo {
  /** `dk0`. */
  readonly devname: string;
  readonly wname: string;
  /** The disk that it is on: `md0`. */
  readonly parent: string;
  /** Sectors. */
  readonly offset: number;
  readonly size: number;
  /** `ffs`, `ext2fs`, `msdos` ...; '' where it is not known. */
  readonly ptype: string;
}

/** Writes the structure at `off`, in place. Texts that are too long are cut; each ends with a NUL. */
export function emitDkwedgeInfo(b: Uint8Array, w: DkwedgeInfo, off = 0): void {
  b.fill(0, off, off + DKWEDGE_INFO_LEN);
  emitBytestr(b, off, w.devname.slice(0, DEVNAME_LEN - 1));
  emitBytestr(b, off + 16, w.wname.slice(0, WNAME_LEN - 1));
  emitBytestr(b, off + 144, w.parent.slice(0, DEVNAME_LEN - 1));
  putU64le(b, off + 160, w.offset);
  putU64le(b, off + 168, w.size);
  emitBytestr(b, off + 176, w.ptype.slice(0, PTYPE_LEN - 1));
}

/** The structure at `off`; the caller has seen to its length. */
export function parseDkwedgeInfo(b: Uint8Array, off = 0): DkwedgeInfo {
  return {
    devname: cstringOf(b, off, DEVNAME_LEN),
    wname: cstringOf(b, off + 16, WNAME_LEN),
    parent: cstringOf(b, off + 144, DEVNAME_LEN),
    offset: getU64le(b, off + 160),
    size: getU64le(b, off + 168),
    ptype: cstringOf(b, off + 176, PTYPE_LEN),
  };
}

/** A buffer for DIOCLWEDGES with room for `count` wedges: struct dkwedge_list (pointer 0, bytes of room 8, wedges 16, copied 20), then the records. */
export function newDkwedgeList(count: number): Uint8Array {
  const b = new Uint8Array(DKWEDGE_LIST_LEN + count * DKWEDGE_INFO_LEN);
  putU64le(b, 8, count * DKWEDGE_INFO_LEN);
  return b;
}

/** Fills such a buffer, in place: as many as there is room for, and how many there are. */
export function emitDkwedgeList(b: Uint8Array, wedges: readonly DkwedgeInfo[]): void {
  const room = Math.floor(Math.min(getU64le(b, 8), b.length - DKWEDGE_LIST_LEN) / DKWEDGE_INFO_LEN);
  const copied = Math.min(room, wedges.length);
  putU32le(b, 16, wedges.length);
  putU32le(b, 20, copied);
  for (let i = 0; i < copied; i++) emitDkwedgeInfo(b, wedges[i], DKWEDGE_LIST_LEN + i * DKWEDGE_INFO_LEN);
}

/** What DIOCLWEDGES has put there: how many wedges there are, and those that there was room for. */
export function parseDkwedgeList(b: Uint8Array): { readonly count: number; readonly wedges: readonly DkwedgeInfo[] } {
  const copied = Math.min(getU32le(b, 20), Math.floor((b.length - DKWEDGE_LIST_LEN) / DKWEDGE_INFO_LEN));
  return {
    count: getU32le(b, 16),
    wedges: Array.from({ length: copied }, (_x, i) => parseDkwedgeInfo(b, DKWEDGE_LIST_LEN + i * DKWEDGE_INFO_LEN)),
  };
}

/** struct vnd_ioctl: make a file a disk, and end that. */
export const VND_IOCTL_LEN = 40;
export const VNDIOCSET: number = _IOWR('F', 0, VND_IOCTL_LEN);
export const VNDIOCCLR: number = _IOW('F', 1, VND_IOCTL_LEN);
/** struct vnd_user: which file a unit has. */
export const VND_USER_LEN = 24;
export const VNDIOCGET: number = _IOWR('F', 3, VND_USER_LEN);
/** The geometry counts; only read; also while it is in use. */
export const VNDIOF_HASGEOM = 1;
export const VNDIOF_READONLY = 2;
export const VNDIOF_FORCE = 4;
const VNDIOF = VNDIOF_HASGEOM | VNDIOF_READONLY | VNDIOF_FORCE;

/** The numbers of struct vnd_ioctl: flags 8, sector size 12, sectors of a track 16, tracks 20, cylinders 24, size 28 (32 bits) and 32 (bytes). */
export interface VndIoctl {
  /** A byte string. */
  readonly file: string;
  /** VNDIOF_*. */
  readonly flags: number;
  readonly secsize: number;
  readonly nsectors: number;
  readonly ntracks: number;
  readonly ncylinders: number;
}

/** A buffer for VNDIOCSET and VNDIOCCLR: the structure, and the path behind it. */
export function newVndIoctl(v: Partial<VndIoctl>): Uint8Array {
  const { file = '' } = v;
  const b = new Uint8Array(VND_IOCTL_LEN + file.length + 1);
  putU32le(b, 8, v.flags ?? 0);
  putU32le(b, 12, v.secsize ?? 0);
  putU32le(b, 16, v.nsectors ?? 0);
  putU32le(b, 20, v.ntracks ?? 0);
  putU32le(b, 24, v.ncylinders ?? 0);
  emitBytestr(b, VND_IOCTL_LEN, file);
  return b;
}

/** What is in such a buffer; undefined: it is too short, or has flags that there are not. */
export function parseVndIoctl(b: Uint8Array): VndIoctl | undefined {
  if (b.length < VND_IOCTL_LEN || (getU32le(b, 8) & ~VNDIOF) !== 0) return undefined;
  return {
    file: cstringOf(b, VND_IOCTL_LEN, b.length - VND_IOCTL_LEN),
    flags: getU32le(b, 8),
    secsize: getU32le(b, 12),
    nsectors: getU32le(b, 16),
    ntracks: getU32le(b, 20),
    ncylinders: getU32le(b, 24),
  };
}

/** Puts the size of the disk into such a buffer, in place. */
export function emitVndSize(b: Uint8Array, size: number): void {
  putU32le(b, 28, Math.min(size, 0xffff_ffff));
  putU64le(b, 32, size);
}
