/**
 * One mounted tmpfs: its nodes, its limits, and what it uses of them.
 *
 * Bytes are counted in pages of 4 KiB that files really have, nodes by the piece. Both limits are exact: what they forbid is refused with
 * ENOSPC, and statvfs tells what is left. Everything that is not a file's page (nodes, names, attributes) is charged to the kernel's memory.
 */
import type { WallTime } from '@anykernel/host-rumpuser';
import { ERR, MNT_NOATIME, MNT_RDONLY } from '@anykernel/lib-sys';
import type { Kernel, Uio } from '@anykernel/rumpkern';
import { type Mount, type Uobj, VDIR, type Vattr, Vnode, type VnodeOps, type Vtype } from '@anykernel/rumpvfs';
import { Directory } from './directory.js';
import { NODE_BYTES, Node } from './node.js';

/** Pages that an unlimited tmpfs says it has: 8 TiB. */
export const PAGES_UNLIMITED = 0x7fff_ffff;
export const NODES_UNLIMITED = 0x7fff_ffff;
/** The most names of a file. */
export const LINKS_MAX = 0x7fff_ffff;
/** Node numbers start here, as on disks; the root has the first. */
const ROOT_INO = 2;

/** Mode and owner of the root directory. */
export interface RootAttr {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Writes up to `len` bytes of the uio to a file of `size` bytes, and counts its pages. */
export type Put = (tm: Tmount, uobj: Uobj, uio: Uio, len: number, size: number) => void;

/** Operations by vnode type. */
export type OpsOf = (type: Vtype) => VnodeOps;

export class Tmount {
  readonly k: Kernel;
  readonly mp: Mount;
  maxPages = PAGES_UNLIMITED;
  maxNodes = NODES_UNLIMITED;
  /** As far as there is room, where there is a limit on pages (limits.ts). */
  put: Put = putFreely;
  pages = 0;
  nodes = 0;
  /** Bytes charged to the kernel's memory. */
  charged = 0;
  readonly root: Node;
  /** The present time, as now() found it. */
  readonly time: WallTime = { sec: 0, nsec: 0 };
  readonly #opsOf: OpsOf;
  /** Nodes by number. */
  readonly slots: (Node | undefined)[] = [];
  #freeInos: number[] = [];
  #gen = 0;

  constructor(mp: Mount, opsOf: OpsOf, root: RootAttr) {
    this.k = mp.vfs.k;
    this.mp = mp;
    this.#opsOf = opsOf;
    this.slots.length = ROOT_INO;
    this.charge(NODE_BYTES);
    this.root = this.#make(VDIR, root.mode, root.uid, root.gid);
    this.root.nlink = 2;
    this.root.parent = this.root;
  }

  /** ENOMEM. */
  charge(bytes: number): void {
    this.k.mem.charge(bytes);
    this.charged += bytes;
  }

  uncharge(bytes: number): void {
    this.k.mem.uncharge(bytes);
    this.charged -= bytes;
  }

  /** Whether reading marks access times. */
  get wantsAtime(): boolean {
    return (this.mp.flags & (MNT_RDONLY | MNT_NOATIME)) === 0;
  }

  /** Reads the clock. */
  now(): WallTime {
    this.k.wall(this.time);
    return this.time;
  }

  /**
   * A new file with the given type, mode and owner, without a name yet; its times are now. `extra` bytes are charged with it.
   * ENOSPC: no node is left. ENOMEM.
   */
  create(va: Vattr, extra: number): Node {
    if (this.nodes >= this.maxNodes) throw ERR.ENOSPC;
    this.charge(NODE_BYTES + extra);
    return this.#make(va.type, va.mode, va.uid, va.gid);
  }

  #make(type: Vtype, mode: number, uid: number, gid: number): Node {
    const ino = this.#freeInos.pop() ?? this.slots.length;
    const node = new Node(type, ino, ++this.#gen, mode, uid, gid, this.now());
    this.slots[ino] = node;
    this.nodes++;
    if (type === VDIR) node.dir = new Directory();
    return node;
  }

  /** The vnode of a node. */
  vnode(node: Node): Vnode {
    return node.vp ?? this.#newVnode(node);
  }

  #newVnode(node: Node): Vnode {
    const vp = new Vnode(node.type, this.#opsOf(node.type), this.mp, node);
    vp.rdev = node.rdev;
    vp.uobj = node.uobj;
    vp.isRoot = node === this.root;
    node.vp = vp;
    return vp;
  }

  /** The file is gone: its memory and its number are free. */
  destroy(node: Node): void {
    this.slots[node.ino] = undefined;
    this.#freeInos.push(node.ino);
    this.nodes--;
    this.freePages(node);
    this.uncharge(NODE_BYTES + node.extra);
  }

  /** A file's bytes are given back. */
  freePages(node: Node): void {
    const uobj = node.uobj;
    if (uobj === undefined) return;
    this.pages -= uobj.pages;
    uobj.drop();
  }

  /** Counts how a file's pages changed. */
  recount(uobj: Uobj, before: number): void {
    this.pages += uobj.pages - before;
  }
}

export function putFreely(tm: Tmount, uobj: Uobj, uio: Uio, len: number, size: number): void {
  const before = uobj.pages;
  try {
    uobj.write(uio, len, size);
  } finally {
    tm.recount(uobj, before);
  }
}
