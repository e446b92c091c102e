/**
 * Vnodes: what the kernel knows of a file while it uses it, and the operations of a file system upon it.
 *
 * Who holds whom. A system call runs to its end without interruption, so a vnode that was found stays valid until the call ends and
 * needs no reference. Whatever keeps it longer (an open file, a current directory, a mount) holds one: hold() and rele(). The last rele()
 * of a file without a name ends it (`inactive`). Vnodes without references stay cached; they are reclaimed between calls, never within.
 *
 * Names are byte strings: one code unit per byte.
 */
import type { Cred, File, Klist, Knote, Lwp, Uio } from '@anykernel/rumpkern';
import type { Flock, Stat } from '@anykernel/lib-sys';
import type { Mount } from './mount.js';
import type { Uobj } from './uobj.js';

/** Vnode types; the values are NetBSD's `enum vtype`. */
export const VNON = 0;
export const VREG = 1;
export const VDIR = 2;
export const VBLK = 3;
export const VCHR = 4;
export const VLNK = 5;
export const VSOCK = 6;
export const VFIFO = 7;
export const VBAD = 8;
export type Vtype = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** access(): what is wanted, as permission bits. */
export const VEXEC = 1;
export const VWRITE = 2;
export const VREAD = 4;

/** What an attribute is in a Vattr that does not speak of it. */
export const VNOVAL = -1;

/** Attributes to set, or of a file to be made. Each is VNOVAL where it does not matter. One shape. */
export class Vattr {
  type: Vtype = VNON;
  /** Permission bits 07777. */
  mode = VNOVAL;
  uid = VNOVAL;
  gid = VNOVAL;
  size = VNOVAL;
  rdev = VNOVAL;
  flags = VNOVAL;
  /** Seconds; the nanoseconds count where the seconds are not VNOVAL (a time before 1970 has `timesSet`). */
  atime = VNOVAL;
  atimeNsec = 0;
  mtime = VNOVAL;
  mtimeNsec = 0;
  birthtime = VNOVAL;
  birthtimeNsec = 0;
  /** Which of atime 1, mtime 2, birthtime 4 are to be set. */
  timesSet = 0;
  /** The times were asked for as "now": whoever may write the file may set them. */
  utimesNull = false;

  /** Speaks of nothing again. */
  clear(): this {
    this.type = VNON;
    this.mode = this.uid = this.gid = this.size = this.rdev = this.flags = VNOVAL;
    this.atime = this.mtime = this.birthtime = VNOVAL;
    this.atimeNsec = this.mtimeNsec = this.birthtimeNsec = 0;
    this.timesSet = 0;
    this.utimesNull = false;
    return this;
  }
}

/** What a lookup is for. */
export type Nameiop = 'lookup' | 'create' | 'delete' | 'rename';

/** One component of a path on its way through lookup() and the operation after it. */
export class Componentname {
  nameiop: Nameiop = 'lookup';
  /** The last component: the operation applies to it. */
  isLast = false;
  /** The component. Never empty, never `.`; `..` is asked of the file system. Its length is checked against nothing yet. */
  name = '';
  /** Bytes of `rest` that lookup() took as part of the name. */
  consume = 0;
  /** The file system's own, from lookup() to the operation that follows on the same directory: where the entry is, or where one fits. */
  hint = 0;
  hint2 = 0;
  /** The path that is being walked, and where what follows the component begins in it. */
  path = '';
  restAt = 0;
  constructor(public cred: Cred) {}

  /** What follows in the path, without the slash; a file system may take it in by setting `consume`. */
  get rest(): string {
    return this.path.slice(this.restAt);
  }
}

/** Gives one directory entry; returns whether it wants more. `next` is the cookie of the entry after it. */
export type EmitDirent = (ino: number, dtype: number, name: string, next: number) => boolean;

/** An extent of a file on its device, from bmap(). */
export class Run {
  /** Device block (in file system blocks) of the first one; -1: a hole. */
  blkno = -1;
  /** Blocks that follow each other on the device (or are holes), at least 1. */
  count = 1;
}

