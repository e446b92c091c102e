/**
 * Files of the host, held to their contract: whatever the host (or an application that serves a file of its own) throws or says, the kernel sees
 * an Errno or a number of bytes that can be, and each completion once, later.
 */
import type { Completion, HostFile, HostFileInfo, OpenMode } from '@anykernel/host-rumpuser';
import { isBytestr } from '@anykernel/lib-bytes';
import { ERR, Errno } from '@anykernel/lib-sys';
import type { Kernel } from './kernel.js';

const PENDING = -1;

/**
 * Opens a file of the host: to write if the host allows it, to read otherwise. `bio`: a hint, block transfers will follow. What the host says:
 * ENOENT, EACCES ...; EIO: it fails otherwise.
 */
export function openHost(k: Kernel, name: string, bio: boolean): HostFile {
  try {
    return open(k, name, { read: true, write: true, bio });
  } catch (e) {
    k.ignoreErrno(e);
    return open(k, name, { read: true, bio });
  }
}

/** What the host says of a name; undefined: there is no such file. EIO: it fails, or says what cannot be. */
export function hostInfo(k: Kernel, name: string): HostFileInfo | undefined {
  const info = attempt(() => k.host.getfileinfo(name));
  if (info !== undefined && !isSize(info.size)) throw ERR.EIO;
  return info;
}

/** The names in a directory of the host, in order, each once and such as a directory can have. EOPNOTSUPP: the host lists none. What it says; EIO: it fails otherwise. */
export function hostNames(k: Kernel, name: string): string[] {
  if (k.host.readdir === undefined) throw ERR.EOPNOTSUPP;
  const names = attempt(() => [...new Set(k.host.readdir?.(name))]);
  return names.filter((n) => typeof n === 'string' && isBytestr(n) && n !== '' && n !== '.' && n !== '..' && !/[/\0]/.test(n)).sort();
}

function open(k: Kernel, name: string, mode: OpenMode): HostFile {
  return new CheckedFile(
    k,
    attempt(() => k.host.open(name, mode)),
  );
}

class CheckedFile implements HostFile {
  readonly size: number;
  readonly writable: boolean;
  readonly #k: Kernel;
  readonly #file: HostFile;

  constructor(k: Kernel, file: HostFile) {
    this.#k = k;
    this.#file = file;
    const { size, writable } = file;
    if (!isSize(size)) throw ERR.EIO;
    this.size = size;
    this.writable = writable === true;
  }

  read(data: Uint8Array, off: number, done: Completion): number {
    return this.#move(data.length, done, (ended) => this.#file.read(data, off, ended));
  }

  write(data: Uint8Array, off: number, done: Completion): number {
    return this.#move(data.length, done, (ended) => this.#file.write(data, off, ended));
  }

  readv(data: readonly Uint8Array[], off: number, done: Completion): number {
    return this.#move(total(data), done, (ended) => this.#file.readv(data, off, ended));
  }

  writev(data: readonly Uint8Array[], off: number, done: Completion): number {
    return this.#move(total(data), done, (ended) => this.#file.writev(data, off, ended));
  }

  flush(done: Completion): number {
    return this.#move(0, done, (ended) => this.#file.flush(ended));
  }

  claim(off: number, len: number): () => void {
    const end = attempt(() => this.#file.claim?.(off, len));
    return () => attempt(() => end?.());
  }

  close(): void {
    try {
      this.#file.close();
    } catch {
      // There is nothing more that could be done with it.
    }
  }

  #move(len: number, done: Completion, start: (ended: Completion) => number): number {
    let state: 'starts' | 'pending' | 'ended' = 'starts';
    /** A host that ends a transfer within the call might as well have said so by its result. */
    let early: number | Errno | undefined;
    const end: Completion = (error, moved) => {
      const outcome = error === undefined ? checked(moved, len) : errnoOf(error);
      if (state === 'starts') early ??= outcome;
      if (state !== 'pending') return;
      state = 'ended';
      this.#k.transferEnds();
      if (typeof outcome === 'number') done(undefined, outcome);
      else done(outcome, 0);
    };
    const result = attempt(() => start(end));
    if (result === PENDING && early === undefined) {
      state = 'pending';
      this.#k.transferBegins();
      return PENDING;
    }
    state = 'ended';
    const outcome = result === PENDING && early !== undefined ? early : checked(result, len);
    if (typeof outcome !== 'number') throw outcome;
    return outcome;
  }
}

function isSize(size: number): boolean {
  return Number.isSafeInteger(size) && size >= 0;
}

function total(data: readonly Uint8Array[]): number {
  let len = 0;
  for (const one of data) len += one.length;
  return len;
}

/** The bytes that were moved, or EIO if there cannot have been so many. */
function checked(moved: number, len: number): number | Errno {
  return Number.isInteger(moved) && moved >= 0 && moved <= len ? moved : ERR.EIO;
}

function attempt<T>(fn: () => T): T {
  try {
    return fn();
  } catch (e) {
    throw errnoOf(e);
  }
}

function errnoOf(e: unknown): Errno {
  return e instanceof Errno ? e : ERR.EIO;
}
