/** The handlers of the faction's system calls. They find their kernel's Vfs by the calling process, so there is one set of them. */
import { atCalls } from './at.js';
import { bareCalls } from './bare.js';
import type { VfsCalls } from './common.js';
import { flockCalls } from './flock.js';
import { handleCalls } from './handles.js';
import { moreCalls } from './more.js';
import { mountCalls } from './mounts.js';
import { rangeCalls } from './ranges.js';
import { traceCalls } from './trace.js';
import { xattrCalls } from './xattr.js';

export const vfsCalls: Partial<VfsCalls> = {
  ...bareCalls, ...atCalls, ...moreCalls, ...flockCalls, ...handleCalls, ...mountCalls, ...rangeCalls, ...xattrCalls, ...traceCalls,
};
