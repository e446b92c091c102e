/**
 * The system call table of one kernel: handlers by number. Components establish theirs; what is not established answers ENOSYS.
 *
 * A handler gets the calling lwp and the arguments as the table's kinds say, and returns the result or throws. While calls are traced,
 * each handler stands behind a wrapper that tells the tracer; otherwise tracing costs nothing.
 */
import { type Handlers, type SyscallSpec, type SyscallTable, syscallNum } from '@anykernel/lib-sys';
import type { Records } from './copyin.js';
import { type Emul, runNow, runParked, sysentOf } from './entry.js';
import type { Lwp, Proc } from './proc.js';
import { baseRecords } from './records.js';

/** A handler of any call, as the entry sees it. */
export type AnyHandler = (l: Lwp, ...args: unknown[]) => unknown;

/** Bit i for argument i: it is a number; a buffer; a name; something that has to be copied (copyin.ts). */
export interface ArgMasks {
  readonly ints: number;
  readonly bytes: number;
  readonly texts: number;
  readonly records: number;
}

/** What is known of a call without a kernel. */
export interface Sysent extends ArgMasks {
  readonly num: number;
  readonly name: string;
  readonly spec: SyscallSpec;
}

/** Puts something around a handler. */
export type Wrap = (se: Sysent, handler: AnyHandler) => AnyHandler;

export class Syscalls {
  /** By number: what the entry layer runs. */
  readonly handlers: (AnyHandler | undefined)[] = [];
  /** How records and lists are copied. */
  readonly records: Records = { ...baseRecords };
  /** What is known of calls, by number: of all tables when it is first asked for, and before that of calls that none has. */
  readonly #sysents = new Map<number, Sysent>();
  #complete = false;
  /** The handlers themselves, while each is wrapped. */
  #plain: (AnyHandler | undefined)[] | undefined;
  #wrap: Wrap | undefined;
  readonly #emul: Emul;

  constructor(emul: Emul) {
    this.#emul = emul;
  }

  /** Adds handlers of a table's calls, in place of those before, and the kinds of records that they have. Returns what takes the handlers out again. */
  establish<T extends SyscallTable>(table: T, handlers: Partial<Handlers<T, Lwp>>, records?: Records): () => void {
    Object.assign(this.records, records);
    const nums: number[] = [];
    for (const name in handlers) {
      const num = syscallNum(table[name]);
      if (this.#emul.known(name) !== table[name]) this.#sysents.set(num, sysentOf(name, table[name]));
      this.#set(num, handlers[name] as unknown as AnyHandler);
      nums.push(num);
    }
    return () => {
      for (const num of nums) this.#set(num, undefined);
    };
  }

  #set(num: number, handler: AnyHandler | undefined): void {
    while (this.handlers.length <= num) this.handlers.push(undefined);
    this.handlers[num] = handler;
    if (this.#plain === undefined || this.#wrap === undefined) return;
    this.#plain[num] = handler;
    const se = this.sysent(num);
    if (handler !== undefined && se !== undefined) this.handlers[num] = this.#wrap(se, handler);
  }

  /** What is known of call `num`, whether it is established or not. */
  sysent(num: number): Sysent | undefined {
    if (!this.#complete) this.#completeTable();
    return this.#sysents.get(num);
  }

  #completeTable(): void {
    this.#complete = true;
    for (const [name, text] of this.#emul.calls()) {
      const se = sysentOf(name, text);
      if (!this.#sysents.has(se.num)) this.#sysents.set(se.num, se);
    }
  }

  /** The names of the calls that are established. */
  names(): string[] {
    return this.handlers.flatMap((handler, num) => (handler === undefined ? [] : [this.sysent(num)?.name ?? String(num)]));
  }

  /** Puts `wrap` around every handler, or takes it away. */
  wrap(wrap: Wrap | undefined): void {
    const plain = this.#plain ?? [...this.handlers];
    this.#wrap = wrap;
    this.#plain = wrap === undefined ? undefined : plain;
    plain.forEach((handler, num) => {
      const se = this.sysent(num);
      this.handlers[num] = wrap === undefined || handler === undefined || se === undefined ? handler : wrap(se, handler);
    });
  }

  /** Call `se` of a process, at once: for callers who know numbers, not names. */
  now(p: Proc, se: Sysent, args: readonly unknown[]): unknown {
    return runNow(p.lwp, se, args);
  }

  /** The same, waiting where need be. */
  parked(p: Proc, se: Sysent, args: readonly unknown[]): Promise<unknown> {
    return runParked(p, se, args);
  }
}
