/** Kernels with images of this machine: what nobody has halted by then is written back at the end of the program. */
import type { Kernel } from '@anykernel/rumpkern';

const running = new Set<Kernel>();

export function haltAtExit(kernel: Kernel): void {
  for (const k of running) if (k.stopped !== undefined) running.delete(k);
  if (running.size === 0) process.on('exit', haltAll);
  running.add(kernel);
}

/** Halts `kernel`, if it runs, and forgets it. */
export function haltNow(kernel: Kernel): void {
  if (running.delete(kernel) && running.size === 0) process.off('exit', haltAll);
  if (kernel.stopped === undefined) kernel.halt();
}

function haltAll(): void {
  const errors: unknown[] = [];
  for (const kernel of running) {
    try {
      haltNow(kernel);
    } catch (e) {
      errors.push(e);
    }
  }
  if (errors.length > 0) throw errors[0];
}
