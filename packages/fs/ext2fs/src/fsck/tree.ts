/** Hash trees: whether every name is in the leaf of its hash. One that is not right is given up: the directory is a plain one then. */
import { getU16le, getU32le, putU16le, putU32le } from '@anykernel/lib-bytes';
import type { DirHash } from '../dirhash.js';
import { DE_HEADER, DI_FLAGS, FL_INDEX } from '../ondisk.js';
import type { Check, Found } from './check.js';
import { dirEnd, sealDir } from './parts.js';

const ROOT_INFO = 24;
const LEVELS_MAX = 2;

export function checkTree(c: Check, f: Found, seed: number, hashOf: (version: number) => DirHash | undefined): void {
  const root = c.block(f.blocks[0]!);
  const h = hashOf(root[ROOT_INFO + 4]!);
  const levels = root[ROOT_INFO + 6]!;
  const walk = new TreeWalk(c, f, h);
  const strange = h === undefined || root[ROOT_INFO + 5] !== 8 || root[ROOT_INFO + 7] !== 0 || getU32le(root, ROOT_INFO) !== 0 || getU16le(root, 4) !== 12 || getU16le(root, 16) !== c.bsize - 12;
  const fault = strange || levels > LEVELS_MAX ? 'its root makes no sense' : walk.node(0, levels, 0, 0xffffffff);
  const left = fault === undefined && walk.seen.size !== f.blocks.length ? 'a block is not in it' : fault;
  if (left === undefined) return;
  c.problem(`directory ${f.ino}: its hash tree: ${left}; it is a plain directory now`, () => flatten(c, f, seed));
}

class TreeWalk {
  readonly seen = new Set<number>();
  constructor(
    readonly c: Check,
    readonly f: Found,
    readonly h: DirHash | undefined,
  ) {}

  /** What is wrong below block `b`, whose names have hashes from `low` up to, and not including, `high` (which with its lowest bit goes on in the next). */
  node(b: number, level: number, low: number, high: number): string | undefined {
    const { c, f } = this;
    if (b >= f.blocks.length || this.seen.has(b)) return `block ${b} is not there, or there twice`;
    this.seen.add(b);
    const data = c.block(f.blocks[b]!);
    const at = b === 0 ? 32 : 8;
    const room = Math.floor((c.bsize - at - (c.sums.on ? 8 : 0)) / 8);
    const count = getU16le(data, at + 2);
    if (getU16le(data, at) !== room || count < 1 || count > room) return `node ${b} has ${count} entries`;
    for (let i = 0; i < count; i++) {
      const from = i === 0 ? low : getU32le(data, at + 8 * i);
      const to = i + 1 < count ? getU32le(data, at + 8 * (i + 1)) : high;
      if (from > to) return `node ${b} is not in order`;
      const child = getU32le(data, at + 8 * i + 4) & 0x0fffffff;
      const fault = level > 0 ? this.node(child, level - 1, from, to) : this.#leaf(child, from, to);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }

  #leaf(b: number, low: number, high: number): string | undefined {
    const { c, f } = this;
    if (b === 0 || b >= f.blocks.length || this.seen.has(b)) return `leaf ${b} is not there, or there twice`;
    this.seen.add(b);
    const data = c.block(f.blocks[b]!);
    for (let off = 0; off < dirEnd(c); off += Math.max(12, getU16le(data, off + 4))) {
      if (getU32le(data, off) === 0) continue;
      const hash = this.h!.hash(data, off + DE_HEADER, off + DE_HEADER + data[off + 6]!);
      if (hash < (low & ~1) >>> 0 || hash > high) return `a name in leaf ${b} belongs elsewhere`;
    }
    return undefined;
  }
}

/** The blocks of the tree become empty ones of a plain directory. */
export function flatten(c: Check, f: Found, seed: number): void {
  for (const [i, blkno] of f.blocks.entries()) {
    const b = c.block(blkno);
    const node = i > 0 && getU32le(b, 0) === 0 && getU16le(b, 4) === c.bsize;
    if (i > 0 && !node) continue;
    const from = i === 0 ? 24 : 8;
    b.fill(0, from);
    if (i === 0) putU16le(b, 16, dirEnd(c) - 12);
    else putU16le(b, 4, dirEnd(c));
    sealDir(c, b, seed, false);
    c.changed(blkno, b);
  }
  c.editInode(f.ino, (b) => putU32le(b, DI_FLAGS, (getU32le(b, DI_FLAGS) & ~FL_INDEX) >>> 0));
}
