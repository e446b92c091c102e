/**
 * The buffer cache: copies of a mounted file system's metadata blocks in memory, one buffer to a block.
 *
 * bread() gives a buffer; whoever changes its bytes says so first with txn.dirty(bp), and it is written when a flush comes, together with
 * its neighbours. What was used in the current entry into the kernel, what is held, and what is on its way to or from the disk stays where
 * it is; the rest is evicted by age when the cache is full. A miss on an asynchronous device sleeps (and so restarts the call).
 */
import { ERR, Errno } from '@anykernel/lib-sys';
import { type Kernel, SLEEP } from '@anykernel/rumpkern';
import { type Buf, BufPool } from './buf.js';
import { BufWriter } from './bufwriter.js';
import type { Disk } from './disk.js';
import { FileCache } from './filecache.js';
import type { Journal } from './journal.js';
import type { Txn } from './txn.js';

/** The cache's size where memory is not limited, and its share where it is. */
const LIMIT_MAX = 32 << 20;
const LIMIT_SHARE = 8;
/** Buffers that are always allowed: a single operation must get through. */
const COUNT_MIN = 64;
/** Buffers looked at for each that comes in. */
const EVICT_STEPS = 32;
/** Blocks read ahead at once, in bytes. */
const AHEAD_MAX = 256 << 10;

/** What a cache has done; read it, do not keep it. */
export interface BcacheStats {
  hits: number;
  misses: number;
  /** Blocks read and written. */
  reads: number;
  writes: number;
  /** Blocks that will be written. */
  readonly dirty: number;
}

export class Bcache {
  readonly k: Kernel;
  readonly disk: Disk;
  readonly bsize: number;
  /** Buffers that the cache aims at, besides those that are held. */
  readonly limit: number;
  readonly stats: BcacheStats;
  /** The transactions over this cache, once there are some. */
  txn: Txn | undefined = undefined;
  /** What the file system writes ahead to, while it does. */
  journal: Journal | undefined = undefined;
  readonly #map = new Map<number, Buf>();
  readonly #pool: BufPool;
  readonly #writer: BufWriter;
  /** The clock: where the search for something to evict goes on. */
  #hand: Buf | undefined;
  #reclaiming = false;
  /** Buffers that are held: they come on top of the limit, so that it is the others' to share. */
  #held = 0;
  readonly #unregister: () => void;

  /** `limit`: buffers; otherwise a share of the kernel's memory. */
  constructor(k: Kernel, disk: Disk, bsize: number, limit?: number) {
    this.k = k;
    this.disk = disk;
    this.bsize = bsize;
    const share = Math.floor(Math.min(LIMIT_MAX, k.mem.limit / LIMIT_SHARE) / bsize);
    this.limit = Math.max(COUNT_MIN, limit ?? share);
    this.#pool = new BufPool(k, bsize);
    this.#writer = new BufWriter(k, disk, bsize, this);
    const writer = this.#writer;
    this.stats = {
      hits: 0,
      misses: 0,
      reads: 0,
      get writes() {
        return writer.written;
      },
      get dirty() {
        return writer.dirty.size;
      },
    };
    this.#unregister = k.mem.onPressure((bytes) => this.#reclaim(bytes));
  }

  /** Buffers in memory. */
  get count(): number {
    return this.#map.size;
  }

  /** The file system's: called before buffers are written, home or to a journal; it may change what in them depends on the rest (checksums). */
  get seal(): ((bufs: readonly Buf[]) => void) | undefined {
    return this.#writer.seal;
  }
  set seal(fn: ((bufs: readonly Buf[]) => void) | undefined) {
    this.#writer.seal = fn;
  }

  /** BufWriter's: the memory of a buffer that had left the cache while it was written. */
  release(bp: Buf): void {
    this.#pool.free(bp);
  }

  /** All buffers, in no particular order. */
  bufs(): IterableIterator<Buf> {
    return this.#map.values();
  }

  /** The buffer of block `blkno`, read if need be. EIO: the device failed, or has no such block. ENOMEM. Sleeps. */
  bread(blkno: number): Buf {
    const bp = this.#map.get(blkno);
    if (bp === undefined || !bp.valid) return this.#read(blkno);
    bp.epoch = this.k.epoch;
    bp.recent = true;
    this.stats.hits++;
    return bp;
  }

