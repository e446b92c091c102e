/** The last pass: bitmaps and counts, and what the superblock says of the state. */
import { bitSet, bitSetRange, bitTest, equalBytes, getU16le, getU32le, putU16le, putU32le } from '@anykernel/lib-bytes';
import { T_BBMAP, T_IBMAP } from '../csum.js';
import {
  BG_BLOCK_UNINIT, BG_INODE_UNINIT, GD_COUNT_HIGH, GD_FLAGS, GD_FREE_BLOCKS, GD_FREE_INODES, GD_ITABLE_UNUSED, GD_LEN64, GD_USED_DIRS, INCOMPAT_META_BG, INCOMPAT_RECOVER,
  ROCOMPAT_ORPHAN_PRESENT, SB_FREE_BLOCKS, SB_FREE_BLOCKS_HIGH, SB_FREE_INODES, SB_INCOMPAT, SB_ROCOMPAT, SB_STATE, STATE_VALID, SUPER_OFF,
} from '../ondisk.js';
import type { Check } from './check.js';
import { gdBlock, placeBitmaps } from './super.js';

const TWO32 = 0x1_0000_0000;

export function checkCounts(c: Check): void {
  let freeBlocks = 0;
  let freeInodes = 0;
  placeBitmaps(c);
  for (let g = 0; g < c.groups; g++) {
    checkMarks(c, g);
    freeBlocks += checkBlockMap(c, g);
    freeInodes += checkInodeMap(c, g);
  }
  const wide = c.info.descSize >= GD_LEN64;
  const said = getU32le(c.sb, SB_FREE_BLOCKS) + (wide ? getU32le(c.sb, SB_FREE_BLOCKS_HIGH) * TWO32 : 0);
  if (said !== freeBlocks) {
    wrong(c, `${said} blocks are free by the superblock, and ${freeBlocks} in fact`, () => {
      putU32le(c.sb, SB_FREE_BLOCKS, freeBlocks % TWO32);
      if (wide) putU32le(c.sb, SB_FREE_BLOCKS_HIGH, Math.floor(freeBlocks / TWO32));
    });
  }
  if (getU32le(c.sb, SB_FREE_INODES) !== freeInodes) {
    wrong(c, `${getU32le(c.sb, SB_FREE_INODES)} inodes are free by the superblock, and ${freeInodes} in fact`, () => putU32le(c.sb, SB_FREE_INODES, freeInodes));
  }
}

/** Marks of parts that were never written mean nothing without checksums of descriptors: others must not believe them later. */
function checkMarks(c: Check, g: number): void {
  const at = c.gd(g);
  if (c.sums.groups || (getU16le(c.gdt, at + GD_FLAGS) & (BG_INODE_UNINIT | BG_BLOCK_UNINIT)) === 0) return;
  c.problem(`the descriptor of group ${g} has marks that the file system does not know`, () => {
    putU16le(c.gdt, at + GD_FLAGS, 0);
    putU16le(c.gdt, at + GD_ITABLE_UNUSED, 0);
  });
}

/** Something is wrong; after a recovery, or where files were ended, counts need not be right, and that is no fault. */
function wrong(c: Check, what: string, fix: () => void): void {
  if (c.recovered || (c.options.repair && c.dying.size > 0)) fix();
  else c.problem(what, fix);
}

/** The group's free blocks. */
function checkBlockMap(c: Check, g: number): number {
  const [start, len] = [c.groupStart(g), c.groupLen(g)];
  const want = new Uint8Array(c.bsize);
  let free = 0;
  for (let i = 0; i < len; i++) {
    if (bitTest(c.used, start + i) || bitTest(c.structure, start + i)) bitSet(want, i);
    else free++;
  }
  bitSetRange(want, len, 8 * c.bsize);
  checkMap(c, g, c.bbmap[g]!, want, T_BBMAP, 'block', BG_BLOCK_UNINIT);
  checkCount(c, g, GD_FREE_BLOCKS, free, 'free blocks');
  return free;
}

