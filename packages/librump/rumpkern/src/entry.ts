/**
 * The ways into the kernel: system calls of this process, synchronous and parked.
 *
 * One handler serves both. `p.sys.read(fd, buf)` runs it at once, and throws WouldSleep where it would have to wait; `p.call.read`
 * gives a promise, parks, and runs it again when it is woken. What a caller is told of an Errno is made here, and nowhere else (syserror.ts).
 *
 * The methods are the same for every kernel and process: they find the handler in the table of the kernel whose process calls. So a
 * kernel has one array of handlers and nothing else, and a call site stays fast however many kernels it serves.
 */
import {
  type CallsOf, ERR, Errno, type SysOf, type SyscallSpec, type SyscallTable, type SyscallText, type aioCalls, type nfsserverCalls,
  type rumpkernCalls, type rumpnetCalls, type rumpvfsCalls, syscallSpec,
} from '@anykernel/lib-sys';
import { copyin, copyout, fitOf, fits, masksOf, recheck } from './copyin.js';
import type { Lwp, Proc } from './proc.js';
import { selclear } from './select.js';
import { SLEEP } from './sleep.js';
import type { Sysent } from './syscalls.js';

type AllCalls = typeof rumpkernCalls & typeof rumpvfsCalls & typeof rumpnetCalls & typeof aioCalls & typeof nfsserverCalls;
/** System calls that end at once or throw. */
export type Sys = SysOf<AllCalls>;
/** System calls that wait. */
export type Call = CallsOf<AllCalls>;

interface SysThis {
  readonly l: Lwp;
}
interface CallThis {
  readonly p: Proc;
}

/** What a caller is told of a failure: an Errno, SLEEP where the call would have to wait, or a fault. */
export type Told = (l: Lwp, se: Sysent, error: unknown, args: readonly unknown[]) => unknown;

/** Methods made of a table's calls, and what they are in a process that has ended. */
interface Methods {
  readonly live: object;
  readonly gone: object;
}

/**
 * What the system calls of a kernel are (NetBSD's struct emul): their tables, and the methods that processes have of them, which all kernels of one kind share.
 */
export class Emul {
  readonly #tables: readonly SyscallTable[];
  /** What callers of `p.sys` and `p.call` are told. */
  readonly told: Told;
  /** A call that nobody handles is made: loads the component that would, if there is one. */
  readonly absent: ((l: Lwp, name: string) => void) | undefined;
  /** Of `p.sys`, `p.bare` and `p.call`. */
  readonly sys: Methods;
  readonly bare: Methods;
  readonly call: Methods;

  constructor(tables: readonly SyscallTable[], told: Told = errnoItself, absent?: (l: Lwp, name: string) => void) {
    this.#tables = tables;
    this.told = told;
    this.absent = absent;
    this.bare = this.#sysMethods(errnoItself);
    this.sys = told === errnoItself ? this.bare : this.#sysMethods(told);
    this.call = {
      live: this.#prototypeOf(callMethod),
      gone: this.#prototypeOf(
        (se) =>
          function (this: CallThis): Promise<never> {
            return Promise.reject(told(this.p.lwp, se, ERR.ESRCH, []));
          },
      ),
    };
  }

  /** What the tables say of a call; undefined: none has it. They are looked at one by one, since to make one of them takes longer than to boot a kernel. */
  known(name: string): SyscallText | undefined {
    for (const table of this.#tables) if (Object.hasOwn(table, name)) return table[name];
    return undefined;
  }

  /** All calls. */
  calls(): [string, SyscallText][] {
    return this.#tables.flatMap(Object.entries<SyscallText>);
  }

  #sysMethods(told: Told): Methods {
    return {
      live: this.#prototypeOf((se) => sysMethod(se, told)),
      gone: this.#prototypeOf(
        (se) =>
          function (this: SysThis): never {
            throw told(this.l, se, ERR.ESRCH, []);
          },
      ),
    };
  }

  /**
   * An object with a method for each known call, made when it is first looked for: to make them all takes longer than to boot a kernel. It finds them
   * behind itself, and keeps them.
   */
  #prototypeOf(method: (se: Sysent) => unknown): object {
    const all = new Proxy(Object.prototype, {
      get: (target, name): unknown => {
        const text = typeof name === 'string' ? this.known(name) : undefined;
        if (text === undefined) return Reflect.get(target, name);
        const value = method(sysentOf(name as string, text));
        Object.defineProperty(proto, name, { value, enumerable: true });
        return value;
      },
      has: (target, name) => name in target || (typeof name === 'string' && this.known(name) !== undefined),
    });
    // What an object of a process has of its own is set on it, and not looked for behind.
    const own = { value: undefined, writable: true };
    const proto: object = Object.create(all, { l: own, p: own });
    return proto;
  }
}

export function sysentOf(name: string, text: SyscallText): Sysent {
  const spec = syscallSpec(text);
  return { num: spec.num, name, spec, ...masksOf(spec.args) };
}

/** An object of the process of `l` with `methods`: `p.sys`, `p.bare`. */
export function sysOf(l: Lwp, methods: Methods): Sys {
  const sys = Object.create(methods.live) as { l: Lwp };
  sys.l = l;
  return sys as unknown as Sys;
}

/** The object `p.call`. */
export function callOf(p: Proc): Call {
  const call = Object.create(p.k.emul.call.live) as { p: Proc };
  call.p = p;
  return call as unknown as Call;
}

/** The process has ended: whoever still calls hears ESRCH. */
export function refuseCalls(methods: Methods, calls: Sys | Call): void {
  Object.setPrototypeOf(calls, methods.gone);
}

