/** Commands that change names and attributes: rm, mkdir, rmdir, ln, chmod, chown, touch, write. */
import { bytesOf, toBytestr } from '@anykernel/lib-bytes';
import type { Context } from '../context.js';
import { UsageError } from '../errors.js';
import { baseName, isDirectory, join, walk } from '../paths.js';
import type { Place } from '../place.js';
import { PlaceError } from '../errors.js';

export function rm(ctx: Context, operands: readonly string[], o: { readonly recursive?: boolean; readonly force?: boolean }): void {
  ctx.each(operands, true, (place) => {
    const st = o.force === true ? place.fs.peek(place.path) : place.fs.lstat(place.path);
    if (st === undefined) return;
    if (st.isDirectory() && o.recursive !== true) throw new Error('is a directory (-r removes it)');
    if (place.image !== undefined && isRoot(place)) throw new Error('is the root of an image, and stays');
    place.fs.rm(place.path, { recursive: o.recursive === true, force: o.force === true });
  });
}

function isRoot(place: Place): boolean {
  const [st, root] = [place.fs.stat(place.path), place.fs.stat('/')];
  return st.ino === root.ino && st.dev === root.dev;
}

export function mkdir(ctx: Context, operands: readonly string[], o: { readonly parents?: boolean; readonly mode?: string }): void {
  const mode = o.mode === undefined ? 0o777 : octal(o.mode);
  ctx.each(operands, true, (place) => {
    place.fs.mkdir(place.path, { recursive: o.parents === true, mode });
    if (o.mode !== undefined) place.fs.chmod(place.path, mode);
  });
}

export function rmdir(ctx: Context, operands: readonly string[]): void {
  ctx.each(operands, true, (place) => place.fs.rmdir(place.path));
}

/** A symbolic link's target is text; a hard link's is a place on the same image. */
export function ln(ctx: Context, operands: readonly string[], o: { readonly symbolic?: boolean; readonly force?: boolean }): void {
  const [target = '', name = ''] = operands;
  ctx.each([name], true, (place) => {
    const path = isDirectory(place) ? join(place.path, baseName(toBytestr(target))) : place.path;
    if (o.force === true) place.fs.rm(path, { force: true });
    if (o.symbolic === true) return place.fs.symlink(toBytestr(target), path);
    const source = ctx.at(target, true);
    if (source.fs !== place.fs) throw new PlaceError(`${target}: a hard link is on the same file system as its file (${place.text})`);
    place.fs.link(source.path, path);
  });
}

function octal(text: string): number {
  if (!/^[0-7]{1,4}$/.test(text)) throw new UsageError(`mode ${text}: is up to four octal digits, or [ugoa][+-=][rwxXst]`);
  return Number.parseInt(text, 8);
}

/** What a file's mode becomes: octal digits, or clauses like `u+x,go-w`. */
export function modeChange(text: string): (mode: number, isDir: boolean) => number {
  if (/^\d/.test(text)) {
    const mode = octal(text);
    return () => mode;
  }
  const clauses = text.split(',').map((c) => {
    const m = /^([ugoa]*)([-+=])([rwxXst]*)$/.exec(c);
    if (m === null) throw new UsageError(`mode ${text}: is up to four octal digits, or [ugoa][+-=][rwxXst]`);
    const [, who = '', op = '', what = ''] = m;
    return { who: who === '' || who.includes('a') ? 'ugo' : who, op, what };
  });
  return (mode, isDir) => clauses.reduce((at, c) => applyClause(at, c, isDir), mode);
}

interface Clause {
  readonly who: string;
  readonly op: string;
  readonly what: string;
}

const SHIFT: Readonly<Record<string, number>> = { u: 6, g: 3, o: 0 };
const SPECIAL: Readonly<Record<string, number>> = { u: 0o4000, g: 0o2000, o: 0 };

function applyClause(mode: number, c: Clause, isDir: boolean): number {
  let bits = 0;
  let field = 0;
  for (const who of c.who) {
    field |= (7 << (SHIFT[who] ?? 0)) | (SPECIAL[who] ?? 0);
    const exec = c.what.includes('x') || (c.what.includes('X') && (isDir || (mode & 0o111) !== 0));
    bits |= ((c.what.includes('r') ? 4 : 0) | (c.what.includes('w') ? 2 : 0) | (exec ? 1 : 0)) << (SHIFT[who] ?? 0);
    if (c.what.includes('s')) bits |= SPECIAL[who] ?? 0;
  }
  if (c.what.includes('t')) bits |= 0o1000;
  if (c.op === '+') return mode | bits;
  if (c.op === '-') return mode & ~bits;
  return (mode & ~field) | bits;
}