/**
 * What a file system does. `...genfs` supplies what is common; what is left out of an ops table refuses with the error named there.
 *
 * Calls come checked by the layer: names are not `.`, the directory is one and may be searched or written by the credentials, the mount
 * is not read-only for operations that write, both names of link() and rename() are on one mount, a directory is not moved into itself.
 * A Vattr for a new file has type, mode, uid and gid filled in. Vattr and Componentname are the layer's, and used again after the call.
 * An operation that fails, or sleeps, has changed nothing.
 */
export interface VnodeOps {
  readonly name: string;
  /** The vnode named `cnp.name` in `dvp`, or undefined. ENAMETOOLONG, EIO. */
  lookup(dvp: Vnode, cnp: Componentname): Vnode | undefined;
  /** Makes a regular file (or socket). ENOSPC, EDQUOT, EIO, ENAMETOOLONG. */
  create(dvp: Vnode, cnp: Componentname, va: Vattr): Vnode;
  mknod(dvp: Vnode, cnp: Componentname, va: Vattr): Vnode;
  mkdir(dvp: Vnode, cnp: Componentname, va: Vattr): Vnode;
  /** `target` is a byte string. */
  symlink(dvp: Vnode, cnp: Componentname, va: Vattr, target: string): Vnode;
  /** EMLINK. */
  link(dvp: Vnode, vp: Vnode, cnp: Componentname): void;
  /** Takes the name; the file lives on while it is held. */
  remove(dvp: Vnode, vp: Vnode, cnp: Componentname): void;
  /** ENOTEMPTY. */
  rmdir(dvp: Vnode, vp: Vnode, cnp: Componentname): void;
  /** Replaces `tvp`, which is of a fitting type. ENOTEMPTY, EMLINK, ENOSPC. */
  rename(fdvp: Vnode, fvp: Vnode, fcnp: Componentname, tdvp: Vnode, tvp: Vnode | undefined, tcnp: Componentname): void;
  /** The target as a byte string. */
  readlink(vp: Vnode, l: Lwp): string;
  /** Entries from `cookie` on (0: the first), `.` and `..` among them. EINVAL: no such cookie. */
  readdir(vp: Vnode, cookie: number, emit: EmitDirent): void;

  /** A device each of whose opens is an object of its own: the open file, instead of one of the node. undefined: it is none. */
  clone?(vp: Vnode, flag: number, l: Lwp): File | undefined;
  open(vp: Vnode, flag: number, l: Lwp): void;
  close(vp: Vnode, flag: number, l: Lwp): void;
  /** EACCES, EPERM (immutable). `mode`: VREAD, VWRITE, VEXEC. */
  access(vp: Vnode, mode: number, cred: Cred): void;
  /** Fills in everything. `st.mode` has the type bits. */
  getattr(vp: Vnode, st: Stat): void;
  /** Whoever may is checked here, since only the file system knows its owners. EPERM, EACCES, EFBIG, ENOSPC, EINVAL, EOPNOTSUPP. */
  setattr(vp: Vnode, va: Vattr, cred: Cred): void;
  /** From uio.offset, up to the end of the file. EISDIR is said by the layer. */
  read(vp: Vnode, uio: Uio, ioflag: number, l: Lwp): void;
  /** At uio.offset, or with IO_APPEND at the end; grows the file. EFBIG, ENOSPC. */
  write(vp: Vnode, uio: Uio, ioflag: number, l: Lwp): void;
  /** ENOTTY. */
  ioctl(vp: Vnode, cmd: number, data: Uint8Array | undefined, flag: number, l: Lwp): number;
  /** `flag` is the open file's: only the sides that it has count. */
  poll(vp: Vnode, events: number, l: Lwp, flag: number): number;
  kqfilter(vp: Vnode, kn: Knote): void;
  /** What was written is on the device. `dataOnly`: times may be left out. `len` 0: to the end. */
  fsync(vp: Vnode, dataOnly: boolean, off: number, len: number, l: Lwp): void;
  /** Blocks for `len` bytes from `off`, without a change of what is read. EOPNOTSUPP. */
  fallocate(vp: Vnode, off: number, len: number): void;
  /** A hole. EOPNOTSUPP. */
  fdiscard(vp: Vnode, off: number, len: number): void;
  /** The value for one of _PC_*. EINVAL. */
  pathconf(vp: Vnode, name: number): number;
  advlock(vp: Vnode, owner: object, op: number, fl: Flock, wait: boolean, l: Lwp): void;
  /**
   * `ns`: EXTATTR_NAMESPACE_USER or _SYSTEM; the permission of it is checked by the layer. ENOATTR: undefined. EOPNOTSUPP.
   * A name of the user namespace is bare (`mime`, which is setxattr's `user.mime`); one of the system namespace has its full name
   * (`trusted.x`, `security.x`, `system.x`).
   */
  getextattr(vp: Vnode, ns: number, name: string): Uint8Array | undefined;
  setextattr(vp: Vnode, ns: number, name: string, value: Uint8Array): void;
  /** ENOATTR. */
  deleteextattr(vp: Vnode, ns: number, name: string): void;
  listextattr(vp: Vnode, ns: number): string[];
  /** Where block `lbn` of the file is on the device, and how many follow it. Used by the file data cache. */
  bmap(vp: Vnode, lbn: number, run: Run): void;
  /** The last reference is gone. True: the file has no name and is gone with it; the vnode will be reclaimed at once. */
  inactive(vp: Vnode): boolean;
  /** The vnode is taken back: forget it. */
  reclaim(vp: Vnode): void;
  /** It is taken away while it may be open: what its opens hold goes. After reclaim(); it never sleeps. */
  abandon(vp: Vnode): void;
}

