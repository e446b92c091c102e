/**
 * Extended attributes of UFS2 files: an area of up to two blocks, which two pointers of the inode name.
 *
 * USER and SYSTEM are the format's own name spaces; names are kept as they come. A change writes the area anew, elsewhere, in one transaction.
 */
import { APPEND, ERR, IMMUTABLE } from '@anykernel/lib-sys';
import { Run, type Vnode } from '@anykernel/rumpvfs';
import {
  EA_NAME_MAX, type Extattr, type Inode, NXADDR, T_CHANGE, VTOI, checkPtr, corrupt, emitExtattrs, extattrsLen, parseExtattrs,
} from '@anykernel/ufs';
import { allocBlocks, allocFrags, freeFrags } from './alloc.js';
import { goalFor } from './balloc.js';
import type { Ffs } from './fs.js';

/** Fragments of block `i` of an area of `len` bytes. */
function extFrags(fs: Ffs, len: number, i: number): number {
  return Math.max(0, Math.min(fs.frag, Math.ceil((len - i * fs.bsize) / fs.fsize)));
}

function readArea(fs: Ffs, ip: Inode): Uint8Array {
  const { extsize } = ip;
  if (extsize > NXADDR * fs.bsize) corrupt(fs, `inode ${ip.ino}: its extended attributes have ${extsize} bytes`);
  const area = new Uint8Array(extsize);
  for (let i = 0; i < NXADDR; i++) {
    const count = extFrags(fs, extsize, i);
    if (count === 0) break;
    const addr = ip.extPtr(i);
    checkPtr(ip, addr, count, 'block of extended attributes', i);
    if (count > 1) fs.bcache.readahead(addr, count);
    for (let f = 0; f < count; f++) {
      const off = i * fs.bsize + f * fs.fsize;
      area.set(fs.bcache.bread(addr + f).data.subarray(0, Math.min(fs.fsize, extsize - off)), off);
    }
  }
  return area;
}

function readAll(fs: Ffs, ip: Inode): Extattr[] {
  if (!fs.hasExtattrs || ip.extsize === 0) return [];
  return parseExtattrs(readArea(fs, ip), fs.le) ?? corrupt(fs, `inode ${ip.ino}: its extended attributes make no sense`);
}

export function getextattr(vp: Vnode, ns: number, name: string): Uint8Array | undefined {
  const ip = VTOI(vp);
  const fs = mountOf(ip);
  return readAll(fs, ip).find((x) => x.ns === ns && x.name === name)?.value;
}

export function listextattr(vp: Vnode, ns: number): string[] {
  const ip = VTOI(vp);
  const fs = mountOf(ip);
  return readAll(fs, ip).filter((x) => x.ns === ns).map((x) => x.name);
}

/** EOPNOTSUPP: UFS1. ENAMETOOLONG, EINVAL: the name. EPERM: the file only grows, or does not change. ENOSPC: no room in two blocks, or on the device. */
export function setextattr(vp: Vnode, ns: number, name: string, value: Uint8Array): void {
  const ip = VTOI(vp);
  const fs = mountOf(ip);
  if (name.length > EA_NAME_MAX) throw ERR.ENAMETOOLONG;
  if (name === '') throw ERR.EINVAL;
  change(fs, ip, (list) => [...list.filter((x) => x.ns !== ns || x.name !== name), { ns, name, value }]);
}

/** ENOATTR. */
export function deleteextattr(vp: Vnode, ns: number, name: string): void {
  const ip = VTOI(vp);
  const fs = mountOf(ip);
  change(fs, ip, (list) => {
    const rest = list.filter((x) => x.ns !== ns || x.name !== name);
    if (rest.length === list.length) throw ERR.ENOATTR;
    return rest;
  });
}

/** EOPNOTSUPP: inodes of UFS1 have no place for attributes. */
function mountOf(ip: Inode): Ffs {
  if (!ip.fs.hasExtattrs) throw ERR.EOPNOTSUPP;
  return ip.fs as Ffs;
}

function change(fs: Ffs, ip: Inode, edit: (list: readonly Extattr[]) => readonly Extattr[]): void {
  if ((ip.flags & (APPEND | IMMUTABLE)) !== 0) throw ERR.EPERM;
  const list = edit(readAll(fs, ip));
  if (extattrsLen(list) > NXADDR * fs.bsize) throw ERR.ENOSPC;
  fs.run(() => {
    writeArea(fs, ip, emitExtattrs(list, fs.le));
    ip.touch(T_CHANGE);
  });
}

function writeArea(fs: Ffs, ip: Inode, area: Uint8Array): void {
  const addrs: number[] = [];
  for (let i = 0; i < NXADDR; i++) {
    const count = extFrags(fs, area.length, i);
    if (count === 0) break;
    const addr = takeExt(fs, ip, count);
    addrs.push(addr);
    for (let f = 0; f < count; f++) {
      const bp = fs.bcache.getblk(addr + f);
      fs.txn.dirty(bp);
      bp.data.fill(0);
      const off = i * fs.bsize + f * fs.fsize;
      bp.data.set(area.subarray(off, Math.min(area.length, off + fs.fsize)));
    }
    ip.dirty();
    ip.addFrags(count);
  }
  freeExtattrs(fs, ip);
  ip.dirty();
  ip.extsize = area.length;
  for (const [i, addr] of addrs.entries()) ip.setExtPtr(i, addr);
}

function takeExt(fs: Ffs, ip: Inode, count: number): number {
  const goal = goalFor(fs, ip, 0, 0);
  if (count < fs.frag) return allocFrags(fs, goal, count, false);
  const run = new Run();
  allocBlocks(fs, goal, 1, run);
  return run.blkno;
}

/** The file has no attributes any more. Within a transaction. EIO. */
export function freeExtattrs(fs: Ffs, ip: Inode): void {
  const { extsize } = ip;
  if (extsize === 0) return;
  ip.dirty();
  for (let i = 0; i < NXADDR; i++) {
    const count = extFrags(fs, extsize, i);
    if (count === 0) break;
    const addr = ip.extPtr(i);
    checkPtr(ip, addr, count, 'block of extended attributes', i);
    for (let f = 0; f < count; f++) fs.bcache.invalidate(addr + f);
    freeFrags(fs, addr, count);
    ip.addFrags(-count);
    ip.setExtPtr(i, 0);
  }
  ip.extsize = 0;
}
