/**
 * Which blocks and fragments are free. All within a transaction; addresses are those of fragments.
 *
 * Whole blocks are looked for at their goal, then behind it in its group, then in the groups that follow, and given in runs. Fragments come out of the block
 * that fits them best, or out of a whole one, so that they may grow where they are.
 */
import { ERR } from '@anykernel/lib-sys';
import type { Run } from '@anykernel/rumpvfs';
import { corrupt } from '@anykernel/ufs';
import type { Cg } from './cg.js';
import type { Ffs } from './fs.js';

/**
 * Takes up to `want` blocks that follow each other, as near behind `goal` as may be; fills in `run` (its count is of blocks), in place. ENOSPC: there are
 * none for this caller. EIO.
 */
export function allocBlocks(fs: Ffs, goal: number, want: number, run: Run): void {
  mustHaveRoom(fs, fs.frag);
  const start = goalIn(fs, goal);
  const first = fs.groupOf(start);
  for (let i = 0; i < fs.info.ncg; i++) {
    const cg = usableCg(fs, (first + i) % fs.info.ncg, true);
    if (cg === undefined) continue;
    const b = blockNear(cg, i === 0 ? (start - cg.base) >> fs.fragshift : 0);
    if (b < 0) continue;
    let n = 1;
    const most = Math.min(want, cg.nbfree, cg.nblocks - b);
    while (n < most && isFree(cg, b + n)) n++;
    cg.setBlocks(b, n, false);
    run.blkno = cg.base + (b << fs.fragshift);
    run.count = n;
    return;
  }
  throw ERR.ENOSPC;
}

/** Takes `n` fragments of one block, less than all of it; `roomy`: rather where they can grow. Gives the address. ENOSPC, EIO. */
export function allocFrags(fs: Ffs, goal: number, n: number, roomy: boolean): number {
  mustHaveRoom(fs, n);
  const start = goalIn(fs, goal);
  const first = fs.groupOf(start);
  for (let i = 0; i < fs.info.ncg; i++) {
    const cg = usableCg(fs, (first + i) % fs.info.ncg, false);
    if (cg === undefined) continue;
    const near = i === 0 ? (start - cg.base) >> fs.fragshift : 0;
    const frag = roomy && cg.nbfree > 0 ? breakBlock(cg, near, n) : -1;
    const found = frag >= 0 ? frag : fitFrags(cg, near, n);
    const at = found >= 0 || roomy ? found : breakBlock(cg, near, n);
    if (at < 0) continue;
    return cg.base + at;
  }
  throw ERR.ENOSPC;
}

/** Makes the `have` fragments at `addr` `want`, where they are. False: what follows is in use. EIO. */
export function extendFrags(fs: Ffs, addr: number, have: number, want: number): boolean {
  const cg = fs.cg(fs.groupOf(addr));
  const b = (addr - cg.base) >> fs.fragshift;
  const first = addr & (fs.frag - 1);
  if (first + want > fs.frag || fs.limbo.has(cg.base / fs.frag + b)) return false;
  const more = ((1 << (want - have)) - 1) << (first + have);
  const pattern = cg.pattern(b);
  if ((pattern & more) !== more) return false;
  mustHaveRoom(fs, want - have);
  cg.setPattern(b, pattern & ~more);
  return true;
}

/** Gives back `n` fragments from `addr` on, in one block or in whole ones. EIO: they are none that a file may have, or are free already. */
export function freeFrags(fs: Ffs, addr: number, n: number): void {
  for (let left = n; left > 0; ) {
    const cg = fs.cg(fs.groupOf(addr));
    const b = (addr - cg.base) >> fs.fragshift;
    const first = addr & (fs.frag - 1);
    if (first === 0 && left >= fs.frag) {
      const count = Math.min(Math.floor(left / fs.frag), cg.nblocks - b);
      if (count <= 0) corrupt(fs, `block ${addr} is to be freed, and is none`);
      for (let i = 0; i < count; i++) if (cg.pattern(b + i) !== 0) corrupt(fs, `block ${addr + i * fs.frag} is to be freed, and is free already`);
      cg.setBlocks(b, count, true);
      for (let i = 0; i < count; i++) fs.intoLimbo(addr + i * fs.frag);
      addr += count * fs.frag;
      left -= count * fs.frag;
      continue;
    }
    const count = Math.min(left, fs.frag - first);
    const bits = ((1 << count) - 1) << first;
    const pattern = cg.pattern(b);
    if ((pattern & bits) !== 0) corrupt(fs, `fragments ${addr} to ${addr + count - 1} are to be freed, and are free already`);
    cg.setPattern(b, pattern | bits);
    fs.intoLimbo(addr);
    addr += count;
    left -= count;
  }
}

/** Whether fragment `addr`, which a file may own, is in use by its group's map. EIO. */
export function inUse(fs: Ffs, addr: number): boolean {
  const cg = fs.cg(fs.groupOf(addr));
  return ((cg.pattern((addr - cg.base) >> fs.fragshift) >> (addr & (fs.frag - 1))) & 1) === 0;
}

