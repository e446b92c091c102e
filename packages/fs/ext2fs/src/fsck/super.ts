/** The first pass: superblock, group descriptors, and the journal. */
import { bitSetRange, bitTest, getU32le, putU16le, putU32le } from '@anykernel/lib-bytes';
import {
  COMPAT_RESIZE_INODE, GD_BBMAP, GD_BBMAP_HIGH, GD_IBMAP, GD_IBMAP_HIGH, GD_ITABLE, GD_ITABLE_HIGH, GD_LEN64, INCOMPAT_FLEX_BG, INCOMPAT_META_BG, INCOMPAT_WRITABLE, ROCOMPAT_QUOTA, ROCOMPAT_VERITY,
  ROCOMPAT_WRITABLE, SB_COMPAT, SB_FIRST_META_BG, SB_GROUP_NR, SB_INCOMPAT, SB_RESERVED_GDT, SB_ROCOMPAT, SUPER_LEN, SUPER_OFF, type SuperInfo, featureNames, groupHasSuper, parseSuper,
} from '../ondisk.js';
import { freeRun } from './take.js';
import { Check, ROCOMPAT_SHARED_BLOCKS, type FsckImage, type FsckOptions, Hopeless } from './check.js';

const TWO32 = 0x1_0000_0000;

/** Finds the superblock, or a copy of it. */
export function openCheck(image: FsckImage, options: FsckOptions, avoid?: Uint8Array): Check {
  const sb = image.size >= SUPER_OFF + SUPER_LEN ? image.read(SUPER_OFF, SUPER_LEN) : new Uint8Array(0);
  const info = parseSuper(sb);
  if (typeof info !== 'string') {
    const c = make(image, options, info, sb, avoid);
    if (!c.sums.superHolds(sb, 0)) c.problem('the superblock has a wrong checksum', () => undefined);
    return c;
  }
  for (const bsize of [1024, 2048, 4096]) {
    const off = ((bsize === 1024 ? 1 : 0) + 8 * bsize) * bsize;
    if (off + SUPER_LEN > image.size) continue;
    const copy = image.read(off, SUPER_LEN);
    const found = parseSuper(copy);
    if (typeof found === 'string' || 1 << found.bshift !== bsize) continue;
    putU16le(copy, SB_GROUP_NR, 0);
    const c = make(image, options, found, copy, avoid);
    c.problem(`${info}: the copy at block ${off / bsize} is used`, () => undefined);
    return c;
  }
  throw new Hopeless(info);
}

function make(image: FsckImage, options: FsckOptions, info: SuperInfo, sb: Uint8Array, avoid?: Uint8Array): Check {
  const unknown = info.incompat & ~INCOMPAT_WRITABLE;
  if (unknown !== 0) throw new Hopeless(`it has features that are not supported: ${featureNames(unknown, 'incompat')}`);
  // What they mean for the blocks in use is not known here: nothing that would be found could be believed.
  const strange = info.rocompat & ~(ROCOMPAT_WRITABLE | ROCOMPAT_QUOTA | ROCOMPAT_VERITY | ROCOMPAT_SHARED_BLOCKS);
  if (strange !== 0) throw new Hopeless(`it has features that are not supported: ${featureNames(strange, 'rocompat')}`);
  if (info.blocks * 2 ** info.bshift > image.size) throw new Hopeless(`it has ${info.blocks} blocks, and the image has ${image.size} bytes`);
  const c = new Check(image, options, info, sb, avoid);
  checkFeatures(c);
  return c;
}

/** Features that do not go together, or were set where they cannot be. */
function checkFeatures(c: Check): void {
  const { info, sb } = c;
  if ((info.incompat & INCOMPAT_META_BG) !== 0) {
    const count = Math.ceil((c.groups * info.descSize) / c.bsize);
    if (info.firstMetaBg > count) c.problem(`descriptors are by meta_bg from block ${info.firstMetaBg} of them on, and there are ${count}`, () => putU32le(sb, SB_FIRST_META_BG, 0));
    if ((info.compat & COMPAT_RESIZE_INODE) !== 0) {
      c.problem('it has room for more descriptors, and descriptors by meta_bg: the room is given back', () => {
        putU32le(sb, SB_COMPAT, (getU32le(sb, SB_COMPAT) & ~COMPAT_RESIZE_INODE) >>> 0);
        putU16le(sb, SB_RESERVED_GDT, 0);
      });
    }
  }
  if (info.rev === 0 && (getU32le(sb, SB_COMPAT) | getU32le(sb, SB_INCOMPAT) | getU32le(sb, SB_ROCOMPAT)) !== 0) c.problem('it has features, and is of revision 0', () => c.makeDynamic());
}

