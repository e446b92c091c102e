import { expect, test } from '@jest/globals';
import { pinnedPnpm, refusals } from '../machine.mjs';

const GOOD = { nodeVersion: '20.19.0', freeBytes: 2 ** 40, root: '/tree' };

test('the oldest Node that we support will do', () => {
  expect(refusals(GOOD)).toEqual([]);
});

test('an older Node is refused by its version', () => {
  expect(refusals({ ...GOOD, nodeVersion: '20.18.3' })).toEqual([expect.stringMatching(/^This is Node 20\.18\.3; Node 20\.19 or later/)]);
  expect(refusals({ ...GOOD, nodeVersion: '18.20.0' })).toHaveLength(1);
});

test('a newer Node will do', () => {
  expect(refusals({ ...GOOD, nodeVersion: '26.1.0' })).toEqual([]);
});

test('a full disk is refused with what is free and what is needed', () => {
  expect(refusals({ ...GOOD, freeBytes: 5 << 20 })).toEqual([
    '5 MiB are free under /tree; about 1536 MiB are needed to install and build.',
  ]);
});

test('the pinned pnpm is read from package.json', () => {
  expect(pinnedPnpm()).toMatch(/^pnpm@\d+\.\d+\.\d+$/);
});
