/** The system calls that every kernel has. Handlers are the same objects in every one. */
import { rumpkernCalls } from '@anykernel/lib-sys';
import type { Kernel } from '../kernel.js';
import { descriptorCalls } from './descriptors.js';
import { eventCalls } from './events.js';
import { idCalls } from './ids.js';
import { processCalls } from './process.js';

const all = Object.freeze({ ...processCalls, ...idCalls, ...descriptorCalls, ...eventCalls });

/** Establishes them in `k`. */
export function baseCalls(k: Kernel): void {
  k.syscalls.establish(rumpkernCalls, all);
}
