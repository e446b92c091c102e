/**
 * The journal of one mounted file system: metadata goes to a log before it goes home, many operations at a time.
 *
 * Operations that succeed join the running transaction, and their buffers are pinned: nobody writes them home. commit() writes the file data that the
 * transaction speaks of, then the transaction to the log; from there on its buffers are like any others that are dirty, and go home when
 * that suits. The log is a ring; what is in front of the oldest transaction with a buffer that is not home yet is free. How a transaction looks there is
 * the file system's (LogFormat): jbd2 of ext3 and ext4, wapbl of ffs.
 *
 * While a commit is under way no operation begins, so that the buffers themselves can be written. On an asynchronous device this is a sleep in
 * begin(), before anything has changed. A commit that fails stays where it is, and the next one goes on with it.
 */
import { ERR, Errno } from '@anykernel/lib-sys';
import type { Bcache } from './bcache.js';
import type { Buf } from './buf.js';
import type { PagedUobj } from './pageduobj.js';

/** One transfer: bytes of the device, one array after another. */
export interface LogWrite {
  readonly off: number;
  readonly data: readonly Uint8Array[];
}

/** Where a transaction begins: its number, and which block of the log. */
export interface LogPlace {
  /** 32 bits; the one after 0xffffffff is 0. */
  readonly tid: number;
  /** 0 to length - 1. */
  readonly pos: number;
}

/** A transaction that is to be written. */
export interface LogTransaction extends LogPlace {
  /** What changed, sealed, in no particular order. */
  readonly bufs: readonly Buf[];
  /** Metadata blocks that were freed: what older transactions say of them is void. */
  readonly freed: readonly number[];
  /** The oldest transaction that the log must keep; perhaps this one. */
  readonly oldest: LogPlace;
}

/** How a journal looks on disk. Pure layout: which bytes go where. */
export interface LogFormat {
  /** Blocks of the log, of the format's own size. */
  readonly length: number;
  /** Blocks of it that a transaction of `count` buffers and `freed` blocks takes at most. */
  need(count: number, freed: number): number;
  /** The writes, phase by phase: those of one are on stable storage before the next begins. The first block is t.pos; it goes round at the end. */
  emit(t: LogTransaction): { readonly phases: readonly (readonly LogWrite[])[]; readonly next: number };
  /** Says where the log begins, or that there is nothing in it. */
  tail(oldest: LogPlace | undefined, next: LogPlace): readonly LogWrite[];
}

/** A transaction in the log, and how many of its buffers are not home. */
export class Logged implements LogPlace {
  count = 0;
  constructor(
    readonly tid: number,
    readonly pos: number,
  ) {}
}

/** What operations have put together since the last commit. */
class Running {
  readonly bufs = new Set<Buf>();
  readonly freed = new Set<number>();
  readonly ordered = new Set<PagedUobj>();
  /** The one of them whose data are on their way. */
  ordering: PagedUobj | undefined = undefined;
  /** Transactions in the log that a freed buffer of this one held there. */
  readonly released: Logged[] = [];
  readonly after: (() => void)[] = [];
  /** Set when it is being written. */
  phases: readonly (readonly LogWrite[])[] | undefined = undefined;
  phase = 0;
  next = 0;
  logged: Logged | undefined = undefined;

  get empty(): boolean {
    return this.bufs.size === 0 && this.freed.size === 0 && this.after.length === 0 && this.released.length === 0;
  }
}

/** A running transaction that takes this part of the log, or of the buffer cache, is committed. */
const PART = 4;

export class Journal {
  readonly format: LogFormat;
  readonly #bcache: Bcache;
  #running = new Running();
  #committing: Running | undefined = undefined;
  /** Transactions whose records are needed, the oldest first. */
  readonly #live: Logged[] = [];
  #next: { tid: number; pos: number };
  /** The log on disk says that there is something in it. */
  #begun = false;
  #outgoing = 0;
  #error: Errno | undefined;
  /** The list whose transfers are on their way, or have ended and were not asked for again yet. */
  #issued: readonly LogWrite[] | undefined;
  #written: readonly LogWrite[] | undefined;
  #tail: readonly LogWrite[] | undefined;
  /** Room is being made: its steps that are done. */
  #room = 0;

