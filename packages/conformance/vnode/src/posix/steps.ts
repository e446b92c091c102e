/** System calls drawn by seed: for each, what it is, what the model says of it, and how it is made. */
import {
  AT_FDCWD, AT_REMOVEDIR, O_APPEND, O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY, SEEK_CUR, SEEK_END, SEEK_SET, parseDirents,
} from '@anykernel/lib-sys';
import { type Context, pattern, text } from '../context.js';
import * as attrs from './attrs.js';
import type { Draw } from './draw.js';
import * as files from './files.js';
import * as names from './names.js';
import type { Node } from './nodes.js';
import type { Planned } from './plan.js';
import type { OpenFile, Process, Tree } from './walk.js';

export interface World {
  readonly t: Context;
  readonly tree: Tree;
  readonly draw: Draw;
  /** Whose ids and groups files may get. */
  readonly ids: readonly number[];
}

export interface Step {
  readonly what: string;
  readonly plan: Planned;
  call(): unknown;
}

/** undefined: there is nothing to do it to. */
type Make = (w: World, p: Process) => Step | undefined;

const MAX_FILES = 6;
const MAX_SIZE = 100_000;
/** Room for one record with the longest name, and for some with short ones. */
const DIRENTS_LEN = 600;

/** A path to something that is there, most of the time. */
function old(w: World, p: Process): string {
  return w.draw.pathTo(w.tree.root, p.cwd);
}

/** A path to a new name in a directory that is there, most of the time. */
function fresh(w: World, p: Process): string {
  return w.draw.pathOfNew(w.tree.root, p.cwd);
}

function fileOf(w: World, p: Process): OpenFile | undefined {
  return p.files[w.draw.below(p.files.length)];
}

/** Now and then a directory that is open, for an *at call. */
function startOf(w: World, p: Process): { fd: number; node: Node } | undefined {
  if (w.draw.below(4) > 0) return undefined;
  return p.files.find((f) => f.node.kind === 'dir');
}

const mkdir: Make = (w, p) => {
  const path = fresh(w, p);
  const mode = w.draw.of([0o777, 0o755, 0o700, 0o1777, 0o775, 0o555]);
  const start = startOf(w, p);
  return {
    what: `mkdirat ${start?.fd ?? '.'} ${path} ${mode.toString(8)}`,
    plan: names.mkdir(w.tree, p, path, mode, start?.node),
    call: () => p.sys.mkdirat(start?.fd ?? AT_FDCWD, path, mode),
  };
};

const symlink: Make = (w, p) => {
  const path = fresh(w, p);
  const target = w.draw.anyPath();
  const start = startOf(w, p);
  return {
    what: `symlinkat ${target} ${start?.fd ?? '.'} ${path}`,
    plan: names.symlink(w.tree, p, target, path, start?.node),
    call: () => p.sys.symlinkat(target, start?.fd ?? AT_FDCWD, path),
  };
};

const link: Make = (w, p) => {
  const from = old(w, p);
  const to = w.draw.below(3) === 0 ? old(w, p) : fresh(w, p);
  return { what: `link ${from} ${to}`, plan: names.link(w.tree, p, from, to), call: () => p.sys.linkat(AT_FDCWD, from, AT_FDCWD, to, 0) };
};

const unlink: Make = (w, p) => {
  const path = old(w, p);
  const start = startOf(w, p);
  return {
    what: `unlinkat ${start?.fd ?? '.'} ${path}`,
    plan: names.unlink(w.tree, p, path, start?.node),
    call: () => p.sys.unlinkat(start?.fd ?? AT_FDCWD, path),
  };
};

const rmdir: Make = (w, p) => {
  const path = old(w, p);
  const start = startOf(w, p);
  return {
    what: `rmdir ${start?.fd ?? '.'} ${path}`,
    plan: names.rmdir(w.tree, p, path, start?.node),
    call: () => p.sys.unlinkat(start?.fd ?? AT_FDCWD, path, AT_REMOVEDIR),
  };
};

const rename: Make = (w, p) => {
  const from = old(w, p);
  const to = w.draw.below(3) === 0 ? old(w, p) : fresh(w, p);
  return { what: `rename ${from} ${to}`, plan: names.rename(w.tree, p, from, to), call: () => p.sys.rename(from, to) };
};

