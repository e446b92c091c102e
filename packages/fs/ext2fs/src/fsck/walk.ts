/**
 * The blocks of a file, by extents or by pointers, for a check: whoever visits says how much of each run stays.
 *
 * Nodes and indirect blocks are claimed before they are followed, and a block is claimed once, so that loops end.
 */
import { bitSet, bitTest, getU16le, getU32le, putU32le } from '@anykernel/lib-bytes';
import { T_EXTENTS, Tag } from '../csum.js';
import { EXT_DEPTH_MAX, EXT_ENTRY, EXT_HEADER, EXT_ROOT_MAX, extBlock, extChild, extCount, extDepth, extEntry, extFault, extLen, extMax, extStart, extUnwritten, putExtHeader, putExtent, setExtBlock, setExtCount } from '../extent.js';
import { DI_BLOCK, DI_FLAGS, DI_MODE, FL_EXTENTS, NDADDR, NIADDR } from '../ondisk.js';
import type { Check } from './check.js';

/** Told of blocks lbn.. at blkno..; gives how many of them stay. */
export type Visit = (lbn: number, blkno: number, count: number, unwritten: boolean) => number;

/** Takes `count` blocks from `blkno` on; gives how many could be: none that is the structure's, another's, or not there. */
export function claim(c: Check, blkno: number, count: number): number {
  for (let i = 0; i < count; i++) {
    const b = blkno + i;
    if (!c.inReach(b) || bitTest(c.structure, b) || bitTest(c.used, b)) return i;
    bitSet(c.used, b);
  }
  return count;
}

/** Visits all; in `b`, a copy of the inode, what does not stay is taken out. Gives the blocks of nodes and indirect blocks. */
export function walkBlocks(c: Check, ino: number, b: Uint8Array, visit: Visit): number {
  if ((getU32le(b, DI_FLAGS) & FL_EXTENTS) !== 0) return walkExtents(c, ino, b, visit);
  return walkPointers(c, ino, b, visit);
}

function walkExtents(c: Check, ino: number, b: Uint8Array, visit: Visit): number {
  const view = new DataView(b.buffer, b.byteOffset, b.length);
  const depth = extDepth(view, DI_BLOCK);
  const fault = depth > EXT_DEPTH_MAX ? 'it is too deep' : extFault(view, DI_BLOCK, depth, EXT_ROOT_MAX);
  if (fault !== undefined) {
    c.problem(`inode ${ino}: its extents make no sense: ${fault}`, () => {
      b.fill(0, DI_BLOCK, DI_BLOCK + 60);
      putExtHeader(view, DI_BLOCK, 0, EXT_ROOT_MAX, 0);
    });
    return 0;
  }
  const walk = new ExtentWalk(c, ino, c.sums.on ? c.sums.inodeSeed(ino, getU32le(b, 100)) : 0, getU16le(b, DI_MODE) >> 12 === 4, visit);
  if (walk.node(view, DI_BLOCK, depth) && extCount(view, DI_BLOCK) === 0) putExtHeader(view, DI_BLOCK, 0, EXT_ROOT_MAX, 0);
  return walk.nodes;
}

class ExtentWalk {
  nodes = 0;
  constructor(
    readonly c: Check,
    readonly ino: number,
    readonly seed: number,
    readonly directory: boolean,
    readonly visit: Visit,
  ) {}

  /** Returns whether the node has changed. */
  node(view: DataView, off: number, depth: number): boolean {
    let changed = false;
    for (let i = 0; i < extCount(view, off); ) {
      const stays = depth === 0 ? this.#leaf(view, extEntry(off, i)) : this.#below(view, extEntry(off, i), depth);
      if (stays === 'changed') changed = true;
      if (stays !== 'gone') i++;
      else {
        remove(view, off, i);
        changed = true;
      }
    }
    return changed;
  }

