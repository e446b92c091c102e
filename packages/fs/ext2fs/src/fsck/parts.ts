/** The parts of a directory that entries lie in: its blocks, or two places in its inode. */
import { bytestrOf, getU16le, getU32le, putU32le } from '@anykernel/lib-bytes';
import { DIR_TAIL_LEN, htreeCountOff, putDirTail } from '../csum.js';
import { DE_HEADER, DI_BLOCK, DI_EXTRA, DI_FLAGS, DI_OLD_LEN, FL_INDEX, FL_INLINE_DATA, INCOMPAT_FILETYPE, direntLen } from '../ondisk.js';
import type { Check, Found } from './check.js';

/** Entries lie in bytes from..to - 1 of `b`; `save` says that they have changed. */
export interface Part {
  readonly b: Uint8Array;
  readonly from: number;
  readonly to: number;
  save(): void;
}

/** Bytes of the inode's own part, behind the number of the parent. */
const OWN_FROM: number = DI_BLOCK + 4;
const OWN_TO: number = DI_BLOCK + 60;

export function dirEnd(c: Check): number {
  return c.sums.on ? c.bsize - DIR_TAIL_LEN : c.bsize;
}

export function isTyped(c: Check): boolean {
  return (c.info.incompat & INCOMPAT_FILETYPE) !== 0;
}

/** The parts of a directory, in order, but for those that are a hash tree's. */
export function partsOf(c: Check, f: Found): readonly Part[] {
  const inode = c.inode(f.ino);
  if (inode !== undefined && (getU32le(inode, DI_FLAGS) & FL_INLINE_DATA) !== 0) return inlineParts(c, f.ino, inode);
  const tree = inode !== undefined && (getU32le(inode, DI_FLAGS) & FL_INDEX) !== 0;
  const seed = c.sums.on ? c.seedOf(f.ino) : 0;
  const parts = f.blocks.map((blkno) => new BlockPart(c, blkno, seed));
  return tree ? parts.filter((part, i) => !isTreeBlock(c, tree, i, part.b)) : parts;
}

class BlockPart implements Part {
  readonly from = 0;
  readonly to: number;
  #bytes: Uint8Array | undefined;
  constructor(
    readonly c: Check,
    readonly blkno: number,
    readonly seed: number,
  ) {
    this.to = dirEnd(c);
  }
  get b(): Uint8Array {
    this.#bytes ??= this.c.block(this.blkno);
    return this.#bytes;
  }
  save(): void {
    sealDir(this.c, this.b, this.seed, false);
    this.c.changed(this.blkno, this.b);
  }
}

/** The two parts in an inode; the second one is the value of `system.data`. */
export function inlineParts(c: Check, ino: number, inode: Uint8Array): readonly Part[] {
  const save = (): void => saveInline(c, ino, inode);
  const own = { b: inode, from: OWN_FROM, to: OWN_TO, save };
  const value = inlineValue(c, inode);
  return value === undefined || value.len === 0 ? [own] : [own, { b: inode, from: value.off, to: value.off + value.len, save }];
}

/** The inode of a directory whose entries in it have changed. The value has no hash then, which is allowed in an inode. */
export function saveInline(c: Check, ino: number, b: Uint8Array): void {
  const value = inlineValue(c, b);
  if (value !== undefined) putU32le(b, value.at + 12, 0);
  c.putInode(ino, b);
}

/** Where the value of `system.data` is in an inode, which has been looked at; undefined: it has none. */
function inlineValue(c: Check, b: Uint8Array): { readonly at: number; readonly off: number; readonly len: number } | undefined {
  if (c.info.inodeSize === DI_OLD_LEN) return undefined;
  const start = DI_OLD_LEN + getU16le(b, DI_EXTRA) + 4;
  for (let at = start; at + 16 < b.length && getU32le(b, at) !== 0; at += 16 + ((b[at]! + 3) & ~3)) {
    if (b[at + 1] !== 7 || bytestrOf(b, at + 16, at + 16 + b[at]!) !== 'data') continue;
    const [off, len] = [start + getU16le(b, at + 2), getU32le(b, at + 8)];
    return off + len <= b.length ? { at, off, len } : undefined;
  }
  return undefined;
}

/** Whether block `i` of a directory with a hash tree is a part of that. */
export function isTreeBlock(c: Check, tree: boolean, i: number, b: Uint8Array): boolean {
  return tree && (i === 0 || (getU32le(b, 0) === 0 && getU16le(b, 4) === c.bsize));
}

export function sealDir(c: Check, b: Uint8Array, seed: number, inTree: boolean): void {
  if (!c.sums.on) return;
  if (inTree) {
    const at = htreeCountOff(b) + 8 * getU16le(b, htreeCountOff(b)) + 4;
    if (at + 4 <= b.length) putU32le(b, at, Math.max(0, c.sums.htree(b, seed)));
    return;
  }
  putDirTail(b);
  putU32le(b, b.length - 4, c.sums.dir(b, seed));
}

/** The name of the entry at `off`. */
export function nameOf(c: Check, b: Uint8Array, off: number): string {
  return bytestrOf(b, off + DE_HEADER, off + DE_HEADER + namlenOf(c, b, off));
}

function namlenOf(c: Check, b: Uint8Array, off: number): number {
  return isTyped(c) ? b[off + 6]! : getU16le(b, off + 6);
}

/** Bytes that the entry at `off` needs; 0: it is none. */
export function entryLen(c: Check, b: Uint8Array, off: number): number {
  return getU32le(b, off) === 0 ? 0 : direntLen(namlenOf(c, b, off));
}

/** From an entry of a part that has been looked at to the next. */
export function nextEntry(b: Uint8Array, off: number): number {
  return off + Math.max(12, getU16le(b, off + 4));
}
