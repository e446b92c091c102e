/** The system calls of the base. Handlers are the same objects in every kernel. */
import { rumpkernCalls } from '@anykernel/lib-sys';
import type { Kernel } from '../kernel.js';
import { descriptorCalls } from './descriptors.js';
import { eventCalls } from './events.js';
import { idCalls } from './ids.js';
import { ksemCalls } from './ksem.js';
import { processCalls } from './process.js';
import { stopTimers, timeCalls } from './time.js';
import { traceCalls } from './trace.js';

const all = Object.freeze({ ...processCalls, ...idCalls, ...descriptorCalls, ...eventCalls, ...timeCalls, ...ksemCalls, ...traceCalls });

/** Establishes them in `k`. */
export function baseCalls(k: Kernel): void {
  k.syscalls.establish(rumpkernCalls, all);
  k.procs.onExit.push(stopTimers);
}