/** IO_* flags of read and write: the status flags of the open file, O_*, that matter to them. */
export const IO_NDELAY = 0x04;
export const IO_APPEND = 0x08;
export const IO_SYNC = 0x80;
export const IO_DSYNC = 0x1_0000;
/** To a pipe that nobody reads: no SIGPIPE. */
export const IO_NOSIGPIPE = 0x100_0000;

export class Vnode {
  /** References from outside of the current call. */
  usecount = 0;
  /** Opens for writing. */
  writecount = 0;
  /** The mount on this directory. */
  mountedHere: Mount | undefined = undefined;
  /** The root of its file system. */
  isRoot = false;
  /** A directory without a name, from rmdir on: nothing is in it, and nothing comes into it. */
  removed = false;
  /** Used since the reclaimer last came by. */
  recent = true;
  /** Cached data, of file systems that use the file data cache. */
  uobj: Uobj | undefined = undefined;
  /** Names in this directory that were looked up: the first one's slot in the name cache; -1: none. The name cache's. */
  names = -1;
  /** The next vnode of its chain, and its neighbours by age. The vnode cache's. */
  chain: Vnode | undefined = undefined;
  older: Vnode | undefined = undefined;
  younger: Vnode | undefined = undefined;
  /** Device number of a device node. */
  rdev = 0;
  /** The device's, the fifo's, the socket's own. */
  special: unknown = undefined;
  /** Knotes of EVFILT_VNODE, READ, WRITE. */
  knotes: Klist | undefined = undefined;
  /** Advisory locks. */
  lockf: unknown = undefined;

  constructor(
    public type: Vtype,
    /** Changes to deadfs's on revoke and forced unmount. */
    public ops: VnodeOps,
    public mp: Mount | undefined,
    /** The file system's own. */
    public data: unknown,
    /** The file system's number for it, by which vget() finds it; -1: not kept there. */
    readonly key: number = -1,
  ) {}

  hold(): this {
    this.usecount++;
    return this;
  }

  rele(): void {
    if (--this.usecount === 0) vinactive(this);
  }
}

/**
 * Ends a file that has neither name nor reference: after rele(), and by the layer after remove, rmdir and rename. A vnode that has
 * references is left alone.
 */
export function vinactive(vp: Vnode): void {
  if (vp.usecount > 0 || vp.type === VBAD) return;
  if (vp.ops.inactive(vp)) vgone(vp);
}

/** Takes a vnode from its file system; who still holds it has a dead one. */
export function vgone(vp: Vnode): void {
  vp.mp?.forget(vp);
}
