/** newfs's journal: an empty one, and the inode that it is the file of. */
import { crc32cUpdate, putU16le, putU32be, putU32le } from '@anykernel/lib-bytes';
import { ERR } from '@anykernel/lib-sys';
import {
  B_SUPER_V2, INCOMPAT_64BIT, INCOMPAT_CSUM_V3, INCOMPAT_REVOKE, JBD2_MAGIC, JS_BSIZE, JS_CSUM_TYPE, JS_FIRST, JS_INCOMPAT, JS_MAXLEN, JS_NR_USERS,
  JS_SEQUENCE, JS_UUID, parseJournalSuper, sealSuper,
} from '@anykernel/jbd2';
import { EXT_LEN_MAX, EXT_ROOT_MAX, extEntry, putExtHeader, putExtent } from './extent.js';
import { DI_BLOCK, NDADDR } from './ondisk.js';

/** Blocks that follow each other on the device: the first, and how many. */
export type BlockRun = readonly [blkno: number, count: number];

/** Blocks of a journal, as mke2fs chooses them by the size of the file system; 0: it is too small for one. */
export function journalLength(blocks: number): number {
  if (blocks < 2048) return 0;
  const steps: readonly (readonly [number, number])[] = [[32768, 1024], [262144, 4096], [524288, 8192], [4194304, 16384], [8388608, 32768]];
  return steps.find(([limit]) => blocks < limit)?.[1] ?? 65536;
}

/** The first block of an empty journal of `length` blocks. */
export function journalSuper(bsize: number, length: number, uuid: Uint8Array, sums: boolean): Uint8Array {
  const b = new Uint8Array(bsize);
  putU32be(b, 0, JBD2_MAGIC);
  putU32be(b, 4, B_SUPER_V2);
  putU32be(b, JS_BSIZE, bsize);
  putU32be(b, JS_MAXLEN, length);
  putU32be(b, JS_FIRST, 1);
  putU32be(b, JS_SEQUENCE, 1);
  putU32be(b, JS_NR_USERS, 1);
  b.set(uuid, JS_UUID);
  if (!sums) return b;
  // Its own checksum is not right yet, so it is taken apart without one.
  const info = parseJournalSuper(b, length);
  if (typeof info === 'string') throw ERR.EINVAL;
  const incompat = INCOMPAT_REVOKE | INCOMPAT_64BIT | INCOMPAT_CSUM_V3;
  putU32be(b, JS_INCOMPAT, incompat);
  b[JS_CSUM_TYPE] = 4;
  sealSuper(b, { ...info, incompat, seed: crc32cUpdate(0xffffffff, uuid) });
  return b;
}

/** Blocks that a file of `length` blocks needs to be found by pointers. */
export function pointerBlocks(length: number, bsize: number): number {
  const per = bsize / 4;
  const rest = length - NDADDR;
  if (rest <= 0) return 0;
  const second = rest - per;
  return second <= 0 ? 1 : 2 + Math.ceil(second / per);
}

/** The file's block map in its inode at `off` of `table`, by pointers; `pointers`: the blocks for them, in order, which `write` gets. ENOSPC: it is too long. */
export function mapByPointers(
  table: Uint8Array, off: number, runs: readonly BlockRun[], pointers: readonly number[], bsize: number, write: (blkno: number, b: Uint8Array) => void,
): void {
  const list: number[] = [];
  for (const [blkno, count] of runs) for (let i = 0; i < count; i++) list.push(blkno + i);
  const per = bsize / 4;
  const block = (numbers: readonly number[]): Uint8Array => {
    const b = new Uint8Array(bsize);
    for (const [i, n] of numbers.entries()) putU32le(b, 4 * i, n);
    return b;
  };
  for (let i = 0; i < Math.min(NDADDR, list.length); i++) putU32le(table, off + DI_BLOCK + 4 * i, list[i]!);
  if (list.length > NDADDR + per + per * per) throw ERR.ENOSPC;
  if (pointers.length === 0) return;
  putU32le(table, off + DI_BLOCK + 4 * NDADDR, pointers[0]!);
  write(pointers[0]!, block(list.slice(NDADDR, NDADDR + per)));
  if (pointers.length === 1) return;
  putU32le(table, off + DI_BLOCK + 4 * (NDADDR + 1), pointers[1]!);
  write(pointers[1]!, block(pointers.slice(2)));
  for (const [i, p] of pointers.slice(2).entries()) write(p, block(list.slice(NDADDR + per * (i + 1), NDADDR + per * (i + 2))));
}

/** The same by extents. ENOSPC: there are too many runs for an inode. */
export function mapByExtents(table: Uint8Array, off: number, runs: readonly BlockRun[]): void {
  const view = new DataView(table.buffer, table.byteOffset);
  const root = off + DI_BLOCK;
  let lbn = 0;
  let n = 0;
  for (const [blkno, count] of runs) {
    for (let done = 0; done < count; n++) {
      if (n === EXT_ROOT_MAX) throw ERR.ENOSPC;
      const len = Math.min(EXT_LEN_MAX, count - done);
      putExtent(view, extEntry(root, n), lbn, len, blkno + done, false);
      lbn += len;
      done += len;
    }
  }
  putExtHeader(view, root, n, EXT_ROOT_MAX, 0);
  putU16le(table, root, 0xf30a);
}
