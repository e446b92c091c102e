/** The house rules, on this very tree. `pnpm tidy --fix` mends what can be derived. */
import { expect, test } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { readTree, RULES } from '../src/index.js';

const tree = readTree(fileURLToPath(new URL('../../..', import.meta.url)));

test.each(Object.entries(RULES))('%s', (_sentence, rule) => {
  expect(rule(tree).map(({ path, message }) => `${path}: ${message}`)).toEqual([]);
});