function checkInodeMap(c: Check, g: number): number {
  const ipg = c.info.inodesPerGroup;
  const want = new Uint8Array(c.bsize);
  let [free, dirs] = [0, 0];
  for (let i = 0; i < ipg; i++) {
    const ino = g * ipg + i + 1;
    const f = c.found.get(ino);
    const used = ino < c.info.firstIno || f !== undefined || (c.values.get(ino) ?? 0) > 0;
    if (used) bitSet(want, i);
    else free++;
    if (f !== undefined && (f.mode & 0o170000) === 0o040000) dirs++;
  }
  bitSetRange(want, ipg, 8 * c.bsize);
  checkMap(c, g, c.ibmap[g]!, want, T_IBMAP, 'inode', BG_INODE_UNINIT);
  checkCount(c, g, GD_FREE_INODES, free, 'free inodes');
  checkCount(c, g, GD_USED_DIRS, dirs, 'directories');
  return free;
}

function checkMap(c: Check, g: number, blkno: number, want: Uint8Array, kind: number, what: string, uninit: number): void {
  if (blkno === 0) return;
  const at = c.gd(g);
  const flags = getU16le(c.gdt, at + GD_FLAGS);
  const never = c.sums.groups && (flags & uninit) !== 0;
  // What was never written stands for a group without files.
  if (never && !hasFiles(c, g, kind)) return;
  const put = (): void => {
    c.changed(blkno, want);
    if (never) putU16le(c.gdt, at + GD_FLAGS, flags & ~uninit);
    if (c.sums.on) c.sums.sealBitmap(want, kind, c.gdt, at);
  };
  if (never || !equalBytes(c.block(blkno), want)) wrong(c, `the ${what} bitmap of group ${g} is wrong`, put);
  else if (!c.sums.bitmapHolds(want, kind, c.gdt, at)) wrong(c, `the ${what} bitmap of group ${g} has a wrong checksum`, put);
}

function hasFiles(c: Check, g: number, kind: number): boolean {
  if (kind === T_BBMAP) {
    for (let b = c.groupStart(g), end = b + c.groupLen(g); b < end; b++) if (bitTest(c.used, b)) return true;
    return false;
  }
  const ipg = c.info.inodesPerGroup;
  for (let i = 1; i <= ipg; i++) if (c.found.has(g * ipg + i)) return true;
  return false;
}

function checkCount(c: Check, g: number, low: number, right: number, what: string): void {
  const at = c.gd(g);
  const wide = c.info.descSize >= GD_LEN64;
  const said = getU16le(c.gdt, at + low) + (wide ? getU16le(c.gdt, at + low + GD_COUNT_HIGH) * 65536 : 0);
  if (said === right) return;
  wrong(c, `group ${g} has ${said} ${what} by its descriptor, and ${right} in fact`, () => {
    putU16le(c.gdt, at + low, right & 0xffff);
    if (wide) putU16le(c.gdt, at + low + GD_COUNT_HIGH, right >>> 16);
  });
}

/** Writes what was put right, the superblock last. */
export function finish(c: Check): void {
  const perBlock = c.bsize / c.info.descSize;
  const count = Math.ceil(c.groups / perBlock);
  const old = (c.info.incompat & INCOMPAT_META_BG) !== 0 ? Math.min(c.info.firstMetaBg, count) : count;
  if (c.sums.groups) for (let g = 0; g < c.groups; g++) c.sums.sealGroup(c.gdt, c.gd(g), g);
  for (let i = 0; i < count; i++) c.changed(gdBlock(c, i, old, perBlock), c.gdt.slice(i * c.bsize, (i + 1) * c.bsize));
  c.flush();
  putU16le(c.sb, SB_STATE, STATE_VALID);
  putU32le(c.sb, SB_INCOMPAT, (getU32le(c.sb, SB_INCOMPAT) & ~INCOMPAT_RECOVER) >>> 0);
  putU32le(c.sb, SB_ROCOMPAT, (getU32le(c.sb, SB_ROCOMPAT) & ~ROCOMPAT_ORPHAN_PRESENT) >>> 0);
  if (c.sums.on) c.sums.sealSuper(c.sb, 0);
  c.image.write(SUPER_OFF, c.sb);
}
