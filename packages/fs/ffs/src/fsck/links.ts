/** The fourth pass: how many names each inode has; those without any get one in lost+found, or go. */
import { IFDIR, IFMT, ROOTINO } from '@anykernel/ufs';
import { type Context, FILE, FOUND, FREE } from './context.js';
import { LostFound } from './lostfound.js';
import { release } from './release.js';

export function checkLinks(c: Context, visitNew: (queue: [number, number][]) => void): void {
  for (let ino = ROOTINO; ino < c.inodes; ino++) {
    if (c.state[ino] === FILE && c.links[ino] === 0) unnamed(c, ino, visitNew);
  }
  for (let ino = ROOTINO; ino < c.inodes; ino++) {
    if (c.state[ino] !== FILE && c.state[ino] !== FOUND) continue;
    const ip = c.inode(ino);
    if (ip.nlink === c.links[ino]) continue;
    c.say(`inode ${ino} counts ${ip.nlink} links, and has ${c.links[ino]}: corrected`);
    c.inode(ino, true).nlink = c.links[ino];
  }
}

function unnamed(c: Context, ino: number, visitNew: (queue: [number, number][]) => void): void {
  const ip = c.inode(ino);
  const { mode } = ip;
  // It was on its way out, or there is nothing in it.
  if (ip.nlink <= 0 || (ip.size === 0 && (mode & IFMT) !== IFDIR)) {
    c.say(`inode ${ino} has no name${ip.nlink > 0 ? ' and no bytes' : ''}: freed`);
    release(c, ino);
    c.state[ino] = FREE;
    return;
  }
  const queue: [number, number][] = [];
  const home = LostFound.of(c, queue);
  visitNew(queue);
  if (home === undefined || !home.add(ino, mode)) {
    c.say(`inode ${ino} has no name, and there is no room for one in lost+found: freed`);
    release(c, ino);
    c.state[ino] = FREE;
    return;
  }
  c.say(`inode ${ino} has no name: it is in lost+found now`);
  c.links[ino]++;
}
