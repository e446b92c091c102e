/**
 * A kernel: what every one has, which is all that a bare one has; the way in and out, and its end.
 *
 * The host's run-to-completion is the one virtual CPU: between enter() and leave() nothing else runs. When the outermost entry leaves,
 * soft interrupts run, and then the lwps that were woken; within a budget, and the rest from the host's event loop.
 */
import type { Rumpuser, WallTime } from '@anykernel/host-rumpuser';
import { ERR, Errno } from '@anykernel/lib-sys';
import { ROOT } from './cred.js';
import type { Emul } from './entry.js';
import { faultText } from './fault.js';
import { type File, Filedesc, type Fileops } from './filedesc.js';
import type { Kernel } from './kernel.js';
import { type Knote, type Kqueue, bareKqueueFileops } from './kqueue.js';
import { Mem } from './mem.js';
import { Modules, type Order } from './modules.js';
import type { HaltOptions, KernelOptions, NewProc } from './options.js';
import { type Lwp, type Proc, ProcTable, RFCFDG } from './proc.js';
import { SLEEP, SleepQueue, type WaitChannel, sleepOn } from './sleep.js';
import { Syscalls } from './syscalls.js';
import { KernelStopped } from './stopped.js';
import { NO_SYSCTL, type SysctlTree } from './sysctlnone.js';
import type { Wheel } from './wheel.js';

/** Entries run before the host's event loop gets its turn. */
const DRAIN_BUDGET = 1000;

export class BareKernel {
  readonly host: Rumpuser;
  readonly mem: Mem;
  readonly sleepq: SleepQueue;
  readonly emul: Emul;
  readonly syscalls: Syscalls;
  readonly procs: ProcTable;
  readonly modules: Modules;
  sysctl: SysctlTree = NO_SYSCTL;
  /** Messages go to the console, too. */
  readonly #verbose: boolean;
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
  /** Called when a descriptor is closed, before it is free: locks of the process go. */
  readonly onFdClose: ((fd: number, f: File, l: Lwp) => void)[] = [];
  /** Event queues that have become ready, and of which those who watch them are being told. */
  readonly kqready: Kqueue[] = [];
  /** What event queues are as files. */
  readonly kqueueFileops: Fileops = bareKqueueFileops;
  /** Kqueue filters of others, by number: they set the knote's `fop`. */
  readonly kqfilters: Map<number, (kn: Knote) => void> = new Map<number, (kn: Knote) => void>();
  /** Called, last registered first, when the kernel halts. They may sleep, and must not fail; vfs syncs and unmounts here. */
  readonly onHalt: (() => void)[] = [];
  #depth = 0;
  #stopped: string | undefined;
  /** What led to the panic, or went wrong in a halt. */
  #fault: unknown = undefined;
  protected halting = false;
  readonly #boottime: WallTime = { sec: 0, nsec: 0 };
  readonly #kick: object = {};
  readonly #specific = new Map<object, unknown>();

  constructor(host: Rumpuser, emul: Emul, options: KernelOptions = {}, order?: Order) {
    const k = this as unknown as Kernel;
    this.host = host;
    this.emul = emul;
    this.mem = new Mem(host, options.memLimitBytes ?? Infinity);
    this.sleepq = new SleepQueue(k);
    this.syscalls = new Syscalls(emul);
    this.#verbose = isVerbose(host, options);
    this.modules = new Modules(k, order);
    this.procs = new ProcTable(k);
    host.clockWall(this.#boottime);
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

  /** Runs `fn` inside the kernel for code outside of a system call (boot, tools); Errno passes through as it is. */
  run<T>(fn: () => T, l: Lwp = this.proc0.lwp): T {
    const outer = this.enter(l);
    try {
      return fn();
    } finally {
      this.leave(outer);
    }
  }

  /** Soft interrupts first, then lwps. Depth stays up, so that what they enter does not drain in turn. */
  #drain(): void {
    this.#depth++;
    const outer = this.curlwp;
    let budget = DRAIN_BUDGET;
    try {
      while (budget-- > 0 && this.#stopped === undefined) {
        this.epoch++;
        if (this.runSoftint()) continue;
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

  /** Runs the next soft interrupt; false: there is none. */
  protected runSoftint(): boolean {
    return false;
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

  /** Monotonic nanoseconds. */
  mono(): number {
    return this.host.clockMono();
  }

  /** Fills `time` with the wall time. */
  wall(time: WallTime): void {
    this.host.clockWall(time);
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

  /** Here are no time limits. ENOSYS. */
  get callouts(): Wheel {
    throw ERR.ENOSYS;
  }

  // -- messages and ends

  /** A line for dmesg, and for the console when verbose. */
  printf(text: string): void {
    this.say(text, this.#verbose);
  }

  /** A console that fails is no reason to end. */
  protected say(text: string, show: boolean): void {
    try {
      if (show) this.host.putchars(`${text}\n`);
    } catch {}
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
      this.say(this.#stopped, true);
      this.quiet();
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
    if (this.halting) return;
    if (this.#stopped !== undefined) {
      this.end();
      return;
    }
    this.halting = true;
    this.run(() => {
      try {
        this.leaveAll(how, false);
      } finally {
        this.end();
      }
    });
    this.tellFault();
  }

  /** The same, waiting for devices; here are none. */
  shutdown(how: HaltOptions = {}): Promise<void> {
    return new Promise((resolve) => resolve(this.halt(how)));
  }

  /** Ends a kernel that has not booted: what its components have begun is dropped. */
  discard(): void {
    if (this.#stopped !== undefined) this.end();
    else this.run(() => this.end());
  }

  /** Files that are being closed have been. */
  protected waitClosed(): void {}

  protected release(): void {
    this.mem.release();
  }

  protected leaveAll(how: HaltOptions, wait: boolean): void {
    for (const p of [...this.procs].reverse()) if (p.pid > 0) this.#lastThing(() => this.procs.exit(p), wait);
    if (wait) this.waitClosed();
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

  protected tellFault(): void {
    if (this.#fault !== undefined) throw this.#fault;
  }

  /** Nothing is left. After a panic, too: until then its remains could be looked at. */
  protected end(): void {
    this.#stopped ??= 'the kernel has been halted';
    this.quiet();
    this.release();
  }

  /** No timers, no softints, nobody asleep. */
  protected quiet(): void {
    this.host.alarm(this.#kick, Infinity, nothing, false);
    this.sleepq.wakeAll();
    for (let l = this.sleepq.next(); l !== undefined; l = this.sleepq.next()) l.resume?.();
  }
}

/** Whether messages go to the console. */
export function isVerbose(host: Rumpuser, options: KernelOptions): boolean {
  return options.verbose ?? (host.getparam('RUMP_VERBOSE') ?? '0') !== '0';
}

function nothing(): void {}
