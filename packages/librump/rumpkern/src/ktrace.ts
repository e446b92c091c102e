/**
 * Tracing of system calls: every call with its arguments, its result or error, and its times. A call that slept is one record, however often it was
 * executed. Off, it costs nothing: it works by standing in front of the handlers.
 */
import { Errno } from '@anykernel/lib-sys';
import type { Kernel } from './kernel.js';
import type { Lwp } from './proc.js';
import { SLEEP } from './sleep.js';
import type { AnyHandler, Sysent } from './syscalls.js';

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

/** Told of each call, from within the kernel: it must not call into it. */
export type Tracer = (record: TraceRecord) => void;

/** Sets the kernel's tracer; undefined: none. */
export function traceWith(k: Kernel, tracer: Tracer | undefined, pid: number | undefined): void {
  if (tracer === undefined) return k.syscalls.wrap(undefined);
  const started = new WeakMap<Lwp, number>();
  k.syscalls.wrap((se, handler) => traced(k, se, handler, tracer, pid, started));
}

function traced(
  k: Kernel,
  se: Sysent,
  handler: AnyHandler,
  tracer: Tracer,
  pid: number | undefined,
  started: WeakMap<Lwp, number>,
): AnyHandler {
  const count = se.spec.args.length;
  return (l, ...args) => {
    const p = l.proc;
    if (pid !== undefined && p.pid !== pid) return handler(l, ...args);
    if (l.restarts === 0) started.set(l, k.mono());
    const tell = (outcome: Pick<TraceRecord, 'result' | 'error'>): void => {
      const start = started.get(l) ?? k.mono();
      tracer({ pid: p.pid, lid: l.lid, comm: p.comm, call: se.name, args: args.slice(0, count), start, end: k.mono(), restarts: l.restarts, ...outcome });
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
