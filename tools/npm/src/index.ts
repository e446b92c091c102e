/** Packages from npm, unmodified, on files of a kernel: the programs that use them, and how they are run. */
export { NpmPrograms } from './run.js';
