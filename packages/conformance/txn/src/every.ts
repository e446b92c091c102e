/**
 * Makes the n-th access to a buffer (bread, getblk, dirty) of an operation fail with EIO, or sleep, for n = 1, 2, ... until the operation
 * gets through; after each attempt that did not, everything must be as it was.
 *
 * The methods are replaced on the one cache and the one set of transactions, and put back; a cache that nobody tests pays nothing for it.
 */
import { ERR } from '@anykernel/lib-sys';
import type { Kernel } from '@anykernel/rumpkern';
import type { Bcache, Txn } from '@anykernel/rumpvfs';
import { Snapshot } from './snapshot.js';

export type FaultKind = 'EIO' | 'sleep';

/** A mounted file system, on a synchronous device. */
export interface Subject {
  readonly k: Kernel;
  readonly bcache: Bcache;
  readonly txn: Txn;
  /** The device's bytes, now. */
  image(): Uint8Array;
  /** In-core state which no buffer holds (free counts, sizes, what is cached of directories), as text. */
  state?(): string;
}

/** What was tried. */
export interface Accesses {
  /** Accesses that were made to fail, each once: as many attempts did not get through. */
  readonly failed: number;
}

const ATTEMPTS_MAX = 20_000;

/**
 * Runs `op` until it gets through. `op` is a system call or an operation inside k.run(), and is what fails: it must pass the fault on.
 * An Error says which access left what behind. What `op` throws by itself is thrown.
 */
export function everyBufferAccess(subject: Subject, kind: FaultKind, op: () => void): Accesses {
  for (let n = 1; n <= ATTEMPTS_MAX; n++) {
    const before = new Snapshot(subject.image(), subject.bcache);
    const state = subject.state?.();
    const hook = new Hook(subject, kind, n);
    const thrown = hook.attempt(op);
    if (!hook.hit) {
      if (thrown !== undefined) throw thrown.error;
      return { failed: n - 1 };
    }
    const where = `access ${n} (${hook.what}) was ${kind}`;
    if (thrown === undefined) throw new Error(`${where}, and the operation succeeded`);
    const difference = before.difference(new Snapshot(subject.image(), subject.bcache));
    if (difference !== undefined) throw new Error(`${where}: ${difference}`);
    if (subject.state?.() !== state) throw new Error(`${where}: in-core state was\n${state}\nand is\n${subject.state?.()}`);
    if (subject.txn.active) throw new Error(`${where}: the transaction is still open`);
  }
  throw new Error(`the operation does not get through in ${ATTEMPTS_MAX} attempts`);
}

/** One armed attempt. */
class Hook {
  /** The access has come. */
  hit = false;
  /** Which it was. */
  what = '';
  #count = 0;
  readonly #subject: Subject;
  readonly #kind: FaultKind;
  readonly #n: number;

  constructor(subject: Subject, kind: FaultKind, n: number) {
    this.#subject = subject;
    this.#kind = kind;
    this.#n = n;
  }

  attempt(op: () => void): { error: unknown } | undefined {
    const { bcache, txn } = this.#subject;
    const { bread, getblk } = bcache;
    const { dirty } = txn;
    bcache.bread = (blkno) => {
      this.#access(`bread ${blkno}`);
      return bread.call(bcache, blkno);
    };
    bcache.getblk = (blkno) => {
      this.#access(`getblk ${blkno}`);
      return getblk.call(bcache, blkno);
    };
    txn.dirty = (bp, off, len) => {
      this.#access(`dirty ${bp.blkno}`);
      dirty.call(txn, bp, off, len);
    };
    try {
      op();
      return undefined;
    } catch (error) {
      return { error };
    } finally {
      for (const key of ['bread', 'getblk'] as const) Reflect.deleteProperty(bcache, key);
      Reflect.deleteProperty(txn, 'dirty');
    }
  }

  #access(what: string): void {
    if (++this.#count !== this.#n) return;
    this.hit = true;
    this.what = what;
    if (this.#kind === 'EIO') throw ERR.EIO;
    this.#subject.k.sleep(this);
  }
}