/** What is in order is passed on as it is; everything else is copied in. */
function sysMethod(se: Sysent, told: Told): unknown {
  const { num } = se;
  const { length: count } = se.spec.args;
  const [fa, fb, fc, fd, fe, ff] = [0, 1, 2, 3, 4, 5].map((i) => fitOf(se.spec.args, i));
  if (fa === undefined || fb === undefined || fc === undefined || fd === undefined || fe === undefined || ff === undefined) {
    return function (this: SysThis, ...args: unknown[]): unknown {
      return runNow(this.l, se, args, told);
    };
  }
  return function (this: SysThis, a: unknown, b: unknown, c: unknown, d: unknown, e: unknown, f: unknown): unknown {
    const l = this.l;
    if (l.running) return runNow(l, se, [a, b, c, d, e, f], told);
    if (count > 0 && !(fits(fa, a) && fits(fb, b) && fits(fc, c))) return runNow(l, se, [a, b, c, d, e, f], told);
    if (count > 3 && !(fits(fd, d) && fits(fe, e) && fits(ff, f))) return runNow(l, se, [a, b, c, d, e, f], told);
    const k = l.k;
    const outer = k.enter(l);
    l.running = true;
    try {
      l.begin();
      const handler = k.syscalls.handlers[num];
      return handler === undefined ? absent(l, se) : handler(l, a, b, c, d, e, f);
    } catch (error) {
      return failed(l, se, error, [a, b, c, d, e, f], told);
    } finally {
      l.running = false;
      k.leave(outer);
    }
  };
}

/**
 * One synchronous call, with arguments that have to be copied or with a number known only now. From within another one of the same lwp (a hook,
 * a tracer) it has an lwp of its own.
 */
export function runNow(l: Lwp, se: Sysent, args: readonly unknown[], told: Told = l.k.emul.told): unknown {
  if (l.running) return runWithin(l.proc, se, args, told);
  const k = l.k;
  const outer = k.enter(l);
  l.running = true;
  try {
    l.begin();
    const handler = k.syscalls.handlers[se.num];
    if (handler === undefined) return absent(l, se);
    const { records } = k.syscalls;
    const given = copyin(records, se, args);
    return copyout(records, se, args, given, handler(l, given[0], given[1], given[2], given[3], given[4], given[5]));
  } catch (error) {
    return failed(l, se, error, args, told);
  } finally {
    l.running = false;
    k.leave(outer);
  }
}

function runWithin(p: Proc, se: Sysent, args: readonly unknown[], told: Told): unknown {
  const l = p.takelwp();
  try {
    return runNow(l, se, args, told);
  } finally {
    p.putlwp(l);
  }
}

function callMethod(se: Sysent): unknown {
  return function (this: CallThis, ...args: unknown[]): Promise<unknown> {
    return runParked(this.p, se, args);
  };
}

/** One call that may wait. */
export function runParked(p: Proc, se: Sysent, args: readonly unknown[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const k = p.k;
    const l = p.takelwp();
    let given: readonly unknown[] | undefined;
    const fail = (error: unknown): void => {
      if (l.uio.moved > 0 && movesBytes(se.spec) && error instanceof Errno) resolve(l.cutShort());
      else reject(p.k.emul.told(l, se, error, args));
    };
    /** Runs the handler; returns whether the call has ended. */
    const attempt = (): boolean => {
      try {
        const handler = k.syscalls.handlers[se.num];
        if (handler === undefined) absent(l, se);
        if (given === undefined) given = copyin(k.syscalls.records, se, args);
        else if (se.bytes !== 0) recheck(se, given);
        resolve(copyout(k.syscalls.records, se, args, given, handler(l, ...given)));
      } catch (error) {
        if (error === SLEEP && !p.exited) return false;
        k.sleepq.passOn(l);
        if (error === SLEEP) l.abandon?.();
        fail(error === SLEEP ? ERR.EINTR : error);
      }
      return true;
    };
    l.resume = (): void => {
      // Its process ended while it slept.
      if (p.exited && l.abandon === undefined) {
        selclear(l);
        fail(ERR.EINTR);
        return;
      }
      try {
        const outer = k.enter(l);
        try {
          if (p.exited) {
            l.abandon?.();
            fail(ERR.EINTR);
          } else if (attempt()) p.putlwp(l);
          else k.sleepq.park(l);
        } finally {
          k.leave(outer);
        }
      } catch (error) {
        reject(k.panicked(error));
      }
    };
    l.begin();
    l.resume();
  });
}

/** Nobody handles this call. ENOSYS. */
function absent(l: Lwp, se: Sysent): never {
  l.k.emul.absent?.(l, se.name);
  throw ERR.ENOSYS;
}

/** Whether a call moves bytes through the lwp's uio, so that what was moved counts when it is cut short. */
function movesBytes(spec: SyscallSpec): boolean {
  return spec.ret === 'len' && spec.args.some((a) => a === 'in' || a === 'out' || a === 'iovin' || a === 'iovout' || a === 'msg');
}

/** What a synchronous call that failed gives its caller: the bytes that it moved before, or an exception. */
function failed(l: Lwp, se: Sysent, error: unknown, args: readonly unknown[], told: Told): number {
  if (l.uio.moved > 0 && movesBytes(se.spec) && (error === SLEEP || error instanceof Errno)) return l.cutShort();
  throw told(l, se, error, args);
}

/** The Errno itself, or SLEEP where the call would have to wait. Anything else is a fault of the kernel, and ends it. */
function errnoItself(l: Lwp, _se: Sysent, error: unknown): unknown {
  return error instanceof Errno || error === SLEEP ? error : l.k.panicked(error);
}
