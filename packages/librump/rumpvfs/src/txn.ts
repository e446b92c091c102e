/**
 * Metadata transactions of one mounted file system: an operation that fails, or sleeps, has not happened.
 *
 * Inside run(), dirty() keeps the bytes that will be changed as they were; in-core state that is no view of a buffer joins by undo(). An
 * exception puts all of it back, newest first, and is thrown on. Only on success are the buffers dirty for the disk, freed blocks
 * forgotten, and commit()'s functions run. A run inside a run is part of the outer one: whoever starts it passes its exception on.
 */
import { CHUNK_MAX, type Mem } from '@anykernel/rumpkern';
import type { Bcache } from './bcache.js';
import type { Buf } from './buf.js';
import { FileCache } from './filecache.js';

/** The first piece of the log, which stays. */
const LOG_MIN = 16384;
/** Memory that should be there before an operation starts. */
const HEADROOM = 4 * CHUNK_MAX;

/** Bytes as they were: entries one after another in pieces of kernel memory. */
class UndoLog {
  readonly #mem: Mem;
  readonly #chunks: Uint8Array[] = [];
  #pos = 0;
  readonly #bufs: Buf[] = [];
  readonly #offs: number[] = [];
  readonly #saved: Uint8Array[] = [];

  constructor(mem: Mem) {
    this.#mem = mem;
  }

  /** Keeps bytes [off, off+len) of `bp`. ENOMEM. */
  save(bp: Buf, off: number, len: number): void {
    const last = this.#bufs.length - 1;
    if (last >= 0 && this.#bufs[last] === bp && this.#offs[last] === off && this.#saved[last].length >= len) return;
    let chunk = this.#chunks[this.#chunks.length - 1];
    if (chunk === undefined || this.#pos + len > chunk.length) {
      chunk = this.#mem.alloc(this.#chunks.length === 0 && len <= LOG_MIN ? LOG_MIN : CHUNK_MAX);
      this.#chunks.push(chunk);
      this.#pos = 0;
    }
    const saved = chunk.subarray(this.#pos, this.#pos + len);
    if (len <= 64) for (let i = 0; i < len; i++) saved[i] = bp.data[off + i];
    else saved.set(len === bp.data.length ? bp.data : bp.data.subarray(off, off + len));
    this.#pos += len;
    this.#bufs.push(bp);
    this.#offs.push(off);
    this.#saved.push(saved);
  }

  /** Puts everything back, newest first. */
  restore(): void {
    for (let i = this.#bufs.length - 1; i >= 0; i--) this.#bufs[i].data.set(this.#saved[i], this.#offs[i]);
  }

  /** Forgets everything. */
  clear(): void {
    this.#bufs.length = this.#offs.length = this.#saved.length = this.#pos = 0;
    while (this.#chunks.length > 1) this.#mem.free(this.#chunks.pop()!);
  }

  free(): void {
    this.clear();
    for (const chunk of this.#chunks) this.#mem.free(chunk);
    this.#chunks.length = 0;
  }
}

export class Txn {
  /** The hook of a journal: the buffers that a successful transaction has changed, before they are dirty. It may throw. */
  onCommit?: (bufs: readonly Buf[]) => void;
  readonly #bcache: Bcache;
  readonly #log: UndoLog;
  #depth = 0;
  #failed = false;
  #failure: unknown;
  /** Buffers that take part. */
  readonly #bufs: Buf[] = [];
  readonly #undos: (() => void)[] = [];
  readonly #commits: (() => void)[] = [];

  constructor(bcache: Bcache) {
    this.#bcache = bcache;
    this.#log = new UndoLog(bcache.k.mem);
    bcache.txn = this;
  }

  /** Whether a transaction is open. */
  get active(): boolean {
    return this.#depth > 0;
  }

  /** Runs `fn`; its result, or its exception after all was put back. */
  run<T>(fn: () => T): T {
    if (this.#depth > 0) return this.#join(fn);
    FileCache.of(this.#bcache.k).ensure(HEADROOM);
    this.#depth = 1;
    this.#bcache.disk.openTxns++;
    try {
      const result = fn();
      if (this.#failed) throw this.#failure;
      this.#hook();
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
    this.#undos.push(fn);
  }

  /** What is to be done once the transaction has succeeded. It must not throw. */
  commit(fn: () => void): void {
    this.#mustRun();
    this.#commits.push(fn);
  }

  /** Bcache's: `bp` takes part; its end decides over `fresh`, `changed` and `freed`. */
  join(bp: Buf): void {
    if (bp.intxn) return;
    this.#mustRun();
    bp.intxn = true;
    this.#bufs.push(bp);
  }

  /** Bcache's: the memory of the log goes back. */
  close(): void {
    this.#log.free();
  }

  #mustRun(): void {
    if (this.#depth === 0) this.#bcache.k.panic('metadata changes outside of a transaction');
  }

  #hook(): void {
    if (this.onCommit === undefined) return;
    this.onCommit(this.#bufs.filter((bp) => bp.changed && !bp.freed));
  }

  #commit(): void {
    for (const bp of this.#bufs) {
      const drop = bp.freed || (bp.fresh && !bp.changed);
      const changed = bp.changed;
      leave(bp);
      if (drop) this.#bcache.forget(bp);
      else if (changed) this.#bcache.markDirty(bp);
    }
    const commits = this.#commits.splice(0);
    this.#end();
    for (const fn of commits) fn();
    this.#bcache.balance();
    FileCache.of(this.#bcache.k).balance();
  }

  #abort(): void {
    if (this.#depth === 0) return;
    this.#log.restore();
    const undos = this.#undos;
    for (let i = undos.length - 1; i >= 0; i--) undos[i]();
    for (const bp of this.#bufs) {
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
    this.#bufs.length = this.#undos.length = this.#commits.length = 0;
    this.#log.clear();
    this.#bcache.disk.openTxns--;
  }
}

function leave(bp: Buf): void {
  bp.intxn = bp.fresh = bp.changed = bp.freed = false;
}
