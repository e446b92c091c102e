export { CHECKS, type Check, type Fs } from './probe.js';
export { SUBJECTS, type Subject } from './subjects.js';
