/**
 * Host files under names in the root directory ("extra-terrestrial" file system): as regular files, block or character devices, or
 * directories whose files are found by name, and listed where the host lists directories.
 *
 * A key is looked up from the root of the root file system only, byte for byte, as the whole path that remains. Keys are not seen by getdents.
 */
import { toBytestr } from '@anykernel/lib-bytes';
import type { HostFile, HostFileInfo } from '@anykernel/host-rumpuser';
import { DT_DIR, DT_REG, ERR, FWRITE, Stat } from '@anykernel/lib-sys';
import { type Lwp, type Uio, hostInfo, hostNames, makedev, openHost, transfer } from '@anykernel/rumpkern';
import { genfs } from './genfs.js';
import { typeToMode } from './genfsbare.js';
import type { Mount } from './mount.js';
import { RUMPBLK_MAJOR, Rumpblk } from './rumpblk.js';
import { specfs } from './specfs.js';
import type { Vfs } from './vfs.js';
import { type Componentname, type EmitDirent, IO_APPEND, VBLK, VCHR, VDIR, VREG, Vnode, type VnodeOps, type Vtype } from './vnode.js';

export type EtfsType = 'reg' | 'blk' | 'chr' | 'dir' | 'dir-subdirs';

/** A part of a host file, in bytes: at any position, up to the end if there is no `size`. */
export interface EtfsWindow {
  readonly begin?: number;
  readonly size?: number;
}

/** A name of a host file: a key, or found in a directory. */
class HostNode {
  file: HostFile | undefined = undefined;
  opens = 0;
  /** Names found below, of a directory. */
  readonly below = new Map<string, Vnode>();
  /** Inode numbers of names below, whether they were found or listed. */
  readonly inos = new Map<string, number>();
  /** The directory as it was when somebody began to list it last. */
  listing: readonly Listed[] = [];
  constructor(
    readonly ino: number,
    readonly hostpath: string,
    readonly begin: number,
    /** Of a name in a directory: what it was when the name was last looked up and nobody had it open. */
    public size: number,
    readonly rdev: number,
    /** A directory's directories are seen. */
    readonly subdirs: boolean,
    /** The directory that it was found in; undefined: a key. */
    readonly parent: Vnode | undefined,
  ) {}
}

/** A name in a directory of the host. */
interface Listed {
  readonly name: string;
  readonly type: Vtype;
}

/** The most that one transfer with the host moves. */
const CHUNK = 1 << 20;
/** Inode numbers that no file of the root file system reaches. */
const INO_BASE = 0x4000_0000;
const TYPES: Readonly<Record<EtfsType, Vtype>> = { reg: VREG, blk: VBLK, chr: VCHR, dir: VDIR, 'dir-subdirs': VDIR };

/** The host's files in a kernel; there from the first one on. */
export function etfsOf(vfs: Vfs): Etfs {
  if (vfs.etfs === undefined) {
    const etfs = new Etfs(vfs);
    vfs.etfs = etfs;
    vfs.onRelease.push(() => etfs.release());
  }
  return vfs.etfs;
}

/** Gives a file of the host a name in the root: see Etfs.register(). */
export function etfsRegister(vfs: Vfs, key: string, hostpath: string, type: EtfsType, window?: EtfsWindow): void {
  etfsOf(vfs).register(key, hostpath, type, window);
}

/** ENOENT. */
export function etfsRemove(vfs: Vfs, key: string): void {
  etfsOf(vfs).remove(key);
}

export class Etfs {
  readonly #vfs: Vfs;
  readonly #rumpblk: Rumpblk;
  readonly #keys = new Map<string, Vnode>();
  #lastIno = INO_BASE;

  constructor(vfs: Vfs) {
    this.#vfs = vfs;
    this.#rumpblk = new Rumpblk(vfs.k);
  }

  get count(): number {
    return this.#keys.size;
  }

