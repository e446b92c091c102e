/** The handlers of those system calls of the faction that every kernel with files has. */
import { attrCalls } from './attr.js';
import type { VfsCalls } from './common.js';
import { dirCalls } from './dirs.js';
import { fileioCalls } from './fileio.js';
import { nameCalls } from './names.js';
import { openCalls } from './open.js';
import { statvfsCalls } from './statvfs.js';

export const bareCalls: Partial<VfsCalls> = { ...openCalls, ...fileioCalls, ...attrCalls, ...nameCalls, ...dirCalls, ...statvfsCalls };
