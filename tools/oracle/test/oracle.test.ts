import { expect, test } from '@jest/globals';
import { existsSync, readdirSync } from 'node:fs';
import { isPresent, mustRun, oracle, run, verdict, withFolder, withMount } from '../src/index.js';

test('a missing oracle skips the test, and says what to install', () => {
  expect(verdict(['e2fsck', 'debugfs'], undefined)).toEqual({ kind: 'skip', message: 'needs e2fsck, debugfs (apt-get install e2fsprogs)' });
});

test('where oracles are required a missing one fails the test', () => {
  expect(verdict(['getfattr'], 'require').kind).toBe('fail');
});

test('with all oracles there the test runs', () => {
  expect(verdict([], 'require').kind).toBe('run');
});

test('an oracle that nobody listed is refused', () => {
  expect(() => isPresent('nosuch')).toThrow(/nosuch/);
});

test('a program that takes too long ends with status 124', () => {
  expect(run('sleep', ['20'], { timeoutMs: 50 }).status).toBe(124);
});

test('a failure carries what the program said', () => {
  expect(() => mustRun('sh', ['-c', 'echo no good; exit 3'])).toThrow(/status 3\nno good/);
});

test('a temporary folder is gone afterwards', () => {
  const folder = withFolder((path) => path);
  expect(existsSync(folder)).toBe(false);
});

oracle('mke2fs', 'e2fsck').test('e2fsck calls a fresh image clean', () => {
  withFolder((folder) => {
    mustRun('mke2fs', ['-q', '-t', 'ext2', `${folder}/disk.img`, '1024']);
    expect(run('e2fsck', ['-fn', `${folder}/disk.img`]).status).toBe(0);
  });
});

oracle('mke2fs', 'loop:ext2').test('the host kernel mounts an image, and lets go of it', () => {
  withFolder((folder) => {
    mustRun('mke2fs', ['-q', '-t', 'ext2', `${folder}/disk.img`, '1024']);
    const names = withMount(`${folder}/disk.img`, 'ext2', (root) => readdirSync(root), ['ro']);
    expect(names).toEqual(['lost+found']);
  });
});
