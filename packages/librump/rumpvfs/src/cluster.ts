/**
 * Clusters: 64 KiB of a file's bytes in memory, in pages of 4 KiB of which each is there or not.
 *
 * Sets of pages are bit masks: bit n is the cluster's page n. The chunk may be shorter than the cluster, where the file's end is near.
 */
import { PAGE_SHIFT, PAGE_SIZE } from '@anykernel/rumpkern';
import type { Uobj } from './uobj.js';

export const CLUSTER_SIZE = 65536;
export const ALL_PAGES = 0xffff;

export class Cluster {
  /** Pages that hold the file's bytes. Beyond the end of the file, a page that is there is zero. */
  valid = 0;
  /** Pages that differ from the disk. */
  dirty = 0;
  /** Pages that the host fills. */
  reading = 0;
  /** Pages that are on their way to the disk. */
  writing = 0;
  /** Pages of which the host reads the chunk itself: they must not change until the write has ended. */
  lent = 0;
  /** Pages that the host still fills or reads though they were given up: nobody else may use them yet. */
  cancelled = 0;
  /** Pages whose read has failed, and nobody has heard of it. */
  failed = 0;
  /** Transfers of the host in the chunk itself: it must stay where it is. */
  transfers = 0;
  /** No longer the file's; the memory goes back when the host is done. */
  gone = false;
  /** The kernel's epoch in which it was made ready for a write: not evicted before that comes. */
  epoch = -1;
  /** Used since the clock's hand last passed. */
  recent = true;
  next: Cluster;
  prev: Cluster;

  constructor(
    readonly uobj: Uobj,
    readonly index: number,
    public chunk: Uint8Array,
  ) {
    this.next = this.prev = this;
  }

  /** Pages that are in the host's hands. */
  get busy(): number {
    return this.reading | this.lent | this.cancelled;
  }
}

/** The pages that hold bytes [from, to) of a cluster. */
export function pagesOf(from: number, to: number): number {
  return ((2 << ((to - 1) >> PAGE_SHIFT)) - 1) & ~((1 << (from >> PAGE_SHIFT)) - 1);
}

/** Members of a set of pages. */
export function countPages(mask: number): number {
  let m = mask - ((mask >> 1) & 0x5555);
  m = (m & 0x3333) + ((m >> 2) & 0x3333);
  m = (m + (m >> 4)) & 0x0f0f;
  return (m + (m >> 8)) & 0x1f;
}

/** The length of a chunk that holds `end` bytes. */
export function chunkLength(end: number): number {
  let len = PAGE_SIZE;
  while (len < end) len <<= 1;
  return len;
}
