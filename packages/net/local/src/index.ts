/**
 * Local sockets: between the processes of one kernel, with names in the file system.
 */
export { local } from './component.js';
export { Local } from './state.js';
