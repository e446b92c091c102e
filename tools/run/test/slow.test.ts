import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';

test('every suite that begins early because it is slow is there', () => {
  const suites = JSON.parse(readFileSync(new URL('../../jest/slow.json', import.meta.url), 'utf8')) as string[];
  expect(suites.filter((suite) => !existsSync(new URL(`../../../${suite}`, import.meta.url)))).toEqual([]);
  expect(new Set(suites).size).toBe(suites.length);
});
