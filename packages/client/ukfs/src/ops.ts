/**
 * The tables of `fs`: which operations there are, by Node's names. The three forms (synchronous, callback, promise) are made from them.
 */
import { cp, cpPromised } from './cp.js';
import { opendir } from './dir.js';
import * as files from './files.js';
import { glob } from './glob.js';
import * as paths from './paths.js';
import type { Op, Runner } from './run.js';
import * as tree from './tree.js';
import * as whole from './whole.js';

export type AnyOp = (...args: never[]) => Op<unknown>;
export type Table = Readonly<Record<string, AnyOp>>;

/** Operations on names, which all three forms have. */
export const onNames = {
  access: paths.access,
  appendFile: whole.appendFile,
  chmod: paths.chmod,
  chown: paths.chown,
  copyFile: whole.copyFile,
  cp,
  lchown: paths.lchown,
  link: paths.link,
  lstat: paths.lstat,
  lutimes: paths.lutimes,
  mkdir: tree.mkdir,
  readdir: tree.readdir,
  readFile: whole.readFile,
  readlink: paths.readlink,
  realpath: paths.realpath,
  rename: paths.rename,
  rm: tree.rm,
  rmdir: tree.rmdir,
  stat: paths.stat,
  statfs: paths.statfs,
  symlink: paths.symlink,
  truncate: whole.truncate,
  unlink: paths.unlink,
  utimes: paths.utimes,
  writeFile: whole.writeFile,
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

/** What the forms that wait do otherwise: a signal ends them. */
const abortable = {
  appendFile: whole.appendFileAbortable,
  cp: cpPromised,
  readFile: whole.readFileAbortable,
  writeFile: whole.writeFileAbortable,
} as const;

/** What is made by plain calls in the usual case; undefined otherwise. */
export const QUICK: Readonly<Record<string, (runner: Runner, path: unknown, options?: never) => unknown>> = {
  readFile: whole.readFileQuickly,
  readdir: tree.readdirQuickly,
};

/** Those that need to know as whom they run. */
function own(runner: Runner) {
  return {
    glob,
    mkdtemp: (prefix: never, options?: unknown) => tree.mkdtemp(runner.p, prefix, options),
    opendir: (path: never, options?: never) => opendir(runner, path, options),
  } as const;
}

export function syncTable(runner: Runner): Table {
  return { ...onNames, ...onDescriptors, ...own(runner) };
}

export function callbackTable(runner: Runner): Table {
  return { ...onNames, ...onDescriptors, ...own(runner), ...abortable };
}

/** `glob` is an iterator there, and not in the table. */
export function promiseTable(runner: Runner): Table {
  const { glob: _, ...rest } = own(runner);
  return {
    ...onNames,
    ...rest,
    ...abortable,
    appendFile: whole.appendFilePromised,
    writeFile: whole.writeFilePromised,
    realpath: paths.realpathNative,
  };
}
