/**
 * cp and mv, within a place and between places.
 *
 * A copy keeps permission bits, times, symbolic links, holes that are whole blocks of zeros, and names of one file as one file; owners
 * where that is allowed. What a file system cannot hold is named, and the rest goes on.
 */
import type { Stats } from 'node:fs';
import { toBytestr } from '@anykernel/lib-bytes';
import type { Fs, Times } from '../bytefs.js';
import type { Context } from '../context.js';
import { humanSize, shown, typeName } from '../format.js';
import { baseName, isDirectory, join } from '../paths.js';
import { type Place, shortly } from '../place.js';
import { PlaceError } from '../errors.js';

export interface CopyOptions {
  readonly recursive?: boolean;
  readonly clobber?: boolean;
  readonly verbose?: boolean;
}

/** Bytes moved at a time. */
const CHUNK = 1 << 18;
/** Zeros of this length become a hole. */
const BLOCK = 4096;

class Copier {
  files = 0;
  bytes = 0;
  readonly #buf = new Uint8Array(CHUNK);
  readonly #words: BigUint64Array;
  /** First copy of each file with several names, by device and inode. */
  readonly #linked = new Map<string, string>();

  constructor(
    readonly ctx: Context,
    readonly from: Fs,
    readonly to: Fs,
    /** Where it goes, for people. */
    readonly destText: string,
    readonly o: CopyOptions,
  ) {
    this.#words = new BigUint64Array(this.#buf.buffer);
  }

  /** Copies `source` to the name `dest`; a failure below a directory is named, and the rest goes on. */
  copy(source: string, dest: string, text: string): void {
    const st = this.from.lstat(source);
    const there = this.to.peek(dest);
    if (there !== undefined && this.o.clobber === false && !st.isDirectory()) return;
    if (st.isDirectory()) {
      this.#directory(source, dest, text, st, there);
      return;
    }
    if (there?.isDirectory() === true) throw new PlaceError(`${dest}: is a directory, and ${text} is none`);
    if (there !== undefined && this.from === this.to && there.ino === st.ino && there.dev === st.dev)
      throw new Error('is the same file as its copy would be');
    if (there !== undefined) this.to.unlink(dest);
    if (!this.#again(st, dest)) this.#leaf(source, dest, st);
    this.files++;
    if (this.o.verbose === true) this.ctx.put({ from: text, to: dest }, `${shown(text)} -> ${shown(dest)}`);
    this.ctx.progress(() => `${this.files} files, ${humanSize(this.bytes)}B`);
  }

  #directory(source: string, dest: string, text: string, st: Stats, there: Stats | undefined): void {
    if (this.o.recursive !== true) throw new Error('is a directory (-r copies it)');
    const target = there?.isSymbolicLink() === true ? this.to.peekThrough(dest) : there;
    if (there === undefined) this.to.mkdir(dest, { mode: 0o700 });
    else if (target?.isDirectory() !== true) throw new PlaceError(`${dest}: is no directory, and ${text} is one`);
    const times = this.from.times(source);
    for (const name of this.from.readdir(source)) {
      try {
        this.copy(join(source, name), join(dest, name), join(text, name));
      } catch (e) {
        this.ctx.complain(join(text, name), e);
      }
    }
    if (there === undefined) this.#attributes(dest, st, times);
  }

