/**
 * Tracing of system calls: every call with its arguments, its result or error, and its times. A call that slept is one record, however often it was
 * executed. Off, it costs nothing: it works by standing in front of the handlers.
 *
 * Tracers are functions (k.ktrace) or files (fktrace(2)), which get a line of text for each record when the kernel is left.
 */
import { bytesOf, toBytestr } from '@anykernel/lib-bytes';
import { ERR, Errno } from '@anykernel/lib-sys';
import type { File } from './filedesc.js';
import type { Kernel } from './kernel.js';
import type { Lwp, Proc } from './proc.js';
import { SLEEP } from './sleep.js';
import { Softint } from './softint.js';
import type { AnyHandler, Sysent } from './syscalls.js';
import { Uio } from './uio.js';

/** One system call, when it has ended. */
export interface TraceRecord {
  readonly pid: number;
  readonly lid: number;
  readonly comm: string;
  readonly call: string;
  /** As the handler got them: names are byte strings. Buffers are the caller's. */
  readonly args: readonly unknown[];
  readonly result?: unknown;
  /** Why it failed; 'sleep': a synchronous call would have had to wait. */
  readonly error?: Errno | 'sleep';
  /** Monotonic ns. */
  readonly start: number;
  readonly end: number;
  /** How often it slept. */
  readonly restarts: number;
}

/** Told of each call when it has ended, from within the kernel. Calls that it makes are told, too. */
export type Tracer = (record: TraceRecord) => void;

/** All tracers of a kernel. */
export class Ktrace {
  readonly #k: Kernel;
  /** What k.ktrace() set, and of which process. */
  #tracer: Tracer | undefined;
  #pid: number | undefined;
  /** The files that processes are traced to. */
  readonly #files = new Map<Proc, TraceFile>();
  readonly #started = new WeakMap<Lwp, number>();
  #on = false;

  constructor(k: Kernel) {
    this.#k = k;
    k.procs.onFork.push((child, parent) => {
      const tf = this.#files.get(parent);
      if (tf?.descend.has(parent)) this.#attach(child, tf, true);
    });
    k.procs.onExit.push((p) => this.clear([p]));
  }

  /** The kernel's tracer; undefined: none. */
  set(tracer: Tracer | undefined, pid: number | undefined): void {
    this.#tracer = tracer;
    this.#pid = pid;
    this.#switch();
  }

  /** Traces processes to a file, and with `descend` the children that they get. */
  setFile(procs: readonly Proc[], f: File, descend: boolean): void {
    const tf = [...this.#files.values()].find((x) => sameFile(x.f, f)) ?? new TraceFile(this.#k, f);
    for (const p of procs) this.#attach(p, tf, descend);
    this.#switch();
  }

  /** Ends the tracing of processes to files. */
  clear(procs: readonly Proc[]): void {
    for (const p of procs) {
      const tf = this.#files.get(p);
      this.#files.delete(p);
      tf?.rele(p);
    }
    this.#switch();
  }

  /** Ends all tracing to a file. */
  clearFile(f: File): void {
    this.clear([...this.#files].filter(([, tf]) => sameFile(tf.f, f)).map(([p]) => p));
  }

  /** The processes that fktrace(2) means: `pid`, or the group -`pid`; with `descend` their children. ESRCH. EPERM: none may be traced. */
  tracees(l: Lwp, pid: number, descend: boolean): Proc[] {
    const found = [...l.k.procs].filter((p) => (pid < 0 ? p.pgid === -pid : p.pid === (pid === 0 ? l.proc.pid : pid)));
    if (found.length === 0) throw ERR.ESRCH;
    const all = new Set(found);
    if (descend) for (const p of all) for (const c of p.children) all.add(c);
    const allowed = [...all].filter((p) => mayTrace(l, p));
    if (allowed.length === 0) throw ERR.EPERM;
    return allowed;
  }

  #attach(p: Proc, tf: TraceFile, descend: boolean): void {
    const before = this.#files.get(p);
    tf.hold(p, descend);
    before?.rele(p);
    this.#files.set(p, tf);
  }

  #switch(): void {
    const on = this.#tracer !== undefined || this.#files.size > 0;
    if (on === this.#on) return;
    this.#on = on;
    this.#k.calltable.wrap(on ? (se, handler) => this.#wrap(se, handler) : undefined);
  }

  /** Who is told of the calls of `p`. */
  #tracersOf(p: Proc): Tracer[] {
    const file = this.#files.get(p);
    const tracers = file === undefined ? [] : [file.tracer];
    if (this.#tracer !== undefined && (this.#pid === undefined || this.#pid === p.pid)) tracers.push(this.#tracer);
    return tracers;
  }

  #wrap(se: Sysent, handler: AnyHandler): AnyHandler {
    return (l, ...args) => {
      const tracers = this.#tracersOf(l.proc);
      if (tracers.length === 0) return handler(l, ...args);
      if (l.restarts === 0) this.#started.set(l, this.#k.mono());
      const tell = (outcome: Pick<TraceRecord, 'result' | 'error'>): void => {
        const record = this.#record(l, se, args, outcome);
        for (const tracer of tracers) this.#k.hook('tracer', () => tracer(record));
      };
      try {
        const result = handler(l, ...args);
        tell({ result });
        return result;
      } catch (e) {
        // The lwp of a synchronous call has nothing that would execute it again.
        if (e === SLEEP && l.resume === undefined) tell({ error: 'sleep' });
        else if (e instanceof Errno) tell({ error: e });
        throw e;
      }
    };
  }

  #record(l: Lwp, se: Sysent, args: readonly unknown[], outcome: Pick<TraceRecord, 'result' | 'error'>): TraceRecord {
    const { pid, comm } = l.proc;
    const end = this.#k.mono();
    const start = this.#started.get(l) ?? end;
    return { pid, lid: l.lid, comm, call: se.name, args: args.slice(0, se.spec.args.length), start, end, restarts: l.restarts, ...outcome };
  }
}

