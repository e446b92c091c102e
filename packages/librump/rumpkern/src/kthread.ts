/** Work of the kernel itself that may have to wait. */
import { Errno } from '@anykernel/lib-sys';
import type { Kernel } from './kernel.js';
import type { Lwp } from './proc.js';
import { SLEEP } from './sleep.js';

/** Runs `fn` as the kernel itself, again whenever it slept, until it ends; then `done` is told, with the error if there was one. */
export function runKernel<T>(k: Kernel, fn: (l: Lwp) => T, done: (error: unknown, value?: T) => void): void {
  const p = k.proc0;
  const l = p.takelwp();
  l.resume = (): void => {
    let value: T;
    try {
      const outer = k.enter(l);
      try {
        value = fn(l);
      } catch (error) {
        if (error === SLEEP) {
          k.sleepq.park(l);
          return;
        }
        throw error instanceof Errno ? error : k.panicked(error);
      } finally {
        k.leave(outer);
      }
    } catch (error) {
      p.putlwp(l);
      done(error);
      return;
    }
    p.putlwp(l);
    done(undefined, value);
  };
  l.begin();
  l.resume();
}
