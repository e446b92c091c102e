/**
 * What is in a file system, a line for each path: kind, mode, owner, links, length, contents by their hash, attributes. The model, a kernel's system
 * calls, and a folder of the host give listings that compare.
 */
import { createHash } from 'node:crypto';
import { fromBytestr } from '@anykernel/lib-bytes';
import { S_IFMT, S_ISBLK, S_ISCHR, S_ISDIR, S_ISFIFO, S_ISLNK, S_ISREG, S_ISSOCK, major, minor, parseDirents } from '@anykernel/lib-sys';
import type { Sys } from '@anykernel/rumpkern';
import type { Kind, Node } from './model.js';

function sha(b: Uint8Array): string {
  return createHash('sha1').update(b).digest('hex').slice(0, 12);
}

function line(n: Pick<Node, 'kind' | 'mode' | 'uid' | 'gid' | 'nlink' | 'target' | 'rdev'>, len: number, hash: string, xattrs: readonly string[]): string {
  const dev = n.kind === 'chr' || n.kind === 'blk' ? ` ${major(n.rdev)},${minor(n.rdev)}` : '';
  const mode = n.kind === 'link' ? '' : ` ${n.mode.toString(8)}`;
  return `${n.kind}${mode} ${n.uid}:${n.gid} links ${n.nlink}${dev}${n.kind === 'file' ? ` ${len} ${hash}` : ''}${n.target === '' ? '' : ` -> ${n.target}`} ${xattrs.join(' ')}`.trimEnd();
}

/** A line for each path. */
export type Listing = Map<string, string>;

/** What a model must look like. */
export function listModel(root: Node): Listing {
  const found: Listing = new Map();
  const walk = (n: Node, path: string): void => {
    for (const name of [...n.kids.keys()].sort()) {
      const kid = n.kids.get(name) as Node;
      const xattrs = [...kid.xattrs].map(([k, v]) => `${k}=${sha(v)}`).sort();
      found.set(`${path}${name}`, line(kid, kid.data.length, kid.kind === 'file' ? sha(kid.data) : '', xattrs));
      if (kid.kind === 'dir') walk(kid, `${path}${name}/`);
    }
  };
  walk(root, '');
  return found;
}

/** The whole file. */
export function readFile(sys: Sys, path: string): Uint8Array {
  const fd = sys.open(path, 0);
  try {
    const len = sys.fstat(fd).size;
    const b = new Uint8Array(len);
    let at = 0;
    while (at < len) {
      const n = sys.read(fd, b.subarray(at, Math.min(len, at + 65536)));
      if (n === 0) throw new Error(`${path} ends at ${at} of ${len}`);
      at += n;
    }
    return b;
  } finally {
    sys.close(fd);
  }
}

/** The names in a directory, sorted, without `.` and `..`. */
export function names(sys: Sys, path: string): string[] {
  const fd = sys.open(path, 0);
  const found: string[] = [];
  const buf = new Uint8Array(8192);
  try {
    for (let n = sys.getdents(fd, buf); n > 0; n = sys.getdents(fd, buf)) {
      for (const e of parseDirents(buf, n)) if (e.name !== '.' && e.name !== '..') found.push(fromBytestr(e.name));
    }
  } finally {
    sys.close(fd);
  }
  return found.sort();
}

function readlink(sys: Sys, path: string): string {
  const b = new Uint8Array(4096);
  return String.fromCharCode(...b.subarray(0, sys.readlink(path, b)));
}

function kindOf(mode: number): Kind {
  if (S_ISDIR(mode)) return 'dir';
  if (S_ISREG(mode)) return 'file';
  if (S_ISLNK(mode)) return 'link';
  if (S_ISCHR(mode)) return 'chr';
  if (S_ISBLK(mode)) return 'blk';
  if (S_ISFIFO(mode) || S_ISSOCK(mode)) return 'fifo';
  throw new Error(`mode ${(mode & S_IFMT).toString(8)}`);
}

/** What a kernel sees below its current directory. */
export function listSys(sys: Sys, withXattrs = true): Listing {
  const found: Listing = new Map();
  const walk = (dir: string, path: string): void => {
    for (const name of names(sys, dir)) {
      if (path === '' && name === 'lost+found') continue;
      const at = `${path}${name}`;
      const st = sys.lstat(at);
      const kind = kindOf(st.mode);
      const data = kind === 'file' ? readFile(sys, at) : new Uint8Array(0);
      const n = { kind, mode: st.mode & 0o7777, uid: st.uid, gid: st.gid, nlink: st.nlink, rdev: st.rdev, target: kind === 'link' ? readlink(sys, at) : '' };
      const xattrs = withXattrs && (kind === 'file' || kind === 'dir') ? listXattrs(sys, at) : [];
      found.set(at, line(n, data.length, kind === 'file' ? sha(data) : '', xattrs));
      if (kind === 'dir') walk(at, `${at}/`);
    }
  };
  walk('.', '');
  return found;
}

function listXattrs(sys: Sys, path: string): string[] {
  const len = sys.listxattr(path);
  if (len === 0) return [];
  const b = new Uint8Array(len);
  sys.listxattr(path, b);
  const all = String.fromCharCode(...b).split('\0').filter((s) => s !== '');
  return all.map((name) => {
    const value = new Uint8Array(sys.getxattr(path, name));
    sys.getxattr(path, name, value);
    return `${name}=${sha(value)}`;
  }).sort();
}

/** What differs, a line each; empty: nothing. */
export function compare(want: Listing, got: Listing): string[] {
  const out: string[] = [];
  for (const [path, l] of want) if (got.get(path) !== l) out.push(`${path}: ${l} is ${got.get(path) ?? 'missing'}`);
  for (const path of got.keys()) if (!want.has(path)) out.push(`${path} is too much: ${got.get(path)}`);
  return out;
}
