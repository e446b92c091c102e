/**
 * Memory for kernels: zeroed arrays, and a bounded stock of those that were given back.
 *
 * A megabyte costs about as much to fault in and to collect as a kernel takes to boot, so repeated boots reuse it. Memory from the stock is
 * zeroed when it is handed out again.
 */
import { ERR } from '@anykernel/lib-sys';

export class SlabPool {
  readonly #keepBytes: number;
  readonly #stock = new Map<number, Uint8Array[]>();
  #kept = 0;

  constructor(keepBytes: number) {
    this.#keepBytes = keepBytes;
  }

  /** Bytes in stock. */
  get kept(): number {
    return this.#kept;
  }

  /** EINVAL: no length. ENOMEM. */
  malloc(len: number): Uint8Array {
    if (!Number.isSafeInteger(len) || len < 0) throw ERR.EINVAL;
    const mem = this.#stock.get(len)?.pop();
    if (mem === undefined) return allocate(len);
    this.#kept -= len;
    return mem.fill(0);
  }

  /** What does not fit the stock is left to the garbage collector. EINVAL: it is not whole, or given back already. */
  free(mem: Uint8Array): void {
    const len = mem.length;
    if (mem.byteOffset !== 0 || mem.buffer.byteLength !== len) throw ERR.EINVAL;
    const list = this.#stock.get(len) ?? [];
    if (list.some((one) => one.buffer === mem.buffer)) throw ERR.EINVAL;
    if (len === 0 || this.#kept + len > this.#keepBytes) return;
    if (list.length === 0) this.#stock.set(len, list);
    list.push(mem);
    this.#kept += len;
  }
}

function allocate(len: number): Uint8Array {
  try {
    return new Uint8Array(len);
  } catch {
    throw ERR.ENOMEM;
  }
}
