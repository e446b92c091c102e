/** The system calls that every kernel has. Handlers are the same objects in every one. */
import { bareKernCalls } from '@anykernel/lib-sys';
import type { Kernel } from '../kernel.js';
import { descriptorCalls } from './descriptors.js';
import { eventCalls } from './events.js';

const all = Object.freeze({ ...descriptorCalls, ...eventCalls });

/** Establishes them in `k`. */
export function baseCalls(k: Kernel): void {
  k.syscalls.establish(bareKernCalls, all);
}
