/**
 * Processes and lwps: who calls. A process owns credentials, descriptors, limits, signals and, for the vfs faction, its directories.
 * An lwp is one system call at a time: the process's own one serves `p.sys`, and each parked `p.call` has one for its duration.
 */
import { ERR } from '@anykernel/lib-sys';
import type { Callout } from './callout.js';
import { type Cred, type CredInit, credOf } from './cred.js';
import { type Call, type Sys, callOf, refuseCalls, sysOf } from './entry.js';
import { type File, Filedesc } from './filedesc.js';
import type { Kernel } from './kernel.js';
import { Limits } from './resource.js';
import type { Selinfo } from './select.js';
import type { SignalState } from './signal.js';
import type { WaitChannel } from './sleep.js';
import { type Rw, Uio } from './uio.js';

export class Lwp {
  readonly k: Kernel;
  /** The transfer of the current call; kept over restarts. Use uioOf(). */
  readonly uio: Uio = new Uio();
  /** How often the current call was restarted. */
  restarts = 0;
  /** What it sleeps for. */
  wchan: WaitChannel | undefined = undefined;
  /** When it stops sleeping, monotonic ns. */
  wakeAt = Infinity;
  /** A synchronous call of it is being executed. */
  running = false;
  /** It sleeps. */
  parked = false;
  /** It was woken by wakeupOne() for this channel, and has not taken what it came for. */
  wokenFor: WaitChannel | undefined = undefined;
  /** The ring of those who sleep on the same channel. */
  qnext: Lwp = this;
  qprev: Lwp = this;
  /** A signal has come: the next sleep is refused with EINTR. */
  interrupted = false;
  /** Executes the parked call again. */
  resume: (() => void) | undefined = undefined;
  /** Scratch of the current call that must be the same after a restart; reset when a call starts. */
  memo: unknown = undefined;
  /** Lets go what the current call keeps while it sleeps, should its process end before the call is executed again; reset when a call starts. */
  abandon: (() => void) | undefined = undefined;
  /** The open file that the current call works on. */
  fp: File | undefined = undefined;
  /** The call moves the position of its file (`fp`) by what it moves. */
  seeks = false;
  /** Where it has said that it wants to hear of readiness (select.ts). */
  selinfos: Selinfo[] | undefined = undefined;
  /** The process's mask of signals as it was before this call. */
  sigmask: number[] | undefined = undefined;
  /** Rings at `wakeAt`; made for the first sleep with a time limit. */
  sleepCallout: Callout | undefined = undefined;
  #deadline = -1;

  constructor(
    readonly proc: Proc,
    readonly lid: number,
  ) {
    this.k = proc.k;
  }

  /** The uio of this call: set up when the call starts, and after a restart as it was left. EFAULT. */
  uioOf(buf: Uint8Array, offset: number, rw: Rw): Uio {
    return this.restarts === 0 ? this.uio.init(buf, offset, rw) : this.uio;
  }

  uioOfv(bufs: readonly Uint8Array[], offset: number, rw: Rw): Uio {
    return this.restarts === 0 ? this.uio.initv(bufs, offset, rw) : this.uio;
  }

  /**
   * The open file of descriptor `fd`, for a call that may sleep. EBADF: there is none, it was not opened for `mode` (FREAD, FWRITE; 0: any),
   * or the descriptor was closed while the call slept.
   */
  file(fd: number, mode: number): File {
    const f = this.proc.fd.get(fd);
    if (mode !== 0 && (f.flag & mode) === 0) throw ERR.EBADF;
    if (this.restarts !== 0 && f !== this.fp) throw ERR.EBADF;
    this.fp = f;
    return f;
  }

