/**
 * A file of tmpfs, whatever its type: one object, which is the file as long as it has a name or is held.
 *
 * The vnode belongs to the node and stays with it. Should the layer take the vnode back, the node makes a new one when it is next looked
 * for; nothing of the file is in the vnode.
 */
import type { WallTime } from '@anykernel/host-rumpuser';
import type { Uobj, Vnode, Vtype } from '@anykernel/rumpvfs';
import type { Directory } from './directory.js';

/** Which times an operation marks. */
export const ATIME = 1;
export const MTIME = 2;
export const CTIME = 4;

/** Memory that a node takes apart from its bytes, its name and its attributes: what is charged for it. */
export const NODE_BYTES = 640;

export class Node {
  readonly type: Vtype;
  readonly ino: number;
  /** Tells a file from one that had its number before. */
  readonly gen: number;
  vp: Vnode | undefined = undefined;
  /** Permission bits 07777. */
  mode: number;
  uid: number;
  gid: number;
  nlink = 0;
  flags = 0;
  size = 0;
  rdev = 0;
  atime: number;
  atimeNsec: number;
  mtime: number;
  mtimeNsec: number;
  ctime: number;
  ctimeNsec: number;
  birthtime: number;
  birthtimeNsec: number;
  /** A regular file's bytes; undefined while it has none. */
  uobj: Uobj | undefined = undefined;
  /** A directory's entries. */
  dir: Directory | undefined = undefined;
  /** A directory's parent (the root's is itself); undefined once it is removed. */
  parent: Node | undefined = undefined;
  /** A symbolic link's target, a byte string. */
  target = '';
  /** Extended attributes: a code unit for the name space, then the name. */
  xattrs: Map<string, Uint8Array> | undefined = undefined;
  /** Bytes that were charged for this node beyond NODE_BYTES: its target, its attributes. */
  extra = 0;

  constructor(type: Vtype, ino: number, gen: number, mode: number, uid: number, gid: number, now: WallTime) {
    this.type = type;
    this.ino = ino;
    this.gen = gen;
    this.mode = mode;
    this.uid = uid;
    this.gid = gid;
    this.atime = this.mtime = this.ctime = this.birthtime = now.sec;
    this.atimeNsec = this.mtimeNsec = this.ctimeNsec = this.birthtimeNsec = now.nsec;
  }

  /** Marks times (ATIME, MTIME, CTIME) as `now`. */
  touch(which: number, now: WallTime): void {
    const { sec, nsec } = now;
    if ((which & ATIME) !== 0) {
      this.atime = sec;
      this.atimeNsec = nsec;
    }
    if ((which & MTIME) !== 0) {
      this.mtime = sec;
      this.mtimeNsec = nsec;
    }
    if ((which & CTIME) !== 0) {
      this.ctime = sec;
      this.ctimeNsec = nsec;
    }
  }
}
