/** newfs's superblock. */
import { putU16le, putU32le } from '@anykernel/lib-bytes';
import type { NewfsOptions, Plan } from './newfs.js';
import {
  COMPAT_HAS_JOURNAL, DI_OLD_LEN, EXTRA_LEN, FIRST_INO_REV0, GD_LEN64, INCOMPAT_FLEX_BG, JOURNAL_INO, MAGIC, ROCOMPAT_METADATA_CSUM, SB_BLOCKS, SB_BLOCKS_HIGH, SB_BPG, SB_COMPAT,
  SB_CSUM_TYPE, SB_DEFAULT_OPTS, SB_DESC_SIZE, SB_ERRORS, SB_FIRST_DATA, SB_FIRST_INO, SB_FLAGS, SB_FPG, SB_FREE_BLOCKS, SB_FREE_BLOCKS_HIGH, SB_FREE_INODES, SB_HASH_SEED,
  SB_HASH_VERSION, SB_INCOMPAT, SB_INODES, SB_INODE_SIZE, SB_IPG, SB_JOURNAL_INO, SB_LABEL, SB_LASTCHECK, SB_LOG_BSIZE, SB_LOG_FLEX, SB_LOG_FSIZE, SB_MAGIC, SB_MAX_MNT_COUNT,
  SB_MIN_EXTRA, SB_MKFS_TIME, SB_RBLOCKS, SB_RBLOCKS_HIGH, SB_REV, SB_ROCOMPAT, SB_STATE, SB_UUID, SB_WANT_EXTRA, SB_WTIME, STATE_VALID, SUPER_LEN,
} from './ondisk.js';

const TWO32 = 0x1_0000_0000;

/** The superblock; `from`: what else has been put into it. */
export function makeSuper(o: NewfsOptions, p: Plan, from?: Uint8Array): Uint8Array {
  const sb = from ?? new Uint8Array(SUPER_LEN);
  const put32 = (off: number, value: number): void => putU32le(sb, off, value % TWO32);
  const put64 = (off: number, high: number, value: number): void => {
    put32(off, value);
    if (p.descSize >= GD_LEN64) put32(high, Math.floor(value / TWO32));
  };
  put32(SB_INODES, p.ipg * p.groups);
  put64(SB_BLOCKS, SB_BLOCKS_HIGH, p.blocks);
  put64(SB_RBLOCKS, SB_RBLOCKS_HIGH, Math.floor((p.blocks * (o.reservedPercent ?? 5)) / 100));
  put64(SB_FREE_BLOCKS, SB_FREE_BLOCKS_HIGH, p.freeBlocks);
  put32(SB_FREE_INODES, p.ipg * p.groups - FIRST_INO_REV0);
  put32(SB_FIRST_DATA, p.firstData);
  put32(SB_LOG_BSIZE, p.bshift - 10);
  put32(SB_LOG_FSIZE, p.bshift - 10);
  put32(SB_BPG, p.bpg);
  put32(SB_FPG, p.bpg);
  put32(SB_IPG, p.ipg);
  put32(SB_WTIME, o.time);
  put32(SB_LASTCHECK, o.time);
  putU16le(sb, SB_MAX_MNT_COUNT, 0xffff);
  putU16le(sb, SB_MAGIC, MAGIC);
  putU16le(sb, SB_STATE, STATE_VALID);
  putU16le(sb, SB_ERRORS, 1);
  put32(SB_REV, p.rev);
  sb.set(o.uuid, SB_UUID);
  for (let i = 0; i < (o.label ?? '').length; i++) sb[SB_LABEL + i] = (o.label ?? '').charCodeAt(i);
  if (p.rev === 1) putDynamic(sb, o, p, put32);
  return sb;
}

/** What revision 0 does not have. */
function putDynamic(sb: Uint8Array, o: NewfsOptions, p: Plan, put32: (off: number, value: number) => void): void {
  put32(SB_FIRST_INO, FIRST_INO_REV0);
  putU16le(sb, SB_INODE_SIZE, p.isize);
  put32(SB_COMPAT, p.compat);
  put32(SB_INCOMPAT, p.incompat);
  put32(SB_ROCOMPAT, p.rocompat);
  sb.set(o.hashSeed, SB_HASH_SEED);
  sb[SB_HASH_VERSION] = 1;
  if (p.descSize >= GD_LEN64) putU16le(sb, SB_DESC_SIZE, p.descSize);
  if ((p.compat & COMPAT_HAS_JOURNAL) !== 0) put32(SB_JOURNAL_INO, JOURNAL_INO);
  if ((p.incompat & INCOMPAT_FLEX_BG) !== 0) sb[SB_LOG_FLEX] = 4;
  if ((p.rocompat & ROCOMPAT_METADATA_CSUM) !== 0) sb[SB_CSUM_TYPE] = 1;
  // user_xattr and acl, as mke2fs has them.
  put32(SB_DEFAULT_OPTS, 0x0c);
  put32(SB_MKFS_TIME, o.time);
  // Hashes of directories take characters as signed.
  put32(SB_FLAGS, 1);
  if (p.isize > DI_OLD_LEN) {
    putU16le(sb, SB_MIN_EXTRA, EXTRA_LEN);
    putU16le(sb, SB_WANT_EXTRA, EXTRA_LEN);
  }
}
