/**
 * The blocks of a file, by extents or by pointers, for a check: whoever visits says how much of each run stays.
 *
 * Nodes and indirect blocks are claimed before they are followed, and a block is claimed once, so that loops end.
 */
import { bitClear, bitSet, bitTest, getU16le, getU32le, putU32le } from '@anykernel/lib-bytes';
import { T_EXTENTS, Tag } from '../csum.js';
import { EXT_DEPTH_MAX, EXT_ENTRY, EXT_HEADER, EXT_ROOT_MAX, extBlock, extChild, extCount, extDepth, extEntry, extFault, extLen, extMax, extStart, extUnwritten, putExtHeader, putExtIndex, putExtent, setExtBlock, setExtCount } from '../extent.js';
import { DI_BLOCK, DI_FLAGS, DI_MODE, FL_EXTENTS, NDADDR, NIADDR } from '../ondisk.js';
import type { Check } from './check.js';
import { freeRun } from './take.js';

/** How many blocks of a run stay, from its beginning on, and where they are then. */
export interface Stay {
  readonly count: number;
  readonly blkno: number;
}

/** Told of blocks lbn.. at blkno... */
export type Visit = (lbn: number, blkno: number, count: number, unwritten: boolean) => Stay;

/** Takes `count` blocks from `blkno` on; gives how many could be: none that is the structure's, another's, or not there. */
export function claim(c: Check, blkno: number, count: number): number {
  for (let i = 0; i < count; i++) {
    const b = blkno + i;
    if (!c.inReach(b) || bitTest(c.structure, b)) return i;
    if (bitTest(c.used, b) && !c.shares) {
      c.conflicts++;
      return i;
    }
    bitSet(c.used, b);
    if (c.avoid !== undefined) c.mine.add(b);
  }
  return count;
}

/** As claim(), and where others have some of the blocks, or data has them twice, the whole run is copied to where nobody has any. */
export function claimOrCopy(c: Check, ino: number, blkno: number, count: number, isData: boolean): Stay {
  const got = claim(c, blkno, count);
  if (got === count || c.avoid === undefined || !isAnothers(c, blkno + got, isData)) return { count: got, blkno };
  for (let i = got + 1; i < count; i++) if (!c.inReach(blkno + i) || bitTest(c.structure, blkno + i) || (!isData && c.mine.has(blkno + i))) return { count: got, blkno };
  const fresh = freeRun(c, c.cursor, c.info.blocks, count) || freeRun(c, c.info.firstData + 1, c.info.blocks, count);
  if (fresh === 0) return { count: got, blkno };
  c.cursor = fresh + count;
  for (let i = 0; i < got; i++) bitClear(c.used, blkno + i);
  for (let i = 0; i < count; i++) {
    bitSet(c.used, fresh + i);
    c.mine.add(fresh + i);
    c.changed(fresh + i, c.block(blkno + i).slice());
  }
  c.problem(`inode ${ino}: another has ${count === 1 ? `block ${blkno}` : `some of blocks ${blkno} to ${blkno + count - 1}`}, too: it gets a copy`, () => undefined);
  return { count, blkno: fresh };
}

/** Whether a file has the block, and not the one that is being looked at: nodes that are within each other end so. */
function isAnothers(c: Check, blkno: number, isData: boolean): boolean {
  return c.inReach(blkno) && !bitTest(c.structure, blkno) && (isData || !c.mine.has(blkno));
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
    const { count, blkno } = this.visit(lbn, start, len, unwritten);
    if (count === len && blkno === start && !marked) return 'stays';
    if (count === 0) return 'gone';
    putExtent(view, at, lbn, count, blkno, unwritten && !marked);
    return 'changed';
  }

  #below(view: DataView, at: number, depth: number): 'stays' | 'changed' | 'gone' {
    const { c, ino } = this;
    const said = extChild(view, at);
    const { count, blkno } = claimOrCopy(c, ino, said, 1, false);
    if (count === 0) {
      c.problem(`inode ${ino}: a node of its extents is said to be at block ${blkno}, where it has none`, () => undefined);
      return 'gone';
    }
    if (blkno !== said) putExtIndex(view, at, extBlock(view, at), blkno);
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
    if (first === extBlock(view, at)) return blkno === said ? 'stays' : 'changed';
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
    const stay = level === 0 ? visit(lbn, blkno, 1, false) : claimOrCopy(c, ino, blkno, 1, false);
    if (stay.count === 0) {
      if (level > 0) c.problem(`inode ${ino}: an indirect block is said to be at ${blkno}, where it has none`, () => undefined);
      return gone();
    }
    const moved = stay.blkno !== blkno;
    if (moved) putU32le(from, at, stay.blkno);
    if (level === 0) return moved;
    indirect++;
    const child = c.block(stay.blkno);
    let changed = false;
    for (let i = 0; i < per; i++) if (tree(child, 4 * i, level - 1, lbn + i * per ** (level - 1))) changed = true;
    if (changed) c.changed(stay.blkno, child);
    return moved;
  };
  for (let i = 0; i < NDADDR; i++) tree(b, DI_BLOCK + 4 * i, 0, i);
  for (let level = 1, lbn = NDADDR; level <= NIADDR; lbn += per ** level, level++) tree(b, DI_BLOCK + 4 * (NDADDR + level - 1), level, lbn);
  return indirect;
}