  /** The log is empty, and the next transaction is `next`. */
  constructor(bcache: Bcache, format: LogFormat, next: LogPlace) {
    this.#bcache = bcache;
    this.format = format;
    this.#next = { tid: next.tid, pos: next.pos };
  }

  /** Number and place of the next transaction. */
  get next(): LogPlace {
    return this.#next;
  }

  /** Buffers that one operation may change at most. */
  get capacity(): number {
    const { format } = this;
    const room = Math.floor(format.length / PART);
    return Math.max(1, room - (format.need(room, 0) - room));
  }

  /** Whether something would be lost by a power cut that a commit saves. */
  get pending(): boolean {
    return this.#committing !== undefined || !this.#running.empty;
  }

  // -- for Txn and Bcache

  /** Before an operation begins. Sleeps, EIO. */
  begin(): void {
    if (this.#committing !== undefined) this.#finish();
    const { bufs, freed } = this.#running;
    if (bufs.size > this.#bcache.limit / PART || this.format.need(bufs.size, freed.size) > this.format.length / PART) this.commit();
    if (this.#running.empty && (this.#room > 0 || this.#free < this.format.length / 2)) this.#makeRoom();
  }

  /** The operation has succeeded: the first `count` of `bufs` took part, and `freed` blocks are no metadata any more. ENOSPC: it is larger than the log. */
  join(bufs: readonly Buf[], count: number, freed: readonly number[]): void {
    const r = this.#running;
    let more = 0;
    for (let i = 0; i < count; i++) if (bufs[i].changed && !bufs[i].freed && !bufs[i].pinned) more++;
    if (this.format.need(r.bufs.size + more, r.freed.size + freed.length) > this.format.length / 2) throw ERR.ENOSPC;
    for (let i = 0; i < count; i++) {
      const bp = bufs[i];
      if (!bp.changed || bp.freed) continue;
      bp.pinned = true;
      r.bufs.add(bp);
    }
    for (const blkno of freed) r.freed.add(blkno);
  }

  /** `bp` leaves the cache. What the log has of it is needed until the transaction that freed it is there, too. */
  dropped(bp: Buf): void {
    if (bp.pinned) {
      bp.pinned = false;
      this.#running.bufs.delete(bp);
    }
    if (bp.mark === undefined) return;
    this.#running.released.push(bp.mark);
    bp.mark = undefined;
  }

  /** `bp` has been written home as transaction `mark` had it. */
  home(bp: Buf, mark: Logged): void {
    if (bp.mark !== mark) return;
    bp.mark = undefined;
    mark.count--;
  }

  // -- for the file system

  /** Data of `u` is written before the running transaction is: blocks were given to it. */
  order(u: PagedUobj): void {
    this.#running.ordered.add(u);
  }

  /** `fn` runs when the running transaction is on stable storage. It must not throw. */
  after(fn: () => void): void {
    this.#running.after.push(fn);
  }

  /** All that has happened is on stable storage on return, but for file data that is no news to the metadata. Sleeps, EIO. */
  commit(): void {
    if (this.#committing !== undefined) this.#finish();
    if (!this.#running.empty) {
      this.#committing = this.#running;
      this.#running = new Running();
      this.#finish();
    }
    this.#bcache.disk.flush();
  }

  /** Commits, brings everything home, and says so in the log. Sleeps, EIO. */
  empty(): void {
    this.commit();
    if (this.#room > 0) this.#makeRoom();
    this.#bcache.flush(true);
    this.#bcache.disk.flush();
    if (!this.#begun) return;
    this.#live.length = 0;
    this.#writeTail(undefined);
    this.#begun = false;
  }

  // -- a commit

  #finish(): void {
    const t = this.#committing!;
    this.#order(t);
    if (t.phases === undefined) this.#prepare(t);
    const phases = t.phases!;
    while (t.phase < phases.length) {
      this.#writeThrough(phases[t.phase]);
      t.phase++;
    }
    this.#committed(t);
  }

  /**
   * A file whose data cannot be written says so to its own fsync; the others are not kept from theirs. What gets dirty once all was put on its way is
   * not waited for: a writer that sleeps until this commit is done makes a page ready each time that it looks.
   */
  #order(t: Running): void {
    for (const u of t.ordered) {
      try {
        if (t.ordering !== u && (u.dirty || u.outgoing > 0)) {
          u.putOut();
          t.ordering = u;
        }
        if (t.ordering === u) u.written();
      } catch (e) {
        if (!(e instanceof Errno)) throw e;
        u.writeError = e;
      }
      t.ordered.delete(u);
    }
  }

  /** From here on the bytes are those that go to the log. */
  #prepare(t: Running): void {
    const bufs = [...t.bufs];
    // Half of the log was free when it began, and it is no larger than that.
    if (this.#free < this.format.need(bufs.length, t.freed.size)) this.#bcache.k.panic('a transaction that is larger than the room in its log');
    this.#bcache.seal?.(bufs);
    const { tid, pos } = this.#next;
    t.logged = new Logged(tid, pos);
    const oldest = this.#live[0] ?? t.logged;
    // A format that numbers its writes is asked for them in their order.
    const start = this.#begun ? [] : this.format.tail(t.logged, t.logged);
    const { phases, next } = this.format.emit({ tid, pos, bufs, freed: [...t.freed], oldest });
    t.next = next;
    t.phases = this.#begun ? phases : [[...start, ...phases[0]], ...phases.slice(1)];
  }

  #committed(t: Running): void {
    const logged = t.logged!;
    for (const bp of t.bufs) {
      bp.pinned = false;
      if (bp.mark !== undefined) bp.mark.count--;
      bp.mark = logged;
    }
    logged.count = t.bufs.size;
    for (const old of t.released) old.count--;
    this.#live.push(logged);
    this.#next = { tid: (logged.tid + 1) >>> 0, pos: t.next };
    this.#begun = true;
    this.#committing = undefined;
    for (const fn of t.after) fn();
  }

  /** Blocks of the log that hold nothing which is needed. */
  get #free(): number {
    const oldest = this.#live[0];
    if (oldest === undefined) return this.format.length - 1;
    const used = (this.#next.pos - oldest.pos + this.format.length) % this.format.length;
    return this.format.length - 1 - used;
  }

  /** Brings home what is in the log. Only while nothing is pinned: of a block that has changed since its commit, the log alone has what was committed. */
  #makeRoom(): void {
    if (this.#room === 0) {
      this.#bcache.flush(true);
      this.#room = 1;
    }
    if (this.#room === 1) {
      this.#bcache.disk.flush();
      this.#room = 2;
      while (this.#live.length > 0 && this.#live[0].count === 0) this.#live.shift();
    }
    // Nobody may overwrite what the log on disk still begins with.
    this.#writeTail(this.#live[0] ?? this.#next);
    this.#room = 0;
  }

  // -- transfers

  /** Writes, and flushes; after a sleep it is asked again with the same list. EIO. */
  #writeThrough(writes: readonly LogWrite[]): void {
    if (this.#written !== writes) this.#write(writes);
    this.#written = writes;
    this.#bcache.disk.flush();
    this.#written = undefined;
  }

  #write(writes: readonly LogWrite[]): void {
    const { k } = this.#bcache;
    if (this.#outgoing > 0) k.sleep(this);
    if (this.#issued !== writes) {
      this.#error = undefined;
      this.#issue(writes);
      if (this.#outgoing > 0) k.sleep(this);
    }
    this.#issued = undefined;
    const error = this.#error;
    this.#error = undefined;
    if (error !== undefined) throw error;
  }

  #issue(writes: readonly LogWrite[]): void {
    const { disk, k } = this.#bcache;
    this.#issued = writes;
    for (const w of writes) {
      try {
        const moved = disk.write(w.data, w.off, (error) => {
          this.#error ??= error;
          if (--this.#outgoing === 0) k.wakeup(this);
        });
        if (moved === -1) this.#outgoing++;
      } catch (e) {
        if (!(e instanceof Errno)) throw e;
        this.#error ??= e;
      }
    }
  }

  /** Says on disk where the log begins. */
  #writeTail(oldest: LogPlace | undefined): void {
    this.#tail ??= this.format.tail(oldest, this.#next);
    this.#writeThrough(this.#tail);
    this.#tail = undefined;
  }
}
