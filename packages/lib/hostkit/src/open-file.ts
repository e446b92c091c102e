/**
 * An open host file (HostFile in the hypercalls) on anything whose transfers end at once: bytes in memory, a handle of the platform.
 *
 * What is there is copied by position; the open file has the mode, a position of its own, and the rules for both.
 */
import { ERR } from '@anykernel/lib-sys';

/** What is read and written at positions. */
export interface Store {
  /** Bytes, now. */
  readonly size: number;
  /** Fills `data` in place; returns the bytes moved, fewer at the end. */
  copyOut(data: Uint8Array, off: number): number;
  /** Takes `data`; returns the bytes moved. Errno where none can be. */
  copyIn(data: Uint8Array, off: number): number;
  flush(): void;
}

export interface FileMode {
  readonly read?: boolean;
  readonly write?: boolean;
}

export class OpenFile {
  readonly size: number;
  readonly writable: boolean;
  readonly #readable: boolean;
  #store: Store | undefined;
  /** For transfers without an offset. */
  #position = 0;

  /** No mode at all is for reading. */
  constructor(store: Store, mode: FileMode) {
    this.#store = store;
    this.size = store.size;
    this.writable = mode.write === true;
    this.#readable = mode.read === true || !this.writable;
  }

  read(data: Uint8Array, off: number): number {
    const store = this.#check(this.#readable, off);
    const moved = store.copyOut(data, off === -1 ? this.#position : off);
    if (off === -1) this.#position += moved;
    return moved;
  }

  write(data: Uint8Array, off: number): number {
    const store = this.#check(this.writable, off);
    const moved = data.length === 0 ? 0 : store.copyIn(data, off === -1 ? this.#position : off);
    if (off === -1) this.#position += moved;
    return moved;
  }

  readv(data: readonly Uint8Array[], off: number): number {
    this.#check(this.#readable, off);
    return each(data, off, (one, at) => this.read(one, at));
  }

  writev(data: readonly Uint8Array[], off: number): number {
    this.#check(this.writable, off);
    return each(data, off, (one, at) => this.write(one, at));
  }

  flush(): number {
    this.#check(true, 0).flush();
    return 0;
  }

  close(): void {
    this.#store = undefined;
  }

  /** EBADF: closed, or not open for this. EINVAL: no offset. */
  #check(allowed: boolean, off: number): Store {
    if (this.#store === undefined || !allowed) throw ERR.EBADF;
    if (!Number.isSafeInteger(off) || off < -1) throw ERR.EINVAL;
    return this.#store;
  }
}

/** One after another, until one moves less than it could. An error after some bytes is a short transfer, and the next one meets it. */
function each(data: readonly Uint8Array[], off: number, move: (one: Uint8Array, at: number) => number): number {
  let moved = 0;
  for (const one of data) {
    let n = 0;
    try {
      n = move(one, off === -1 ? -1 : off + moved);
    } catch (e) {
      if (moved === 0) throw e;
    }
    moved += n;
    if (n < one.length) break;
  }
  return moved;
}
