/** The `rump` command as a function. */
export { main } from './main.js';
export type { Io } from './io.js';
