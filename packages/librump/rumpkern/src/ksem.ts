/**
 * POSIX semaphores (the ksem calls), of the whole kernel: nameless ones by their number, named ones by name.
 *
 * A process that opened a named one holds a reference until it closes it or ends. An unlinked name is free at once; the semaphore goes with
 * its last reference.
 */
import { ERR } from '@anykernel/lib-sys';
import type { Cred } from './cred.js';
import type { Kernel } from './kernel.js';
import type { Lwp, Proc } from './proc.js';

const SEM_VALUE_MAX = 0x7fff_ffff;
const NAME_LEN = 14;
/** Semaphores of one kernel (kern.posix.semmax). */
const SEM_MAX = 128;

export class Ksem {
  /** Who has opened it, and how often. */
  readonly holders: Map<Proc, number> = new Map<Proc, number>();

  constructor(
    readonly id: number,
    /** undefined: nameless, or unlinked. */
    public name: string | undefined,
    readonly named: boolean,
    readonly mode: number,
    readonly cred: Cred,
    public value: number,
  ) {}
}

/** The semaphores of a kernel; there from the first one on. */
export function ksemsOf(k: Kernel): Ksems {
  return k.specific(Ksems, () => new Ksems(k));
}

export class Ksems {
  readonly #k: Kernel;
  readonly #byId = new Map<number, Ksem>();
  readonly #byName = new Map<string, Ksem>();
  #nextId = 1;

  constructor(k: Kernel) {
    this.#k = k;
    k.procs.onExit.push((p) => {
      for (const ks of [...this.#byId.values()]) if (ks.holders.delete(p)) this.#reap(ks);
    });
    k.procs.onFork.push((child, parent) => {
      for (const ks of this.#byId.values()) if (ks.holders.has(parent)) ks.holders.set(child, ks.holders.get(parent) as number);
    });
  }

  get count(): number {
    return this.#byId.size;
  }

  /** EINVAL: no such semaphore, or it is another process's. */
  find(l: Lwp, id: number): Ksem {
    const ks = this.#byId.get(id);
    if (ks === undefined || (ks.named && !ks.holders.has(l.proc))) throw ERR.EINVAL;
    return ks;
  }

  /** EINVAL: the value. ENFILE: there are too many. */
  create(l: Lwp, value: number, name?: string, mode = 0): Ksem {
    if (!Number.isInteger(value) || value < 0 || value > SEM_VALUE_MAX) throw ERR.EINVAL;
    if (this.#byId.size >= SEM_MAX) throw ERR.ENFILE;
    const ks = new Ksem(this.#nextId++, name, name !== undefined, mode, l.proc.cred, value);
    this.#byId.set(ks.id, ks);
    if (name !== undefined) this.#byName.set(name, ks);
    ks.holders.set(l.proc, 1);
    return ks;
  }

  /** The semaphore of a name; undefined: there is none. EINVAL, ENAMETOOLONG: no name for one. EACCES. */
  named(l: Lwp, name: string): Ksem | undefined {
    if (name[0] !== '/' || name.length < 2 || name.indexOf('/', 1) !== -1) throw ERR.EINVAL;
    if (name.length > NAME_LEN) throw ERR.ENAMETOOLONG;
    const ks = this.#byName.get(name);
    if (ks !== undefined && !mayUse(ks, l.proc.cred)) throw ERR.EACCES;
    return ks;
  }

  open(ks: Ksem, p: Proc): void {
    ks.holders.set(p, (ks.holders.get(p) ?? 0) + 1);
  }

  /** EINVAL: a nameless one. */
  close(l: Lwp, ks: Ksem): void {
    if (!ks.named) throw ERR.EINVAL;
    const held = ks.holders.get(l.proc) as number;
    if (held > 1) ks.holders.set(l.proc, held - 1);
    else ks.holders.delete(l.proc);
    this.#reap(ks);
  }

  unlink(ks: Ksem): void {
    this.#byName.delete(ks.name as string);
    ks.name = undefined;
    this.#reap(ks);
  }

  /** EINVAL: a named one. EBUSY: somebody waits. */
  destroy(ks: Ksem): void {
    if (ks.named) throw ERR.EINVAL;
    if (this.#k.sleepq.waits(ks)) throw ERR.EBUSY;
    this.#byId.delete(ks.id);
  }

  /** EOVERFLOW. */
  post(ks: Ksem): void {
    if (ks.value === SEM_VALUE_MAX) throw ERR.EOVERFLOW;
    ks.value++;
    this.#k.sleepq.wakeupOne(ks);
  }

  /** Takes one, or sleeps until there is one. */
  wait(ks: Ksem, wakeAt: number): void {
    if (ks.value > 0) ks.value--;
    else this.#k.sleep(ks, wakeAt);
  }

  #reap(ks: Ksem): void {
    if (ks.named ? ks.name === undefined && ks.holders.size === 0 : ks.holders.size === 0) this.#byId.delete(ks.id);
  }
}

function mayUse(ks: Ksem, cred: Cred): boolean {
  if (cred.isRoot || cred.euid === ks.cred.euid) return true;
  return (ks.mode & (cred.inGroup(ks.cred.egid) ? 0o020 : 0o002)) !== 0;
}
