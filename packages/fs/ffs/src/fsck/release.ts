/** An inode goes, with all its blocks. Its pointers have been checked. */
import { IFLNK, IFMT, IFREG, NDADDR, NIADDR, get64 } from '@anykernel/ufs';
import type { Context } from './context.js';

export function release(c: Context, ino: number): void {
  const ip = c.inode(ino);
  const type = ip.mode & IFMT;
  const { size } = ip;
  if (type === IFREG || (type === IFLNK && size >= c.info.maxSymlinkLen)) {
    for (let i = 0; i < NDADDR; i++) if (ip.ptr(i) !== 0) c.give(ip.ptr(i), ip.ptr(i) + c.fragsOf(size, i));
    for (let level = 1; level <= NIADDR; level++) giveTree(c, ip.ptr(NDADDR + level - 1), level);
  }
  if (c.lay.extsize !== 0) {
    const extsize = ip.u32(c.lay.extsize);
    for (const i of [0, 1]) {
      const count = Math.max(0, Math.min(c.frag, Math.ceil((extsize - i * c.bsize) / c.fsize)));
      if (count > 0) c.give(ip.extPtr(i), ip.extPtr(i) + count);
    }
  }
  c.inode(ino, true).clear();
}

function giveTree(c: Context, addr: number, level: number): void {
  if (addr === 0) return;
  c.give(addr, addr + c.frag);
  const len = c.lay.wide ? 8 : 4;
  for (let at = 0; at < c.bsize; at += len) {
    const b = c.store.frag(addr + Math.floor(at / c.fsize));
    const view = new DataView(b.buffer, b.byteOffset, b.length);
    const child = c.lay.wide ? get64(view, at % c.fsize, c.le) : view.getUint32(at % c.fsize, c.le);
    if (child === 0) continue;
    if (level > 1) giveTree(c, child, level - 1);
    else c.give(child, child + c.frag);
  }
}
