/**
 * What the base has beyond descriptors and event queues on files: system calls, and the parts of a whole kernel (kernel.ts). A kernel of bareBoot() is without
 * them, and so is a bundle of one.
 */
import {
  EVFILT_TIMER, EVFILT_USER, aioCalls, nfsserverCalls, rumpkernCalls, rumpnetCalls, rumpvfsCalls,
} from '@anykernel/lib-sys';
import { Autoloader } from './autoload.js';
import { idCalls } from './calls/ids.js';
import { ksemCalls } from './calls/ksem.js';
import { moreDescriptorCalls } from './calls/moredescriptors.js';
import { pipeCalls } from './calls/pipe.js';
import { pollCalls } from './calls/poll.js';
import { processCalls } from './calls/process.js';
import { sysctlCalls } from './calls/sysctl.js';
import { stopTimers, timeCalls } from './calls/time.js';
import { traceCalls } from './calls/trace.js';
import { CallTable } from './calltable.js';
import { openConsole } from './console.js';
import { Devsw } from './devsw.js';
import { Emul } from './entry.js';
import { Evcnts } from './evcnt.js';
import type { Kernel } from './kernel.js';
import { timerFilter, userFilter } from './kqfilters.js';
import { Ktrace } from './ktrace.js';
import type { Lwp } from './proc.js';
import { Modctl } from './modctl.js';
import { moreRecords } from './morerecords.js';
import { type Signals, signals } from './signal.js';
import { userError } from './syserror.js';
import { Clock } from './time.js';
import { Wheel } from './wheel.js';

/** Parts that are made when they are first used. */
export interface Parts {
  autoloader: Autoloader;
  callouts: Wheel;
  calltable: CallTable;
  clock: Clock;
  devsw: Devsw;
  evcnt: Evcnts;
  modctl: Modctl;
  signals: Signals;
  tracing: Ktrace;
}

const calls = Object.freeze({
  ...moreDescriptorCalls, ...pipeCalls, ...processCalls, ...idCalls, ...pollCalls, ...timeCalls, ...sysctlCalls, ...ksemCalls, ...traceCalls,
});

/** The component that brings a call's handler is loaded when the call is made. */
function bring(l: Lwp, name: string): void {
  const owner = Object.hasOwn(aioCalls, name) ? 'aio' : Object.hasOwn(nfsserverCalls, name) ? 'nfsserver' : undefined;
  if (owner !== undefined) l.k.modctl.demand(owner, l);
}

/** The system calls of a whole kernel. */
export const EMUL: Emul = new Emul([rumpkernCalls, rumpvfsCalls, rumpnetCalls, aioCalls, nfsserverCalls], userError, bring);

/** Gives a kernel that boots what it has from the beginning. */
export function establish(k: Kernel): void {
  k.syscalls.establish(rumpkernCalls, calls, moreRecords);
  k.procs.onExit.push(stopTimers);
  k.kqfilters.set(EVFILT_TIMER, timerFilter);
  k.kqfilters.set(EVFILT_USER, userFilter);
  openConsole(k.proc1.lwp);
}

export const PARTS: { readonly [K in keyof Parts]: (k: Kernel) => Parts[K] } = {
  autoloader: (k) => new Autoloader(k),
  callouts: (k) => new Wheel(k),
  calltable: (k) => new CallTable(k),
  clock: (k) => new Clock(k.host),
  devsw: () => new Devsw(),
  evcnt: () => new Evcnts(),
  modctl: (k) => new Modctl(k),
  signals: () => signals,
  tracing: (k) => new Ktrace(k),
};
