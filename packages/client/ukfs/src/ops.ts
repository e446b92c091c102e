/**
 * The table of `fs`: which operations there are, by Node's names. The three forms (synchronous, callback, promise) are made from it.
 */
import type { Proc } from '@anykernel/rumpkern';
import { cp } from './cp.js';
import * as files from './files.js';
import * as paths from './paths.js';
import * as tree from './tree.js';

/** Operations which all three forms have. */
export const common = {
  access: paths.access,
  appendFile: files.appendFile,
  chmod: paths.chmod,
  chown: paths.chown,
  copyFile: paths.copyFile,
  cp,
  lchmod: paths.lchmod,
  lchown: paths.lchown,
  link: paths.link,
  lstat: paths.lstat,
  lutimes: paths.lutimes,
  mkdir: tree.mkdir,
  readdir: tree.readdir,
  readFile: files.readFile,
  readlink: paths.readlink,
  realpath: paths.realpath,
  rename: paths.rename,
  rm: tree.rm,
  rmdir: tree.rmdir,
  stat: paths.stat,
  statfs: paths.statfs,
  symlink: paths.symlink,
  truncate: paths.truncate,
  unlink: paths.unlink,
  utimes: files.utimes,
  writeFile: files.writeFile,
} as const;

/** Operations on descriptors, which the promise form has in its FileHandle. */
export const onDescriptors = {
  close: files.close,
  fchmod: files.fchmod,
  fchown: files.fchown,
  fdatasync: files.fdatasync,
  fstat: files.fstat,
  fsync: files.fsync,
  ftruncate: files.ftruncate,
  futimes: files.futimes,
  open: files.open,
  read: files.read,
  readv: files.readv,
  write: files.write,
  writev: files.writev,
} as const;

/** mkdtemp asks the kernel's host for randomness. */
export function mkdtempOf(p: Proc): (prefix: Parameters<typeof tree.mkdtemp>[1], options?: unknown) => ReturnType<typeof tree.mkdtemp> {
  return (prefix, options) => tree.mkdtemp(p, prefix, options);
}
