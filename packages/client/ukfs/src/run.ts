/**
 * Operations of `fs` written once, for both forms.
 *
 * An operation is a generator which yields the system calls that it needs and gets their results. The synchronous form makes them by
 * `p.sys`, the promise form by `p.call`, which waits where the kernel does. A failed call comes back into the operation as Node's error.
 */
import type { Proc, Sys } from '@anykernel/rumpkern';
import { nodeError } from './errors.js';

/** One system call, and what Node calls it. */
export interface Request {
  readonly call: keyof Sys;
  readonly args: readonly unknown[];
  readonly syscall: string;
  readonly path: string | undefined;
  readonly dest: string | undefined;
}

export type Op<T> = Generator<Request, T, unknown>;

type Callable = (...args: readonly unknown[]) => unknown;

/** A system call inside of an operation. `syscall` is Node's word for it, `path` and `dest` are for the error's message. */
export function* call<K extends keyof Sys>(
  name: K,
  args: readonly unknown[],
  syscall: string,
  path?: string,
  dest?: string,
): Op<ReturnType<Sys[K]>> {
  return (yield { call: name, args, syscall, path, dest }) as ReturnType<Sys[K]>;
}

/** Runs an operation to its end at once. Where it would have to wait: EAGAIN. */
export function runSync<T>(p: Proc, op: Op<T>): T {
  let step = op.next();
  while (step.done !== true) {
    const r = step.value;
    let result: unknown;
    try {
      result = (p.sys as unknown as Record<string, Callable>)[r.call](...r.args);
    } catch (e) {
      step = op.throw(nodeError(e, r.syscall, r.path, r.dest));
      continue;
    }
    step = op.next(result);
  }
  return step.value;
}

/** Runs an operation to its end, waiting where the kernel does. */
export async function runAsync<T>(p: Proc, op: Op<T>): Promise<T> {
  return resume(p, op, op.next());
}

/** The same of an operation that has made its first step. */
export async function resume<T>(p: Proc, op: Op<T>, first: IteratorResult<Request, T>): Promise<T> {
  let step = first;
  while (step.done !== true) {
    const r = step.value;
    let result: unknown;
    try {
      result = await (p.call as unknown as Record<string, Callable>)[r.call]?.(...r.args);
    } catch (e) {
      step = op.throw(nodeError(e, r.syscall, r.path, r.dest));
      continue;
    }
    step = op.next(result);
  }
  return step.value;
}