/** Whether both are opens of one file. */
function sameFile(a: File, b: File): boolean {
  return a === b || (a.type === 'vnode' && a.type === b.type && a.data === b.data);
}

/** A file that gets a line for each call of the processes which hold it. */
class TraceFile {
  /** Those whose children are traced too. */
  readonly descend = new Set<Proc>();
  readonly tracer: Tracer = (record) => {
    this.#text += `${traceLine(record)}\n`;
    this.#si.schedule();
  };
  readonly #k: Kernel;
  readonly #si: Softint;
  readonly #holders = new Set<Proc>();
  readonly #uio = new Uio();
  #text = '';
  #offset = 0;

  constructor(
    k: Kernel,
    readonly f: File,
  ) {
    this.#k = k;
    this.#si = new Softint(k, () => this.#write());
  }

  hold(p: Proc, descend: boolean): void {
    if (this.#holders.size === 0) this.f.hold();
    this.#holders.add(p);
    if (descend) this.descend.add(p);
  }

  rele(p: Proc): void {
    this.descend.delete(p);
    if (!this.#holders.delete(p) || this.#holders.size > 0) return;
    this.#write();
    this.f.drop(this.#k.proc0.lwp);
  }

  /** What cannot be written is lost: tracing stands in nobody's way. */
  #write(): void {
    if (this.#text === '') return;
    const uio = this.#uio.init(bytesOf(toBytestr(this.#text)), this.#offset, 'write');
    this.#text = '';
    try {
      this.f.ops.write(this.f, uio, this.#k.proc0.lwp);
    } catch (e) {
      if (e !== SLEEP) this.#k.ignoreErrno(e);
    }
    this.#offset = uio.offset;
  }
}

/** Whether `l` may trace `p`. */
function mayTrace(l: Lwp, p: Proc): boolean {
  const c = l.proc.cred;
  return c.isRoot || (c.euid === p.cred.ruid && c.euid === p.cred.suid && !p.sugid);
}

/** A record as a line, as kdump(1) has it. */
export function traceLine(r: TraceRecord): string {
  const args = r.args.map(shown).join(', ');
  const outcome = r.error === undefined ? shown(r.result) : r.error === 'sleep' ? 'would sleep' : `-1 errno ${r.error.errno} ${r.error.code}`;
  return `${r.pid} ${r.lid} ${r.comm} ${r.call}(${args}) = ${outcome} <${((r.end - r.start) / 1e3).toFixed(1)} us>`;
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (value instanceof Uint8Array) return `[${value.length} bytes]`;
  if (Array.isArray(value)) return `[${value.map(shown).join(', ')}]`;
  if (typeof value === 'object' && value !== null) return `{${Object.entries(value).map(([key, x]) => `${key}: ${shown(x)}`).join(', ')}}`;
  return String(value);
}
