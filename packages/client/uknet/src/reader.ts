/** Reading into memory that a program gives: `onread` of a socket's options. */

export interface OnRead {
  /** Where to read to; or what gives it, before each read. */
  readonly buffer: Uint8Array | (() => Uint8Array);
  /** So many bytes are there. `this` is the socket; false: no more until resume(). */
  readonly callback: (this: object, len: number, memory: Uint8Array) => unknown;
}

export class Reader {
  readonly #next: () => Uint8Array;
  readonly #callback: OnRead['callback'];
  #memory: Uint8Array;

  /** undefined: it is not what `onread` must be, and then nothing. */
  static of(onread: OnRead | undefined | null): Reader | undefined {
    if (typeof onread !== 'object' || onread === null || typeof onread.callback !== 'function') return undefined;
    const { buffer } = onread;
    if (typeof buffer === 'function') return new Reader(buffer, onread.callback);
    return buffer instanceof Uint8Array ? new Reader(() => buffer, onread.callback) : undefined;
  }

  private constructor(next: () => Uint8Array, callback: OnRead['callback']) {
    this.#next = next;
    this.#callback = callback;
    this.#memory = next();
  }

  memory(): Uint8Array {
    return this.#memory;
  }

  /** `len` bytes have been read into the memory. Returns whether there may be more. */
  take(socket: object, len: number): boolean {
    const memory = this.#memory;
    const more = this.#callback.call(socket, len, memory) !== false;
    this.#memory = this.#next();
    return more;
  }
}