  /** The monotonic time `ns` after the start of this call: the same after a restart. */
  deadline(ns: number): number {
    if (this.restarts === 0 || this.#deadline < 0) this.#deadline = this.k.mono() + ns;
    return this.#deadline;
  }

  /** The call is cut short, and what it moved is its result. */
  cutShort(): number {
    if (this.seeks && this.fp !== undefined) this.fp.offset = this.uio.offset;
    return this.uio.moved;
  }

  /** A call starts. */
  begin(): void {
    this.restarts = 0;
    this.memo = undefined;
    this.abandon = undefined;
    this.fp = undefined;
    this.seeks = false;
    this.uio.moved = 0;
    this.#deadline = -1;
    this.interrupted = this.proc.interrupts;
  }
}

export interface ProcInit {
  readonly cred: Cred;
  readonly comm: string;
  readonly fd: Filedesc;
}

/** Lwps that a process keeps for its next parked calls. */
const IDLE_LWPS = 16;

export class Proc {
  readonly sys: Sys;
  readonly call: Call;
  /** The lwp of `sys`. */
  readonly lwp: Lwp;
  /** All of them, those that wait for a parked call to use them, too. */
  readonly lwps: Set<Lwp> = new Set<Lwp>();
  readonly limits: Limits;
  /** A signal has come that no call has noticed yet: the next sleep ends with EINTR. */
  interrupts = false;
  readonly children: Set<Proc> = new Set<Proc>();
  pgid: number;
  sid: number;
  cred: Cred;
  /** Ids were changed: what it came with is not to be trusted (issetugid). */
  sugid = false;
  /** The command's name. */
  comm: string;
  fd: Filedesc;
  login = '';
  /** Current directory, root and umask: the vfs faction's. */
  cwdi: unknown = undefined;
  /** Timers of the process: of the time calls. */
  timers: unknown = undefined;
  exited = false;
  #nextLid = 1;
  readonly #idle: Lwp[] = [];
  #bare: Sys | undefined;
  #sig: SignalState | undefined;

  constructor(
    readonly k: Kernel,
    readonly pid: number,
    public parent: Proc | undefined,
    init: ProcInit,
  ) {
    this.cred = init.cred;
    this.comm = init.comm;
    this.fd = init.fd;
    this.pgid = parent?.pgid ?? pid;
    this.sid = parent?.sid ?? pid;
    this.limits = parent?.limits.copy() ?? new Limits();
    this.lwp = this.newlwp();
    this.sys = sysOf(this.lwp, k.emul.sys);
    this.call = callOf(this);
  }

  /**
   * As `sys`, for those who make errors of their own: what a failed call throws is the Errno itself, without a stack, and SLEEP where it would
   * have to wait (it has not happened then).
   */
  get bare(): Sys {
    if (this.#bare === undefined) {
      this.#bare = sysOf(this.lwp, this.k.emul.bare);
      if (this.exited) this.refuse();
    }
    return this.#bare;
  }

