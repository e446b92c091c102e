/**
 * The system call table of one kernel: handlers by number. Components establish theirs; what is not established answers ENOSYS.
 *
 * A handler gets the calling lwp and the arguments as the table's kinds say, and returns the result or throws.
 */
import { type Handlers, type SyscallSpec, type SyscallTable, type SyscallText, syscallNum } from '@anykernel/lib-sys';
import type { Records } from './copyin.js';
import type { Emul } from './entry.js';
import type { Lwp } from './proc.js';
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

export class Syscalls {
  /** By number: what the entry layer runs. */
  readonly handlers: (AnyHandler | undefined)[] = [];
  /** How records and lists are copied. */
  readonly records: Records = { ...baseRecords };
  /** Calls that no table of the kernel's has, by name. */
  readonly others: Map<string, SyscallText> = new Map<string, SyscallText>();
  /** What stands in the place of a handler, when there is more than the handler (calltable.ts). */
  stand: ((num: number, handler: AnyHandler | undefined) => AnyHandler | undefined) | undefined = undefined;
  readonly #emul: Emul;

  constructor(emul: Emul) {
    this.#emul = emul;
  }

  /** Adds handlers of a table's calls, in place of those before, and the kinds of records that they have. Returns what takes the handlers out again. */
  establish<T extends SyscallTable>(table: T, handlers: Partial<Handlers<T, Lwp>>, records?: Records): () => void {
    Object.assign(this.records, records);
    const nums: number[] = [];
    for (const name in handlers) {
      const text = table[name] as SyscallText;
      const num = syscallNum(text);
      if (this.#emul.known(name) !== text) this.others.set(name, text);
      this.#set(num, handlers[name] as unknown as AnyHandler);
      nums.push(num);
    }
    return () => {
      for (const num of nums) this.#set(num, undefined);
    };
  }

  #set(num: number, handler: AnyHandler | undefined): void {
    while (this.handlers.length <= num) this.handlers.push(undefined);
    this.handlers[num] = this.stand === undefined ? handler : this.stand(num, handler);
  }
}
