/**
 * `fs` on byte strings: paths and names as they are on disk, whatever their encoding (one code unit 0..255 a byte, see lib/bytes).
 *
 * The host's `fs` and ukfs are both seen through this, so that a copy keeps names that are no UTF-8.
 */
import type { MakeDirectoryOptions, RmOptions, Stats } from 'node:fs';
import type hostFs from 'node:fs';
import { bytesOf, bytestrOf, isAscii } from '@anykernel/lib-bytes';

/** Nanoseconds since 1970. */
export interface Times {
  readonly atime: bigint;
  readonly mtime: bigint;
}

/** What commands use. Every path and name is a byte string. */
export interface Fs {
  /** Names in the order of their bytes. */
  readdir(path: string): string[];
  lstat(path: string): Stats;
  /** undefined: there is no such name. */
  peek(path: string): Stats | undefined;
  /** As peek(), of what a symbolic link means. */
  peekThrough(path: string): Stats | undefined;
  stat(path: string): Stats;
  readlink(path: string): string;
  open(path: string, flags: string, mode?: number): number;
  close(fd: number): void;
  read(fd: number, buf: Uint8Array, off: number, len: number, position: number | null): number;
  write(fd: number, buf: Uint8Array, off: number, len: number, position: number | null): number;
  fsync(fd: number): void;
  mkdir(path: string, options: MakeDirectoryOptions): void;
  rmdir(path: string): void;
  unlink(path: string): void;
  rename(from: string, to: string): void;
  link(from: string, to: string): void;
  symlink(target: string, path: string): void;
  chmod(path: string, mode: number): void;
  chown(path: string, uid: number, gid: number): void;
  lchown(path: string, uid: number, gid: number): void;
  /** Access and modification time of a name itself, in nanoseconds since 1970. */
  times(path: string): Times;
  /** Sets them; the host's `fs` takes microseconds. */
  utimes(path: string, times: Times): void;
  lutimes(path: string, times: Times): void;
  truncate(path: string, len: number): void;
  rm(path: string, options: RmOptions): void;
}

/** `fs` seen through byte strings. */
export function byteFs(fs: typeof hostFs): Fs {
  const at = (path: string): string | Buffer => (isAscii(path) ? path : Buffer.from(bytesOf(path)));
  return {
    readdir: (path) =>
      fs
        .readdirSync(at(path), { encoding: 'buffer' })
        .map((name) => bytestrOf(name))
        .sort(),
    lstat: (path) => fs.lstatSync(at(path)),
    peek: (path) => fs.lstatSync(at(path), { throwIfNoEntry: false }),
    peekThrough: (path) => fs.statSync(at(path), { throwIfNoEntry: false }),
    stat: (path) => fs.statSync(at(path)),
    readlink: (path) => bytestrOf(fs.readlinkSync(at(path), { encoding: 'buffer' })),
    open: (path, flags, mode) => fs.openSync(at(path), flags, mode),
    close: (fd) => fs.closeSync(fd),
    read: (fd, buf, off, len, position) => fs.readSync(fd, buf, off, len, position),
    write: (fd, buf, off, len, position) => fs.writeSync(fd, buf, off, len, position),
    fsync: (fd) => fs.fsyncSync(fd),
    mkdir: (path, options) => void fs.mkdirSync(at(path), options),
    rmdir: (path) => fs.rmdirSync(at(path)),
    unlink: (path) => fs.unlinkSync(at(path)),
    rename: (from, to) => fs.renameSync(at(from), at(to)),
    link: (from, to) => fs.linkSync(at(from), at(to)),
    symlink: (target, path) => fs.symlinkSync(at(target), at(path)),
    chmod: (path, mode) => fs.chmodSync(at(path), mode),
    chown: (path, uid, gid) => fs.chownSync(at(path), uid, gid),
    lchown: (path, uid, gid) => fs.lchownSync(at(path), uid, gid),
    times: (path) => {
      const st = fs.lstatSync(at(path), { bigint: true });
      return { atime: st.atimeNs, mtime: st.mtimeNs };
    },
    utimes: (path, { atime, mtime }) => fs.utimesSync(at(path), seconds(atime), seconds(mtime)),
    lutimes: (path, { atime, mtime }) => fs.lutimesSync(at(path), seconds(atime), seconds(mtime)),
    truncate: (path, len) => fs.truncateSync(at(path), len),
    rm: (path, options) => fs.rmSync(at(path), options),
  };
}

/** Seconds of which libuv, which cuts off what is below a microsecond, keeps all microseconds. A Date where they are negative: numbers are refused. */
function seconds(ns: bigint): number | Date {
  if (ns < 0n) return new Date(Number(ns / 1_000_000n));
  return Number(ns / 1000n) / 1e6 + 4e-7;
}
