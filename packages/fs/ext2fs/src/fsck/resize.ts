/**
 * The inode that keeps room for more descriptors (`resize_inode`): a block of pointers to the reserved blocks behind the descriptors, each of which names its
 * counterparts behind the copies of the descriptors.
 */
import { equalBytes, getU16le, getU32le, putU16le, putU32le } from '@anykernel/lib-bytes';
import { COMPAT_RESIZE_INODE, DI_BLOCK, DI_MODE, DI_NLINK, RESIZE_INO, SB_COMPAT, SB_RESERVED_GDT, groupHasSuper } from '../ondisk.js';
import type { Check } from './check.js';
import { claim } from './walk.js';

/** Which of an inode's pointers it uses. */
const DOUBLE = 13;

/** Claims the block of pointers, and puts right what it and the reserved blocks say; where that cannot be, the room is given back. */
export function checkResize(c: Check, b: Uint8Array): void {
  const dind = getU32le(b, DI_BLOCK + 4 * DOUBLE);
  const alone = Array.from({ length: 15 }, (_, i) => i === DOUBLE || getU32le(b, DI_BLOCK + 4 * i) === 0).every((ok) => ok);
  const old = Math.ceil((c.groups * c.info.descSize) / c.bsize);
  const reserved = c.info.reservedGdt;
  const sound = getU16le(b, DI_MODE) >> 12 === 8 && getU16le(b, DI_NLINK) === 1 && alone && reserved <= c.bsize / 4;
  if (!sound || claim(c, dind, 1) === 0) {
    c.problem('the inode that keeps room for more descriptors makes no sense: the room is given back', () => giveBack(c));
    return;
  }
  const copies = Array.from({ length: c.groups }, (_, g) => g).filter((g) => g > 0 && groupHasSuper(c.info, g));
  const pointers = new Uint8Array(c.bsize);
  for (let i = old; i < old + reserved; i++) putU32le(pointers, (4 * i) % c.bsize, c.info.firstData + 1 + i);
  want(c, dind, pointers);
  for (let i = old; i < old + reserved; i++) {
    const names = new Uint8Array(c.bsize);
    for (const [n, g] of copies.entries()) if (4 * n < c.bsize) putU32le(names, 4 * n, c.groupStart(g) + 1 + i);
    want(c, c.info.firstData + 1 + i, names);
  }
  const sectors = (1 + reserved * (1 + copies.length)) * (c.bsize >> 9);
  const before = b.slice();
  if (c.sectorsOf(b) !== sectors) c.problem(`inode ${RESIZE_INO} has ${c.sectorsOf(b)} sectors by its count, and ${sectors} in fact`, () => c.setSectors(b, sectors));
  if (!c.sums.inodeHolds(before, 0, RESIZE_INO)) c.problem(`inode ${RESIZE_INO} has a wrong checksum`, () => c.putInode(RESIZE_INO, b));
  else if (!equalBytes(b, before)) c.putInode(RESIZE_INO, b);
}

function want(c: Check, blkno: number, right: Uint8Array): void {
  if (!equalBytes(c.block(blkno), right)) c.problem(`block ${blkno}, of the room for more descriptors, is wrong`, () => c.changed(blkno, right));
}

function giveBack(c: Check): void {
  putU32le(c.sb, SB_COMPAT, (getU32le(c.sb, SB_COMPAT) & ~COMPAT_RESIZE_INODE) >>> 0);
  putU16le(c.sb, SB_RESERVED_GDT, 0);
  c.putInode(RESIZE_INO, new Uint8Array(c.info.inodeSize));
}
