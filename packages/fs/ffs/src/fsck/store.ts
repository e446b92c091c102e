/**
 * The image as the checker sees it: fragments, with what it changes kept aside until all has been checked.
 */
import { ERR } from '@anykernel/lib-sys';

/** An image that is read at once, and written at once. */
export interface ImageIo {
  /** Bytes. */
  readonly size: number;
  /** `len` bytes at `off`, all of them. Throws where the device does. */
  read(off: number, len: number): Uint8Array;
  write(off: number, data: Uint8Array): void;
}

/** Fragments kept besides those that were changed, and changed ones at most, in bytes. */
const KEEP_BYTES = 16 << 20;
const CHANGED_MAX = 512 << 20;
/** Fragments that are read together. */
const AHEAD_BYTES = 32768;

export class Store {
  readonly io: ImageIo;
  readonly fsize: number;
  readonly #size: number;
  readonly #clean = new Map<number, Uint8Array>();
  readonly #changed = new Map<number, Uint8Array>();

  /** `size`: fragments. */
  constructor(io: ImageIo, fsize: number, size: number) {
    this.io = io;
    this.fsize = fsize;
    this.#size = size;
  }

  /** Fragment `addr`; only looked at. */
  frag(addr: number): Uint8Array {
    const changed = this.#changed.get(addr) ?? this.#clean.get(addr);
    if (changed !== undefined) return changed;
    const { fsize } = this;
    if (this.#clean.size * fsize > KEEP_BYTES) this.#clean.clear();
    const count = Math.max(1, Math.min(AHEAD_BYTES / fsize, this.#size - addr));
    const b = this.io.read(addr * fsize, count * fsize);
    for (let i = 0; i < count; i++) if (!this.#changed.has(addr + i)) this.#clean.set(addr + i, b.subarray(i * fsize, (i + 1) * fsize));
    return b.subarray(0, fsize);
  }

  /** Fragment `addr`, to be changed. ENOMEM: more was changed than there is room for. */
  change(addr: number): Uint8Array {
    const there = this.#changed.get(addr);
    if (there !== undefined) return there;
    if (this.#changed.size * this.fsize > CHANGED_MAX) throw ERR.ENOMEM;
    const b = this.frag(addr).slice();
    this.#changed.set(addr, b);
    this.#clean.delete(addr);
    return b;
  }

  /** `len` bytes at byte `off`. */
  bytes(off: number, len: number): Uint8Array {
    const out = new Uint8Array(len);
    for (let done = 0; done < len; ) {
      const at = off + done;
      const b = this.frag(Math.floor(at / this.fsize));
      const from = at % this.fsize;
      const n = Math.min(len - done, this.fsize - from);
      out.set(b.subarray(from, from + n), done);
      done += n;
    }
    return out;
  }

  /** Puts bytes at `off`, where they differ. Returns whether they did. */
  put(off: number, data: Uint8Array): boolean {
    let differs = false;
    for (let done = 0; done < data.length; ) {
      const at = off + done;
      const addr = Math.floor(at / this.fsize);
      const from = at % this.fsize;
      const n = Math.min(data.length - done, this.fsize - from);
      const part = data.subarray(done, done + n);
      if (!sameBytes(this.frag(addr).subarray(from, from + n), part)) {
        this.change(addr).set(part, from);
        differs = true;
      }
      done += n;
    }
    return differs;
  }

  /** Writes what was changed. */
  flush(): void {
    for (const [addr, b] of [...this.#changed].sort((x, y) => x[0] - y[0])) this.io.write(addr * this.fsize, b);
    this.#changed.clear();
    this.#clean.clear();
  }

  get changed(): boolean {
    return this.#changed.size > 0;
  }
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
