/**
 * `npm test [-- jest arguments]`: installs, builds, checks types, lints, runs all tests. Needs nothing but Node and npm.
 */
import { build, checkMachine, install, node, say } from './steps.mjs';

const [, , ...args] = process.argv;

checkMachine();
install();
build();
node(
  'Checking the types of the tests',
  ['node_modules/@typescript/native/bin/tsc', '-p', 'tsconfig.test.json'],
  'The tests do not pass the type checker.',
);
node('Looking for errors of style', ['node_modules/@biomejs/biome/bin/biome', 'lint', '--diagnostic-level=error'], 'The linter has found errors.');
node(
  'Running the tests',
  ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js', ...args],
  'Some tests failed: they are listed above.',
);
say('All is well.');
