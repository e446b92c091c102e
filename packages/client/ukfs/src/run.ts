/**
 * Operations of `fs` written once, for all forms.
 *
 * An operation is a generator which yields the system calls that it needs and gets their results. The synchronous form makes them at once;
 * the others do too, and wait where the kernel does. A failed call comes back into the operation as Node's error, and where it was asked for
 * quietly as the kernel's Errno, which costs no stack.
 */
import { ERR, Errno, type ErrnoCode } from '@anykernel/lib-sys';
import { type Proc, SLEEP, type Sys } from '@anykernel/rumpkern';
import { systemError } from './errors.js';
import { after, pause, turn } from './host.js';
import type { Path } from './pathnames.js';

/** One system call, and what Node calls it. */
export interface Request {
  readonly call: keyof Sys;
  readonly args: readonly unknown[];
  readonly syscall: string;
  /** What the message of a failure names, if it is a path. */
  readonly path: unknown;
  readonly dest: Path | undefined;
  /** A failure is the result. */
  readonly quiet: boolean;
}

/** Something other than a system call that the operation waits for. */
export class Wait {
  constructor(
    /** Milliseconds, or a promise: in the forms that can wait for one. */
    readonly what: number | PromiseLike<unknown>,
  ) {}
}

export type Op<T> = Generator<Request | Wait, T, unknown>;

type Callable = (...args: readonly unknown[]) => unknown;
type Calls = Record<string, Callable>;

/** A system call inside of an operation. `syscall` is Node's word for it; the message of a failure names `path`, the first argument if that is one, and `dest`. */
export function* call<K extends keyof Sys>(
  name: K,
  args: readonly unknown[],
  syscall: string = name,
  path: unknown = args[0],
  dest?: Path,
): Op<ReturnType<Sys[K]>> {
  return (yield { call: name, args, syscall, path, dest, quiet: false }) as ReturnType<Sys[K]>;
}

/** An operation that is one system call, whose arguments `checks` make of those given. */
export function one(name: keyof Sys, checks: readonly ((value: unknown) => unknown)[], syscall?: string): (...args: unknown[]) => Op<void> {
  const op = function* (...given: unknown[]): Op<void> {
    yield* call(name, checks.map((check, i) => check(given[i])), syscall);
  };
  return Object.defineProperty(op, 'length', { value: checks.length });
}

/** The same; a failure is an Errno among the results. */
export function* attempt<K extends keyof Sys>(name: K, args: readonly unknown[]): Op<ReturnType<Sys[K]> | Errno> {
  return (yield { call: name, args, syscall: name, path: undefined, dest: undefined, quiet: true }) as ReturnType<Sys[K]> | Errno;
}

/** Waits for a promise. Only in operations that no synchronous form has. */
export function* wait<T>(promise: PromiseLike<T>): Op<T> {
  return (yield new Wait(promise)) as T;
}

type Result<T> = IteratorResult<Request | Wait, T>;

/** Calls of one turn of the event loop that are made at once; then the loop goes round, so that timers and others live. */
const BUDGET = 1000;

const SCRATCH_LEN = 32768;

/** Runs operations as one process of a kernel. */
export class Runner {
  readonly #bare: Calls;
  readonly #call: Calls;
  #scratch: Uint8Array | undefined;
  /** Calls that were made without a turn of the event loop. */
  #spent = 0;

  constructor(readonly p: Proc) {
    this.#bare = p.bare as unknown as Calls;
    this.#call = p.call as unknown as Calls;
  }

  /** Memory for what does not outlast a plain function. */
  get scratch(): Uint8Array {
    return (this.#scratch ??= new Uint8Array(SCRATCH_LEN));
  }

  /** Whether `calls` may be made at once by someone who does it himself: the event loop has not waited for long. */
  spend(calls: number): boolean {
    this.#spent += calls;
    return this.#spent < BUDGET;
  }

  /** Runs an operation to its end at once. Where it would have to wait: EAGAIN. */
  now<T>(op: Op<T>): T {
    let step = this.advance(op, op.next());
    while (step.done !== true) {
      const r = step.value;
      if (r instanceof Wait && typeof r.what === 'number') pause(r.what);
      step = this.advance(op, r instanceof Wait ? op.next() : fail(op, r, ERR.EAGAIN));
    }
    return step.value;
  }

  /** Runs an operation to its end, waiting where the kernel does. */
  async run<T>(op: Op<T>): Promise<T> {
    return this.resume(op, op.next());
  }

  /** The same of one that has made its first step. */
  async resume<T>(op: Op<T>, first: Result<T>): Promise<T> {
    let step = first;
    while (step.done !== true) {
      const r = step.value;
      if (r instanceof Wait) {
        step = await waited(op, r);
        continue;
      }
      if (this.#spent++ >= BUDGET) {
        await turn();
        this.#spent = 0;
      }
      step = this.#make(op, r) ?? (await this.#parked(op, r));
    }
    return step.value;
  }

  /** Goes on as far as it goes at once: to the end, or to the step that waits. */
  advance<T>(op: Op<T>, first: Result<T>): Result<T> {
    let step = first;
    while (step.done !== true) {
      const r = step.value;
      const next = r instanceof Wait ? undefined : this.#make(op, r);
      if (next === undefined) return step;
      step = next;
    }
    return step;
  }

  /** Makes one call; undefined: it would have to wait, and has not happened. */
  #make<T>(op: Op<T>, r: Request): Result<T> | undefined {
    let result: unknown;
    try {
      result = this.#bare[r.call](...r.args);
    } catch (e) {
      return e === SLEEP ? undefined : fail(op, r, e);
    }
    return op.next(result);
  }

  /** Makes a call that waits. */
  async #parked<T>(op: Op<T>, r: Request): Promise<Result<T>> {
    let result: unknown;
    try {
      result = await this.#call[r.call](...r.args);
    } catch (e) {
      return fail(op, r, ERR[(e as { code?: ErrnoCode } | undefined)?.code as ErrnoCode] ?? e);
    }
    return op.next(result);
  }
}

/** A failed call goes back into the operation. */
function fail<T>(op: Op<T>, r: Request, error: unknown): Result<T> {
  if (!(error instanceof Errno)) return op.throw(error);
  if (r.quiet) return op.next(error);
  const paths = [r.path, r.dest].filter((path) => typeof path === 'string' || path instanceof Uint8Array);
  return op.throw(systemError(error, r.syscall, ...paths));
}

async function waited<T>(op: Op<T>, { what }: Wait): Promise<Result<T>> {
  let result: unknown;
  try {
    result = await (typeof what === 'number' ? new Promise<void>((resolve) => after(what, resolve)) : what);
  } catch (e) {
    return op.throw(e);
  }
  return op.next(result);
}
