/** When a directory gets a table of its names, and how that is made from its blocks. */
import { type DirIndex, hashBytes, makeIndex } from '@anykernel/ufs';
import { checkedLen, dirBlock, isSealed, nameLen, usedLen } from './dirblock.js';
import type { Inode } from './inode.js';
import { DE_HEADER, FL_INDEX } from './ondisk.js';

/** Entries walked over in one directory before it gets a table. */
const WALKS_BEFORE_INDEX = 256;
/** Bytes of an entry, about. */
const ENTRY_LEN = 32;

/** The directory's table, made if it pays. */
export function indexOf(ip: Inode): DirIndex | undefined {
  const { index } = ip;
  if (index !== undefined) {
    ip.fs.indexes.renew(index);
    return index;
  }
  if (ip.noIndex || ip.isInline || isSealed(ip) || ip.walked < walksBefore(ip)) return undefined;
  return makeIndex(ip, fillIndex);
}

/** Entries that are walked over before a table pays: of a large directory without a tree none, of one with a tree about as many as it has. */
function walksBefore(ip: Inode): number {
  if ((ip.flags & FL_INDEX) !== 0) return Math.max(WALKS_BEFORE_INDEX, ip.size / ENTRY_LEN);
  return ip.size <= 4 * ip.fs.bsize && ip.size <= 4096 ? WALKS_BEFORE_INDEX : 0;
}

function fillIndex(ip: Inode, index: DirIndex): void {
  const { fs } = ip;
  const blocks = ip.size / fs.bsize;
  for (let b = 0; b < blocks; b++) {
    const { data } = dirBlock(ip, b);
    let gap = 0;
    for (let off = 0; off < fs.dirEnd; ) {
      const len = checkedLen(ip, data, b, off);
      const used = usedLen(ip, data, b, off, len);
      if (used > 0) index.insert(hashBytes(index, data, off + DE_HEADER, nameLen(ip, data, off)), b * fs.bsize + off);
      if (len - used > gap) gap = len - used;
      off += len;
    }
    index.setGap(b, gap);
  }
}
