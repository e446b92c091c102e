/**
 * Metadata transactions of one mounted file system: an operation that fails, or sleeps, has not happened.
 *
 * Inside run(), dirty() keeps the bytes that will be changed as they were; in-core state that is no view of a buffer joins by undo(). An
 * exception puts all of it back, newest first, and is thrown on. Only on success are the buffers dirty for the disk, freed blocks
 * forgotten, and commit()'s functions run. A run inside a run is part of the outer one: whoever starts it passes its exception on.
 */
import { CHUNK_MAX, type Mem, copy } from '@anykernel/rumpkern';
import type { Bcache } from './bcache.js';
import type { Buf } from './buf.js';
import { FileCache } from './filecache.js';

/** The first piece of the log, which stays. */
const LOG_MIN = 16384;
/** Bytes that are kept word by word. */
const WORDS_MAX = 256;
/** Memory that should be there before an operation starts. */
const HEADROOM = 4 * CHUNK_MAX;
/** Lists that grew longer than this are given up after the operation. */
const KEEP_MAX = 1024;

/** Numbers of one entry of the log: offset and length in the buffer, which piece of the log, and where in it. */
const ENTRY = 4;

/**
 * Bytes as they were: entries one after another in pieces of kernel memory. What has been forgotten is overwritten, not freed: an
 * operation is short, and there is another one soon.
 */
class UndoLog {
  readonly #mem: Mem;
  readonly #chunks: Uint8Array[] = [];
  readonly #views: DataView[] = [];
  #pos = 0;
  #count = 0;
  readonly #bufs: Buf[] = [];
  readonly #entries: number[] = [];

  constructor(mem: Mem) {
    this.#mem = mem;
  }

