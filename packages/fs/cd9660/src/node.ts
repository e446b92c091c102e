/**
 * A file in memory: what its directory records say. Nothing changes, so all of it is copied, and no buffer is held.
 *
 * A directory's number is where it begins on the device, another file's where its record is; names of one file (Rock Ridge counts its links) share the
 * number of their data. Each holds the directory that it was found in: that is how `..` is known, and why a directory that is below itself is noticed.
 */
import { ERR } from '@anykernel/lib-sys';
import { VBLK, VCHR, VDIR, VLNK, VREG, Vnode, type Vtype, modeToType, typeToMode } from '@anykernel/rumpvfs';
import { makedev } from '@anykernel/lib-sys';
import type { DirIndex } from './dirindex.js';
import type { CdFs } from './fs.js';
import { DR_DIRECTORY, type DirRecord } from './ondisk.js';
import { Rock } from './rockridge.js';

/** A part of a file: logical block, bytes. All but the last are whole blocks. */
export interface Section {
  readonly block: number;
  readonly size: number;
}

/** Permission bits of what has none of its own. */
const MODE_PLAIN = 0o555;

export class Node {
  readonly fs: CdFs;
  readonly ino: number;
  /** The directory that it was found in; undefined: the root, or not known yet. */
  parent: Node | undefined;
  /** Files in memory that have it for their parent. */
  children = 0;
  vp: Vnode | undefined = undefined;
  /** The name that it was found by; '' where it was not. */
  readonly name: string;
  readonly type: Vtype;
  readonly sections: readonly Section[];
  readonly size: number;
  readonly rock: Rock;
  /** Seconds; what Rock Ridge does not say. */
  readonly time: number;
  /** Why its data cannot be read; undefined: they can. */
  readonly obstacle: string | undefined;
  /** A directory's names, when they are in memory. */
  index: DirIndex | undefined = undefined;

  constructor(fs: CdFs, ino: number, parent: Node | undefined, found: Found, name = '') {
    this.fs = fs;
    this.ino = ino;
    this.parent = parent;
    this.name = name;
    this.type = typeOf(found);
    this.sections = found.sections;
    this.size = found.sections.reduce((sum, s) => sum + s.size, 0);
    this.rock = found.rock;
    this.time = found.first.time;
    this.obstacle = found.obstacle;
    if (parent !== undefined) parent.children++;
  }

  get isDir(): boolean {
    return this.type === VDIR;
  }
  get mode(): number {
    const { mode } = this.rock;
    if (mode === undefined) return (this.isDir ? 0o040000 : 0o100000) | MODE_PLAIN;
    // Directories are what their records say they are, whatever their modes.
    return (mode & 0o7777) | typeToMode(this.type);
  }
  /** Where a directory begins: its first block. */
  get block(): number {
    return this.sections[0].block;
  }
  get rdev(): number {
    return makedev(this.rock.major, this.rock.minor);
  }
}

/** A file as it was found in a directory: its first record, all its sections, what Rock Ridge says. */
export interface Found {
  readonly first: DirRecord;
  readonly sections: readonly Section[];
  readonly rock: Rock;
  readonly obstacle: string | undefined;
}

function typeOf({ first, rock }: Found): Vtype {
  if ((first.flags & DR_DIRECTORY) !== 0) return VDIR;
  const type = rock.mode === undefined ? VREG : modeToType(rock.mode);
  // A directory by its mode alone, or nothing at all, is a file.
  return type === 0 || type === VDIR ? VREG : type;
}

/** The file of a vnode. ESTALE: the vnode is dead. */
export function VTON(vp: Vnode): Node {
  const node = vp.data as Node | undefined;
  if (node === undefined) throw ERR.ESTALE;
  return node;
}

/** The vnode of a file in memory. */
export function vnodeOf(node: Node): Vnode {
  if (node.vp !== undefined) node.vp.recent = true;
  return node.vp ?? node.fs.mp.vget(node.ino);
}

/** vget()'s: the vnode of a file that is in memory. ESTALE: there is no such one. */
export function loadVnode(fs: CdFs, ino: number): Vnode {
  const node = fs.nodes.get(ino);
  if (node === undefined) throw ERR.ESTALE;
  const vp = new Vnode(node.type, fs.opsOf(node), fs.mp, node, ino);
  if (node.type === VBLK || node.type === VCHR) vp.rdev = node.rdev;
  node.vp = vp;
  return vp;
}

/** reclaim(): the vnode goes, and with it the file, unless one below needs it. Its parent may be the next. */
export function forgetNode(node: Node): void {
  const { fs } = node;
  node.vp = undefined;
  for (let n: Node | undefined = node; n !== undefined && n.vp === undefined && n.children === 0 && n !== fs.root; ) {
    const { parent }: Node = n;
    fs.nodes.delete(n.ino);
    if (n.index !== undefined) fs.indexes.drop(n.index);
    fs.unpacked.forget(n);
    if (parent !== undefined) parent.children--;
    n = parent;
  }
}

/** The target of a symbolic link, a byte string. EIO: it makes no sense. */
export function targetOf(node: Node): string {
  if (node.type !== VLNK) throw ERR.EINVAL;
  return node.rock.target ?? node.fs.corrupt(`the symbolic link at byte ${node.ino} has no target`);
}