type Change = (path: string, isDir: boolean, isLink: boolean, mode: number) => void;

/** The operand itself, or with `recursive` all that is below it. */
function overTree(ctx: Context, place: Place, recursive: boolean, change: Change): void {
  if (!recursive) {
    const st = place.fs.stat(place.path);
    change(place.path, st.isDirectory(), false, st.mode);
    return;
  }
  place.fs.lstat(place.path);
  const visit = (path: string, _text: string, st: { mode: number; isDirectory(): boolean; isSymbolicLink(): boolean }): boolean => {
    change(path, st.isDirectory(), st.isSymbolicLink(), st.mode);
    return true;
  };
  walk(place.fs, place.path, place.text, visit, (text, e) => ctx.complain(text, e));
}

export function chmod(ctx: Context, mode: string, operands: readonly string[], o: { readonly recursive?: boolean }): void {
  const modeOf = modeChange(mode);
  ctx.each(operands, true, (place) => {
    overTree(ctx, place, o.recursive === true, (path, isDir, isLink, old) => {
      if (!isLink) place.fs.chmod(path, modeOf(old & 0o7777, isDir));
    });
  });
}

export function chown(ctx: Context, owner: string, operands: readonly string[], o: { readonly recursive?: boolean }): void {
  const m = /^(\d+)?(?::(\d+))?$/.exec(owner);
  if (m === null || owner === '') throw new UsageError(`owner ${owner}: is UID, UID:GID or :GID (numbers: an image has no names of users)`);
  const [uid = -1, gid = -1] = [m[1], m[2]].map((x) => (x === undefined ? -1 : Number(x)));
  if (uid > ID_MAX || gid > ID_MAX) throw new UsageError(`owner ${owner}: ids go up to ${ID_MAX}`);
  ctx.each(operands, true, (place) => {
    overTree(ctx, place, o.recursive === true, (path, _isDir, isLink) => {
      const st = isLink ? place.fs.lstat(path) : place.fs.stat(path);
      const [u, g] = [uid === -1 ? st.uid : uid, gid === -1 ? st.gid : gid];
      if (isLink) place.fs.lchown(path, u, g);
      else place.fs.chown(path, u, g);
    });
  });
}

const ID_MAX = 0xffff_fffe;

export function touch(ctx: Context, operands: readonly string[], o: { readonly date?: string; readonly create?: boolean }): void {
  const ms = o.date === undefined ? Date.now() : Date.parse(o.date);
  if (Number.isNaN(ms)) throw new UsageError(`date ${o.date}: is not one (2026-11-24T09:00:00Z is)`);
  const ns = BigInt(Math.round(ms)) * 1_000_000n;
  ctx.each(operands, true, (place) => {
    if (place.fs.peekThrough(place.path) === undefined) {
      if (o.create === false) return;
      place.fs.close(place.fs.open(place.path, 'a', 0o666));
    }
    place.fs.utimes(place.path, { atime: ns, mtime: ns });
  });
}

export interface WriteOptions {
  readonly append?: boolean;
  readonly mode?: string;
  /** The text; otherwise the standard input. */
  readonly text?: string;
}

/** Standard input, or a text, goes into a file. */
export function write(ctx: Context, operand: string, o: WriteOptions): void {
  const mode = o.mode === undefined ? 0o666 : octal(o.mode);
  ctx.each([operand], true, (place) => {
    const fd = place.fs.open(place.path, o.append === true ? 'a' : 'w', mode);
    const put = (bytes: Uint8Array): void => {
      for (let off = 0; off < bytes.length; ) off += place.fs.write(fd, bytes, off, bytes.length - off, null);
    };
    try {
      if (o.text !== undefined) put(bytesOf(toBytestr(o.text)));
      const buf = new Uint8Array(1 << 16);
      if (o.text === undefined) for (let n = ctx.io.read(buf); n > 0; n = ctx.io.read(buf)) put(buf.subarray(0, n));
    } finally {
      place.fs.close(fd);
    }
  });
}
