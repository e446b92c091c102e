/**
 * The contents of a disk: sparse, in chunks of 64 KiB, which copies of an image share until one of them changes.
 *
 * What was never written is zeros and takes no memory, so a disk may have terabytes.
 */
const CHUNK = 65536;

export class DiskImage {
  #size: number;
  /** By number of the chunk. */
  readonly #chunks = new Map<number, Uint8Array>();
  /** Chunks that another image has too. */
  readonly #shared = new Set<number>();

  constructor(size: number) {
    this.#size = size;
  }

  /** An image of `bytes`, copied; `size` bytes long. */
  static of(bytes: Uint8Array, size: number = bytes.length): DiskImage {
    const image = new DiskImage(size);
    image.write(bytes.subarray(0, size), 0);
    return image;
  }

  get size(): number {
    return this.#size;
  }

  /** Bytes of memory that it takes, shared ones counted. */
  get resident(): number {
    return this.#chunks.size * CHUNK;
  }

  /** The same contents, changed apart from now on. */
  clone(): DiskImage {
    const copy = new DiskImage(this.#size);
    for (const [index, chunk] of this.#chunks) {
      copy.#chunks.set(index, chunk);
      copy.#shared.add(index);
      this.#shared.add(index);
    }
    return copy;
  }

  /** Longer (with zeros) or shorter. */
  resize(size: number): void {
    if (size < this.#size) this.#cutTail(size);
    this.#size = size;
  }

  #cutTail(size: number): void {
    for (const index of this.#chunks.keys()) if (index * CHUNK >= size) this.#chunks.delete(index);
    const chunk = this.#chunks.get(Math.floor(size / CHUNK));
    if (chunk !== undefined) this.#own(Math.floor(size / CHUNK)).fill(0, size % CHUNK);
  }

  /** Copies into `data`, in place; both must lie inside. */
  read(data: Uint8Array, off: number): void {
    for (let done = 0; done < data.length; ) {
      const at = (off + done) % CHUNK;
      const len = Math.min(CHUNK - at, data.length - done);
      const chunk = this.#chunks.get(Math.floor((off + done) / CHUNK));
      if (chunk === undefined) data.fill(0, done, done + len);
      else data.set(chunk.subarray(at, at + len), done);
      done += len;
    }
  }

  /** Copies from `data`, inside. */
  write(data: Uint8Array, off: number): void {
    for (let done = 0; done < data.length; ) {
      const at = (off + done) % CHUNK;
      const len = Math.min(CHUNK - at, data.length - done);
      this.#own(Math.floor((off + done) / CHUNK)).set(data.subarray(done, done + len), at);
      done += len;
    }
  }

  /** The chunk, this image's alone. */
  #own(index: number): Uint8Array {
    let chunk = this.#chunks.get(index);
    if (chunk !== undefined && !this.#shared.has(index)) return chunk;
    chunk = chunk === undefined ? new Uint8Array(CHUNK) : chunk.slice();
    this.#shared.delete(index);
    this.#chunks.set(index, chunk);
    return chunk;
  }

  /** All of it as one array, or `len` bytes from `off`. */
  bytes(off = 0, len: number = this.#size - off): Uint8Array {
    const data = new Uint8Array(len);
    this.read(data, off);
    return data;
  }

  /** What was written, in order: position and bytes (not to be changed), up to 64 KiB at a time. Everything between is zeros. */
  *extents(): Generator<[off: number, bytes: Uint8Array]> {
    for (const index of [...this.#chunks.keys()].sort((a, b) => a - b)) {
      const off = index * CHUNK;
      yield [off, (this.#chunks.get(index) as Uint8Array).subarray(0, Math.min(CHUNK, this.#size - off))];
    }
  }

  /** Whether both have the same bytes. */
  equals(other: DiskImage): boolean {
    if (other.#size !== this.#size) return false;
    const zeros = new Uint8Array(CHUNK);
    for (const index of new Set([...this.#chunks.keys(), ...other.#chunks.keys()])) {
      const mine = this.#chunks.get(index) ?? zeros;
      const its = other.#chunks.get(index) ?? zeros;
      if (mine !== its && !mine.every((byte, at) => byte === its[at])) return false;
    }
    return true;
  }
}
