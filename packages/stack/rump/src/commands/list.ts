/** Commands that look: ls, stat, cat, find, tree. */
import type { Stats } from 'node:fs';
import { bytesOf, toBytestr } from '@anykernel/lib-bytes';
import type { Fs } from '../bytefs.js';
import type { Context } from '../context.js';
import { UsageError } from '../errors.js';
import { columns, deviceString, humanSize, isoTime, modeString, octalMode, shown, timeString, typeLetter, typeName } from '../format.js';
import { join, walk } from '../paths.js';

/** A name and what lstat says of it. */
interface Entry {
  readonly name: string;
  readonly st: Stats;
  readonly target: string | undefined;
}

function entry(fs: Fs, path: string, name: string): Entry {
  const st = fs.lstat(path);
  return { name, st, target: st.isSymbolicLink() ? fs.readlink(path) : undefined };
}

function isDevice(st: Stats): boolean {
  return st.isBlockDevice() || st.isCharacterDevice();
}

/** An entry for programs. */
function record(e: Entry): object {
  const { st } = e;
  const common = { name: e.name, type: typeName(st), ino: st.ino, mode: octalMode(st), nlink: st.nlink, uid: st.uid, gid: st.gid };
  return { ...common, size: st.size, mtime: isoTime(st.mtimeMs), ...(e.target === undefined ? {} : { target: e.target }) };
}

function withTarget(e: Entry): string {
  return e.target === undefined ? shown(e.name) : `${shown(e.name)} -> ${shown(e.target)}`;
}

function longRow(e: Entry, human: boolean): string[] {
  const { st } = e;
  const size = isDevice(st) ? deviceString(st.rdev) : human ? humanSize(st.size) : String(st.size);
  return [modeString(st), String(st.nlink), String(st.uid), String(st.gid), size, timeString(st.mtimeMs), withTarget(e)];
}

export interface LsOptions {
  readonly long?: boolean;
  readonly all?: boolean;
  readonly human?: boolean;
  readonly inode?: boolean;
  readonly recursive?: boolean;
  readonly directory?: boolean;
}

export function ls(ctx: Context, operands: readonly string[], o: LsOptions): void {
  const many = operands.length > 1 || o.recursive === true;
  ctx.each(operands.length === 0 ? ['.'] : operands, false, (place) => {
    const st = place.fs.peekThrough(place.path) ?? place.fs.lstat(place.path);
    if (!st.isDirectory() || o.directory === true) return show(ctx, [entry(place.fs, place.path, place.text)], o, place.text);
    listDirectory(ctx, place.fs, place.path, place.text, o, many);
  });
}

function listDirectory(ctx: Context, fs: Fs, path: string, title: string, o: LsOptions, titled: boolean): void {
  const entries: Entry[] = [];
  for (const name of fs.readdir(path)) {
    if (o.all !== true && name.startsWith('.')) continue;
    try {
      entries.push(entry(fs, join(path, name), name));
    } catch (e) {
      ctx.complain(join(title, name), e);
    }
  }
  if (titled) ctx.say(`${shown(title)}:`);
  show(ctx, entries, o, title);
  if (o.recursive !== true) return;
  for (const e of entries) {
    if (!e.st.isDirectory()) continue;
    ctx.say('');
    try {
      listDirectory(ctx, fs, join(path, e.name), join(title, e.name), o, true);
    } catch (error) {
      ctx.complain(join(title, e.name), error);
    }
  }
}

function show(ctx: Context, entries: readonly Entry[], o: LsOptions, directory: string): void {
  const rows = entries.map((e) => {
    const row = o.long === true ? longRow(e, o.human === true) : [shown(e.name)];
    return o.inode === true ? [String(e.st.ino), ...row] : row;
  });
  const right = o.inode === true ? [0, 2, 3, 4, 5] : [1, 2, 3, 4];
  const lines = o.long === true || o.inode === true ? columns(rows, right) : rows.map((row) => row[0] ?? '');
  for (const [i, e] of entries.entries()) ctx.put({ directory, ...record(e) }, lines[i] ?? '');
}

export function stat(ctx: Context, operands: readonly string[]): void {
  ctx.each(operands, false, (place) => {
    const e = entry(place.fs, place.path, place.text);
    const { st } = e;
    const lines = [
      `  File: ${withTarget(e)}`,
      `  Size: ${st.size}  Blocks: ${st.blocks}  IO Block: ${st.blksize}  ${typeName(st)}`,
      ` Inode: ${st.ino}  Links: ${st.nlink}${isDevice(st) ? `  Device: ${deviceString(st.rdev)}` : ''}`,
      `Access: (${octalMode(st)}/${modeString(st)})  Uid: ${st.uid}  Gid: ${st.gid}`,
      `Access: ${isoTime(st.atimeMs)}`,
      `Modify: ${isoTime(st.mtimeMs)}`,
      `Change: ${isoTime(st.ctimeMs)}`,
      ` Birth: ${isoTime(st.birthtimeMs)}`,
    ];
    const times = { atime: isoTime(st.atimeMs), ctime: isoTime(st.ctimeMs), birthtime: isoTime(st.birthtimeMs) };
    ctx.put({ ...record(e), blocks: st.blocks, blksize: st.blksize, rdev: st.rdev, ...times }, lines.join('\n'));
  });
}

