/** The files of mapfs, and what can be done with them. */
import { ERR, IFTODT, NAME_MAX, type Stat } from '@anykernel/lib-sys';
import type { Cred, Uio } from '@anykernel/rumpkern';
import * as vfs from '@anykernel/rumpvfs';
import type { Componentname, EmitDirent, Mount, Vattr, Vnode } from '@anykernel/rumpvfs';

/** The largest file, in bytes. */
const FILE_MAX = 2 ** 40;

class MapFile {
  nlink = 1;
  size = 0;
  mtime = { sec: 0, nsec: 0 };
  ctime = { sec: 0, nsec: 0 };
  /** A directory's names, in the order in which they came, each with a number that is never used again. */
  readonly names = new Map<string, { readonly vp: Vnode; readonly place: number }>();
  lastPlace = 0;

  constructor(
    readonly ino: number,
    public mode: number,
    readonly uid: number,
    readonly gid: number,
    readonly bytes: vfs.Uobj,
    /** The directory that a directory is in. */
    readonly parent: Vnode | undefined,
  ) {}
}

/** One mounted mapfs. Its vnodes are its files: they live as long. */
export class Volume {
  readonly vnodes = new Set<Vnode>();
  readonly root: Vnode;
  #lastIno = 0;

  constructor(readonly mp: Mount) {
    this.root = this.make(vfs.VDIR, 0o755, 0, 0, undefined);
  }

  make(type: vfs.Vtype, mode: number, uid: number, gid: number, parent: Vnode | undefined): Vnode {
    const file = new MapFile(++this.#lastIno, mode, uid, gid, new vfs.Uobj(this.mp.vfs.k), parent);
    const vp = new vfs.Vnode(type, vnops, this.mp, file, file.ino);
    this.vnodes.add(vp);
    touch(vp);
    return vp;
  }
}

const fileOf = (vp: Vnode): MapFile => vp.data as MapFile;
const volumeOf = (vp: Vnode): Volume => (vp.mp as Mount).data as Volume;

function touch(vp: Vnode, mtime = true): void {
  const file = fileOf(vp);
  file.ctime = { ...(vp.mp as Mount).vfs.now() };
  if (mtime) file.mtime = file.ctime;
}

function make(dvp: Vnode, cnp: Componentname, va: Vattr): Vnode {
  if (cnp.name.length > NAME_MAX) throw ERR.ENAMETOOLONG;
  const vp = volumeOf(dvp).make(va.type, va.mode, va.uid, va.gid, dvp);
  fileOf(dvp).names.set(cnp.name, { vp, place: ++fileOf(dvp).lastPlace });
  touch(dvp);
  return vp;
}

function remove(dvp: Vnode, vp: Vnode, cnp: Componentname): void {
  if (fileOf(vp).names.size > 0) throw ERR.ENOTEMPTY;
  fileOf(dvp).names.delete(cnp.name);
  fileOf(vp).nlink = 0;
  touch(dvp);
  touch(vp, false);
}

function setattr(vp: Vnode, va: Vattr, cred: Cred): void {
  const file = fileOf(vp);
  // Files keep the owner who made them, and have no flags.
  if (va.flags !== vfs.VNOVAL || va.uid !== vfs.VNOVAL || va.gid !== vfs.VNOVAL) throw ERR.EOPNOTSUPP;
  if (va.size > FILE_MAX) throw ERR.EFBIG;
  if (va.mode !== vfs.VNOVAL) vfs.genfsCanChmod(cred, file.uid, file.gid, vp.type, va.mode);
  if (va.timesSet !== 0) vfs.genfsCanChtimes(vp, cred, file.uid, va.utimesNull);
  if (va.size !== vfs.VNOVAL && va.size < file.size) file.bytes.truncate(va.size);
  if (va.size !== vfs.VNOVAL) file.size = va.size;
  if (va.mode !== vfs.VNOVAL) file.mode = va.mode;
  touch(vp, va.size !== vfs.VNOVAL);
  if ((va.timesSet & 2) !== 0) file.mtime = { sec: va.mtime, nsec: va.mtimeNsec };
}

function getattr(vp: Vnode, st: Stat): void {
  const file = fileOf(vp);
  const { mtime, ctime } = file;
  Object.assign(st, {
    dev: (vp.mp as Mount).fsid,
    ino: file.ino,
    nlink: file.nlink,
    uid: file.uid,
    gid: file.gid,
    rdev: 0,
    flags: 0,
    gen: 1,
  });
  Object.assign(st, { mode: vfs.typeToMode(vp.type) | file.mode, size: file.size, blocks: file.bytes.pages * 8, blksize: 4096 });
  Object.assign(st, { atime: mtime.sec, atimeNsec: mtime.nsec, mtime: mtime.sec, mtimeNsec: mtime.nsec });
  Object.assign(st, { ctime: ctime.sec, ctimeNsec: ctime.nsec, birthtime: ctime.sec, birthtimeNsec: ctime.nsec });
}

function write(vp: Vnode, uio: Uio, ioflag: number): void {
  const file = fileOf(vp);
  if (uio.resid === 0) return;
  if ((ioflag & vfs.IO_APPEND) !== 0) uio.offset = file.size;
  if (uio.offset >= FILE_MAX) throw ERR.EFBIG;
  file.bytes.write(uio, Math.min(uio.resid, FILE_MAX - uio.offset), file.size);
  file.size = Math.max(file.size, uio.offset);
  touch(vp);
}

/** What is not here, genfs refuses. */
export const vnops: vfs.VnodeOps = {
  ...vfs.genfs,
  name: 'mapfs',
  lookup(dvp: Vnode, cnp: Componentname): Vnode | undefined {
    if (cnp.name.length > NAME_MAX) throw ERR.ENAMETOOLONG;
    return cnp.name === '..' ? fileOf(dvp).parent : fileOf(dvp).names.get(cnp.name)?.vp;
  },
  create: make,
  mkdir: make,
  remove,
  rmdir: remove,
  getattr,
  setattr,
  readdir(dvp: Vnode, cookie: number, emit: EmitDirent): void {
    for (const [name, { vp, place }] of fileOf(dvp).names)
      if (place > cookie && !emit(fileOf(vp).ino, IFTODT(vfs.typeToMode(vp.type)), name, place)) return;
  },
  read: (vp: Vnode, uio: Uio): void => fileOf(vp).bytes.read(uio, fileOf(vp).size),
  write,
  inactive: (vp: Vnode): boolean => fileOf(vp).nlink === 0,
  reclaim(vp: Vnode): void {
    fileOf(vp).bytes.drop();
    volumeOf(vp).vnodes.delete(vp);
  },
};
