/** The demonstration as a function. */
export { demonstrate } from './demonstrate.js';