/** Bytes moved at a time. */
const CHUNK = 1 << 18;

export function cat(ctx: Context, operands: readonly string[]): void {
  const buf = new Uint8Array(CHUNK);
  ctx.each(operands, false, (place) => {
    const fd = place.fs.open(place.path, 'r');
    try {
      for (let n = place.fs.read(fd, buf, 0, CHUNK, null); n > 0; n = place.fs.read(fd, buf, 0, CHUNK, null))
        ctx.io.out(buf.subarray(0, n));
    } finally {
      place.fs.close(fd);
    }
  });
}

export interface FindOptions {
  readonly name?: string;
  readonly kind?: string;
  readonly maxdepth?: string;
  readonly print0?: boolean;
}

/** find(1)'s letters for types, and those of listings. */
const FIND_TYPES = 'fdlbcps';

export function find(ctx: Context, operands: readonly string[], o: FindOptions): void {
  const pattern = o.name === undefined ? undefined : globPattern(toBytestr(o.name));
  if (o.kind !== undefined && !(o.kind.length === 1 && FIND_TYPES.includes(o.kind)))
    throw new UsageError(`kind ${o.kind}: is one of ${[...FIND_TYPES].join(' ')}`);
  const max = o.maxdepth === undefined ? Infinity : Number(o.maxdepth);
  if (Number.isNaN(max)) throw new UsageError(`maxdepth ${o.maxdepth}: is a number`);
  const letter = o.kind === 'f' ? '-' : o.kind;
  ctx.each(operands.length === 0 ? ['.'] : operands, false, (place) => {
    place.fs.lstat(place.path);
    const visit = (_path: string, text: string, st: Stats, depth: number): boolean => {
      const name = text.slice(text.lastIndexOf('/') + 1);
      if ((pattern === undefined || pattern.test(name)) && (letter === undefined || typeLetter(st) === letter)) found(ctx, text, st, o);
      return depth < max;
    };
    walk(place.fs, place.path, place.text, visit, (text, e) => ctx.complain(text, e));
  });
}

function found(ctx: Context, text: string, st: Stats, o: FindOptions): void {
  if (o.print0 === true && !ctx.json) ctx.io.out(bytesOf(`${text}\0`));
  else ctx.put({ path: text, type: typeName(st), size: st.size }, shown(text));
}

/** A shell pattern for names: `*`, `?`, `[a-z]`, `[!a-z]`. */
export function globPattern(glob: string): RegExp {
  const body = glob.replace(/\[(!?)([^\]]+)\]|[.+^${}()|\\[\]*?]/g, (c, not: string | undefined, set: string | undefined) => {
    if (set !== undefined) return `[${not === '!' ? '^' : ''}${set.replace(/[\\^\]]/g, '\\$&')}]`;
    return c === '*' ? '.*' : c === '?' ? '.' : `\\${c}`;
  });
  try {
    return new RegExp(`^${body}$`, 's');
  } catch {
    throw new UsageError(`pattern ${glob}: makes no sense`);
  }
}

export function tree(ctx: Context, operands: readonly string[]): void {
  ctx.each(operands.length === 0 ? ['.'] : operands, false, (place) => {
    const count = { directories: 0, files: 0 };
    ctx.put({ ...record(entry(place.fs, place.path, place.text)), depth: 0 }, shown(place.text));
    branch(ctx, place.fs, place.path, '', 1, count);
    ctx.say(`\n${count.directories} directories, ${count.files} files`);
  });
}

const STEM = { middle: toBytestr('├── '), last: toBytestr('└── '), through: toBytestr('│   '), none: '    ' };

function branch(ctx: Context, fs: Fs, path: string, stem: string, depth: number, count: { directories: number; files: number }): void {
  const names = fs.readdir(path);
  names.forEach((name, i) => {
    const at = join(path, name);
    const last = i === names.length - 1;
    try {
      const e = entry(fs, at, name);
      ctx.put({ ...record(e), path: at, depth }, `${stem}${last ? STEM.last : STEM.middle}${withTarget(e)}`);
      if (!e.st.isDirectory()) {
        count.files++;
        return;
      }
      count.directories++;
      branch(ctx, fs, at, stem + (last ? STEM.none : STEM.through), depth + 1, count);
    } catch (e) {
      ctx.complain(at, e);
    }
  });
}
