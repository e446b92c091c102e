/**
 * A kernel: the state of all that is in `rumpkern`, and the way in and out.
 *
 * The host's run-to-completion is the one virtual CPU: between enter() and leave() nothing else runs. When the outermost entry leaves,
 * soft interrupts run, and then the lwps that were woken; within a budget, and the rest from the host's event loop.
 */
import type { Rumpuser, WallTime } from '@anykernel/host-rumpuser';
import type { AnyComponent } from '@anykernel/lib-component';
import { ERR, Errno } from '@anykernel/lib-sys';
import { ROOT } from './cred.js';
import type { Autoloader } from './autoload.js';
import type { CallTable } from './calltable.js';
import type { Devsw } from './devsw.js';
import type { Emul } from './entry.js';
import type { Extras, Parts } from './extras.js';
import { faultText } from './fault.js';
import type { Evcnts } from './evcnt.js';
import { Fifo } from './fifo.js';
import { type File, Filedesc } from './filedesc.js';
import type { Knote, Kqueue } from './kqueue.js';
import type { Ktrace, Tracer } from './ktrace.js';
import { Mem, parseSize } from './mem.js';
import type { Modctl } from './modctl.js';
import { Modules } from './modules.js';
import { Msgbuf } from './msgbuf.js';
import type { HaltOptions, KernelOptions, NewProc } from './options.js';
import { type Lwp, type Proc, ProcTable, RFCFDG } from './proc.js';
import type { Sigmodel, Signals } from './signal.js';
import { SLEEP, SleepQueue, type WaitChannel, sleepOn } from './sleep.js';
import { Softint } from './softint.js';
import { Syscalls } from './syscalls.js';
import { KernelStopped } from './stopped.js';
import { NO_SYSCTL, type SysctlTree } from './sysctlnone.js';
import type { Clock } from './time.js';
import type { Wheel } from './wheel.js';

/** Entries run before the host's event loop gets its turn. */
const DRAIN_BUDGET = 1000;

export class Kernel {
  readonly host: Rumpuser;
  readonly mem: Mem;
  readonly sleepq: SleepQueue;
  readonly emul: Emul;
  readonly syscalls: Syscalls;
  readonly procs: ProcTable;
  readonly modules: Modules;
  readonly sysctl: SysctlTree;
  readonly msgbuf: Msgbuf;
  /** Soft interrupts that are scheduled. */
  readonly softints: Fifo<Softint> = new Fifo<Softint>();
  /** There is something to run when the outermost entry leaves. */
  pending = false;
  /** Grows with each entry: what was used in the same epoch may still be in some caller's hands, and caches do not evict it. */
  epoch = 0;
  /** Whose call runs; the kernel's own lwp otherwise. */
  curlwp: Lwp;
  /** Process 0, the kernel's own. */
  readonly proc0: Proc;
  /** Process 1: calls of nobody in particular, parent of those without one. */
  readonly proc1: Proc;
  domainname = '';
  /** What becomes of a signal for a process without a hook of its own (signal.ts). */
  sigmodel: Sigmodel;
  /** Called when a descriptor is closed, before it is free: locks of the process go. */
  readonly onFdClose: ((fd: number, f: File, l: Lwp) => void)[] = [];
  /** Event queues that have become ready, and of which those who watch them are being told. */
  readonly kqready: Kqueue[] = [];
  /** Kqueue filters of others, by number: they set the knote's `fop`. */
  readonly kqfilters: Map<number, (kn: Knote) => void> = new Map<number, (kn: Knote) => void>();
  /** Called, last registered first, when the kernel halts. They may sleep, and must not fail; vfs syncs and unmounts here. */
  readonly onHalt: (() => void)[] = [];
  #depth = 0;
  /** Files that are being closed. */
  #closing = 0;
  #stopped: string | undefined;
  /** What led to the panic, or went wrong in a halt. */
  #fault: unknown = undefined;
  #halting = false;
  #ended = false;
  #transfers = 0;
  readonly #extras: Extras | undefined;
  #hostname: string | undefined;
  readonly #parts: Partial<Parts> = {};
  readonly #boottime: WallTime = { sec: 0, nsec: 0 };
  readonly #kick: object = {};
  readonly #specific = new Map<object, unknown>();

