/** Dir: an open directory, read entry by entry; and opendir(). */
import { later } from '#host';
import { fromBytestr } from '@anykernel/lib-bytes';
import { DT_DIR, DT_UNKNOWN, type Dirent as KernelDirent, O_CLOEXEC, O_DIRECTORY, parseDirents } from '@anykernel/lib-sys';
import { type PathLike, toBoolOrNull, toFunction, toPath, toUint32 } from './args.js';
import { encodingOf, nameOut } from './bytes.js';
import { coded } from './coded.js';
import { invalidArgType } from './errors.js';
import { asyncDispose, dispose } from './host.js';
import { fieldsOf } from './kinds.js';
import { bytePath, join, kernelPath, pathText } from './pathnames.js';
import { type Op, type Runner, attempt, call } from './run.js';
import { Dirent } from './stats.js';
import { typeOf } from './tree.js';

export interface OpendirOptions {
  readonly encoding?: string | null;
  /** Entries that are read ahead. */
  readonly bufferSize?: number;
  readonly recursive?: boolean;
}

type Name = string | Uint8Array;
type AnyDirent = Dirent<Name>;

/** What a Dir is made of. */
export interface OpenDirectory {
  readonly runner: Runner;
  readonly fd: number;
  readonly path: PathLike;
  readonly options: OpendirOptions | string | null | undefined;
}

function closedError(): Error {
  return coded('ERR_DIR_CLOSED', 'Directory handle was closed', Error);
}

/** Bytes for an entry with a name of usual length. */
const ENTRY_LEN = 64;

export class Dir {
  readonly #runner: Runner;
  #fd: number;
  readonly #path: PathLike;
  readonly #options: OpendirOptions | string | null | undefined;
  readonly #recursive: boolean;
  readonly #buffer: Uint8Array;
  #entries: KernelDirent[] = [];
  #next = 0;
  /** The directory that is being read, a byte string, and those below it that are still to come. */
  #dir: string;
  readonly #queue: string[] = [];
  #parent: string;
  #closed = false;
  /** Operations whose results are still on their way. */
  #pending = 0;

  /** For opendir() only. ERR_MISSING_ARGS. */
  constructor(open: OpenDirectory) {
    if (open === undefined) throw coded('ERR_MISSING_ARGS', 'The "handle" argument must be specified');
    const { options } = open;
    const o = fieldsOf<OpendirOptions>(options);
    this.#runner = open.runner;
    this.#fd = open.fd;
    this.#path = open.path;
    this.#options = options;
    this.#recursive = toBoolOrNull(o.recursive, 'recursive');
    const count = o.bufferSize === undefined ? 32 : toUint32(o.bufferSize, 'options.bufferSize', 1);
    this.#buffer = new Uint8Array(Math.min(1 << 18, Math.max(1024, count * ENTRY_LEN)));
    const p = toPath(open.path);
    this.#dir = bytePath(p);
    this.#parent = pathText(p);
  }

  /** As it was given to opendir(). */
  get path(): PathLike {
    if (!(#path in this)) throw coded('ERR_INVALID_THIS', 'Value of "this" must be of type Dir');
    return this.#path;
  }

  /** The next entry, or null at the end. ERR_DIR_CLOSED. */
  read(): Promise<AnyDirent | null>;
  read(callback: (error: unknown, entry?: AnyDirent | null) => void): void;
  read(callback?: unknown): Promise<AnyDirent | null> | undefined {
    return this.#asked(this.#read(), callback);
  }

  readSync(): AnyDirent | null {
    this.#checkSync();
    return this.#runner.now(this.#read());
  }

  close(): Promise<void>;
  close(callback: (error?: unknown) => void): void;
  close(callback?: unknown): Promise<void> | undefined {
    return this.#asked(this.#close(), callback);
  }

  closeSync(): void {
    this.#checkSync();
    this.#runner.now(this.#close());
  }

  async *entries(): AsyncGenerator<AnyDirent, void, undefined> {
    try {
      for (let e = await this.read(); e !== null; e = await this.read()) yield e;
    } finally {
      await this.close();
    }
  }

  [Symbol.asyncIterator](): AsyncGenerator<AnyDirent, void, undefined> {
    return this.entries();
  }

  async [asyncDispose](): Promise<void> {
    if (!this.#closed) await this.close();
  }

  [dispose](): void {
    if (!this.#closed) this.closeSync();
  }

  #checkSync(): void {
    if (this.#closed) throw closedError();
    if (this.#pending === 0) return;
    throw coded('ERR_DIR_CONCURRENT_OPERATION', 'Cannot do synchronous work on directory handle with concurrent asynchronous operations', Error);
  }

  async #promised<T>(op: Op<T>): Promise<T> {
    this.#pending++;
    try {
      return await this.#runner.run(op);
    } finally {
      this.#pending--;
    }
  }

  /** A promise, where nobody is to be called. */
  #asked<T>(op: Op<T>, callback: unknown): Promise<T> | undefined {
    if (callback === undefined) return this.#promised(op);
    const fn = toFunction(callback, 'callback') as (error: unknown, ...result: T[]) => void;
    this.#promised(op).then(
      (result) => later(() => (result === undefined ? fn(null) : fn(null, result))),
      (error: unknown) => later(() => fn(error)),
    );
    return undefined;
  }

  *#close(): Op<void> {
    if (this.#closed) throw closedError();
    this.#closed = true;
    yield* call('close', [this.#fd]);
  }

  *#read(): Op<AnyDirent | null> {
    if (this.#closed) throw closedError();
    for (;;) {
      if (this.#next === this.#entries.length && !(yield* this.#fill())) return null;
      const e = this.#entries[this.#next++];
      if (e === undefined || e.name === '.' || e.name === '..') continue;
      const type = e.type === DT_UNKNOWN ? yield* typeOf(join(this.#dir, e.name)) : e.type;
      if (this.#recursive && type === DT_DIR) this.#queue.push(join(this.#dir, e.name));
      return new Dirent<Name>(nameOut(e.name, this.#options), this.#parent, type);
    }
  }

  /** Reads more entries; false at the end of all. */
  *#fill(): Op<boolean> {
    for (;;) {
      const n = yield* call('getdents', [this.#fd, this.#buffer], 'scandir', this.#parent);
      this.#entries = parseDirents(this.#buffer, n);
      this.#next = 0;
      if (this.#entries.length > 0) return true;
      if (n > 0) continue;
      const below = this.#queue.shift();
      if (below === undefined) return false;
      const text = fromBytestr(below);
      const fd = yield* call('open', [kernelPath(below), O_DIRECTORY | O_CLOEXEC, 0], 'opendir');
      yield* attempt('close', [this.#fd]);
      [this.#fd, this.#dir, this.#parent] = [fd, below, text];
    }
  }
}

/** opendir() with what it opens for. */
export function* opendir(runner: Runner, path: PathLike, options?: OpendirOptions | string | null): Op<Dir> {
  const p = toPath(path);
  if (typeof options !== 'object' && typeof options !== 'string' && options !== undefined) {
    throw invalidArgType('options', 'one of type string or object', options);
  }
  encodingOf(options);
  const fd = yield* call('open', [p, O_DIRECTORY | O_CLOEXEC, 0], 'opendir');
  try {
    return new Dir({ runner, fd, path, options });
  } catch (e) {
    yield* attempt('close', [fd]);
    throw e;
  }
}