/** The group descriptors; those that make no sense are taken from the copy in group 1. */
export function readGroups(c: Check): void {
  const { info, bsize } = c;
  const perBlock = bsize / info.descSize;
  const count = Math.ceil(c.groups / perBlock);
  const meta = (info.incompat & INCOMPAT_META_BG) !== 0;
  const old = meta ? Math.min(info.firstMetaBg, count) : count;
  c.gdt = new Uint8Array(count * bsize);
  for (let i = 0; i < count; i++) c.gdt.set(c.block(gdBlock(c, i, old, perBlock)), i * bsize);
  for (let g = 0; g < c.groups; g++) claimHead(c, g, old, perBlock, meta);
  for (let g = 0; g < c.groups; g++) readGroup(c, g, old);
}

export function gdBlock(c: Check, i: number, old: number, perBlock: number): number {
  if (i < old) return c.info.firstData + 1 + i;
  const g = i * perBlock;
  return c.groupStart(g) + (groupHasSuper(c.info, g) ? 1 : 0);
}

function claimHead(c: Check, g: number, old: number, perBlock: number, meta: boolean): void {
  const has = groupHasSuper(c.info, g);
  const within = g % perBlock;
  const inMeta = meta && Math.floor(g / perBlock) >= old;
  const gdt = inMeta ? (within < 2 || within === perBlock - 1 ? 1 : 0) : has ? old + c.info.reservedGdt : 0;
  const start = c.groupStart(g);
  bitSetRange(c.structure, start, Math.min(start + (has ? 1 : 0) + gdt, c.info.blocks));
}

function places(c: Check, b: Uint8Array, at: number): readonly [number, number, number] {
  const wide = c.info.descSize >= GD_LEN64;
  const place = (low: number, high: number): number => getU32le(b, at + low) + (wide ? getU32le(b, at + high) * TWO32 : 0);
  return [place(GD_BBMAP, GD_BBMAP_HIGH), place(GD_IBMAP, GD_IBMAP_HIGH), place(GD_ITABLE, GD_ITABLE_HIGH)];
}

function free(c: Check, from: number, len: number): boolean {
  if (!c.inReach(from) || from + len > c.info.blocks) return false;
  for (let b = from; b < from + len; b++) if (bitTest(c.structure, b)) return false;
  return true;
}

function readGroup(c: Check, g: number, old: number): void {
  const len = (c.info.inodesPerGroup * c.info.inodeSize) / c.bsize;
  const fits = (b: Uint8Array, at: number): boolean => {
    const [bb, ib, it] = places(c, b, at);
    return bb !== ib && free(c, bb, 1) && free(c, ib, 1) && free(c, it, len) && (bb < it || bb >= it + len) && (ib < it || ib >= it + len);
  };
  const at = c.gd(g);
  if (!c.sums.groupHolds(c.gdt, at, g)) c.problem(`the descriptor of group ${g} has a wrong checksum`, () => undefined);
  if (!fits(c.gdt, at)) {
    const copy = c.groups > 1 && old > 0 && groupHasSuper(c.info, 1) ? c.block(c.groupStart(1) + 1 + Math.floor(at / c.bsize)) : undefined;
    if (copy === undefined || !fits(copy, at % c.bsize)) {
      if (keepTable(c, g, len)) return;
      loseTable(c, g);
      return;
    }
    c.problem(`the descriptor of group ${g} makes no sense: the copy is used`, () => c.gdt.set(copy.subarray(at % c.bsize, (at % c.bsize) + c.info.descSize), at));
  }
  const [bb, ib, it] = places(c, c.gdt, at);
  [c.bbmap[g], c.ibmap[g], c.itable[g]] = [bb, ib, it];
  bitSetRange(c.structure, bb, bb + 1);
  bitSetRange(c.structure, ib, ib + 1);
  bitSetRange(c.structure, it, it + len);
}