  /**
   * EINVAL: the key does not begin with a slash. ENOENT, or what the host says: there is no such host file. ENOTDIR: it should be a
   * directory. EISDIR: it is one and should not be, or has a window. EINVAL: the window is not in the file. EEXIST: the key is taken.
   */
  register(key: string, hostpath: string, type: EtfsType, window?: EtfsWindow): void {
    const name = nameOf(key);
    if (!Object.hasOwn(TYPES, type)) throw ERR.EINVAL;
    const vtype = TYPES[type];
    const info = hostInfo(this.#vfs.k, hostpath);
    if (info === undefined) throw ERR.ENOENT;
    if (vtype === VDIR && info.type !== 'dir') throw ERR.ENOTDIR;
    if (vtype === VDIR ? window !== undefined : info.type === 'dir') throw ERR.EISDIR;
    const begin = window?.begin ?? 0;
    const size = window?.size ?? info.size - begin;
    if (!Number.isSafeInteger(begin) || !Number.isSafeInteger(size) || begin < 0 || size < 0 || begin + size > info.size) throw ERR.EINVAL;
    if (this.#keys.has(name)) throw ERR.EEXIST;
    const device = vtype === VBLK || vtype === VCHR;
    const rdev = device ? makedev(RUMPBLK_MAJOR, this.#rumpblk.add(hostpath, begin, size)) : 0;
    if (vtype === VBLK) this.#vfs.k.printf(`${key}: hostpath ${hostpath} (${Math.floor(size / 1024)} KB)`);
    this.#keys.set(name, this.#vnode(vtype, hostpath, begin, size, rdev, type === 'dir-subdirs', undefined).hold());
  }

  /** ENOENT. Whoever still uses it has a dead file. */
  remove(key: string): void {
    const name = nameOf(key);
    const vp = this.#keys.get(name);
    if (vp === undefined) throw ERR.ENOENT;
    this.#keys.delete(name);
    const mp = vp.mp as Mount;
    const { rdev } = vp;
    const device = vp.type === VBLK || vp.type === VCHR;
    for (const each of withBelow(vp)) mp.forget(each);
    if (device) this.#rumpblk.remove(rdev);
  }

  /** The file that has exactly this key. */
  vnodeOf(key: string): Vnode | undefined {
    return key.startsWith('/') ? this.#keys.get(key.replace(/^\/+/, '')) : undefined;
  }

  /** The file for the path that begins with `cnp` and goes on with its rest; a directory takes only its key. */
  lookup(_dvp: Vnode, cnp: Componentname): Vnode | undefined {
    const { rest } = cnp;
    const path = cnp.path.length > cnp.restAt || rest !== '' ? `${cnp.name}/${rest}` : cnp.name;
    const exact = this.#keys.get(path);
    if (exact !== undefined) {
      cnp.consume = Math.max(0, path.length - cnp.name.length - 1);
      return exact;
    }
    let best = '';
    for (const [key, vp] of this.#keys) if (vp.type === VDIR && key.length > best.length && path.startsWith(`${key}/`)) best = key;
    if (best === '') return undefined;
    cnp.consume = Math.max(0, best.length - cnp.name.length - 1);
    return this.#keys.get(best);
  }

  /** Files of the host are closed. */
  release(): void {
    for (const key of this.#keys.values()) for (const vp of withBelow(key)) closeHost(nodeOf(vp));
    this.#rumpblk.closeAll();
  }

  /** A name in a host directory, as it is there now: regular files, and directories if they are to be seen. */
  below(dvp: Vnode, name: string): Vnode | undefined {
    const dir = nodeOf(dvp);
    const known = dir.below.get(name);
    const hostpath = `${dir.hostpath}/${name}`;
    const info = hostInfo(this.#vfs.k, hostpath);
    const type = typeBelow(dir, info);
    if (known !== undefined && known.type === type && info !== undefined) {
      const node = nodeOf(known);
      if (node.opens === 0) node.size = info.size;
      return known;
    }
    // Whoever has it open keeps what he has.
    known?.rele();
    dir.below.delete(name);
    if (info === undefined || type === undefined) return undefined;
    const vp = this.#vnode(type, hostpath, 0, info.size, 0, dir.subdirs, dvp, this.inoBelow(dir, name)).hold();
    dir.below.set(name, vp);
    return vp;
  }

  /** The number that a name in a directory has from the time when it is first seen. */
  inoBelow(dir: HostNode, name: string): number {
    let ino = dir.inos.get(name);
    if (ino === undefined) dir.inos.set(name, (ino = ++this.#lastIno));
    return ino;
  }

  /** What is in a directory now. EOPNOTSUPP: the host lists none. */
  list(dvp: Vnode): readonly Listed[] {
    const dir = nodeOf(dvp);
    const { k } = this.#vfs;
    return hostNames(k, dir.hostpath).flatMap((name): Listed[] => {
      try {
        const type = typeBelow(dir, hostInfo(k, `${dir.hostpath}/${name}`));
        return type === undefined ? [] : [{ name, type }];
      } catch (e) {
        k.ignoreErrno(e);
        return [];
      }
    });
  }

  #vnode(
    type: Vtype, hostpath: string, begin: number, size: number, rdev: number, subdirs: boolean, parent: Vnode | undefined, ino = ++this.#lastIno,
  ): Vnode {
    const node = new HostNode(ino, hostpath, begin, size, rdev, subdirs, parent);
    const vp = new Vnode(type, type === VBLK || type === VCHR ? specOps : ops, this.#vfs.mounts[0], node);
    vp.rdev = rdev;
    return vp;
  }
}

/** What a name in a directory is; undefined: it is not to be seen. */
function typeBelow(dir: HostNode, info: HostFileInfo | undefined): Vtype | undefined {
  return info?.type === 'reg' ? VREG : info?.type === 'dir' && dir.subdirs ? VDIR : undefined;
}

/** A key without its slashes at the front and at the end. */
function nameOf(key: string): string {
  const name = toBytestr(key).replace(/^\/+|\/+$/g, '');
  if (!key.startsWith('/') || name === '') throw ERR.EINVAL;
  return name;
}

function nodeOf(vp: Vnode): HostNode {
  return vp.data as HostNode;
}

/** A file, and all that was found below it. */
function withBelow(vp: Vnode): Vnode[] {
  return [...[...nodeOf(vp).below.values()].flatMap(withBelow), vp];
}

const ops: VnodeOps = {
  ...genfs,
  name: 'etfs',

  lookup(dvp: Vnode, cnp: Componentname): Vnode | undefined {
    const { vfs, rootvp } = dvp.mp as Mount;
    if (cnp.name === '..') return nodeOf(dvp).parent ?? rootvp;
    return etfsOf(vfs).below(dvp, cnp.name);
  },

  /** A listing is of the time when it began. */
  readdir(vp: Vnode, cookie: number, emit: EmitDirent): void {
    const { vfs } = vp.mp as Mount;
    const { rootvp } = vfs;
    const etfs = etfsOf(vfs);
    const dir = nodeOf(vp);
    if (cookie === 0) dir.listing = etfs.list(vp);
    const st = new Stat();
    const parent = dir.parent ?? rootvp;
    parent.ops.getattr(parent, st);
    if (cookie < 1 && !emit(dir.ino, DT_DIR, '.', 1)) return;
    if (cookie < 2 && !emit(st.ino, DT_DIR, '..', 2)) return;
    for (let i = Math.max(cookie - 2, 0); i < dir.listing.length; i++) {
      const { name, type } = dir.listing[i] as Listed;
      if (!emit(etfs.inoBelow(dir, name), type === VDIR ? DT_DIR : DT_REG, name, i + 3)) return;
    }
  },

  getattr(vp: Vnode, st: Stat): void {
    const node = nodeOf(vp);
    const { fsid, vfs } = vp.mp as Mount;
    st.dev = fsid;
    st.ino = node.ino;
    st.mode = typeToMode(vp.type) | (vp.type === VREG || vp.type === VDIR ? 0o755 : 0o666);
    st.nlink = vp.type === VDIR ? 2 : 1;
    st.uid = st.gid = st.flags = st.gen = 0;
    st.rdev = node.rdev;
    st.size = node.size;
    st.blksize = 4096;
    st.blocks = Math.ceil(node.size / 512);
    const boot = vfs.k.boottime;
    st.atime = st.mtime = st.ctime = st.birthtime = boot.sec;
    st.atimeNsec = st.mtimeNsec = st.ctimeNsec = st.birthtimeNsec = boot.nsec;
  },

  /** What the host says, EACCES for one. */
  open(vp: Vnode, flag: number, l: Lwp): void {
    const node = nodeOf(vp);
    if (vp.type !== VREG) return;
    if (node.file === undefined) node.file = openHost(l.k, node.hostpath, false);
    if ((flag & FWRITE) !== 0 && !node.file.writable) {
      if (node.opens === 0) closeHost(node);
      throw ERR.EACCES;
    }
    node.opens++;
  },

  close(vp: Vnode): void {
    const node = nodeOf(vp);
    if (vp.type === VREG && --node.opens === 0) closeHost(node);
  },

  /** The length stays what it was when the name was made; O_TRUNC changes nothing. EPERM: owner, mode, flags are the host's. */
  setattr(_vp, va): void {
    if (va.mode !== -1 || va.uid !== -1 || va.gid !== -1 || va.flags !== -1) throw ERR.EPERM;
  },

  read(vp: Vnode, uio: Uio, _ioflag: number, l: Lwp): void {
    const node = nodeOf(vp);
    const file = node.file as HostFile;
    while (uio.resid > 0 && uio.offset < node.size) {
      const off = uio.offset;
      const len = Math.min(uio.resid, node.size - off, CHUNK);
      const data = transfer(l, len, off, undefined, (buf, done) => file.read(buf, node.begin + off, done));
      if (data.length === 0) return;
      uio.move(data, 0, data.length);
    }
  },

  /** EFBIG: beyond the length that it was registered with. */
  write(vp: Vnode, uio: Uio, ioflag: number, l: Lwp): void {
    const node = nodeOf(vp);
    const file = node.file as HostFile;
    if ((ioflag & IO_APPEND) !== 0) uio.offset = node.size;
    while (uio.resid > 0) {
      const off = uio.offset;
      const src = uio.peek(Math.min(node.size - off, CHUNK));
      if (off >= node.size || src === undefined) throw ERR.EFBIG;
      const moved = transfer(
        l,
        src.length,
        off,
        (buf) => buf.set(src),
        (buf, done) => file.write(buf, node.begin + off, done),
      ).length;
      if (moved === 0) throw ERR.EIO;
      uio.skip(moved);
    }
  },

  fsync(vp: Vnode, _dataOnly: boolean, _off: number, _len: number, l: Lwp): void {
    const { file } = nodeOf(vp);
    if (file !== undefined) transfer(l, 0, 0, undefined, (_buf, done) => file.flush(done));
  },

  reclaim(vp: Vnode): void {
    closeHost(nodeOf(vp));
  },
};

const specOps: VnodeOps = { ...ops, ...specfs, setattr: ops.setattr };

function closeHost(node: HostNode): void {
  node.file?.close();
  node.file = undefined;
}
