import { expect, test } from '@jest/globals';
import { summary } from '../summary.mjs';

const JEST = { numPassedTests: 10, numFailedTests: 0, numPendingTests: 2, numTodoTests: 0, numRuntimeErrorTestSuites: 0 };

test('results of jest and of our own tools are summed', () => {
  expect(summary({ test: JEST, pack: { passed: 3, failed: 1 } }, [])).toEqual({ passed: 13, failed: 1, skipped: 2 });
});

test('a suite that could not be loaded is a failure', () => {
  expect(summary({ test: { ...JEST, numRuntimeErrorTestSuites: 1 } }, []).failed).toBe(1);
});

test('a step that broke without a failed test is one failure', () => {
  expect(summary({ test: JEST }, ['test']).failed).toBe(1);
  expect(summary({}, ['test']).failed).toBe(1);
});

test('a step that broke because tests failed is not counted again', () => {
  expect(summary({ test: { ...JEST, numFailedTests: 4 } }, ['test']).failed).toBe(4);
});
