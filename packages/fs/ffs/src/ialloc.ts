/**
 * Which inodes are free, and where a new one goes. All within a transaction.
 *
 * Files go to their directory's group, so that what is listed together lies together. Directories are spread as Orlov proposed: those of
 * the root over the whole disk, the others near their parent as long as its group is not crowded.
 */
import { ERR } from '@anykernel/lib-sys';
import { Inode, ROOTINO, corrupt, inodeOffset } from '@anykernel/ufs';
import type { Cg } from './cg.js';
import type { Ffs } from './fs.js';
import { CS_NDIR, CS_NIFREE } from './ondisk.js';

/** Takes a free inode for a file in directory `dp`, zeroed but for its generation and birth time. The caller releases it. ENOSPC, EIO. */
export function allocInode(fs: Ffs, dp: Inode, isDir: boolean): Inode {
  const { ncg } = fs.info;
  if (fs.totalFreeInodes <= 0) throw ERR.ENOSPC;
  const first = isDir ? groupForDir(fs, dp) : groupForFile(fs, dp);
  for (let i = 0; i < ncg; i++) {
    const g = (first + i) % ncg;
    if (!usable(fs, g)) continue;
    const cg = fs.tryCg(g);
    const ino = cg === undefined || cg.suspect ? 0 : takeInGroup(fs, cg, isDir);
    if (ino > 0) return freshInode(fs, ino);
  }
  throw ERR.ENOSPC;
}

function usable(fs: Ffs, g: number): boolean {
  return !fs.suspectGroups.has(g) && fs.csOf(g, CS_NIFREE) > 0;
}

/** The directory's group if it has room; then at distances 1, 2, 4 ...; then whichever comes. */
function groupForFile(fs: Ffs, dp: Inode): number {
  const { ncg } = fs.info;
  const own = Math.floor(dp.ino / fs.info.ipg);
  const hasRoom = (g: number): boolean => usable(fs, g) && fs.csFree(g, false) > 0;
  if (hasRoom(own)) return own;
  for (let step = 1, g = (own + dp.ino) % ncg; step < ncg; step <<= 1) {
    g = (g + step) % ncg;
    if (hasRoom(g)) return g;
  }
  return own;
}

/** Orlov's rule, with the averages of free inodes and blocks as its thresholds. */
function groupForDir(fs: Ffs, dp: Inode): number {
  const { ncg, ipg, fpg } = fs.info;
  const own = Math.floor(dp.ino / ipg);
  const avgInodes = fs.totalFreeInodes / ncg;
  const avgFree = fs.totalFree / ncg;
  if (dp.ino === ROOTINO) return leastDirs(fs, own, avgInodes, avgFree);
  const minInodes = avgInodes - ipg / 4;
  const minFree = avgFree - fpg / 4;
  const maxDirs = ipg / 16 + (fs.inodes - fs.totalFreeInodes) / ncg;
  for (let i = 0; i < ncg; i++) {
    const g = (own + i) % ncg;
    if (!usable(fs, g) || fs.csOf(g, CS_NDIR) >= maxDirs) continue;
    if (fs.csOf(g, CS_NIFREE) >= minInodes && fs.csFree(g, false) >= minFree) return g;
  }
  return own;
}

/** Of the groups that are emptier than the average, the one with the fewest directories. */
function leastDirs(fs: Ffs, own: number, avgInodes: number, avgFree: number): number {
  let best = own;
  let least = Infinity;
  for (let g = 0; g < fs.info.ncg; g++) {
    const dirs = fs.csOf(g, CS_NDIR);
    if (!usable(fs, g) || dirs >= least || fs.csOf(g, CS_NIFREE) < avgInodes || fs.csFree(g, false) < avgFree) continue;
    least = dirs;
    best = g;
  }
  return best;
}

/** A free inode of the group, or 0. */
function takeInGroup(fs: Ffs, cg: Cg, isDir: boolean): number {
  const index = cg.findInode(cg.irotor);
  const ino = cg.cgx * fs.info.ipg + index;
  if (index < 0 || ino < 2) {
    fs.complain(`cylinder group ${cg.cgx} has ${cg.nifree} free inodes by its summary, and ${index < 0 ? 'none' : `the reserved one ${ino}`} by its map`);
    cg.suspect = true;
    fs.suspectGroups.add(cg.cgx);
    return 0;
  }
  makeInodes(fs, cg, index);
  cg.setInode(index, true, isDir);
  cg.setIrotor(index);
  return ino;
}

/** Inodes that were never written are made, a block of them at a time. */
function makeInodes(fs: Ffs, cg: Cg, index: number): void {
  const { inited } = cg;
  if (index < inited) return;
  const perFrag = fs.fsize / fs.dinode.len;
  const perBlock = perFrag * fs.frag;
  const end = Math.min(fs.info.ipg, (Math.floor(index / perBlock) + 1) * perBlock);
  const table = fs.inodeTable(cg.cgx);
  for (let f = Math.floor(inited / perFrag); f * perFrag < end; f++) {
    const bp = fs.bcache.getblk(table + f);
    fs.txn.dirty(bp);
    bp.data.fill(0);
  }
  cg.setInited(end);
}

/** The inode's place in the table, zeroed. EIO: there is a file in it, whatever the map says. */
function freshInode(fs: Ffs, ino: number): Inode {
  const bp = fs.bcache.bread(fs.inodeFrag(ino));
  const off = inodeOffset(fs, ino);
  const ip = new Inode(fs, ino, bp, off);
  try {
    if (ip.mode !== 0 || ip.nlink > 0 || fs.mp.peekVnode(ino) !== undefined) {
      fs.suspectGroups.add(Math.floor(ino / fs.info.ipg));
      corrupt(fs, `inode ${ino} is free by its map, and has a file in it`);
    }
    ip.dirty();
  } catch (e) {
    ip.release();
    throw e;
  }
  bp.data.fill(0, off, off + fs.dinode.len);
  ip.generation = fs.nextGeneration();
  const { sec, nsec } = fs.now();
  ip.setBirthtime(sec, nsec);
  return ip;
}

/** Gives inode `ino` back. EIO: it is free already. */
export function freeInode(fs: Ffs, ip: Inode, isDir: boolean): void {
  const g = Math.floor(ip.ino / fs.info.ipg);
  const cg = fs.cg(g);
  const index = ip.ino - g * fs.info.ipg;
  if (!cg.inodeUsed(index)) corrupt(fs, `inode ${ip.ino} is to be freed, and is free already`);
  cg.setInode(index, false, isDir);
  if (index < cg.irotor) cg.setIrotor(index);
}
