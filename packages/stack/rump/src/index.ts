/** The `rump` command as a function. */
export { main } from './main.js';
export { startRun } from './commands/run.js';
export type { Io } from './io.js';
