/**
 * The fragments of a directory, and the entries in them: each says how far away the next one is, and none crosses a chunk of 512 bytes.
 *
 * checkedLen() looks at all of an entry, and is used where bytes are read for the first time; stepLen() sees only that no access leaves the chunk. What
 * makes no sense gives EIO.
 */
import { equalsBytestr } from '@anykernel/lib-bytes';
import type { Buf } from '@anykernel/rumpvfs';
import { blockAt } from './bmap.js';
import type { Inode } from './inode.js';
import { corrupt } from './inodefs.js';
import { DE_HEADER, DIRBLKSIZ, DT_WHT, direntCheck, direntIno, direntLen, direntNamlen, direntReclen, direntType } from './ondisk.js';

/** Fragment number `f` of a directory. EIO: a hole, or anything that blockAt() does not like. */
export function dirFrag(ip: Inode, f: number): Buf {
  const { fs } = ip;
  const addr = blockAt(ip, f >> fs.fragshift);
  if (addr === 0) corrupt(fs, `directory ${ip.ino} has a hole at byte ${f * fs.fsize}`);
  return fs.bcache.bread(addr + (f & (fs.frag - 1)));
}

/** Fragments of a directory, and the bytes of fragment `f` that are its. */
export function dirFrags(ip: Inode): number {
  return Math.ceil(ip.size / ip.fs.fsize);
}
export function dirEnd(ip: Inode, f: number): number {
  const rest = ip.size - f * ip.fs.fsize;
  return rest < ip.fs.fsize ? rest : ip.fs.fsize;
}

/** EIO, with the place. */
export function badEntry(ip: Inode, f: number, off: number): never {
  return corrupt(ip.fs, `directory ${ip.ino}: the entry at byte ${f * ip.fs.fsize + off} makes no sense`);
}

/** The length of the entry at `off` of fragment `f`, all of it checked. EIO. */
export function checkedLen(ip: Inode, data: Uint8Array, f: number, off: number): number {
  const len = direntCheck(data, off, ip.fs.dir, ip.fs.inodes);
  return len === 0 ? badEntry(ip, f, off) : len;
}

/** The length of an entry in bytes that were checked before: enough for every access to stay inside. EIO. */
export function stepLen(ip: Inode, data: Uint8Array, f: number, off: number): number {
  const len = direntReclen(data, off, ip.fs.le);
  if (len < 12 || (len & 3) !== 0 || (off & (DIRBLKSIZ - 1)) + len > DIRBLKSIZ) badEntry(ip, f, off);
  return len;
}

export function entryIno(ip: Inode, data: Uint8Array, off: number): number {
  return direntIno(data, off, ip.fs.le);
}

/** The length of the name of the entry at `off`. */
export function nameLen(ip: Inode, data: Uint8Array, off: number): number {
  return direntNamlen(data, off, ip.fs.dir);
}

/** Bytes of the entry at `off` that are in use. */
export function usedLen(ip: Inode, data: Uint8Array, f: number, off: number, reclen: number): number {
  if (entryIno(ip, data, off) === 0) return 0;
  const used = direntLen(nameLen(ip, data, off));
  return used <= reclen ? used : badEntry(ip, f, off);
}

/** Whether the entry at `off` is in use and called `name`. */
export function isNamed(ip: Inode, data: Uint8Array, off: number, name: string): boolean {
  return (
    nameLen(ip, data, off) === name.length && entryIno(ip, data, off) !== 0 && (off & (DIRBLKSIZ - 1)) + DE_HEADER + name.length <= DIRBLKSIZ &&
    direntType(data, off, ip.fs.dir) !== DT_WHT && equalsBytestr(data, off + DE_HEADER, name.length, name)
  );
}

/** A new chunk at the end of a directory: zeros, to be filled at once. Its buffer; it begins at byte size - 512. Within a transaction. ENOSPC, EIO. */
export function newDirChunk(ip: Inode): Buf {
  const { fs } = ip;
  const { size } = ip;
  fs.ops.balloc(ip, size, DIRBLKSIZ);
  const at = size & (fs.fsize - 1);
  const f = size >> fs.fshift;
  const addr = blockAt(ip, f >> fs.fragshift) + (f & (fs.frag - 1));
  // A fragment that was not the directory's before holds somebody's old bytes.
  const bp = at === 0 ? fs.bcache.getblk(addr) : fs.bcache.bread(addr);
  if (at === 0) {
    fs.txn.dirty(bp);
    bp.data.fill(0);
  } else {
    fs.txn.dirty(bp, at, DIRBLKSIZ);
    bp.data.fill(0, at, at + DIRBLKSIZ);
  }
  return bp;
}