/** The inodes of a group are lost; its bitmaps may be where they should. */
function loseTable(c: Check, g: number): void {
  const [bb, ib, it] = places(c, c.gdt, c.gd(g));
  c.problem(`the inode table of group ${g} is said to be at block ${it}, where it cannot be: it is made anew elsewhere, and its files are lost`, () => undefined);
  c.itable[g] = 0;
  const claimed = (blkno: number): number => {
    if (!free(c, blkno, 1)) return 0;
    bitSetRange(c.structure, blkno, blkno + 1);
    return blkno;
  };
  c.bbmap[g] = claimed(bb);
  c.ibmap[g] = claimed(ib);
}

/** Gives the inode tables that have no place one, when all blocks in use are known, and makes them empty. False: all have a place. */
export function placeTables(c: Check): boolean {
  const wide = c.info.descSize >= GD_LEN64;
  const len = (c.info.inodesPerGroup * c.info.inodeSize) / c.bsize;
  let placed = false;
  for (let g = 0; g < c.groups; g++) {
    if (c.itable[g] !== 0) continue;
    const start = c.groupStart(g);
    const here = freeRun(c, start, start + c.groupLen(g), len);
    const blkno = here !== 0 || (c.info.incompat & INCOMPAT_FLEX_BG) === 0 ? here : freeRun(c, c.info.firstData + 1, c.info.blocks, len);
    if (blkno === 0) {
      c.problem(`there is no room for an inode table of group ${g}`);
      continue;
    }
    placed = true;
    c.itable[g] = blkno;
    bitSetRange(c.structure, blkno, blkno + len);
    putU32le(c.gdt, c.gd(g) + GD_ITABLE, blkno % TWO32);
    if (wide) putU32le(c.gdt, c.gd(g) + GD_ITABLE_HIGH, Math.floor(blkno / TWO32));
    for (let i = 0; i < len; i++) c.changed(blkno + i, new Uint8Array(c.bsize));
  }
  if (placed) placeBitmaps(c);
  return placed;
}

/** Where only the bitmaps of a group are said to be where they cannot be: its files are there, and the bitmaps are made anew elsewhere. */
function keepTable(c: Check, g: number, len: number): boolean {
  const [bb, ib, it] = places(c, c.gdt, c.gd(g));
  if (!free(c, it, len)) return false;
  c.itable[g] = it;
  bitSetRange(c.structure, it, it + len);
  const claimed = (what: string, blkno: number): number => {
    if (free(c, blkno, 1)) {
      bitSetRange(c.structure, blkno, blkno + 1);
      return blkno;
    }
    c.problem(`the ${what} bitmap of group ${g} is said to be at block ${blkno}, where it cannot be: it gets another place`, () => undefined);
    return 0;
  };
  c.bbmap[g] = claimed('block', bb);
  c.ibmap[g] = claimed('inode', ib);
  return true;
}

/** Gives the bitmaps that have no place one, when all blocks in use are known. */
export function placeBitmaps(c: Check): void {
  const wide = c.info.descSize >= GD_LEN64;
  const place = (g: number, low: number, high: number): number => {
    const blkno = freeBlockNear(c, g);
    if (blkno === 0) {
      c.problem(`no block is free for a bitmap of group ${g}`);
      return 0;
    }
    bitSetRange(c.structure, blkno, blkno + 1);
    putU32le(c.gdt, c.gd(g) + low, blkno % TWO32);
    if (wide) putU32le(c.gdt, c.gd(g) + high, Math.floor(blkno / TWO32));
    return blkno;
  };
  for (let g = 0; g < c.groups; g++) {
    if (c.itable[g] === 0) continue;
    if (c.bbmap[g] === 0) c.bbmap[g] = place(g, GD_BBMAP, GD_BBMAP_HIGH);
    if (c.ibmap[g] === 0) c.ibmap[g] = place(g, GD_IBMAP, GD_IBMAP_HIGH);
  }
}

/** A block that nobody has, in the group, or with flex_bg anywhere; 0: there is none. */
function freeBlockNear(c: Check, g: number): number {
  const within = (from: number, end: number): number => {
    for (let b = from; b < end; b++) if (!bitTest(c.structure, b) && !bitTest(c.used, b)) return b;
    return 0;
  };
  const start = c.groupStart(g);
  const here = within(start, start + c.groupLen(g));
  return here !== 0 || (c.info.incompat & INCOMPAT_FLEX_BG) === 0 ? here : within(c.info.firstData + 1, c.info.blocks);
}
