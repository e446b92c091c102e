/**
 * What the base has beyond descriptors and event queues: calls of processes about themselves, poll and select, time and timers, the sysctl tree, semaphores, tracing. A kernel of bareBoot() is without it,
 * and so is a bundle of one: their system calls answer ENOSYS, and who has a value for the sysctl tree keeps it to himself.
 */
import { rumpkernCalls } from '@anykernel/lib-sys';
import { idCalls } from './calls/ids.js';
import { ksemCalls } from './calls/ksem.js';
import { pollCalls } from './calls/poll.js';
import { processCalls } from './calls/process.js';
import { sysctlCalls } from './calls/sysctl.js';
import { stopTimers, timeCalls } from './calls/time.js';
import { traceCalls } from './calls/trace.js';
import type { Kernel } from './kernel.js';
import { Ktrace } from './ktrace.js';
import { Sysctl } from './sysctl.js';
import { baseSysctl } from './sysctlbase.js';
import type { SysctlTree } from './sysctlnone.js';

/** What a kernel gets of it. */
export interface Extras {
  establish(k: Kernel): void;
  sysctl(k: Kernel): SysctlTree;
  tracing(k: Kernel): Ktrace;
}

const calls = Object.freeze({ ...processCalls, ...idCalls, ...pollCalls, ...timeCalls, ...sysctlCalls, ...ksemCalls, ...traceCalls });

export const extras: Extras = {
  establish(k) {
    k.syscalls.establish(rumpkernCalls, calls);
    k.procs.onExit.push(stopTimers);
  },
  sysctl: (k) => new Sysctl(k, baseSysctl),
  tracing: (k) => new Ktrace(k),
};