  #leaf(view: DataView, at: number): 'stays' | 'changed' | 'gone' {
    const [lbn, len, start, unwritten] = [extBlock(view, at), extLen(view, at), extStart(view, at), extUnwritten(view, at)];
    // The entries are there, whatever the mark says: a directory is written before it is longer.
    const marked = unwritten && this.directory;
    if (marked) this.c.problem(`directory ${this.ino}: its blocks from ${lbn} on are marked as never written`, () => undefined);
    const keep = this.visit(lbn, start, len, unwritten);
    if (keep === len && !marked) return 'stays';
    if (keep === 0) return 'gone';
    putExtent(view, at, lbn, keep, start, unwritten && !marked);
    return 'changed';
  }

  #below(view: DataView, at: number, depth: number): 'stays' | 'changed' | 'gone' {
    const { c, ino } = this;
    const blkno = extChild(view, at);
    if (claim(c, blkno, 1) === 0) {
      c.problem(`inode ${ino}: a node of its extents is said to be at block ${blkno}, where it has none`, () => undefined);
      return 'gone';
    }
    this.nodes++;
    const b = c.block(blkno);
    const child = new DataView(b.buffer, b.byteOffset, b.length);
    const tag = new Tag(T_EXTENTS, ino, this.seed);
    const fault = extFault(child, 0, depth - 1, Math.floor((c.bsize - EXT_HEADER) / EXT_ENTRY));
    if (fault !== undefined) {
      c.problem(`inode ${ino}: extents in block ${blkno}: ${fault}`, () => undefined);
      return 'gone';
    }
    let dirty = false;
    if (c.sums.on && getU32le(b, 12 + 12 * extMax(child, 0)) !== c.sums.extents(b, this.seed)) {
      c.problem(`inode ${ino}: extents in block ${blkno} have a wrong checksum`, () => undefined);
      dirty = true;
    }
    if (this.node(child, 0, depth - 1)) dirty = true;
    if (dirty) {
      putU32le(b, 12 + 12 * extMax(child, 0), c.sums.on ? c.sums.extents(b, tag.seed) : 0);
      c.changed(blkno, b);
    }
    const first = extCount(child, 0) === 0 ? extBlock(view, at) : extBlock(child, extEntry(0, 0));
    if (first === extBlock(view, at)) return 'stays';
    c.problem(`inode ${ino}: extents in block ${blkno} begin with block ${first}, and should with ${extBlock(view, at)}`, () => setExtBlock(view, at, first));
    return 'changed';
  }
}

function remove(view: DataView, off: number, i: number): void {
  const count = extCount(view, off);
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  bytes.copyWithin(extEntry(off, i), extEntry(off, i + 1), extEntry(off, count));
  bytes.fill(0, extEntry(off, count - 1), extEntry(off, count));
  setExtCount(view, off, count - 1);
}

function walkPointers(c: Check, ino: number, b: Uint8Array, visit: Visit): number {
  let indirect = 0;
  const per = c.bsize / 4;
  /** Pointers at `at` of `from` and below; returns whether `from` has changed. */
  const tree = (from: Uint8Array, at: number, level: number, lbn: number): boolean => {
    const blkno = getU32le(from, at);
    if (blkno === 0) return false;
    const gone = (): boolean => {
      putU32le(from, at, 0);
      return true;
    };
    if (level === 0) return visit(lbn, blkno, 1, false) === 1 ? false : gone();
    if (claim(c, blkno, 1) === 0) {
      c.problem(`inode ${ino}: an indirect block is said to be at ${blkno}, where it has none`, () => undefined);
      return gone();
    }
    indirect++;
    const child = c.block(blkno);
    let changed = false;
    for (let i = 0; i < per; i++) if (tree(child, 4 * i, level - 1, lbn + i * per ** (level - 1))) changed = true;
    if (changed) c.changed(blkno, child);
    return false;
  };
  for (let i = 0; i < NDADDR; i++) tree(b, DI_BLOCK + 4 * i, 0, i);
  for (let level = 1, lbn = NDADDR; level <= NIADDR; lbn += per ** level, level++) tree(b, DI_BLOCK + 4 * (NDADDR + level - 1), level, lbn);
  return indirect;
}

/** The blocks of a sound file, in order, without claiming any: runs of [blkno, count]; undefined: it has holes. */
export function runsOf(c: Check, ino: number, b: Uint8Array): [number, number][] | undefined {
  const runs: [number, number][] = [];
  let next = 0;
  const used = c.used.slice();
  walkBlocks(c, ino, b, (lbn, blkno, count) => {
    if (lbn !== next || blkno + count > c.info.blocks) next = NaN;
    else {
      next += count;
      const last = runs[runs.length - 1];
      if (last !== undefined && last[0] + last[1] === blkno) last[1] += count;
      else runs.push([blkno, count]);
    }
    return count;
  });
  c.used.set(used);
  return Number.isNaN(next) || runs.length === 0 ? undefined : runs;
}

