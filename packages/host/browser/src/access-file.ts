/**
 * Files of the origin private file system, by their synchronous access handles: in a dedicated Worker, transfers that end at once, on storage that
 * stays. (File System Standard of the WHATWG, section 2.6.)
 *
 * A handle is made by the application, as that takes an `await`, and closed by it: it locks the file for the whole of the origin. Files that are opened
 * on it are closed by themselves and leave it open.
 */
import type { HostFileInfo } from '@anykernel/host-rumpuser';
import { type FileMode, OpenFile, type Store } from '@anykernel/lib-hostkit';
import { ERR, type Errno } from '@anykernel/lib-sys';

/** What is used of a FileSystemSyncAccessHandle. */
export interface SyncAccessHandle {
  read(buffer: Uint8Array, options: { at: number }): number;
  write(buffer: Uint8Array, options: { at: number }): number;
  getSize(): number;
  flush(): void;
}

export interface AccessFileOptions {
  /** EROFS for whoever opens it for writing. */
  readonly readonly?: boolean;
  /** What it says that it is; a regular file otherwise. */
  readonly type?: 'reg' | 'blk';
}

/** A host file on `handle`, which stays the application's to close. */
export function accessFile(handle: SyncAccessHandle, options: AccessFileOptions = {}): AccessFile {
  return new AccessFile(handle, options);
}

export class AccessFile implements Store {
  readonly #handle: SyncAccessHandle;
  readonly #options: AccessFileOptions;

  constructor(handle: SyncAccessHandle, options: AccessFileOptions) {
    this.#handle = handle;
    this.#options = options;
  }

  get size(): number {
    return attempt(() => this.#handle.getSize());
  }

  info(): HostFileInfo {
    return { size: this.size, type: this.#options.type ?? 'reg' };
  }

  /** EROFS. EIO: the handle is closed. */
  open(mode: FileMode): OpenFile {
    if (mode.write === true && this.#options.readonly === true) throw ERR.EROFS;
    return new OpenFile(this, mode);
  }

  copyOut(data: Uint8Array, off: number): number {
    return whole(data, (part, done) => this.#handle.read(part, { at: off + done }));
  }

  /** Beyond the end it leaves zeros between, and makes the file longer. ENOSPC: the origin's quota. */
  copyIn(data: Uint8Array, off: number): number {
    return whole(data, (part, done) => this.#handle.write(part, { at: off + done }));
  }

  flush(): void {
    attempt(() => this.#handle.flush());
  }
}

/** Repeats a transfer until all has moved or nothing moves. An error after some bytes is a short transfer, and the next one meets it. */
function whole(data: Uint8Array, move: (part: Uint8Array, done: number) => number): number {
  let done = 0;
  try {
    while (done < data.length) {
      const moved = move(done === 0 ? data : data.subarray(done), done);
      if (moved === 0) break;
      done += moved;
    }
  } catch (e) {
    if (done === 0) throw errnoOf(e);
  }
  return done;
}

function attempt<T>(fn: () => T): T {
  try {
    return fn();
  } catch (e) {
    throw errnoOf(e);
  }
}

/** What a DOMException is to a kernel. */
function errnoOf(e: unknown): Errno {
  const name = typeof e === 'object' && e !== null && 'name' in e ? e.name : undefined;
  if (name === 'QuotaExceededError') return ERR.ENOSPC;
  if (name === 'NoModificationAllowedError') return ERR.EROFS;
  return ERR.EIO;
}
