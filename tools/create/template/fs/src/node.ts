/**
 * A file of foofs, and the volume that it belongs to: directories and regular files, kept in memory.
 *
 * This is where your own format goes: a node knows a place on your medium instead of the bytes themselves.
 */
import type { WallTime } from '@anykernel/host-rumpuser';
import { type Mount, VDIR, VREG, type Vattr, type VnodeOps, Vnode, type Vtype } from '@anykernel/rumpvfs';

export class Node {
  nlink = 1;
  flags = 0;
  bytes: Uint8Array = new Uint8Array(0);
  /** A directory's names, and the directory that it is in. */
  readonly entries = new Map<string, Node>();
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
  #lastIno = 1;

  constructor(
    readonly mp: Mount,
    readonly ops: VnodeOps,
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

  /** A new file in `dir`, under `name`. */
  make(dir: Node, name: string, va: Vattr): Node {
    const node = this.#add(va.type === VDIR ? VDIR : VREG, va.mode, va.uid, va.gid);
    dir.entries.set(name, node);
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

  /** The vnode of a file. */
  vnode(node: Node): Vnode {
    return this.mp.vget(node.ino);
  }

  #add(type: Vtype, mode: number, uid: number, gid: number): Node {
    const node = new Node(++this.#lastIno, type, mode, uid, gid, this.now());
    this.nodes.set(node.ino, node);
    return node;
  }
}
