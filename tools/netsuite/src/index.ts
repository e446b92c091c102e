/** Node's own tests of `net`, `dgram` and `http`, as tests use them. */
export { differences, known } from './known.js';
export { type Outcome, type Side, runTests, testsOf } from './run.js';
