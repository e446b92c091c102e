/**
 * The system calls of one actor on the host: node:fs where it passes a call on as it is, and perl (syscall.ts) where not.
 *
 * The working directory is an open descriptor. Each call goes there, takes the actor's ids and umask, and returns to what was. So this needs
 * the superuser, and a thread that may change its directory: the main thread of a process.
 */
import fs from 'node:fs';
import {
  AT_FDCWD,
  AT_REMOVEDIR,
  AT_SYMLINK_FOLLOW,
  AT_SYMLINK_NOFOLLOW,
  type Stat,
  type Statvfs,
  type Timespec,
  UTIME_NOW,
  UTIME_OMIT,
  _PC_NAME_MAX,
} from '@anykernel/lib-sys';
import { type Actor, NotExpressible, type SuiteSys } from '../subject.js';
import { emitHostDirents, hostPath, openFlags, pathBytes, statOf, statvfsOf, toHostDev } from './convert.js';
import { FD, type HostArg, type HostCall, type HostCalls, HostError, type HostResult } from './syscall.js';

type Path = string | Uint8Array;

const LINUX_AT_FDCWD = -100;
const LINUX_NOFOLLOW = 0x100;
const LINUX_FOLLOW = 0x400;
const LINUX_NOW = 0x3fffffff;
const LINUX_OMIT = 0x3ffffffe;
const KEEP_SIZE_AND_PUNCH = 3;

export class HostSys implements SuiteSys {
  readonly #actor: Actor;
  readonly #calls: HostCalls;
  readonly #home: string;
  readonly #groups: readonly number[];
  #umask = 0o022;
  #cwd: number;
  readonly #fds = new Set<number>();
  readonly #places = new Map<number, bigint>();

  constructor(actor: Actor, dir: string, calls: HostCalls) {
    this.#actor = actor;
    this.#calls = calls;
    this.#home = process.cwd();
    this.#groups = process.getgroups?.() ?? [];
    this.#cwd = fs.openSync(dir, fs.constants.O_RDONLY);
  }

