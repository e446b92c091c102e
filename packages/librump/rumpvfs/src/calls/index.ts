/** The handlers of the faction's system calls. They find their kernel's Vfs by the calling process, so there is one set of them. */
import { attrCalls } from './attr.js';
import type { VfsCalls } from './common.js';
import { dirCalls } from './dirs.js';
import { fileioCalls } from './fileio.js';
import { mountCalls } from './mounts.js';
import { nameCalls } from './names.js';
import { openCalls } from './open.js';
import { traceCalls } from './trace.js';
import { xattrCalls } from './xattr.js';

export const vfsCalls: Partial<VfsCalls> = {
  ...openCalls,
  ...fileioCalls,
  ...attrCalls,
  ...nameCalls,
  ...dirCalls,
  ...mountCalls,
  ...xattrCalls,
  ...traceCalls,
};