function openStep(w: World, p: Process, flags: number): Step | undefined {
  if (p.files.length >= MAX_FILES) return undefined;
  const path = (flags & O_CREAT) !== 0 && w.draw.below(2) === 0 ? fresh(w, p) : old(w, p);
  const mode = w.draw.of([0o666, 0o644, 0o600, 0o444, 0, 0o777]);
  const start = startOf(w, p);
  return {
    what: `openat ${start?.fd ?? '.'} ${path} 0x${flags.toString(16)} ${mode.toString(8)}`,
    plan: files.open(w.tree, p, path, flags, mode, start?.node),
    call: () => p.sys.openat(start?.fd ?? AT_FDCWD, path, flags, mode),
  };
}

const create: Make = (w, p) => openStep(w, p, w.draw.of([O_WRONLY, O_RDWR]) | O_CREAT | w.draw.of([0, O_EXCL, O_TRUNC, O_APPEND, O_NOFOLLOW]));
const openFile: Make = (w, p) => openStep(w, p, w.draw.of([O_RDONLY, O_RDWR, O_WRONLY, O_RDWR | O_TRUNC]) | w.draw.of([0, 0, O_APPEND, O_NOFOLLOW]));
const openDir: Make = (w, p) => openStep(w, p, O_RDONLY | w.draw.of([O_DIRECTORY, O_DIRECTORY | O_NOFOLLOW]));

const close: Make = (w, p) => {
  const f = fileOf(w, p);
  return f && { what: `close ${f.fd}`, plan: files.close(p, f), call: () => p.sys.close(f.fd) };
};

function offset(w: World): number {
  return w.draw.below(w.draw.below(3) === 0 ? MAX_SIZE : 5000);
}

const write: Make = (w, p) => {
  const f = fileOf(w, p);
  if (f === undefined || f.node.data.length > 3 * MAX_SIZE) return undefined;
  const data = pattern(1 + w.draw.below(9000), w.draw.below(1000));
  const off = w.draw.below(2) === 0 ? offset(w) : undefined;
  return {
    what: `write ${f.fd}, ${data.length} bytes at ${off ?? 'its position'}`,
    plan: files.write(f, data, off),
    call: () => (off === undefined ? p.sys.write(f.fd, data) : p.sys.pwrite(f.fd, data, off)),
  };
};

const read: Make = (w, p) => {
  const f = fileOf(w, p);
  if (f === undefined) return undefined;
  const buf = new Uint8Array(1 + w.draw.below(9000));
  const off = w.draw.below(2) === 0 ? offset(w) : undefined;
  return {
    what: `read ${f.fd}, ${buf.length} bytes at ${off ?? 'its position'}`,
    plan: files.read(w.tree, f, buf, off),
    call: () => (off === undefined ? p.sys.read(f.fd, buf) : p.sys.pread(f.fd, buf, off)),
  };
};

const lseek: Make = (w, p) => {
  const f = fileOf(w, p);
  if (f === undefined) return undefined;
  const whence = w.draw.of([SEEK_SET, SEEK_CUR, SEEK_END]);
  const off = offset(w) - (whence === SEEK_SET ? 20 : 1000);
  return { what: `lseek ${f.fd} ${off} ${whence}`, plan: files.lseek(f, off, whence), call: () => p.sys.lseek(f.fd, off, whence) };
};

const ftruncate: Make = (w, p) => {
  const f = fileOf(w, p);
  if (f === undefined) return undefined;
  const size = offset(w);
  return { what: `ftruncate ${f.fd} ${size}`, plan: files.ftruncate(f, size), call: () => p.sys.ftruncate(f.fd, size) };
};

const truncate: Make = (w, p) => {
  const path = old(w, p);
  const size = offset(w);
  return { what: `truncate ${path} ${size}`, plan: files.truncate(w.tree, p, path, size), call: () => p.sys.truncate(path, size) };
};

const getdents: Make = (w, p) => {
  const f = p.files.find((x) => x.node.kind === 'dir');
  if (f === undefined) return undefined;
  if (w.draw.below(8) === 0) return { what: `rewind ${f.fd}`, plan: files.rewind(f), call: () => p.sys.lseek(f.fd, 0, SEEK_SET) };
  const buf = new Uint8Array(DIRENTS_LEN);
  let len = 0;
  const came = (): string[] => parseDirents(buf, len).map(({ name }) => name);
  return { what: `getdents ${f.fd}`, plan: files.getdents(w.tree, f, came), call: () => (len = p.sys.getdents(f.fd, buf)) };
};

