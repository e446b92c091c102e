/**
 * Clusters: taken in runs, near where they are wanted, and given back. Within a transaction, but for the counting.
 *
 * The FAT itself is searched, in its buffers; blocks in which nothing is free are remembered and passed over.
 */
import { ERR } from '@anykernel/lib-sys';
import { END, FREE, fatFree, fatFreeIn, fatGet, fatLink, fatMeaning } from './fat.js';
import type { MsdosFs } from './fs.js';
import { FIRST_CLUSTER } from './ondisk.js';

/** Entries of the FAT read ahead of a search, in blocks. */
const AHEAD = 16;

/** A run of clusters. */
export interface Extent {
  readonly first: number;
  readonly count: number;
}

/** Takes up to `want` clusters that follow each other, from `goal` on if there are some, and makes a chain of them. ENOSPC, EIO. */
export function allocClusters(fs: MsdosFs, goal: number, want: number): Extent {
  fs.joinFree();
  const first = fs.free === 0 ? 0 : findFree(fs, fs.isCluster(goal) ? goal : fs.nextFree);
  if (first === 0) {
    fs.free = 0;
    throw ERR.ENOSPC;
  }
  let count = 1;
  while (count < want && first + count <= fs.maxCluster && fatGet(fs, first + count) === FREE) count++;
  fatLink(fs, first, count);
  if (fs.free > 0) fs.free = Math.max(0, fs.free - count);
  fs.nextFree = first + count <= fs.maxCluster ? first + count : FIRST_CLUSTER;
  return { first, count };
}

/** The first free cluster from `start` on, and round. 0: there is none. */
function findFree(fs: MsdosFs, start: number): number {
  return search(fs, start, fs.maxCluster) || search(fs, FIRST_CLUSTER, start - 1);
}

function search(fs: MsdosFs, from: number, to: number): number {
  const { bits } = fs.info;
  const per = bits === 12 ? fs.maxCluster + 1 : fs.bsize / (bits / 8);
  for (let c = from; c <= to; ) {
    const block = Math.floor(c / per);
    const end = Math.min(to, (block + 1) * per - 1);
    if (fs.fullBlocks[block] === 0) {
      if (c % per === 0) readAhead(fs, block);
      const found = searchBlock(fs, c, end);
      if (found > 0) return found;
      if (c <= Math.max(FIRST_CLUSTER, block * per) && end === Math.min(fs.maxCluster, (block + 1) * per - 1)) noteFull(fs, block);
    }
    c = end + 1;
  }
  return 0;
}

function searchBlock(fs: MsdosFs, from: number, to: number): number {
  if (fs.info.bits !== 12) return fatFreeIn(fs, from, to, true);
  for (let c = from; c <= to; c++) if (fatGet(fs, c) === FREE) return c;
  return 0;
}

/** What a transaction has taken may come back. */
function noteFull(fs: MsdosFs, block: number): void {
  fs.fullBlocks[block] = 1;
  fs.txn.undo(() => {
    fs.fullBlocks[block] = 0;
  });
}

function readAhead(fs: MsdosFs, block: number): void {
  if (block % AHEAD === 0) fs.bcache.readahead((fs.info.fatOff + fs.info.activeFat * fs.info.fatLen) / fs.bsize + block, AHEAD);
}

/**
 * Frees the chain that begins with cluster `first`. A chain that runs into something which is no cluster of a file ends there, and is complained of.
 * EIO: the device failed.
 */
export function freeChain(fs: MsdosFs, first: number): void {
  fs.joinFree();
  let c = first;
  for (let left = fs.info.clusters; c !== END && left > 0; ) {
    const start = c;
    let count = 0;
    do {
      c = follow(fs, c);
      count++;
    } while (c === start + count && count < left);
    // A cycle comes back to what is free by then, and ends there.
    giveBack(fs, start, count);
    left -= count;
  }
}

/** The next cluster; END where the chain ends or makes no sense. */
function follow(fs: MsdosFs, c: number): number {
  const value = fatGet(fs, c);
  if (value === FREE) {
    fs.complain(`cluster ${c} belongs to a file, and is free`);
    return END;
  }
  const next = fatMeaning(fs, value);
  if (next >= 0) return next;
  fs.complain(`cluster ${c} is followed by 0x${value.toString(16)}`);
  return END;
}

function giveBack(fs: MsdosFs, first: number, count: number): void {
  const { bits } = fs.info;
  let freed = 0;
  for (let c = first; c < first + count; c++) if (fatGet(fs, c) !== FREE) freed++;
  fatFree(fs, first, count);
  // What is free again is used again, before what never was: an image stays as small as it can be.
  if (first < fs.nextFree) fs.nextFree = first;
  if (fs.free >= 0) fs.free = Math.min(fs.info.clusters, fs.free + freed);
  if (bits === 12) fs.fullBlocks[0] = 0;
  else for (let b = Math.floor((first * bits) / 8 / fs.bsize); b <= Math.floor(((first + count - 1) * bits) / 8 / fs.bsize); b++) fs.fullBlocks[b] = 0;
}

/** How far the counting of free clusters has come, where it had to wait for the device. */
export class FreeCount {
  #next = FIRST_CLUSTER;
  #count = 0;
  #seq = -1;

  /** Counts them all, if they are not known. Sleeps; asked again, it goes on where it was, unless something has changed. EIO. */
  run(fs: MsdosFs): number {
    if (fs.free >= 0) return fs.free;
    if (this.#seq !== fs.seq) {
      this.#next = FIRST_CLUSTER;
      this.#count = 0;
      this.#seq = fs.seq;
    }
    const per = fs.info.bits === 12 ? fs.maxCluster + 1 : fs.bsize / (fs.info.bits / 8);
    while (this.#next <= fs.maxCluster) {
      const block = Math.floor(this.#next / per);
      readAhead(fs, block);
      const end = Math.min(fs.maxCluster, (block + 1) * per - 1);
      this.#count += freeBetween(fs, this.#next, end);
      this.#next = end + 1;
    }
    fs.free = this.#count;
    return fs.free;
  }
}

function freeBetween(fs: MsdosFs, from: number, to: number): number {
  if (fs.info.bits !== 12) return fatFreeIn(fs, from, to, false);
  let count = 0;
  for (let c = from; c <= to; c++) if (fatGet(fs, c) === FREE) count++;
  return count;
}
