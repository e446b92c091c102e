/** What the cases do with files, on anything that has them: a kernel's system calls, and the `fs` of the peers. */
import nodeFs from 'node:fs';
import { O_CREAT, O_RDWR, O_TRUNC } from '@anykernel/lib-sys';
import type { Sys } from '@anykernel/rumpkern';

/** Synchronous file operations, at the lowest level that a subject offers. */
export interface Files {
  stat(path: string): void;
  open(path: string): number;
  create(path: string): number;
  close(fd: number): void;
  unlink(path: string): void;
  mkdir(path: string): void;
  read(fd: number, buf: Uint8Array, off: number): number;
  write(fd: number, buf: Uint8Array, off: number): number;
  truncate(path: string, len: number): void;
  fsync(fd: number): void;
}

/** A kernel, at its system call interface. */
export function sysFiles(sys: Sys): Files {
  return {
    stat: (path) => void sys.stat(path),
    open: (path) => sys.open(path, O_RDWR),
    create: (path) => sys.open(path, O_CREAT | O_TRUNC | O_RDWR, 0o644),
    close: (fd) => sys.close(fd),
    unlink: (path) => sys.unlink(path),
    mkdir: (path) => sys.mkdir(path, 0o755),
    read: (fd, buf, off) => sys.pread(fd, buf, off),
    write: (fd, buf, off) => sys.pwrite(fd, buf, off),
    truncate: (path, len) => sys.truncate(path, len),
    fsync: (fd) => sys.fsync(fd),
  };
}

/** The `fs` of Node and of those that have its shape. */
export function fsFiles(fs: typeof nodeFs, root: string): Files {
  const at = (path: string): string => root + path;
  return {
    stat: (path) => void fs.statSync(at(path)),
    open: (path) => fs.openSync(at(path), 'r+'),
    create: (path) => fs.openSync(at(path), 'w+'),
    close: (fd) => fs.closeSync(fd),
    unlink: (path) => fs.unlinkSync(at(path)),
    mkdir: (path) => fs.mkdirSync(at(path)),
    read: (fd, buf, off) => fs.readSync(fd, buf, 0, buf.length, off),
    write: (fd, buf, off) => fs.writeSync(fd, buf, 0, buf.length, off),
    truncate: (path, len) => fs.truncateSync(at(path), len),
    fsync: (fd) => fs.fsyncSync(fd),
  };
}

/** The same files below another directory. */
export function prefixed(f: Files, prefix: string): Files {
  return {
    ...f,
    stat: (path) => f.stat(prefix + path),
    open: (path) => f.open(prefix + path),
    create: (path) => f.create(prefix + path),
    unlink: (path) => f.unlink(prefix + path),
    mkdir: (path) => f.mkdir(prefix + path),
    truncate: (path, len) => f.truncate(prefix + path, len),
  };
}
