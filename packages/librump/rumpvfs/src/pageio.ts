/**
 * One transfer of whole pages between clusters and a device: the extents, and whose bytes they are.
 *
 * It ends as a whole: a page of small blocks may be scattered over several extents, and is there, or written, when all of them are.
 */
import { ERR, Errno } from '@anykernel/lib-sys';
import { CHUNK_MAX } from '@anykernel/rumpkern';
import { type Cluster, chunkLength } from './cluster.js';
import type { Disk } from './disk.js';

/** Contiguous on the device. */
interface Extent {
  readonly off: number;
  len: number;
  readonly data: Uint8Array[];
}

export class PageIo {
  readonly clusters: Cluster[] = [];
  readonly masks: number[] = [];
  readonly #extents: Extent[] = [];
  bytes = 0;
  /** The clusters' memory takes no part in it. */
  copied = false;
  #pending = 0;
  #error: Errno | undefined;
  #copies: Uint8Array[] | undefined;

  /** Where the device goes on after what was added last. */
  get end(): number {
    const last = this.#extents[this.#extents.length - 1];
    return last === undefined ? -1 : last.off + last.len;
  }

  /** Pages `mask` of `c` belong to the transfer. */
  addPages(c: Cluster, mask: number): void {
    const last = this.clusters.length - 1;
    if (this.clusters[last] === c) this.masks[last] |= mask;
    else {
      this.clusters.push(c);
      this.masks.push(mask);
    }
  }

  /** `data` is at `off` of the device. */
  add(off: number, data: Uint8Array): void {
    this.bytes += data.length;
    if (this.end !== off) {
      this.#extents.push({ off, len: data.length, data: [data] });
      return;
    }
    const x = this.#extents[this.#extents.length - 1];
    x.len += data.length;
    const before = x.data[x.data.length - 1];
    if (before.buffer === data.buffer && before.byteOffset + before.length === data.byteOffset && before.length + data.length <= CHUNK_MAX) {
      x.data[x.data.length - 1] = new Uint8Array(data.buffer, before.byteOffset, before.length + data.length);
    } else x.data.push(data);
  }

  /**
   * Starts the transfer. Returns true when it has ended already; then `error` says how. Otherwise `done` is called when it has.
   */
  start(disk: Disk, write: boolean, done: () => void): boolean {
    this.#pending = 1;
    for (const x of this.#extents) {
      try {
        const ended = (error: Errno | undefined): void => {
          this.#error ??= error;
          if (--this.#pending === 0) done();
        };
        const moved = write ? disk.write(x.data, x.off, ended) : disk.read(x.data, x.off, ended);
        if (moved === -1) this.#pending++;
      } catch (e) {
        if (!(e instanceof Errno)) throw e;
        this.#error ??= e;
        break;
      }
    }
    return --this.#pending === 0;
  }

  get error(): Errno | undefined {
    return this.#error;
  }

  /** Puts copies in the place of the data, if there is memory for them. Returns whether it did. */
  detach(disk: Disk): boolean {
    const copies: Uint8Array[] = [];
    try {
      for (const x of this.#extents) {
        for (let i = 0; i < x.data.length; i++) {
          const chunk = disk.k.mem.alloc(chunkLength(x.data[i].length));
          copies.push(chunk);
          chunk.set(x.data[i]);
        }
      }
    } catch (e) {
      if (e !== ERR.ENOMEM) throw e;
      for (const chunk of copies) disk.k.mem.free(chunk);
      return false;
    }
    let n = 0;
    for (const x of this.#extents) for (let i = 0; i < x.data.length; i++) x.data[i] = copies[n++].subarray(0, x.data[i].length);
    this.#copies = copies;
    return true;
  }

  /** The transfer has ended: copies go back. */
  release(disk: Disk): void {
    if (this.#copies === undefined) return;
    for (const chunk of this.#copies) disk.k.mem.free(chunk);
    this.#copies = undefined;
  }
}