  /** Makes a further name of a file that was copied before. */
  #again(st: Stats, dest: string): boolean {
    if (st.nlink < 2) return false;
    const key = `${st.dev}:${st.ino}`;
    const first = this.#linked.get(key);
    if (first === undefined) {
      this.#linked.set(key, dest);
      return false;
    }
    this.to.link(first, dest);
    return true;
  }

  #leaf(source: string, dest: string, st: Stats): void {
    if (st.isSymbolicLink()) {
      this.to.symlink(this.from.readlink(source), dest);
      this.#owner(() => this.to.lchown(dest, st.uid, st.gid));
      this.to.lutimes(dest, this.from.times(source));
      return;
    }
    if (!st.isFile()) throw new Error(`is a ${typeName(st)}, which is not copied`);
    const times = this.from.times(source);
    const input = this.from.open(source, 'r');
    try {
      this.#file(input, dest, st);
    } finally {
      this.from.close(input);
    }
    this.#attributes(dest, st, times);
  }

  /** A copy that fails in the middle is taken away. */
  #file(input: number, dest: string, st: Stats): void {
    const output = this.to.open(dest, 'wx', 0o600);
    let whole = false;
    try {
      const len = this.#bytes(input, output);
      if (len < st.size || this.to.lstat(dest).size < len) this.to.truncate(dest, Math.max(len, st.size));
      whole = true;
    } finally {
      this.to.close(output);
      if (!whole) this.to.unlink(dest);
    }
  }

  /** How many there were. */
  #bytes(input: number, output: number): number {
    let at = 0;
    for (let n = this.from.read(input, this.#buf, 0, CHUNK, at); n > 0; n = this.from.read(input, this.#buf, 0, CHUNK, at)) {
      this.#putRuns(output, n, at);
      at += n;
      this.bytes += n;
      this.ctx.progress(() => `${this.files} files, ${humanSize(this.bytes)}B`);
    }
    return at;
  }

  /** Writes the first `len` bytes of the buffer, but for blocks of zeros. */
  #putRuns(output: number, len: number, at: number): void {
    this.#buf.fill(0, len, Math.min(CHUNK, len + BLOCK));
    let start = 0;
    for (let off = 0; off < len; off += BLOCK) {
      if (!this.#isZero(off)) continue;
      this.#put(output, start, off, at);
      start = off + BLOCK;
    }
    this.#put(output, start, len, at);
  }

  #put(output: number, start: number, end: number, at: number): void {
    try {
      for (let off = start; off < end; ) off += this.to.write(output, this.#buf, off, end - off, at + off);
    } catch (e) {
      throw new Error(`${shortly(e)} (in ${this.destText})`);
    }
  }

  #isZero(off: number): boolean {
    const words = this.#words;
    const end = (off + BLOCK) >> 3;
    for (let i = off >> 3; i < end; i++) if (words[i] !== 0n) return false;
    return true;
  }

  #attributes(dest: string, st: Stats, times: Times): void {
    this.#owner(() => this.to.chown(dest, st.uid, st.gid));
    this.to.chmod(dest, st.mode & 0o7777);
    this.to.utimes(dest, times);
  }

  /** Owners are kept by those who may. */
  #owner(change: () => void): void {
    try {
      change();
    } catch (e) {
      if ((e as { code?: string }).code !== 'EPERM') throw e;
    }
  }
}

/** Where `source` ends up: in `dest` if that is a directory, else under its name. */
function destinationOf(source: Place, dest: Place): string {
  if (!isDirectory(dest)) return dest.path;
  const name = baseName(source.path);
  // The root of an image, and `.`, are their contents.
  return name === '' || name === '.' || name === '..' ? dest.path : join(dest.path, name);
}

/** All operands but the last go to the last. PlaceError. */
function splitOperands(ctx: Context, operands: readonly string[]): { sources: readonly string[]; dest: Place } {
  const dest = ctx.at(operands[operands.length - 1] ?? '', true);
  const sources = operands.slice(0, -1);
  if (sources.length > 1 && !isDirectory(dest)) throw new PlaceError(`${dest.text}: is no directory, and there are several to put there`);
  return { sources, dest };
}

/** A directory cannot be put into itself. */
function checkNesting(source: Place, dest: Place, target: string): void {
  if (source.fs !== dest.fs || !source.fs.lstat(source.path).isDirectory()) return;
  const top = source.path.replace(/\/+$/, '');
  if (`${target}/`.startsWith(`${top}/`)) throw new Error(`cannot be put into itself (${dest.text})`);
}

export function cp(ctx: Context, operands: readonly string[], o: CopyOptions): void {
  const { sources, dest } = splitOperands(ctx, operands);
  for (const text of sources) {
    try {
      const source = ctx.at(text);
      const target = destinationOf(source, dest);
      checkNesting(source, dest, target);
      new Copier(ctx, source.fs, dest.fs, dest.text, o).copy(source.path, target, source.text);
    } catch (e) {
      ctx.complain(toBytestr(text), e);
    }
  }
}

export function mv(ctx: Context, operands: readonly string[], o: CopyOptions): void {
  const { sources, dest } = splitOperands(ctx, operands);
  ctx.each(sources, true, (source) => {
    const target = destinationOf(source, dest);
    if (o.clobber === false && dest.fs.peek(target) !== undefined) return;
    if (source.path === '/') throw new Error('is the root of an image, and stays');
    if (source.fs === dest.fs && renamed(source, target)) return;
    checkNesting(source, dest, target);
    const failedBefore = ctx.failed;
    ctx.failed = false;
    new Copier(ctx, source.fs, dest.fs, dest.text, { recursive: true }).copy(source.path, target, source.text);
    if (!ctx.failed) source.fs.rm(source.path, { recursive: true });
    ctx.failed ||= failedBefore;
  });
}

/** False: source and target are on different file systems of the host. */
function renamed(source: Place, target: string): boolean {
  try {
    source.fs.rename(source.path, target);
    return true;
  } catch (e) {
    if ((e as { code?: string }).code === 'EXDEV') return false;
    throw e;
  }
}
