/**
 * Snapshots: all that is in a directory as one Uint8Array, and back. It is an archive that tar(1) and pax(1) know (tar.ts): modes, owners, times to the
 * nanosecond, links, symbolic links, named pipes, devices, holes, and names of any bytes.
 */
import { constants } from '#host';
import { fromBytestr, getU64le, putU64le } from '@anykernel/lib-bytes';
import {
  AT_FDCWD, AT_SYMLINK_NOFOLLOW, ERR, Errno, FIOSEEKDATA, FIOSEEKHOLE, O_CLOEXEC, O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY, S_IFMT, type Stat,
  major, makedev, minor,
} from '@anykernel/lib-sys';
import { type PathLike, toPath } from './args.js';
import { coded } from './coded.js';
import { systemError } from './errors.js';
import { bytePath, join, kernelPath } from './pathnames.js';
import { readlinkBytes } from './paths.js';
import { type Op, attempt, call } from './run.js';
import { type TarEntry, TarError, type TarExtent, type TarType, emitTar, parseTar } from './tar.js';
import { entriesOf } from './tree.js';

const TYPE_OF: Readonly<Record<number, TarType>> = {
  [constants.S_IFREG]: 'file',
  [constants.S_IFDIR]: 'directory',
  [constants.S_IFLNK]: 'symlink',
  [constants.S_IFIFO]: 'fifo',
  [constants.S_IFCHR]: 'char',
  [constants.S_IFBLK]: 'block',
};

/** Everything below `path`. Sockets are left out: they mean nothing without their process. */
export function* snapshot(path: PathLike): Op<Uint8Array> {
  const top = bytePath(toPath(path));
  const entries: TarEntry[] = [];
  const known = new Map<string, string>();
  const queue = ['.'];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const at = name === '.' ? top : join(top, name.slice(2));
    const st = yield* call(name === '.' ? 'stat' : 'lstat', [kernelPath(at)], 'lstat', fromBytestr(at));
    const e = yield* entryOf(at, name, st, known);
    if (e === undefined) continue;
    entries.push(e);
    if (e.type !== 'directory') continue;
    const names = (yield* entriesOf(kernelPath(at))).map((d) => `${name}/${d.name}`);
    queue.push(...names.reverse());
  }
  return emitTar(entries);
}

function* entryOf(at: string, name: string, st: Stat, known: Map<string, string>): Op<TarEntry | undefined> {
  const type = TYPE_OF[st.mode & S_IFMT];
  if (type === undefined) return undefined;
  const common = {
    name: type === 'directory' ? `${name}/` : name,
    mode: st.mode & 0o7777,
    uid: st.uid,
    gid: st.gid,
    mtime: { sec: st.mtime, nsec: st.mtimeNsec },
    atime: { sec: st.atime, nsec: st.atimeNsec },
    major: type === 'char' || type === 'block' ? major(st.rdev) : 0,
    minor: type === 'char' || type === 'block' ? minor(st.rdev) : 0,
    target: '',
    size: 0,
    extents: [],
  };
  const id = `${st.dev}:${st.ino}`;
  const first = known.get(id);
  if (first !== undefined) return { ...common, type: 'link', target: first };
  if (type !== 'directory' && st.nlink > 1) known.set(id, name);
  if (type === 'symlink') return { ...common, type, target: yield* readlinkBytes(kernelPath(at)) };
  if (type !== 'file') return { ...common, type };
  const extents = yield* extentsOf(at, st.size);
  return { ...common, type, size: st.size, extents };
}

/** What of a file is data. Where the file system knows no holes, all of it is. */
function* extentsOf(at: string, size: number): Op<TarExtent[]> {
  const fd = yield* call('open', [kernelPath(at), O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0], 'open', fromBytestr(at));
  try {
    const extents: TarExtent[] = [];
    for (let off = 0; off < size; ) {
      const start = yield* seek(fd, FIOSEEKDATA, off, off);
      if (start === undefined || start >= size) break;
      const end = Math.min(size, (yield* seek(fd, FIOSEEKHOLE, start, size)) ?? size);
      if (end <= start) break;
      const data = yield* readPiece(fd, start, end - start);
      if (data.length > 0) extents.push({ off: start, data });
      off = end;
    }
    return extents;
  } finally {
    yield* attempt('close', [fd]);
  }
}

/** Where the next data is, or hole; undefined: there is none. `unknown`: the file system cannot tell. */
function* seek(fd: number, cmd: number, from: number, unknown: number): Op<number | undefined> {
  const buf = new Uint8Array(8);
  putU64le(buf, 0, from);
  const e = yield* attempt('ioctl', [fd, cmd, buf]);
  if (!(e instanceof Errno)) return getU64le(buf, 0);
  return e === ERR.ENXIO ? undefined : unknown;
}

function* readPiece(fd: number, off: number, len: number): Op<Uint8Array> {
  const out = new Uint8Array(len);
  for (let n = 0; n < len; ) {
    const got = yield* call('pread', [fd, out.subarray(n), off + n], 'read');
    if (got === 0) return out.subarray(0, n);
    n += got;
  }
  return out;
}

