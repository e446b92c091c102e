/**
 * A file of foofs, and the volume that it belongs to: directories and regular files, kept in memory.
 *
 * This is where your own format goes: a node knows a place on your medium instead of the bytes themselves.
 */
import type { WallTime } from '@anykernel/host-rumpuser';
import { ERR } from '@anykernel/lib-sys';
import { type Mount, VDIR, VREG, type Vattr, type VnodeOps, type Vnode, type Vtype } from '@anykernel/rumpvfs';

/** Room is counted in pages of so many bytes. */
export const PAGE = 4096;

/** A name in a directory. Its place (`.` has 0, `..` has 1) is never used again: it is where a reader goes on. */
export interface Entry {
  readonly node: Node;
  readonly place: number;
}

export class Node {
  nlink = 1;
  /** A regular file's length, and its bytes with room to grow; beyond the length they are zero. */
  size = 0;
  bytes: Uint8Array = new Uint8Array(0);
  /** A directory's names, in the order in which they were made, and the directory that it is in. */
  readonly entries = new Map<string, Entry>();
  nextPlace = 2;
  parent: Node | undefined = undefined;
  atime: WallTime;
  mtime: WallTime;
  ctime: WallTime;

  constructor(
    readonly ino: number,
    readonly type: Vtype,
    public mode: number,
    public uid: number,
    public gid: number,
    now: WallTime,
  ) {
    this.atime = this.mtime = this.ctime = now;
  }
}

/** One mounted foofs. */
export class Volume {
  readonly root: Node;
  /** Every file that has a name or is held, by number. */
  readonly nodes = new Map<number, Node>();
  usedPages = 0;
  #lastIno = 1;

  constructor(
    readonly mp: Mount,
    readonly ops: VnodeOps,
    readonly maxPages: number,
  ) {
    this.root = this.#add(VDIR, 0o755, 0, 0);
    this.root.nlink = 2;
    this.root.parent = this.root;
  }

  /** The time now. */
  now(): WallTime {
    const time = { sec: 0, nsec: 0 };
    this.mp.vfs.k.host.clockWall(time);
    return time;
  }

  /** A new file in `dir`, under `name`: it takes a page for itself. ENOSPC. */
  make(dir: Node, name: string, va: Vattr): Node {
    if (this.usedPages === this.maxPages) throw ERR.ENOSPC;
    const node = this.#add(va.type === VDIR ? VDIR : VREG, va.mode, va.uid, va.gid);
    dir.entries.set(name, { node, place: dir.nextPlace++ });
    if (node.type === VDIR) {
      node.nlink = 2;
      node.parent = dir;
      dir.nlink++;
    }
    dir.mtime = dir.ctime = node.ctime;
    return node;
  }

  /** Takes `name` from `dir`; the file stays as long as it is held. */
  unlink(dir: Node, name: string, node: Node): void {
    dir.entries.delete(name);
    node.nlink = 0;
    if (node.type === VDIR) dir.nlink--;
    node.ctime = dir.mtime = dir.ctime = this.now();
  }

  /** The length that a file can have with the room there is now. */
  longest(node: Node): number {
    return (this.maxPages - this.usedPages + pages(node.size)) * PAGE;
  }

  /** Gives a file another length: what is new is zero. ENOSPC. */
  resize(node: Node, size: number): void {
    if (size > node.size && size > this.longest(node)) throw ERR.ENOSPC;
    this.usedPages += pages(size) - pages(node.size);
    if (size < node.size) node.bytes = node.bytes.slice(0, size);
    if (size > node.bytes.length) {
      const bytes = new Uint8Array(Math.max(size, 2 * node.bytes.length));
      bytes.set(node.bytes);
      node.bytes = bytes;
    }
    node.size = size;
  }

  /** A file that nobody can reach any more is gone, and its room is free. */
  forget(node: Node): void {
    this.usedPages -= 1 + pages(node.size);
    this.nodes.delete(node.ino);
  }

  /** The vnode of a file. */
  vnode(node: Node): Vnode {
    return this.mp.vget(node.ino);
  }

  #add(type: Vtype, mode: number, uid: number, gid: number): Node {
    const node = new Node(++this.#lastIno, type, mode, uid, gid, this.now());
    this.nodes.set(node.ino, node);
    this.usedPages++;
    return node;
  }
}

function pages(size: number): number {
  return Math.ceil(size / PAGE);
}
