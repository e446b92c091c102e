/** Node's own tests of `fs`, as other tools and tests use them. */
export { bundleHijack, bundlePackage } from './bundle.js';
export { differences, known } from './known.js';
export { type Outcome, runTests, testsOf } from './run.js';
export type { Side, Stage } from './stage.js';
export { withStage } from './suite.js';
