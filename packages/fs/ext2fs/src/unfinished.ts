/**
 * Files that are shortened in several transactions, because one would be too large for the journal: they are on the orphan list meanwhile, so that a power
 * cut leaves no block behind the end, and are zombies (orphan.ts) until nothing is left to free.
 */
import type { Inode } from './inode.js';
import { SB_LAST_ORPHAN } from './ondisk.js';

/** The file joins the list of orphans. Within a transaction. */
export function addOrphan(ip: Inode): void {
  const { fs } = ip;
  ip.dirty();
  ip.dtime = fs.sb32(SB_LAST_ORPHAN);
  fs.setSb32(SB_LAST_ORPHAN, ip.ino);
  fs.orphans.push(ip.ino);
  fs.txn.undo(() => fs.orphans.pop());
}

/** What is left behind the end of the file goes in the transactions that follow. Within a transaction. */
export function shortenLater(ip: Inode): void {
  const { fs } = ip;
  if (!fs.orphans.includes(ip.ino)) addOrphan(ip);
  fs.txn.commit(() => {
    fs.zombies.add(ip.ino);
    fs.overdue = true;
  });
}
