/** A whole kernel: what every one has (barekernel.ts), and all else that is in `rumpkern`. */
import type { Rumpuser, WallTime } from '@anykernel/host-rumpuser';
import { type AnyComponent, closure } from '@anykernel/lib-component';
import type { Autoloader } from './autoload.js';
import { BareKernel, isVerbose } from './barekernel.js';
import type { CallTable } from './calltable.js';
import type { Devsw } from './devsw.js';
import type { Evcnts } from './evcnt.js';
import { EMUL, PARTS, type Parts } from './extras.js';
import { faultText } from './fault.js';
import { Fifo } from './fifo.js';
import type { File, Fileops } from './filedesc.js';
import { kqueueFileops } from './kqfileops.js';
import { runKernel } from './kthread.js';
import type { Ktrace, Tracer } from './ktrace.js';
import { parseSize } from './mem.js';
import type { Modctl } from './modctl.js';
import { Msgbuf } from './msgbuf.js';
import type { HaltOptions, KernelOptions } from './options.js';
import type { Lwp } from './proc.js';
import type { Sigmodel, Signals } from './signal.js';
import { Softint } from './softint.js';
import { Sysctl } from './sysctl.js';
import { baseSysctl } from './sysctlbase.js';
import type { Clock } from './time.js';
import type { Wheel } from './wheel.js';

export class Kernel extends BareKernel {
  override readonly kqueueFileops: Fileops = kqueueFileops;
  readonly msgbuf: Msgbuf;
  /** Soft interrupts that are scheduled. */
  readonly softints: Fifo<Softint> = new Fifo<Softint>();
  domainname = '';
  /** What becomes of a signal for a process without a hook of its own (signal.ts). */
  sigmodel: Sigmodel;
  /** Files that are being closed. */
  #closing = 0;
  #ended = false;
  #transfers = 0;
  #hostname: string | undefined;
  readonly #parts: Partial<Parts> = {};

  constructor(host: Rumpuser, options: KernelOptions = {}) {
    super(host, EMUL, { ...options, memLimitBytes: options.memLimitBytes ?? parseSize(host.getparam('RUMP_MEMLIMIT')) }, closure);
    this.msgbuf = new Msgbuf(host, isVerbose(host, options));
    this.sigmodel = options.sigmodel ?? 'record';
    this.#hostname = options.hostname;
    this.sysctl = new Sysctl(this, baseSysctl);
  }

  /** Calls a function of the application's from within the kernel. That it fails is told, and is its own business. */
  hook(what: string, fn: () => void): void {
    try {
      fn();
    } catch (e) {
      this.printf(`${what}: ${faultText(e)}`);
    }
  }

  /**
   * Runs `fn` inside the kernel where it may have to wait: it is executed again whenever it slept, as a system call is. `done` is told when it
   * has ended, and of the error (an Errno, or KernelStopped) with which it did.
   */
  kthread<T>(fn: (l: Lwp) => T, done: (error: unknown, value?: T) => void = nothing): void {
    runKernel(this, fn, done);
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

  softint(fn: () => void): Softint {
    return new Softint(this, fn);
  }

  protected override runSoftint(): boolean {
    const si = this.softints.shift();
    if (si === undefined) return false;
    this.curlwp = this.proc0.lwp;
    si.scheduled = false;
    try {
      si.fn();
    } catch (e) {
      throw this.panicked(e);
    }
    return true;
  }

  override wall(time: WallTime): void {
    const { clock } = this.#parts;
    if (clock === undefined) super.wall(time);
    else clock.wall(time);
  }

  // -- parts, made when they are first used

  #part<K extends keyof Parts>(name: K): Parts[K] {
    return (this.#parts[name] ??= PARTS[name](this));
  }

  get autoloader(): Autoloader {
    return this.#part('autoloader');
  }

  override get callouts(): Wheel {
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

  /** A signal of the own doing of `l` (SIGPIPE, SIGXFSZ): it is recorded and told, and interrupts nothing. */
  raise(l: Lwp, signo: number): void {
    this.signals.raise(l, signo);
  }

  /** Tells `tracer` of every system call, of one process or of all; undefined ends it. It costs nothing when off. */
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

  // -- messages and the end

  override printf(text: string): void {
    this.msgbuf.put(text);
  }

  protected override say(text: string, show: boolean): void {
    this.msgbuf.put(text, show);
  }

  /** The same as halt(), waiting for devices. */
  override shutdown(how: HaltOptions = {}): Promise<void> {
    if (this.stopped !== undefined) return super.shutdown(how);
    const end = (e?: unknown): void => {
      // Somebody may not have waited, and halted it meanwhile.
      if (e !== undefined && !this.halting) throw e;
      this.end();
      this.tellFault();
    };
    return this.wait(() => this.leaveAll(how, true)).then(() => end(), end);
  }

  protected override waitClosed(): void {
    if (this.#closing > 0) this.sleep(this.onHalt);
  }

  protected override release(): void {
    this.#ended = true;
    if (this.#transfers === 0) super.release();
  }

  protected override quiet(): void {
    this.#parts.callouts?.clear();
    this.softints.clear();
    super.quiet();
  }

  // -- transfers that the host has not ended: until then it may write into the kernel's memory, whatever has become of the kernel

  transferBegins(): void {
    this.#transfers++;
  }

  transferEnds(): void {
    if (--this.#transfers === 0 && this.#ended) super.release();
  }
}

function nothing(): void {}
