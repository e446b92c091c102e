/**
 * Buffers: the memory of one disk block each.
 *
 * Blocks smaller than a page share one, so that the kernel's memory comes and goes in pages.
 */
import { type Kernel, PAGE_SIZE } from '@anykernel/rumpkern';
import type { Errno } from '@anykernel/lib-sys';

/** A page cut into blocks, or one block. */
class Piece {
  free: { data: Uint8Array; view: DataView }[] = [];
  constructor(
    readonly chunk: Uint8Array,
    readonly count: number,
  ) {}
}

/** A copy of one block. Its bytes may be changed once txn.dirty() knows. */
export class Buf {
  /** Holds its bytes; not so while it is being read, or after that failed. */
  valid = false;
  /** Differs from the disk, and will be written. */
  dirty = false;
  /** The host fills `data` (a read is on its way). */
  reading = false;
  /** The host reads `data` itself: it must not change until the write has ended. */
  lent = false;
  /** Writes on their way, of `data` or a copy of it. */
  writes = 0;
  /** A read that failed, and that nobody has heard of yet. */
  error: Errno | undefined = undefined;
  /** Holders, who need it to stay where it is. */
  holds = 0;
  /** Belongs to the open transaction: changed, or made by it, or freed by it. */
  intxn = false;
  /** Not in the cache before the open transaction. */
  fresh = false;
  /** Changed by the open transaction. */
  changed = false;
  /** Freed by the open transaction. */
  freed = false;
  /** No longer in the cache; its memory goes back when the host is done with it. */
  gone = false;
  /** The kernel's epoch when it was last used, and whether that was since the clock's hand passed. */
  epoch = 0;
  recent = true;
  next: Buf;
  prev: Buf;

  constructor(
    readonly blkno: number,
    public data: Uint8Array,
    public view: DataView,
    readonly piece: Piece,
  ) {
    this.next = this.prev = this;
  }
}

/** The memory of one cache's buffers. */
export class BufPool {
  readonly #k: Kernel;
  readonly #bsize: number;
  readonly #count: number;
  /** Pieces with room. */
  readonly #room = new Set<Piece>();
  /** Bytes taken from the kernel. */
  bytes = 0;

  constructor(k: Kernel, bsize: number) {
    this.#k = k;
    this.#bsize = bsize;
    this.#count = bsize < PAGE_SIZE ? PAGE_SIZE / bsize : 1;
  }

  /** A buffer for block `blkno`. Its bytes are whatever they were. ENOMEM. */
  alloc(blkno: number): Buf {
    for (const piece of this.#room) {
      const slot = piece.free.pop()!;
      if (piece.free.length === 0) this.#room.delete(piece);
      return new Buf(blkno, slot.data, slot.view, piece);
    }
    const bsize = this.#bsize;
    const chunk = this.#k.mem.alloc(bsize * this.#count);
    this.bytes += chunk.length;
    const piece = new Piece(chunk, this.#count);
    for (let i = this.#count - 1; i > 0; i--) {
      const data = chunk.subarray(i * bsize, (i + 1) * bsize);
      piece.free.push({ data, view: new DataView(data.buffer, data.byteOffset, bsize) });
    }
    if (this.#count > 1) this.#room.add(piece);
    const data = this.#count === 1 ? chunk : chunk.subarray(0, bsize);
    return new Buf(blkno, data, new DataView(data.buffer, data.byteOffset, bsize), piece);
  }

  free(bp: Buf): void {
    const piece = bp.piece;
    if (piece.free.length + 1 === piece.count) {
      this.#room.delete(piece);
      this.bytes -= piece.chunk.length;
      this.#k.mem.free(piece.chunk);
      return;
    }
    piece.free.push({ data: bp.data, view: bp.view });
    this.#room.add(piece);
  }
}
