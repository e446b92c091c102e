/**
 * `npm start`: installs, builds, and runs the demonstration. Needs nothing but Node and npm.
 */
import { has } from './machine.mjs';
import { build, checkMachine, fail, install, node } from './steps.mjs';

const DEMONSTRATION = 'packages/example/notes/dist/main.js';

checkMachine();
install();
build();
if (!has(DEMONSTRATION)) fail(`The demonstration was not built: ${DEMONSTRATION} is missing.`);
node('Running the demonstration', [DEMONSTRATION], 'The demonstration failed.');
