/**
 * System calls by number, for those who know no names, and what stands around each handler while calls are traced. When they are not, tracing
 * costs nothing.
 */
import { runNow, runParked, sysentOf } from './entry.js';
import type { Kernel } from './kernel.js';
import type { Proc } from './proc.js';
import type { AnyHandler, Sysent, Syscalls } from './syscalls.js';

/** Puts something around a handler. */
export type Wrap = (se: Sysent, handler: AnyHandler) => AnyHandler;

export class CallTable {
  readonly #k: Kernel;
  readonly #syscalls: Syscalls;
  readonly #sysents = new Map<number, Sysent>();
  /** The handlers themselves, while each is wrapped. */
  #plain: (AnyHandler | undefined)[] = [];

  constructor(k: Kernel) {
    this.#k = k;
    this.#syscalls = k.syscalls;
  }

  /** What is known of call `num`, whether it is established or not. */
  sysent(num: number): Sysent | undefined {
    const known = this.#sysents.get(num);
    if (known !== undefined) return known;
    for (const [name, text] of [...this.#k.emul.calls(), ...this.#syscalls.others]) {
      const se = sysentOf(name, text);
      this.#sysents.set(se.num, se);
    }
    return this.#sysents.get(num);
  }

  /** The names of the calls that are established. */
  names(): string[] {
    return this.#syscalls.handlers.flatMap((handler, num) => (handler === undefined ? [] : [this.sysent(num)?.name ?? String(num)]));
  }

  /** Puts `wrap` around every handler, or takes it away. */
  wrap(wrap: Wrap | undefined): void {
    const { handlers, stand } = this.#syscalls;
    if (stand === undefined) this.#plain = [...handlers];
    this.#syscalls.stand =
      wrap &&
      ((num, handler) => {
        this.#plain[num] = handler;
        const se = this.sysent(num);
        return handler === undefined || se === undefined ? handler : wrap(se, handler);
      });
    this.#plain.forEach((handler, num) => {
      handlers[num] = this.#syscalls.stand === undefined ? handler : this.#syscalls.stand(num, handler);
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