  #read(blkno: number): Buf {
    this.#check(blkno);
    const bp = this.#map.get(blkno) ?? this.#make(blkno);
    if (bp.reading) this.k.sleep(bp);
    const error = bp.error;
    if (error !== undefined) {
      this.forget(bp);
      throw error;
    }
    this.stats.misses++;
    this.#touch(bp);
    this.#transfer([bp]);
    if (bp.reading) this.k.sleep(bp);
    return bp;
  }

  /** Reads neighbouring blocks into their buffers. An error of a transfer that ends at once is thrown; one that comes later is kept. */
  #transfer(bufs: readonly Buf[]): void {
    this.stats.reads += bufs.length;
    const data = bufs.map((bp) => bp.data);
    let moved: number;
    try {
      moved = this.disk.read(data, bufs[0].blkno * this.bsize, (error) => this.#arrived(bufs, error));
    } catch (e) {
      for (const bp of bufs) this.forget(bp);
      throw e;
    }
    for (const bp of bufs) {
      if (moved === -1) bp.reading = true;
      else bp.valid = true;
    }
  }

  #arrived(bufs: readonly Buf[], error: Errno | undefined): void {
    for (const bp of bufs) {
      bp.reading = false;
      if (bp.gone) {
        this.#pool.free(bp);
        continue;
      }
      // What was only read ahead has nobody to hear of its error.
      if (error !== undefined && bufs.length > 1) this.forget(bp);
      else if (error !== undefined) bp.error = error;
      else bp.valid = true;
      bp.recent = true;
    }
    for (const bp of bufs) this.k.wakeup(bp);
  }

  /**
   * The buffer of a block that will be overwritten whole: never read, zeroed when it was not there (or had been freed). Inside a
   * transaction, and txn.dirty() comes before it is filled. EIO: the device has no such block. ENOMEM.
   */
  getblk(blkno: number): Buf {
    this.#check(blkno);
    const txn = this.txn;
    if (txn === undefined) return this.k.panic('getblk without transactions');
    const bp = this.#map.get(blkno) ?? this.#make(blkno);
    if (bp.reading) this.k.sleep(bp);
    this.#touch(bp);
    if (bp.valid && !bp.freed) return bp;
    if (bp.valid) txn.dirty(bp);
    txn.join(bp);
    if (bp.tag !== undefined) this.#untag(bp, txn);
    if (!bp.valid) bp.fresh = bp.valid = true;
    bp.error = undefined;
    bp.early = true;
    bp.data.fill(0);
    return bp;
  }

  /** What it was is over, unless the transaction fails. */
  #untag(bp: Buf, txn: Txn): void {
    const { tag } = bp;
    bp.tag = undefined;
    txn.undo(() => void (bp.tag = tag));
  }

  /** A held buffer is never evicted; rele() ends it. */
  hold(bp: Buf): void {
    if (bp.holds++ === 0) this.#held++;
  }

  rele(bp: Buf): void {
    if (--bp.holds === 0) this.#held--;
  }

  /** Starts reading `count` blocks from `blkno` on, where they are not here. Never sleeps, never fails. */
  readahead(blkno: number, count: number): void {
    const last = Math.min(blkno + Math.min(count, AHEAD_MAX / this.bsize, this.limit >> 2), Math.floor(this.disk.size / this.bsize));
    let run: Buf[] = [];
    try {
      for (let b = blkno; b < last; b++) {
        if (!this.#map.has(b)) run.push(this.#fresh(b));
        else if (run.length > 0) {
          this.#transfer(run);
          run = [];
        }
      }
      if (run.length > 0) this.#transfer(run);
    } catch (e) {
      if (!(e instanceof Errno) && e !== SLEEP) throw e;
      for (const bp of run) if (!bp.gone && !bp.reading && !bp.valid) this.forget(bp);
    }
  }

  #fresh(blkno: number): Buf {
    const bp = this.#make(blkno);
    this.#touch(bp);
    return bp;
  }

  /** Writes all dirty buffers. `wait`: they are written on return. EIO: one could not be, now or since the last report; it stays dirty. */
  flush(wait: boolean): void {
    this.#writer.flush(wait);
  }

  /** Block `blkno` was freed: it is forgotten, dirty or not, once the open transaction has succeeded. */
  invalidate(blkno: number): void {
    const bp = this.#map.get(blkno);
    const { txn } = this;
    if (txn === undefined || !txn.active) {
      if (bp !== undefined) this.forget(bp);
      return;
    }
    if (this.journal !== undefined) txn.free(blkno);
    if (bp === undefined) return;
    txn.join(bp);
    bp.freed = true;
  }

  /** Forgets everything, written or not; gives the memory back. */
  close(): void {
    this.#unregister();
    this.journal = undefined;
    for (const bp of [...this.#map.values()]) {
      bp.holds = 0;
      this.forget(bp);
    }
    this.#pool.close();
    this.#writer.close();
    this.txn?.close();
  }

  /** Txn's: a transaction has changed `bp`. */
  markDirty(bp: Buf): void {
    if (!bp.gone) this.#writer.add(bp);
  }

  /** Txn's: between operations, dirty buffers are written when they are many. */
  balance(): void {
    if (this.#writer.dirty.size > this.limit >> 1) this.#writer.writeback();
  }

  /** Txn's: takes `bp` out of the cache, dirty or not. A held one stays, and is read again by who comes next. */
  forget(bp: Buf): void {
    this.#writer.remove(bp);
    this.journal?.dropped(bp);
    bp.error = undefined;
    bp.tag = undefined;
    bp.valid = false;
    if (bp.holds > 0 || bp.gone) return;
    this.#map.delete(bp.blkno);
    if (bp.next === bp) this.#hand = undefined;
    else if (this.#hand === bp) this.#hand = bp.next;
    bp.prev.next = bp.next;
    bp.next.prev = bp.prev;
    bp.gone = true;
    if (!bp.reading && !bp.lent) this.#pool.free(bp);
  }

  #check(blkno: number): void {
    if (!(blkno >= 0) || (blkno + 1) * this.bsize > this.disk.size) throw ERR.EIO;
  }

  #touch(bp: Buf): void {
    bp.epoch = this.k.epoch;
    bp.recent = true;
  }

  /** A buffer without contents. */
  #make(blkno: number): Buf {
    if (this.#map.size - this.#held >= this.limit) this.#evict(EVICT_STEPS);
    const bp = this.#alloc(blkno);
    this.#map.set(blkno, bp);
    const hand = this.#hand;
    if (hand === undefined) {
      this.#hand = bp;
      return bp;
    }
    bp.prev = hand.prev;
    bp.next = hand;
    bp.prev.next = bp;
    hand.prev = bp;
    return bp;
  }

  #alloc(blkno: number): Buf {
    try {
      return this.#pool.alloc(blkno);
    } catch (e) {
      // What is on its way to the disk can be given up when it has arrived.
      if (e === ERR.ENOMEM) FileCache.of(this.k).await();
      throw e;
    }
  }

  /** Moves the clock's hand `steps` on, and evicts what was not used since it last came by, until the cache is below its limit. */
  #evict(steps: number): void {
    for (let n = steps; n > 0 && this.#hand !== undefined && this.#map.size - this.#held >= this.limit; n--) this.#turn();
  }

  #turn(): void {
    const bp = this.#hand!;
    this.#hand = bp.next;
    if (bp.recent) bp.recent = false;
    else if (this.#evictable(bp)) this.forget(bp);
  }

  #evictable(bp: Buf): boolean {
    return !bp.dirty && bp.holds === 0 && !bp.intxn && !bp.reading && bp.writes === 0 && bp.epoch !== this.k.epoch;
  }

  /** The kernel's memory is short. Clean buffers go first; dirty ones are written for it. */
  #reclaim(bytes: number): void {
    if (this.#reclaiming) return;
    this.#reclaiming = true;
    const goal = this.#pool.bytes - bytes;
    for (let round = 0; round < 2; round++) {
      for (let n = 2 * this.#map.size; n > 0 && this.#hand !== undefined && this.#pool.bytes > goal; n--) {
        this.#turn();
        this.#pool.trim();
      }
      if (this.#pool.bytes <= goal || this.#writer.dirty.size === 0) break;
      this.#writer.writeback();
    }
    this.#reclaiming = false;
  }
}
