/**
 * The cache of file data as a whole: its limit, the order in which clusters leave, and how much of it is dirty.
 *
 * There is one in a kernel, made by the first file that needs it. Clean clusters are evicted by age (a clock); dirty ones are written when
 * they are many, and when memory is short. Nothing is written while a metadata transaction is open on the disk concerned.
 *
 * It also counts what is on its way to and from asynchronous disks, buffers included: that is memory which will be free again, and whoever
 * finds none can wait for it.
 */
import { CHUNK_MAX, type Kernel } from '@anykernel/rumpkern';
import type { Cluster } from './cluster.js';
import type { PagedUobj } from './pageduobj.js';

/** The limit where the kernel's memory has none, and the share of it where it has. */
const LIMIT_MAX = 64 << 20;
const LIMIT_SHARE = 2;
const LIMIT_MIN = 4 * CHUNK_MAX;
/** Clusters looked at for each that comes in. */
const EVICT_STEPS = 128;
/** Bytes on their way to asynchronous devices at once, and their share of the kernel's memory where that is limited. */
const INFLIGHT_MAX = 4 << 20;
const INFLIGHT_SHARE = 8;

/** Somebody with more to write than may be on its way at once. */
export interface Writes {
  /** Goes on. Never sleeps or throws. */
  writeback(): void;
}

export class FileCache {
  readonly k: Kernel;
  /** Bytes that the cache aims at. */
  limit: number;
  /** Bytes in chunks. */
  used = 0;
  /** Bytes of dirty pages. */
  dirty = 0;
  /** Bytes on their way to a disk, and from one into clusters. */
  inflight = 0;
  incoming = 0;
  readonly #inflightMax: number;
  readonly #more = new Set<Writes>();
  /** Files with dirty pages, the first to become dirty first. */
  readonly #dirtyFiles = new Set<PagedUobj>();
  #hand: Cluster | undefined;
  #count = 0;
  #reclaiming = false;

  constructor(k: Kernel) {
    this.k = k;
    this.#inflightMax = Math.min(INFLIGHT_MAX, Math.max(CHUNK_MAX, k.mem.limit / INFLIGHT_SHARE));
    this.limit = Math.max(LIMIT_MIN, Math.min(LIMIT_MAX, Math.floor(k.mem.limit / LIMIT_SHARE)));
    k.mem.onPressure((bytes) => this.reclaim(bytes));
    k.mem.await = () => this.await();
  }

  /** The cache of kernel `k`. */
  static of(k: Kernel): FileCache {
    return k.specific(FileCache, () => new FileCache(k));
  }

  /** A chunk for a cluster; others leave for it. ENOMEM. Sleeps where memory is on its way to an asynchronous device. */
  alloc(len: number): Uint8Array {
    if (this.used + len > this.limit) this.#evict(this.limit - len, EVICT_STEPS);
    const chunk = this.k.mem.take(len);
    this.used += len;
    return chunk;
  }

  /** There is no memory: sleeps if some is on its way. Whoever sleeps on the cache is woken when something has arrived. */
  await(): void {
    if (this.inflight + this.incoming > 0) this.k.sleep(this);
  }

  free(chunk: Uint8Array): void {
    this.used -= chunk.length;
    this.k.mem.free(chunk);
  }

  insert(c: Cluster): void {
    this.#count++;
    const hand = this.#hand;
    if (hand === undefined) {
      this.#hand = c;
      return;
    }
    c.prev = hand.prev;
    c.next = hand;
    c.prev.next = c;
    hand.prev = c;
  }

  remove(c: Cluster): void {
    this.#count--;
    if (c.next === c) this.#hand = undefined;
    else if (this.#hand === c) this.#hand = c.next;
    c.prev.next = c.next;
    c.next.prev = c.prev;
    c.next = c.prev = c;
  }

  /** A file has got its first dirty page, or lost its last. */
  fileDirty(u: PagedUobj, dirty: boolean): void {
    if (dirty) this.#dirtyFiles.add(u);
    else this.#dirtyFiles.delete(u);
  }

  /** Whether so much is dirty that it must be written before more comes. */
  get tooDirty(): boolean {
    return this.dirty + this.inflight > this.limit >> 1;
  }

  /** Whether no more may be put on its way now. */
  get full(): boolean {
    return this.inflight >= this.#inflightMax;
  }

  /** Writes what is dirty where it is too much. Never sleeps or throws. */
  balance(): void {
    if (this.dirty > this.limit >> 1) this.writeback();
  }

  /** Writes, or starts to write, the files that became dirty first. Never sleeps or throws. */
  writeback(): void {
    for (const u of [...this.#dirtyFiles]) {
      if (this.full) return;
      u.writeback();
    }
  }

  /** `w` goes on when something has arrived. */
  later(w: Writes): void {
    this.#more.add(w);
  }

  /** It will not. */
  never(w: Writes): void {
    this.#more.delete(w);
  }

  /** `bytes` have arrived at their disk, or failed to. */
  written(bytes: number): void {
    this.inflight -= bytes;
    for (const w of [...this.#more]) {
      if (this.full) break;
      this.#more.delete(w);
      w.writeback();
    }
    this.k.wakeup(this);
  }

  /** `bytes` have come from their disk, or failed to. */
  arrived(bytes: number): void {
    this.incoming -= bytes;
    this.k.wakeup(this);
  }

  /** Sees that the kernel's limit leaves `bytes` to take, if that can be had by giving up or writing cached data. */
  ensure(bytes: number): void {
    const mem = this.k.mem;
    if (mem.used + bytes > mem.limit) this.reclaim(mem.used + bytes - mem.limit);
  }

  /** Gives up about `bytes`: clean clusters, then dirty ones that are written for it. */
  reclaim(bytes: number): void {
    if (this.#reclaiming) return;
    this.#reclaiming = true;
    const goal = Math.max(0, this.used - bytes);
    this.#evict(goal, 2 * this.#count);
    if (this.used > goal && this.dirty > 0) {
      this.writeback();
      this.#evict(goal, 2 * this.#count);
    }
    this.#reclaiming = false;
  }

  /** Moves the hand at most `steps` on, evicting until no more than `goal` bytes are used. */
  #evict(goal: number, steps: number): void {
    for (let n = steps; n > 0 && this.#hand !== undefined && this.used > goal; n--) {
      const c = this.#hand;
      this.#hand = c.next;
      if (c.recent) c.recent = false;
      else if ((c.dirty | c.writing | c.reading) === 0 && c.transfers === 0 && c.epoch !== this.k.epoch) c.uobj.forget(c);
    }
  }
}