/** ERR_INVALID_SNAPSHOT: the bytes are no snapshot, or a damaged one; nothing of it was made where that is seen at once. */
function invalid(words: string): Error {
  return coded('ERR_INVALID_SNAPSHOT', `Not a snapshot: ${words}`);
}

/**
 * Makes what a snapshot holds, in the directory `path`. Names that are there already are EEXIST, but for directories. Owners are given where the process
 * may give them. Nothing is made outside of the directory, whatever the names and links are.
 */
export function* restore(bytes: Uint8Array, path: PathLike): Op<void> {
  const top = bytePath(toPath(path));
  let entries: TarEntry[];
  try {
    entries = parseTar(bytes);
  } catch (e) {
    throw e instanceof TarError ? invalid(e.message) : e;
  }
  const names = entries.map((e) => nameOf(e.name));
  const targets = entries.map((e) => (e.type === 'link' ? nameOf(e.target) : ''));
  const directories: [string, TarEntry][] = [];
  for (let i = 0; i < entries.length; i++) {
    const at = names[i] === '' ? top : join(top, names[i]);
    yield* insideOf(top, names[i]);
    if (entries[i].type === 'link') yield* insideOf(top, targets[i]);
    yield* make(at, entries[i], join(top, targets[i]), names[i] === '');
    if (entries[i].type === 'directory') directories.push([at, entries[i]]);
    else if (entries[i].type !== 'link') yield* attributes(at, entries[i]);
  }
  for (const [at, e] of directories.reverse()) yield* attributes(at, e);
}

/** A name within the snapshot, without what leads nowhere. */
function nameOf(name: string): string {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..') || name.startsWith('/')) throw invalid(`the name ${JSON.stringify(fromBytestr(name))} leads out of it`);
  if (name.includes('\0') || (name === '' && parts.length === 0)) throw invalid('an entry has no name');
  return parts.join('/');
}

/** What is above a name is a directory, and no link to one. */
function* insideOf(top: string, name: string): Op<void> {
  for (let slash = name.indexOf('/'); slash >= 0; slash = name.indexOf('/', slash + 1)) {
    const above = name.slice(0, slash);
    const st = yield* attempt('lstat', [kernelPath(join(top, above))]);
    const is = !(st instanceof Errno) && (st.mode & S_IFMT) === constants.S_IFDIR;
    if (!is) throw invalid(`${JSON.stringify(fromBytestr(above))} is no directory of it`);
  }
}

const KIND: Readonly<Partial<Record<TarType, number>>> = { char: constants.S_IFCHR, block: constants.S_IFBLK, fifo: constants.S_IFIFO };

function* make(at: string, e: TarEntry, target: string, isTop: boolean): Op<void> {
  const [p, text] = [kernelPath(at), fromBytestr(at)];
  if (isTop && e.type !== 'directory') throw invalid('its root is no directory');
  if (e.type === 'directory') {
    const made = isTop ? ERR.EEXIST : yield* attempt('mkdir', [p, 0o700]);
    if (made instanceof Errno && made !== ERR.EEXIST && made !== ERR.EISDIR) throw systemError(made, 'mkdir', text);
    const st = made instanceof Errno ? yield* call(isTop ? 'stat' : 'lstat', [p], 'mkdir', text) : undefined;
    if (st !== undefined && (st.mode & S_IFMT) !== constants.S_IFDIR) throw systemError(ERR.EEXIST, 'mkdir', text);
  } else if (e.type === 'symlink') yield* call('symlink', [kernelPath(e.target), p], 'symlink', fromBytestr(e.target), text);
  else if (e.type === 'link') yield* call('linkat', [AT_FDCWD, kernelPath(target), AT_FDCWD, p, 0], 'link', fromBytestr(target), text);
  else if (e.type === 'file') yield* makeFile(p, text, e);
  else yield* call('mknod', [p, (KIND[e.type] ?? 0) | 0o600, makedev(e.major, e.minor)], 'mknod', text);
}

function* makeFile(p: string | Uint8Array, text: string, e: TarEntry): Op<void> {
  const fd = yield* call('open', [p, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600], 'open', text);
  try {
    for (const { off, data } of e.extents) {
      for (let n = 0; n < data.length; ) n += yield* call('pwrite', [fd, data.subarray(n), off + n], 'write', text);
    }
    yield* call('ftruncate', [fd, e.size], 'ftruncate', text);
  } finally {
    yield* attempt('close', [fd]);
  }
}

/** Owner, then mode (a new owner takes set-id bits away), then times. */
function* attributes(at: string, e: TarEntry): Op<void> {
  const [p, text] = [kernelPath(at), fromBytestr(at)];
  const own = yield* attempt('posix_lchown', [p, e.uid, e.gid]);
  if (own instanceof Errno && own !== ERR.EPERM) throw systemError(own, 'lchown', text);
  const mode = own instanceof Errno ? e.mode & 0o1777 : e.mode;
  yield* call(e.type === 'symlink' ? 'lchmod' : 'chmod', [p, mode], 'chmod', text);
  yield* call('utimensat', [AT_FDCWD, p, [e.atime ?? e.mtime, e.mtime], AT_SYMLINK_NOFOLLOW], 'utime', text);
}

