/** What directories say of each other, and how many names each file has. */
import type { Check, Found } from './check.js';

export class Names {
  /** The directory that each directory is in. */
  readonly parent = new Map<number, number>();
  /** The one that it says it is in. */
  readonly dotdot = new Map<number, number>();
}

export function isDir(f: Found | undefined): boolean {
  return f !== undefined && (f.mode & 0o170000) === 0o040000;
}

/** One more name of inode `ino` was seen. */
export function addName(c: Check, ino: number): void {
  c.links.set(ino, (c.links.get(ino) ?? 0) + 1);
}