  constructor(host: Rumpuser, emul: Emul, options: KernelOptions = {}, extras?: Extras) {
    this.#extras = extras;
    this.host = host;
    this.emul = emul;
    this.mem = new Mem(host, options.memLimitBytes ?? parseSize(host.getparam('RUMP_MEMLIMIT')));
    this.sleepq = new SleepQueue(this);
    this.syscalls = new Syscalls(emul);
    this.msgbuf = new Msgbuf(host, options.verbose ?? (host.getparam('RUMP_VERBOSE') ?? '0') !== '0');
    this.sigmodel = options.sigmodel ?? 'record';
    this.sysctl = extras?.sysctl(this) ?? NO_SYSCTL;
    this.modules = new Modules(this, extras?.closure);
    this.procs = new ProcTable(this);
    host.clockWall(this.#boottime);
    this.#hostname = options.hostname;
    this.proc0 = this.procs.create({ cred: ROOT, comm: 'system', fd: new Filedesc() });
    this.curlwp = this.proc0.lwp;
    this.proc1 = this.procs.rfork(this.proc0, RFCFDG);
    this.proc1.comm = 'rumplocal';
    this.proc1.pgid = this.proc1.sid = 1;
  }

  // -- the way in and out

  /** Enters for `l`; what it returns goes to leave(). KernelStopped. */
  enter(l: Lwp): Lwp {
    if (this.#stopped !== undefined) this.check();
    const outer = this.curlwp;
    this.curlwp = l;
    if (this.#depth++ === 0) this.epoch++;
    return outer;
  }

  leave(outer: Lwp): void {
    this.curlwp = outer;
    if (--this.#depth === 0 && this.pending) this.#drain();
  }

  /** Enters for an event of the host: `fn` does its bit, as the kernel. After a halt events are nobody's, and dropped. */
  intr(fn: () => void): void {
    if (this.#stopped !== undefined) return;
    try {
      const outer = this.enter(this.proc0.lwp);
      try {
        fn();
      } catch (e) {
        throw this.panicked(e);
      } finally {
        this.leave(outer);
      }
    } catch (e) {
      // The host's event loop serves others, too: they do not end with this kernel, which has said of itself that it has.
      if (!(e instanceof KernelStopped)) throw e;
    }
  }

  /** Calls a function of the application's from within the kernel. That it fails is told, and is its own business. */
  hook(what: string, fn: () => void): void {
    try {
      fn();
    } catch (e) {
      this.printf(`${what}: ${faultText(e)}`);
    }
  }

  /** Runs `fn` inside the kernel for code outside of a system call (boot, tools); Errno passes through as it is. */
  run<T>(fn: () => T, l: Lwp = this.proc0.lwp): T {
    const outer = this.enter(l);
    try {
      return fn();
    } finally {
      this.leave(outer);
    }
  }

  /**
   * Runs `fn` inside the kernel where it may have to wait: it is executed again whenever it slept, as a system call is. `done` is told when it
   * has ended, and of the error (an Errno, or KernelStopped) with which it did.
   */
  kthread<T>(fn: (l: Lwp) => T, done: (error: unknown, value?: T) => void = nothing): void {
    this.#more.runKernel(this, fn, done);
  }

  /** The same as a promise. */
  wait<T>(fn: (l: Lwp) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.kthread(fn, (error, value) => (error === undefined ? resolve(value as T) : reject(error)));
    });
  }

  /** Drops a reference to a file whose closing has to wait. */
  closeLater(f: File): void {
    this.#closing++;
    this.kthread(
      (l) => f.drop(l),
      () => {
        if (--this.#closing === 0) this.wakeup(this.onHalt);
      },
    );
  }

  /** Soft interrupts first, then lwps. Depth stays up, so that what they enter does not drain in turn. */
  #drain(): void {
    this.#depth++;
    const outer = this.curlwp;
    let budget = DRAIN_BUDGET;
    try {
      while (budget-- > 0 && this.#stopped === undefined) {
        this.epoch++;
        const si = this.softints.shift();
        if (si !== undefined) {
          this.curlwp = this.proc0.lwp;
          si.scheduled = false;
          this.#guard(si.fn);
          continue;
        }
        const l = this.sleepq.next();
        if (l === undefined) {
          this.pending = false;
          return;
        }
        l.resume?.();
      }
      if (this.#stopped === undefined) this.host.alarm(this.#kick, this.mono(), () => this.intr(nothing), true);
    } finally {
      this.curlwp = outer;
      this.#depth--;
    }
  }

  #guard(fn: () => void): void {
    try {
      fn();
    } catch (e) {
      throw this.panicked(e);
    }
  }

  /** State of one idea in this kernel, made when it is first asked for; `key` names it. */
  specific<T>(key: object, make: () => T): T {
    let value = this.#specific.get(key);
    if (value === undefined) this.#specific.set(key, (value = make()));
    return value as T;
  }

  // -- sleeping

  /** Puts the current lwp to sleep; see sleep.ts. Never returns. */
  sleep(chan: WaitChannel, wakeAt = Infinity): never {
    return sleepOn(this.curlwp, chan, wakeAt);
  }

  wakeup(chan: WaitChannel): void {
    this.sleepq.wakeup(chan);
  }

  softint(fn: () => void): Softint {
    return new Softint(this, fn);
  }

  /** Monotonic nanoseconds. */
  mono(): number {
    return this.host.clockMono();
  }

  /** Fills `time` with the wall time. */
  wall(time: WallTime): void {
    const { clock } = this.#parts;
    if (clock === undefined) this.host.clockWall(time);
    else clock.wall(time);
  }

  /** Wall time when the kernel booted. */
  get boottime(): Readonly<WallTime> {
    return this.#boottime;
  }

  // -- processes

  /** A new process, child of process 1, with no descriptors. EINVAL: credentials that are none. */
  newproc(init: NewProc = {}): Proc {
    return this.run(() => this.procs.rfork(this.proc1, RFCFDG, { uid: 0, ...init, comm: init.comm ?? 'rumproc' }));
  }

  // -- parts that a bare kernel is without, made when they are first used. ENOSYS.

  get #more(): Extras {
    if (this.#extras === undefined) throw ERR.ENOSYS;
    return this.#extras;
  }

  #part<K extends keyof Parts>(name: K): Parts[K] {
    return (this.#parts[name] ??= this.#more.parts[name](this));
  }

  get autoloader(): Autoloader {
    return this.#part('autoloader');
  }

  get callouts(): Wheel {
    return this.#part('callouts');
  }

  /** System calls by number. */
  get calltable(): CallTable {
    return this.#part('calltable');
  }

  /** The wall clock, to be set. */
  get clock(): Clock {
    return this.#part('clock');
  }

  get devsw(): Devsw {
    return this.#part('devsw');
  }

  get evcnt(): Evcnts {
    return this.#part('evcnt');
  }

  get modctl(): Modctl {
    return this.#part('modctl');
  }

  get signals(): Signals {
    return this.#part('signals');
  }

  /** Everybody who traces. */
  get tracing(): Ktrace {
    return this.#part('tracing');
  }

  /** A signal of the own doing of `l` (SIGPIPE, SIGXFSZ): it is recorded and told, and interrupts nothing. A bare kernel has no signals. */
  raise(l: Lwp, signo: number): void {
    if (this.#extras !== undefined) this.signals.raise(l, signo);
  }

  /** Tells `tracer` of every system call, of one process or of all; undefined ends it. It costs nothing when off. ENOSYS: a bare kernel traces nothing. */
  ktrace(tracer: Tracer | undefined, pid?: number): void {
    if (tracer !== undefined || this.#parts.tracing !== undefined) this.tracing.set(tracer, pid);
  }

  // -- components

  /** Loads components with all that they require. EEXIST: one is loaded. ClosureError: they do not fit. */
  modload(...components: readonly AnyComponent[]): void {
    this.run(() => this.modctl.load(components));
  }

  /** Unloads a component. ENOENT: it is not loaded. EBUSY: it is in use. EOPNOTSUPP: it cannot leave a running kernel. */
  modunload(component: AnyComponent | string): void {
    this.run(() => this.modctl.unload(typeof component === 'string' ? component : component.name));
  }

  /** The host's `_RUMPUSER_HOSTNAME`, asked for when somebody wants to know, until it is set. */
  get hostname(): string {
    return (this.#hostname ??= this.host.getparam('_RUMPUSER_HOSTNAME') ?? 'rump');
  }

  set hostname(name: string) {
    this.#hostname = name;
  }

  // -- messages and ends

  /** A line for dmesg, and for the console when verbose. */
  printf(text: string): void {
    this.msgbuf.put(text);
  }

  /** Whether the kernel has stopped, and why. */
  get stopped(): string | undefined {
    return this.#stopped;
  }

  /** KernelStopped, if it has. */
  check(): void {
    if (this.#stopped !== undefined) throw new KernelStopped(this.#stopped, { cause: this.#fault });
  }

  /** What cannot be has been: this kernel ends, and no other. */
  panic(message: string): never {
    throw this.#panic(message, undefined);
  }

  /** What a fault inside the kernel becomes for those who see it: a panic, once. */
  panicked(fault: unknown): unknown {
    if (fault instanceof KernelStopped) return fault;
    return this.#panic(fault instanceof Errno ? `error ${fault.code} where none can be` : faultText(fault), fault);
  }

  #panic(message: string, fault: unknown): KernelStopped {
    if (this.#stopped === undefined) {
      this.#stopped = `panic: ${message}`;
      this.#fault = fault;
      this.msgbuf.put(this.#stopped, true);
      this.#quiet();
      this.host.exit('panic');
    }
    return new KernelStopped(`panic: ${message}`, { cause: fault });
  }

  /** An Errno that nobody is there to hear of. Anything else is thrown on. */
  ignoreErrno(e: unknown): void {
    if (!(e instanceof Errno)) throw e;
  }

  /**
   * Ends the kernel: processes end, file systems are synced and unmounted, components detach in reverse, memory goes back. Twice is once.
   * `nosync` leaves the file systems as they are on disk, as a power cut would. What has to wait for a device is not waited for: see shutdown().
   * A failure stops nothing; a fault is thrown in the end.
   */
  halt(how: HaltOptions = {}): void {
    if (this.#halting) return;
    if (this.#stopped !== undefined) {
      this.#end();
      return;
    }
    this.#halting = true;
    this.run(() => {
      try {
        this.#leaveAll(how, false);
      } finally {
        this.#end();
      }
    });
    this.#tellFault();
  }

  /** The same, waiting for devices; a bare kernel has none. */
  shutdown(how: HaltOptions = {}): Promise<void> {
    if (this.#extras === undefined || this.#stopped !== undefined) return new Promise((resolve) => resolve(this.halt(how)));
    const end = (e?: unknown): void => {
      // Somebody may not have waited, and halted it meanwhile.
      if (e !== undefined && !this.#halting) throw e;
      this.#end();
      this.#tellFault();
    };
    return this.wait(() => this.#leaveAll(how, true)).then(() => end(), end);
  }

  /** Ends a kernel that has not booted: what its components have begun is dropped. */
  discard(): void {
    if (this.#stopped !== undefined) this.#end();
    else this.run(() => this.#end());
  }

  #leaveAll(how: HaltOptions, wait: boolean): void {
    for (const p of [...this.procs].reverse()) if (p.pid > 0) this.#lastThing(() => this.procs.exit(p), wait);
    if (wait && this.#closing > 0) this.sleep(this.onHalt);
    this.#runHooks(how, wait);
    this.#lastThing(() => this.modules.detachAll(wait), wait);
  }

  /** Those that register last run first. One that slept runs again, those that have run do not. */
  #runHooks(how: HaltOptions, wait: boolean): void {
    for (let fn = this.onHalt.pop(); fn !== undefined; fn = this.onHalt.pop()) {
      const hook = fn;
      try {
        if (how.nosync !== true) this.#lastThing(hook, wait);
      } catch (e) {
        this.onHalt.push(hook);
        throw e;
      }
    }
  }

  #lastThing(fn: () => void, wait: boolean): void {
    try {
      fn();
    } catch (e) {
      if (e instanceof KernelStopped || (e === SLEEP && wait)) throw e;
      this.printf(`halt: ${e === SLEEP ? 'a device is asynchronous, and was not waited for' : faultText(e)}`);
      if (!(e instanceof Errno) && e !== SLEEP) this.#fault ??= e;
    }
  }

  #tellFault(): void {
    if (this.#fault !== undefined) throw this.#fault;
  }

  /** Nothing is left. After a panic, too: until then its remains could be looked at. */
  #end(): void {
    this.#stopped ??= 'the kernel has been halted';
    this.#ended = true;
    this.#quiet();
    if (this.#transfers === 0) this.mem.release();
  }

  // -- transfers that the host has not ended: until then it may write into the kernel's memory, whatever has become of the kernel

  transferBegins(): void {
    this.#transfers++;
  }

  transferEnds(): void {
    if (--this.#transfers === 0 && this.#ended) this.mem.release();
  }

  /** No timers, no softints, nobody asleep. */
  #quiet(): void {
    this.#parts.callouts?.clear();
    this.softints.clear();
    this.host.alarm(this.#kick, Infinity, nothing, false);
    this.sleepq.wakeAll();
    for (let l = this.sleepq.next(); l !== undefined; l = this.sleepq.next()) l.resume?.();
  }
}

function nothing(): void {}
