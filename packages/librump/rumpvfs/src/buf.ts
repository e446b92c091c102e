/**
 * Buffers: the memory of one disk block each.
 *
 * Blocks smaller than a page share one, so that the kernel's memory comes and goes in pages.
 */
import { type Kernel, PAGE_SIZE } from '@anykernel/rumpkern';
import type { Errno } from '@anykernel/lib-sys';
import type { Logged } from './journal.js';

/** The memory of one block. */
class Slot {
  readonly view: DataView;
  constructor(
    readonly data: Uint8Array,
    readonly piece: Piece,
  ) {
    this.view = new DataView(data.buffer, data.byteOffset, data.length);
  }
}

/** A page cut into blocks, or one block. */
class Piece {
  readonly free: Slot[] = [];
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
  /** Was not in use before, and is not on disk yet: it is written before the blocks that name it. */
  early = false;
  /** Changed by a transaction that the journal does not have yet: it is not written home. */
  pinned = false;
  /** The transaction in the journal that has its last committed bytes, while they are not home. */
  mark: Logged | undefined = undefined;
  /** The file system's: what the block holds. */
  tag: unknown = undefined;
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

  readonly data: Uint8Array;
  readonly view: DataView;

  constructor(
    readonly blkno: number,
    readonly slot: Slot,
  ) {
    this.data = slot.data;
    this.view = slot.view;
    this.next = this.prev = this;
  }
}

/** Blocks that a cache keeps although no buffer has them, since the next one comes soon. */
const SPARE_MAX = 32;

/** The memory of one cache's buffers. */
export class BufPool {
  readonly #k: Kernel;
  readonly #bsize: number;
  readonly #count: number;
  readonly #spare: Slot[] = [];
  #keep = SPARE_MAX;
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
    return new Buf(blkno, this.#spare.pop() ?? this.#slot());
  }

  #slot(): Slot {
    for (const piece of this.#room) {
      const slot = piece.free.pop()!;
      if (piece.free.length === 0) this.#room.delete(piece);
      return slot;
    }
    const bsize = this.#bsize;
    const chunk = this.#k.mem.alloc(bsize * this.#count);
    this.bytes += chunk.length;
    const piece = new Piece(chunk, this.#count);
    for (let i = this.#count - 1; i > 0; i--) piece.free.push(new Slot(chunk.subarray(i * bsize, (i + 1) * bsize), piece));
    if (this.#count > 1) this.#room.add(piece);
    return new Slot(this.#count === 1 ? chunk : chunk.subarray(0, bsize), piece);
  }

  free(bp: Buf): void {
    if (this.#spare.length < this.#keep) this.#spare.push(bp.slot);
    else this.#giveBack(bp.slot);
  }

  /** No more blocks are kept than buffers have. */
  trim(): void {
    for (const slot of this.#spare) this.#giveBack(slot);
    this.#spare.length = 0;
  }

  /** Nothing is kept from here on. */
  close(): void {
    this.#keep = 0;
    this.trim();
  }

  #giveBack(slot: Slot): void {
    const piece = slot.piece;
    if (piece.free.length + 1 === piece.count) {
      this.#room.delete(piece);
      this.bytes -= piece.chunk.length;
      this.#k.mem.free(piece.chunk);
      return;
    }
    piece.free.push(slot);
    this.#room.add(piece);
  }
}
