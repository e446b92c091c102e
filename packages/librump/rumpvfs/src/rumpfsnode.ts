/** Nodes of the root file system, their names, and the memory that is counted for them. */
import type { Mem } from '@anykernel/rumpkern';
import type { Mount } from './mount.js';
import type { Uobj } from './uobj.js';
import { type Vattr, VDIR, VNOVAL, type Vnode, type Vtype } from './vnode.js';

/** The cookie of the first entry. 0, 1 and 2 stand for `.`, `..` and the newest one, 3 for the end. */
const FIRST_COOKIE = 4;

/** An entry of a directory. Cookies grow, and reading goes down: it goes on where it was, whatever comes and goes, and comes to an end. */
export interface Entry {
  readonly name: string;
  readonly cookie: number;
  node: Node;
}

export class Node {
  mode = 0;
  uid = 0;
  gid = 0;
  nlink = 1;
  flags = 0;
  rdev = 0;
  size = 0;
  atime = 0;
  atimeNsec = 0;
  mtime = 0;
  mtimeNsec = 0;
  ctime = 0;
  ctimeNsec = 0;
  birthtime = 0;
  birthtimeNsec = 0;
  vp: Vnode | undefined = undefined;
  /** A directory's. */
  entries: Map<string, Entry> | undefined = undefined;
  parent: Node | undefined = undefined;
  nextCookie = FIRST_COOKIE;
  /** A symbolic link's. */
  target = '';
  /** A regular file's bytes. */
  bytes: Uobj | undefined = undefined;
  /** Extended attributes, by namespace and name. */
  xattrs: Map<string, Uint8Array> | undefined = undefined;

  constructor(
    readonly fs: RumpfsMount,
    readonly ino: number,
    readonly type: Vtype,
  ) {}
}

export class RumpfsMount {
  readonly nodes = new Map<number, Node>();
  lastIno = 1;
  root!: Node;
  constructor(readonly mp: Mount) {}
}

export const ATIME = 1;
export const MTIME = 2;
export const CTIME = 4;

export function touch(node: Node, which: number): void {
  const { sec, nsec } = node.fs.mp.vfs.now();
  if ((which & ATIME) !== 0) {
    node.atime = sec;
    node.atimeNsec = nsec;
  }
  if ((which & MTIME) !== 0) {
    node.mtime = sec;
    node.mtimeNsec = nsec;
  }
  if ((which & CTIME) !== 0) {
    node.ctime = sec;
    node.ctimeNsec = nsec;
  }
}

export function newNode(fs: RumpfsMount, va: Vattr): Node {
  const node = new Node(fs, ++fs.lastIno, va.type);
  node.mode = va.mode;
  node.uid = va.uid;
  node.gid = va.gid;
  if (va.rdev !== VNOVAL) node.rdev = va.rdev;
  touch(node, ATIME | MTIME | CTIME);
  node.birthtime = node.atime;
  node.birthtimeNsec = node.atimeNsec;
  if (va.type === VDIR) node.entries = new Map();
  fs.nodes.set(node.ino, node);
  return node;
}

/** Bytes counted for a node, and for a name: about what they take. */
export const NODE_COST = 512;
export function entryCost(name: string): number {
  return 128 + name.length;
}

export function attrCost(key: string, value: Uint8Array | undefined): number {
  return value === undefined ? 0 : 128 + key.length + value.length;
}

export function memOf(node: Node): Mem {
  return node.fs.mp.vfs.k.mem;
}

/** The name's memory has been charged. */
export function enter(dir: Node, name: string, node: Node): void {
  (dir.entries as Map<string, Entry>).set(name, { name, cookie: dir.nextCookie++, node });
  touch(dir, MTIME | CTIME);
}

/** Takes a name out of its directory. */
export function leave(dir: Node, name: string): void {
  (dir.entries as Map<string, Entry>).delete(name);
  memOf(dir).uncharge(entryCost(name));
  touch(dir, MTIME | CTIME);
}