  /** Its signals. ENOSYS: a bare kernel has none. */
  get sig(): SignalState {
    return (this.#sig ??= this.k.signals.of(this));
  }

  /** What a child has of its parent. */
  inherit(parent: Proc): void {
    this.login = parent.login;
    this.sugid = parent.sugid;
    if (parent.#sig !== undefined) this.sig.inherit(parent.#sig);
  }

  /** The process has ended: its calls answer ESRCH. */
  refuse(): void {
    const { sys, bare, call } = this.k.emul;
    refuseCalls(sys, this.sys);
    refuseCalls(call, this.call);
    if (this.#bare !== undefined) refuseCalls(bare, this.#bare);
  }

  /** One more lwp. EBUSY: the process has ended. */
  newlwp(): Lwp {
    if (this.exited) throw ERR.EBUSY;
    const l = new Lwp(this, this.#nextLid++);
    this.lwps.add(l);
    return l;
  }

  /** An lwp goes; with the last one, the process ends. */
  rele(l: Lwp): void {
    if (!this.lwps.delete(l) || this.exited) return;
    if (this.lwps.size === this.#idle.length) this.exit();
  }

  /** An lwp for a parked call; putlwp() takes it back. */
  takelwp(): Lwp {
    return this.#idle.pop() ?? this.newlwp();
  }

  putlwp(l: Lwp): void {
    l.resume = undefined;
    l.wokenFor = undefined;
    l.fp = undefined;
    l.memo = undefined;
    l.abandon = undefined;
    l.uio.clear();
    if (this.#idle.length < IDLE_LWPS && !this.exited) this.#idle.push(l);
    else this.lwps.delete(l);
  }

  /** A child; `flags`: 0 shares the descriptors, RFFDG copies them, RFCFDG begins with none. EINVAL: both, or others. */
  rfork(flags: number): Proc {
    return this.k.run(() => this.k.procs.rfork(this, flags), this.lwp);
  }

  /** Ends: parked calls end with EINTR, descriptors close. Twice is once. EPERM: processes 0 and 1 end with the kernel. */
  exit(): void {
    if (this.pid <= 1) throw ERR.EPERM;
    if (this.k.stopped === undefined) this.k.run(() => this.k.procs.exit(this), this.lwp);
  }
}

/** rfork(2)'s flags for the descriptor table: neither shares it, RFFDG copies it, RFCFDG starts with an empty one. */
export const RFFDG = 0x01;
export const RFCFDG = 0x02;

const PID_MAX = 29_999;

/** All processes of a kernel, by pid. */
export class ProcTable {
  readonly #k: Kernel;
  readonly #byPid = new Map<number, Proc>();
  #lastPid = -1;
  /** Called for a new process, with its parent; throws to refuse. */
  readonly onFork: ((child: Proc, parent: Proc) => void)[] = [];
  /** Called when a process is gone, after its descriptors were closed. */
  readonly onExit: ((p: Proc) => void)[] = [];

  constructor(k: Kernel) {
    this.#k = k;
  }

  get count(): number {
    return this.#byPid.size;
  }

  [Symbol.iterator](): IterableIterator<Proc> {
    return this.#byPid.values();
  }

  /** The process `pid`, or undefined. */
  find(pid: number): Proc | undefined {
    return this.#byPid.get(pid);
  }

  /** A new lwp in process `pid`; 0 is a new process of its own. ESRCH: there is none. EBUSY: it is ending. */
  newlwp(pid: number): Lwp {
    if (pid === 0) return this.#k.newproc().lwp;
    const p = this.#byPid.get(pid);
    if (p === undefined) throw ERR.ESRCH;
    return p.newlwp();
  }

  /** The first process of the kernel: it has no parent. */
  create(init: ProcInit): Proc {
    const p = new Proc(this.#k, this.#newPid(), undefined, init);
    this.#byPid.set(p.pid, p);
    return p;
  }

  /** A child of `parent`: credentials, limits, directories and name are inherited. EINVAL: both flags, or unknown ones. */
  rfork(parent: Proc, flags: number, init: CredInit & { readonly comm?: string; readonly fdBase?: number } = {}): Proc {
    if (flags !== 0 && flags !== RFFDG && flags !== RFCFDG) throw ERR.EINVAL;
    if (parent.exited) throw ERR.ESRCH;
    const cred = init.uid === undefined && init.gid === undefined && init.groups === undefined ? parent.cred : credOf(init);
    const fd = flags === RFFDG ? parent.fd.copy() : flags === RFCFDG ? new Filedesc(init.fdBase ?? parent.fd.base) : parent.fd;
    if (flags === 0) fd.refs++;
    const p = new Proc(this.#k, this.#newPid(), parent, { cred, comm: init.comm ?? parent.comm, fd });
    p.inherit(parent);
    try {
      for (const fn of this.onFork) fn(p, parent);
    } catch (e) {
      fd.release(p.lwp);
      throw e;
    }
    parent.children.add(p);
    this.#byPid.set(p.pid, p);
    return p;
  }

  /** Ends a process: its sleeping calls end with EINTR, its descriptors close, its children get the parent of all. */
  exit(p: Proc): void {
    if (p.exited) return;
    p.exited = true;
    for (const l of p.lwps) {
      l.interrupted = true;
      this.#k.sleepq.passOn(l);
      this.#k.sleepq.unsleep(l);
    }
    p.refuse();
    this.#release(p);
    for (const fn of this.onExit) fn(p);
    const init = this.#byPid.get(1);
    for (const c of p.children) {
      c.parent = init;
      init?.children.add(c);
    }
    p.children.clear();
    p.parent?.children.delete(p);
    this.#byPid.delete(p.pid);
  }

  /** Closes what is open, as the kernel: the process's own lwps are interrupted, and would not wait. */
  #release(p: Proc): void {
    const k = this.#k;
    const outer = k.curlwp;
    k.curlwp = k.proc0.lwp;
    try {
      p.fd.release(p.lwp);
    } finally {
      k.curlwp = outer;
    }
  }

  /** EAGAIN: all are in use. */
  #newPid(): number {
    if (this.#byPid.size > PID_MAX) throw ERR.EAGAIN;
    do this.#lastPid = this.#lastPid >= PID_MAX ? 2 : this.#lastPid + 1;
    while (this.#byPid.has(this.#lastPid));
    return this.#lastPid;
  }
}