const chmod: Make = (w, p) => {
  const path = old(w, p);
  const mode = attrs.modeFor(w.tree, p, path, w.draw.of([0o777, 0o755, 0o700, 0o1777, 0o2775, 0o500, 0o666, 0o060, 0o311, 0o3777]));
  return { what: `chmod ${path} ${mode.toString(8)}`, plan: attrs.chmod(w.tree, p, path, mode), call: () => p.sys.chmod(path, mode) };
};

const fchmod: Make = (w, p) => {
  const f = fileOf(w, p);
  if (f === undefined) return undefined;
  const mode = w.draw.of([0o777, 0o755, 0o640, 0o400]);
  return { what: `fchmod ${f.fd} ${mode.toString(8)}`, plan: attrs.chmodNode(w.tree, p, f.node, mode), call: () => p.sys.fchmod(f.fd, mode) };
};

const chown: Make = (w, p) => {
  const path = old(w, p);
  const uid = w.draw.of(w.ids);
  const gid = w.draw.of(w.ids);
  return { what: `chown ${path} ${uid}:${gid}`, plan: attrs.chown(w.tree, p, path, uid, gid), call: () => p.sys.chown(path, uid, gid) };
};

const utimens: Make = (w, p) => {
  const path = old(w, p);
  // An even number, for those that keep two seconds apart.
  const sec = w.draw.below(3) === 0 ? undefined : 1_000_000_000 + w.draw.below(1_000_000) * 2;
  const time = { sec: sec ?? 0, nsec: 0 };
  return {
    what: `utimensat ${path} ${sec ?? 'now'}`,
    plan: attrs.utimens(w.tree, p, path, sec === undefined ? undefined : BigInt(sec) * 1_000_000_000n),
    call: () => p.sys.utimensat(AT_FDCWD, path, sec === undefined ? undefined : [time, time]),
  };
};

const stat: Make = (w, p) => {
  const path = old(w, p);
  const follow = w.draw.below(2) === 0;
  return { what: `${follow ? '' : 'l'}stat ${path}`, plan: attrs.stat(w.tree, p, path, follow), call: () => (follow ? p.sys.stat(path) : p.sys.lstat(path)) };
};

const fstat: Make = (w, p) => {
  const f = fileOf(w, p);
  return f && { what: `fstat ${f.fd}`, plan: attrs.fstat(f.node), call: () => p.sys.fstat(f.fd) };
};

const readlink: Make = (w, p) => {
  const path = old(w, p);
  const buf = new Uint8Array(2000);
  return { what: `readlink ${path}`, plan: attrs.readlink(w.tree, p, path), call: () => text(buf.subarray(0, p.sys.readlink(path, buf))) };
};

const chdir: Make = (w, p) => {
  const path = w.draw.of([w.tree.path, old(w, p), old(w, p)]);
  return { what: `chdir ${path}`, plan: attrs.chdir(w.tree, p, path), call: () => p.sys.chdir(path) };
};

const getcwd: Make = (w, p) => {
  const buf = new Uint8Array(4096);
  return { what: 'getcwd', plan: attrs.getcwd(w.tree, p), call: () => text(buf.subarray(0, p.sys.getcwd(buf) - 1)) };
};

const umask: Make = (w, p) => {
  const mask = w.draw.of([0, 0o022, 0o077]);
  return {
    what: `umask ${mask.toString(8)}`,
    plan: { errors: [], apply: () => void (p.umask = mask) },
    call: () => p.sys.umask(mask),
  };
};

/** A step as often as it shall come. */
function times(count: number, make: Make): Make[] {
  return new Array<Make>(count).fill(make);
}

/** What every file system does, and what this one does not lack. */
export function stepsFor(t: Context): Make[] {
  const all = [
    ...times(8, create), ...times(4, mkdir), ...times(4, unlink), ...times(3, rmdir), ...times(4, openFile), ...times(3, openDir), ...times(5, close),
    ...times(7, write), ...times(3, read), lseek, lseek, ftruncate, truncate, ...times(3, getdents), stat, stat, fstat, chdir, chdir, getcwd, utimens,
  ];
  if (!t.lacks('modes')) all.push(chmod, chmod, chmod, fchmod, umask);
  if (!t.lacks('owners')) all.push(chown, chown);
  if (!t.lacks('symlinks')) all.push(...times(3, symlink), readlink);
  if (!t.lacks('hardlinks')) all.push(...times(4, link));
  if (!t.lacks('rename')) all.push(...times(8, rename));
  return all;
}

/** Names most of all. */
export const nameSteps: Make[] = [create, close, ...times(4, mkdir), unlink, rmdir, ...times(2, link), ...times(8, rename)];