  /** Ends the process. */
  exit(): void {
    for (const fd of this.#fds) fs.closeSync(fd);
    this.#fds.clear();
    fs.closeSync(this.#cwd);
  }

  /** Runs `fn` as the actor, in its working directory or in that of `dirfd`. */
  #as<T>(fn: () => T, dirfd: number = AT_FDCWD): T {
    if (dirfd !== AT_FDCWD) fs.fstatSync(dirfd);
    process.chdir(`/proc/self/fd/${dirfd === AT_FDCWD ? this.#cwd : dirfd}`);
    const umask = process.umask(this.#umask);
    const { uid, gid, groups = [] } = this.#actor;
    if (uid !== 0) {
      process.setgroups?.([...groups]);
      process.setegid?.(gid);
      process.seteuid?.(uid);
    }
    try {
      return fn();
    } finally {
      if (uid !== 0) {
        process.seteuid?.(0);
        process.setegid?.(0);
        process.setgroups?.([...this.#groups]);
      }
      process.umask(umask);
      process.chdir(this.#home);
    }
  }

  #call(call: HostCall, args: readonly HostArg[], fd?: number, real = false, dirfd: number = AT_FDCWD): HostResult {
    const { uid, gid, groups = [] } = this.#actor;
    const who = { uid, gid, groups, umask: this.#umask, cwd: dirfd === AT_FDCWD ? this.#cwd : dirfd };
    return this.#calls.call(who, call, args, fd, real);
  }

  #opened(fd: number): number {
    this.#fds.add(fd);
    return fd;
  }

  open(path: Path, flags: number, mode?: number): number {
    return this.openat(AT_FDCWD, path, flags, mode);
  }
  openat(dirfd: number, path: Path, flags: number, mode = 0): number {
    return this.#opened(this.#as(() => fs.openSync(hostPath(path), openFlags(flags), mode), dirfd));
  }
  close(fd: number): void {
    fs.closeSync(fd);
    this.#fds.delete(fd);
  }

  read(fd: number, buf: Uint8Array): number {
    if (!ArrayBuffer.isView(buf)) throw new NotExpressible('read into no buffer');
    return fs.readSync(fd, buf, 0, buf.length, null);
  }
  write(fd: number, buf: Uint8Array): number {
    return this.#as(() => fs.writeSync(fd, buf, 0, buf.length, null));
  }
  readv(fd: number, bufs: readonly Uint8Array[]): number {
    return fs.readvSync(fd, bufs);
  }
  writev(fd: number, bufs: readonly Uint8Array[]): number {
    return fs.writevSync(fd, bufs);
  }
  pread(fd: number, buf: Uint8Array, off: number): number {
    if (off < 0) return this.#call('pread64', [FD, { fill: buf.length }, buf.length, off], fd).result;
    return fs.readSync(fd, buf, 0, buf.length, off);
  }
  pwrite(fd: number, buf: Uint8Array, off: number): number {
    if (off < 0) return this.#call('pwrite64', [FD, buf, buf.length, off], fd).result;
    return fs.writeSync(fd, buf, 0, buf.length, off);
  }
  /** Places in directories of ext4 have more bits than numbers; they are kept here, and given out rounded. */
  lseek(fd: number, off: number, whence: number): number {
    const { result, exact } = this.#call('lseek', [FD, this.#places.get(off) ?? off, whence], fd);
    if (!Number.isSafeInteger(result)) this.#places.set(result, exact);
    return result;
  }
  truncate(path: Path, len: number): void {
    this.#call('truncate', [pathBytes(path), len]);
  }
  ftruncate(fd: number, len: number): void {
    this.#call('ftruncate', [FD, len], fd);
  }
  posix_fallocate(fd: number, off: number, len: number): void {
    this.#call('fallocate', [FD, 0, off, len], fd);
  }
  fdiscard(fd: number, off: number, len: number): void {
    this.#call('fallocate', [FD, KEEP_SIZE_AND_PUNCH, off, len], fd);
  }
  fsync(fd: number): void {
    fs.fsyncSync(fd);
  }
  fdatasync(fd: number): void {
    fs.fdatasyncSync(fd);
  }
  sync(): void {
    this.#call('sync', []);
  }

  stat(path: Path, st?: Stat): Stat {
    return this.fstatat(AT_FDCWD, path, st, 0);
  }
  lstat(path: Path, st?: Stat): Stat {
    return this.fstatat(AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
  }
  fstat(fd: number, st?: Stat): Stat {
    return statOf(fs.fstatSync(fd, { bigint: true }), st);
  }
  fstatat(dirfd: number, path: Path, st?: Stat, flag = 0): Stat {
    const stat = (flag & AT_SYMLINK_NOFOLLOW) !== 0 ? fs.lstatSync : fs.statSync;
    return statOf(
      this.#as(() => stat(hostPath(path), { bigint: true }), dirfd),
      st,
    );
  }
  access(path: Path, mode: number): void {
    this.faccessat(AT_FDCWD, path, mode);
  }
  faccessat(dirfd: number, path: Path, mode: number): void {
    this.#call('faccessat', [LINUX_AT_FDCWD, pathBytes(path), mode], undefined, true, dirfd);
  }
  /** Linux tells the longest name by statfs(2) alone; the others are the C library's. */
  pathconf(path: Path, name: number): number {
    if (name !== _PC_NAME_MAX) {
      this.stat(path);
      throw new HostError('EINVAL', 'pathconf');
    }
    return this.statvfs1(path, 1).namemax;
  }
  chmod(path: Path, mode: number): void {
    this.#as(() => fs.chmodSync(hostPath(path), mode));
  }
  fchmod(fd: number, mode: number): void {
    this.#as(() => fs.fchmodSync(fd, mode));
  }
  chown(path: Path, uid: number, gid: number): void {
    this.#as(() => fs.chownSync(hostPath(path), uid, gid));
  }
  lchown(path: Path, uid: number, gid: number): void {
    this.#as(() => fs.lchownSync(hostPath(path), uid, gid));
  }
  fchown(fd: number, uid: number, gid: number): void {
    this.#as(() => fs.fchownSync(fd, uid, gid));
  }
  chflags(): void {
    throw new NotExpressible('chflags');
  }
  utimensat(dirfd: number, path: Path, times?: readonly [Timespec, Timespec], flag = 0): void {
    const nofollow = (flag & AT_SYMLINK_NOFOLLOW) !== 0 ? LINUX_NOFOLLOW : 0;
    this.#call('utimensat', [LINUX_AT_FDCWD, pathBytes(path), timespecs(times), nofollow], undefined, false, dirfd);
  }
  futimens(fd: number, times?: readonly [Timespec, Timespec]): void {
    this.#call('utimensat', [FD, 0, timespecs(times), 0], fd);
  }
  umask(mask: number): number {
    const before = this.#umask;
    this.#umask = mask;
    return before;
  }

  link(from: Path, to: Path): void {
    this.#as(() => fs.linkSync(hostPath(from), hostPath(to)));
  }
  linkat(fromfd: number, from: Path, tofd: number, to: Path, flag = 0): void {
    if (fromfd !== AT_FDCWD || tofd !== AT_FDCWD) throw new NotExpressible('linkat from a descriptor');
    if ((flag & AT_SYMLINK_FOLLOW) === 0) this.link(from, to);
    else this.#call('linkat', [LINUX_AT_FDCWD, pathBytes(from), LINUX_AT_FDCWD, pathBytes(to), LINUX_FOLLOW]);
  }
  unlink(path: Path): void {
    this.unlinkat(AT_FDCWD, path);
  }
  unlinkat(dirfd: number, path: Path, flag = 0): void {
    const remove = (flag & AT_REMOVEDIR) !== 0 ? fs.rmdirSync : fs.unlinkSync;
    this.#as(() => remove(hostPath(path)), dirfd);
  }
  rename(from: Path, to: Path): void {
    this.#as(() => fs.renameSync(hostPath(from), hostPath(to)));
  }
  /** By the superuser, whom nothing hinders in /proc. */
  renameat(fromfd: number, from: Path, tofd: number, to: Path): void {
    if (typeof to !== 'string') throw new NotExpressible('renameat to bytes');
    const target = fromfd === tofd ? to : `/proc/self/fd/${tofd === AT_FDCWD ? this.#cwd : tofd}/${to}`;
    this.#as(() => fs.renameSync(hostPath(from), target), fromfd);
  }
  symlink(target: Path, path: Path): void {
    this.symlinkat(target, AT_FDCWD, path);
  }
  symlinkat(target: Path, dirfd: number, path: Path): void {
    this.#as(() => fs.symlinkSync(hostPath(target), hostPath(path)), dirfd);
  }
  readlink(path: Path, buf: Uint8Array): number {
    return this.readlinkat(AT_FDCWD, path, buf);
  }
  readlinkat(dirfd: number, path: Path, buf: Uint8Array): number {
    const target = this.#as(() => fs.readlinkSync(hostPath(path), 'buffer'), dirfd);
    const part = target.subarray(0, buf.length);
    buf.set(part);
    return part.length;
  }
  mkdir(path: Path, mode: number): void {
    this.mkdirat(AT_FDCWD, path, mode);
  }
  mkdirat(dirfd: number, path: Path, mode: number): void {
    this.#as(() => fs.mkdirSync(hostPath(path), mode), dirfd);
  }
  rmdir(path: Path): void {
    this.#as(() => fs.rmdirSync(hostPath(path)));
  }
  mkfifo(path: Path, mode: number): void {
    this.#call('mknodat', [LINUX_AT_FDCWD, pathBytes(path), 0o010000 | mode, 0]);
  }
  mknod(path: Path, mode: number, dev: number): void {
    this.#call('mknodat', [LINUX_AT_FDCWD, pathBytes(path), mode, toHostDev(dev)]);
  }
  getdents(fd: number, buf: Uint8Array): number {
    const { result, filled } = this.#call('getdents64', [FD, { fill: buf.length }, buf.length], fd);
    return emitHostDirents(filled[0] as Uint8Array, result, buf);
  }

  chdir(path: Path): void {
    this.#goTo(() => process.chdir(hostPath(path).toString()));
  }
  fchdir(fd: number): void {
    this.#goTo(() => process.chdir(`/proc/self/fd/${fd}`));
  }
  #goTo(go: () => void): void {
    const link = this.#as(() => {
      go();
      process.seteuid?.(0);
      return fs.openSync('.', fs.constants.O_RDONLY);
    });
    fs.closeSync(this.#cwd);
    this.#cwd = link;
  }
  getcwd(buf: Uint8Array): number {
    const path = new TextEncoder().encode(`${this.#as(() => process.cwd())}\0`);
    if (path.length > buf.length) throw new HostError('ERANGE', 'getcwd');
    buf.set(path);
    return path.length;
  }

  statvfs1(path: Path, _flags: number): Statvfs {
    return statvfsOf(this.#call('statfs', [pathBytes(path), { fill: 120 }]).filled[0] as Uint8Array);
  }
  fstatvfs1(fd: number, _flags: number): Statvfs {
    return statvfsOf(this.#call('fstatfs', [FD, { fill: 120 }], fd).filled[0] as Uint8Array);
  }
  getfh(): Uint8Array {
    throw new NotExpressible('getfh');
  }
  fhopen(): number {
    throw new NotExpressible('fhopen');
  }
  fhstat(): Stat {
    throw new NotExpressible('fhstat');
  }
  setxattr(path: Path, name: Path, value: Uint8Array, flag = 0): void {
    this.#call('setxattr', [pathBytes(path), pathBytes(name), value, value.length, flag]);
  }
  getxattr(path: Path, name: Path, buf?: Uint8Array): number {
    const { result, filled } = this.#call('getxattr', [pathBytes(path), pathBytes(name), { fill: buf?.length ?? 0 }, buf?.length ?? 0]);
    buf?.set((filled[0] as Uint8Array).subarray(0, result));
    return result;
  }
  listxattr(path: Path, buf?: Uint8Array): number {
    const { result, filled } = this.#call('listxattr', [pathBytes(path), { fill: buf?.length ?? 0 }, buf?.length ?? 0]);
    buf?.set((filled[0] as Uint8Array).subarray(0, result));
    return result;
  }
  removexattr(path: Path, name: Path): void {
    this.#call('removexattr', [pathBytes(path), pathBytes(name)]);
  }
  fcntl(): number {
    throw new NotExpressible('fcntl');
  }
  flock(fd: number, op: number): void {
    this.#call('flock', [FD, op], fd);
  }
}

/** Two struct timespec. The present time for both is no structure at all. */
function timespecs(times: readonly [Timespec, Timespec] | undefined): HostArg {
  if (times === undefined) return 0;
  const raw = new Uint8Array(32);
  const view = new DataView(raw.buffer);
  times.forEach(({ sec, nsec }, i) => {
    view.setBigInt64(i * 16, BigInt(sec), true);
    view.setBigInt64(i * 16 + 8, BigInt(nsec === UTIME_NOW ? LINUX_NOW : nsec === UTIME_OMIT ? LINUX_OMIT : nsec), true);
  });
  return raw;
}
