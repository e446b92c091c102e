/** The blocks of a sound file, in order: nothing is claimed, and nothing is said of what is wrong. */
import { getU32le } from '@anykernel/lib-bytes';
import { EXT_DEPTH_MAX, EXT_ENTRY, EXT_HEADER, EXT_ROOT_MAX, extBlock, extChild, extCount, extDepth, extEntry, extFault, extLen, extStart } from '../extent.js';
import { DI_BLOCK, DI_FLAGS, FL_EXTENTS, NDADDR, NIADDR } from '../ondisk.js';
import type { Check } from './check.js';

/** Blocks that follow each other: the first, and how many. */
export type Run = [blkno: number, count: number];

/** As many as the file's size needs. undefined: it is empty, has holes, or has blocks where none can be. */
export function runsOf(c: Check, b: Uint8Array): Run[] | undefined {
  const reader = new Reader(c, Math.ceil(c.sizeOf(b) / c.bsize));
  const whole = (getU32le(b, DI_FLAGS) & FL_EXTENTS) !== 0 ? reader.extents(b) : reader.pointers(b);
  return whole && reader.next > 0 && reader.next >= reader.end ? reader.runs : undefined;
}

class Reader {
  readonly runs: Run[] = [];
  next = 0;
  constructor(
    readonly c: Check,
    /** Blocks of the file. */
    readonly end: number,
  ) {}

  extents(b: Uint8Array): boolean {
    const view = new DataView(b.buffer, b.byteOffset, b.length);
    const depth = extDepth(view, DI_BLOCK);
    return depth <= EXT_DEPTH_MAX && this.#node(view, DI_BLOCK, depth, EXT_ROOT_MAX);
  }

  #node(v: DataView, off: number, depth: number, room: number): boolean {
    if (extFault(v, off, depth, room) !== undefined) return false;
    for (let i = 0; i < extCount(v, off) && this.next < this.end; i++) {
      const at = extEntry(off, i);
      if (extBlock(v, at) !== this.next) return false;
      if (!(depth === 0 ? this.#add(extStart(v, at), extLen(v, at)) : this.#child(extChild(v, at), depth - 1))) return false;
    }
    return true;
  }

  #child(blkno: number, depth: number): boolean {
    if (!this.c.inReach(blkno)) return false;
    const before = this.next;
    const b = this.c.block(blkno);
    // One that brings nothing is no node of a sound file: so circles end.
    return this.#node(new DataView(b.buffer, b.byteOffset, b.length), 0, depth, Math.floor((this.c.bsize - EXT_HEADER) / EXT_ENTRY)) && this.next > before;
  }

  pointers(b: Uint8Array): boolean {
    for (let i = 0; i < NDADDR; i++) if (!this.#tree(getU32le(b, DI_BLOCK + 4 * i), 0)) return false;
    for (let level = 1; level <= NIADDR; level++) if (!this.#tree(getU32le(b, DI_BLOCK + 4 * (NDADDR + level - 1)), level)) return false;
    return true;
  }

  #tree(blkno: number, level: number): boolean {
    if (this.next >= this.end) return true;
    if (level === 0) return this.#add(blkno, 1);
    if (!this.c.inReach(blkno)) return false;
    const b = this.c.block(blkno);
    for (let at = 0; at < b.length; at += 4) if (!this.#tree(getU32le(b, at), level - 1)) return false;
    return true;
  }

  #add(blkno: number, count: number): boolean {
    if (!this.c.inReach(blkno) || !this.c.inReach(blkno + count - 1)) return false;
    const last = this.runs[this.runs.length - 1];
    if (last !== undefined && last[0] + last[1] === blkno) last[1] += count;
    else this.runs.push([blkno, count]);
    this.next += count;
    return true;
  }
}