  /** Keeps bytes [off, off+len) of `bp`. ENOMEM. */
  save(bp: Buf, off: number, len: number): void {
    const n = this.#count;
    const e = this.#entries;
    if (n > 0 && this.#bufs[n - 1] === bp && e[(n - 1) * ENTRY] === off && e[(n - 1) * ENTRY + 1] >= len) return;
    const chunk = this.#chunks.length - 1;
    if (chunk < 0 || this.#pos + len > this.#chunks[chunk].length) this.#more(len);
    this.#copy(bp, off, len);
    this.#bufs[n] = bp;
    e[n * ENTRY] = off;
    e[n * ENTRY + 1] = len;
    e[n * ENTRY + 2] = this.#chunks.length - 1;
    e[n * ENTRY + 3] = this.#pos;
    this.#pos += len;
    this.#count++;
  }

  #more(len: number): void {
    const chunk = this.#mem.alloc(this.#chunks.length === 0 && len <= LOG_MIN ? LOG_MIN : CHUNK_MAX);
    this.#chunks.push(chunk);
    this.#views.push(new DataView(chunk.buffer, chunk.byteOffset, chunk.length));
    this.#pos = 0;
  }

  /** To the end of the last piece: an inode or less word by word, since that is faster than to make a view of it. */
  #copy(bp: Buf, off: number, len: number): void {
    const last = this.#chunks.length - 1;
    const whole = len <= WORDS_MAX ? len & ~3 : 0;
    const [to, from, pos] = [this.#views[last], bp.view, this.#pos];
    for (let i = 0; i < whole; i += 4) to.setUint32(pos + i, from.getUint32(off + i));
    if (whole < len) copy(this.#chunks[last], pos + whole, bp.data, off + whole, len - whole);
  }

  /** Puts everything back, newest first. */
  restore(): void {
    const e = this.#entries;
    for (let n = this.#count - 1; n >= 0; n--) {
      copy(this.#bufs[n].data, e[n * ENTRY], this.#chunks[e[n * ENTRY + 2]], e[n * ENTRY + 3], e[n * ENTRY + 1]);
    }
  }

  /** Forgets everything. */
  clear(): void {
    this.#count = this.#pos = 0;
    for (; this.#chunks.length > 1; this.#views.pop()) this.#mem.free(this.#chunks.pop()!);
    if (this.#bufs.length > KEEP_MAX) this.#bufs.length = this.#entries.length = 0;
  }

  free(): void {
    this.clear();
    for (const chunk of this.#chunks) this.#mem.free(chunk);
    this.#chunks.length = this.#views.length = this.#bufs.length = this.#entries.length = 0;
  }
}

export class Txn {
  readonly #bcache: Bcache;
  readonly #log: UndoLog;
  readonly #cache: FileCache;
  #depth = 0;
  #failed = false;
  #failure: unknown;
  /** Buffers that take part: the first `count` of the list. */
  readonly #bufs: Buf[] = [];
  #count = 0;
  /** Metadata blocks that are freed. */
  readonly #freed: number[] = [];
  /** The first `undoCount` and `commitCount` of the lists: these keep their length, so that the next operation need not make them anew. */
  readonly #undos: (() => void)[] = [];
  readonly #commits: (() => void)[] = [];
  #undoCount = 0;
  #commitCount = 0;

  constructor(bcache: Bcache) {
    this.#bcache = bcache;
    this.#log = new UndoLog(bcache.k.mem);
    this.#cache = FileCache.of(bcache.k);
    bcache.txn = this;
  }

  /** Whether a transaction is open. */
  get active(): boolean {
    return this.#depth > 0;
  }

  /** Runs `fn`; its result, or its exception after all was put back. */
  run<T>(fn: () => T): T {
    if (this.#depth > 0) return this.#join(fn);
    this.#bcache.journal?.begin();
    this.#cache.ensure(HEADROOM);
    this.#depth = 1;
    this.#bcache.disk.openTxns++;
    try {
      const result = fn();
      if (this.#failed) throw this.#failure;
      this.#bcache.journal?.join(this.#bufs, this.#count, this.#freed);
      this.#commit();
      return result;
    } catch (e) {
      this.#abort();
      throw e;
    }
  }

  #join<T>(fn: () => T): T {
    this.#depth++;
    try {
      return fn();
    } catch (e) {
      this.#failed = true;
      this.#failure = e;
      throw e;
    } finally {
      this.#depth--;
    }
  }

  /** Say it before bytes [off, off+len) of `bp` change. Sleeps while the host reads the buffer itself. ENOMEM. */
  dirty(bp: Buf, off = 0, len: number = bp.data.length - off): void {
    if (bp.lent) this.#bcache.k.sleep(bp);
    this.join(bp);
    bp.changed = true;
    bp.freed = false;
    if (!bp.fresh) this.#log.save(bp, off, len);
  }

  /** What puts in-core state back that is no view of a buffer. */
  undo(fn: () => void): void {
    this.#mustRun();
    this.#undos[this.#undoCount++] = fn;
  }

  /** What is to be done once the transaction has succeeded. It must not throw. */
  commit(fn: () => void): void {
    this.#mustRun();
    this.#commits[this.#commitCount++] = fn;
  }

  /** Bcache's: metadata block `blkno` is freed, whether it is in memory or not. */
  free(blkno: number): void {
    this.#freed.push(blkno);
  }

  /** Bcache's: `bp` takes part; its end decides over `fresh`, `changed` and `freed`. */
  join(bp: Buf): void {
    if (bp.intxn) return;
    this.#mustRun();
    bp.intxn = true;
    this.#bufs[this.#count++] = bp;
  }

  /** Bcache's: the memory of the log goes back. */
  close(): void {
    this.#log.free();
    this.#bufs.length = 0;
  }

  #mustRun(): void {
    if (this.#depth === 0) this.#bcache.k.panic('metadata changes outside of a transaction');
  }

  #commit(): void {
    for (let i = 0; i < this.#count; i++) {
      const bp = this.#bufs[i];
      const drop = bp.freed || (bp.fresh && !bp.changed);
      const changed = bp.changed;
      leave(bp);
      if (drop) this.#bcache.forget(bp);
      else if (changed) this.#bcache.markDirty(bp);
    }
    const commits = this.#commitCount > 0 ? this.#commits.slice(0, this.#commitCount) : undefined;
    this.#end();
    if (commits !== undefined) for (const fn of commits) fn();
    this.#bcache.balance();
  }

  #abort(): void {
    if (this.#depth === 0) return;
    this.#log.restore();
    for (let i = this.#undoCount - 1; i >= 0; i--) this.#undos[i]();
    for (let i = 0; i < this.#count; i++) {
      const bp = this.#bufs[i];
      const drop = bp.fresh;
      leave(bp);
      if (drop) this.#bcache.forget(bp);
    }
    this.#end();
  }

  #end(): void {
    this.#depth = 0;
    this.#failed = false;
    this.#failure = undefined;
    this.#count = 0;
    if (this.#bufs.length > KEEP_MAX) this.#bufs.length = 0;
    if (this.#freed.length > 0) this.#freed.length = 0;
    this.#undoCount = forget(this.#undos, this.#undoCount);
    this.#commitCount = forget(this.#commits, this.#commitCount);
    this.#log.clear();
    this.#bcache.disk.openTxns--;
  }
}

function leave(bp: Buf): void {
  bp.intxn = bp.fresh = bp.changed = bp.freed = false;
}

/** What the first `count` of `list` hold is held no longer; a long list goes. Returns how many count then. */
function forget(list: (() => void)[], count: number): number {
  if (count > KEEP_MAX) list.length = 0;
  else for (let i = 0; i < count; i++) list[i] = nothing;
  return 0;
}

function nothing(): void {}