function mustHaveRoom(fs: Ffs, n: number): void {
  if (fs.freeFrags(fs.k.curlwp.proc.cred) < n) throw ERR.ENOSPC;
}

function goalIn(fs: Ffs, goal: number): number {
  return goal > 0 && goal < fs.info.size ? goal : fs.dataStart(0);
}

/** The group if it is in order and has something free. EIO: it cannot be read. */
function usableCg(fs: Ffs, g: number, whole: boolean): Cg | undefined {
  if (fs.suspectGroups.has(g)) return undefined;
  if (fs.csFree(g, whole) <= 0) return undefined;
  const cg = fs.tryCg(g);
  if (cg === undefined || cg.suspect || (cg.nbfree === 0 && (whole || cg.nffree === 0))) return undefined;
  return cg;
}

function isFree(cg: Cg, b: number): boolean {
  const { fs } = cg;
  return cg.isFull(b) && !fs.limbo.has(cg.base / fs.frag + b) && fs.mayOwn(cg.base + (b << fs.fragshift), fs.frag);
}

/** A free block at `near`, behind it, or before it; -1: none. */
function blockNear(cg: Cg, near: number): number {
  if (near < cg.nblocks && isFree(cg, near)) return near;
  const behind = scan(cg, near, cg.nblocks);
  const found = behind >= 0 ? behind : scan(cg, 0, Math.min(near, cg.nblocks));
  if (found < 0 && cg.nbfree > 0 && cg.fs.limbo.size === 0) distrust(cg, `has ${cg.nbfree} free blocks by its summary, and none by its map`);
  return found;
}

function scan(cg: Cg, from: number, to: number): number {
  const { fs, span, freeoff } = cg;
  for (let b = from; b < to; b++) {
    if (fs.frag === 8) {
      const at = span.find(freeoff + b, freeoff + to, 0xff);
      if (at < 0) return -1;
      b = at - freeoff;
    } else if ((b & (8 / fs.frag - 1)) === 0) {
      const per = 8 / fs.frag;
      b = (span.skip(freeoff + b / per, freeoff + Math.ceil(to / per), 0) - freeoff) * per;
      if (b >= to) return -1;
    }
    if (isFree(cg, b)) return b;
    if (cg.isFull(b) && !fs.mayOwn(cg.base + (b << fs.fragshift), fs.frag)) {
      distrust(cg, `calls block ${cg.base + (b << fs.fragshift)} free, which holds metadata`);
      return -1;
    }
  }
  return -1;
}

function distrust(cg: Cg, message: string): void {
  cg.fs.complain(`cylinder group ${cg.cgx} ${message}`);
  cg.suspect = true;
  cg.fs.suspectGroups.add(cg.cgx);
}

/** The first `n` fragments of a free block. */
function breakBlock(cg: Cg, near: number, n: number): number {
  const b = blockNear(cg, near);
  if (b < 0) return -1;
  const { fs } = cg;
  cg.setPattern(b, ((1 << fs.frag) - 1) & ~((1 << n) - 1));
  return b << fs.fragshift;
}

/** The shortest free run of at least `n` fragments in blocks that are in use already. */
function fitFrags(cg: Cg, near: number, n: number): number {
  for (let len = n; len < cg.fs.frag; len++) {
    if (cg.frsum(len) <= 0) continue;
    const at = fitBehind(cg, near, cg.nblocks + 1, n, len);
    const found = at >= 0 ? at : fitBehind(cg, 0, near, n, len);
    if (found >= 0) return found;
  }
  return -1;
}

function fitBehind(cg: Cg, from: number, to: number, n: number, len: number): number {
  const { fs } = cg;
  const full = (1 << fs.frag) - 1;
  const end = Math.min(to, Math.ceil(cg.ndblk / fs.frag));
  for (let b = from; b < end; b++) {
    const pattern = cg.pattern(b);
    if (pattern === 0 || pattern === full) continue;
    const at = runIn(pattern, fs.frag, len);
    if (at < 0) continue;
    const addr = cg.base + (b << fs.fragshift) + at;
    if (fs.limbo.has(Math.floor(addr / fs.frag))) continue;
    if (!fs.mayOwn(addr, n)) {
      distrust(cg, `calls fragment ${addr} free, which holds metadata`);
      return -1;
    }
    cg.setPattern(b, pattern & ~(((1 << n) - 1) << at));
    return (b << fs.fragshift) + at;
  }
  return -1;
}

/** Where a run of just `len` bits begins; -1: there is none. */
function runIn(pattern: number, frag: number, len: number): number {
  for (let i = 0; i < frag; ) {
    let n = 0;
    while (i + n < frag && ((pattern >> (i + n)) & 1) === 1) n++;
    if (n === len) return i;
    i += n + 1;
  }
  return -1;
}
