/** The handlers of the faction's system calls. They find their kernel's Vfs by the calling process, so there is one set of them. */
import { bareCalls } from './bare.js';
import type { VfsCalls } from './common.js';
import { traceCalls } from './trace.js';
import { xattrCalls } from './xattr.js';

export const vfsCalls: Partial<VfsCalls> = { ...bareCalls, ...xattrCalls, ...traceCalls };
