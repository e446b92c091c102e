/** Jest itself runs projects whose test files ask for the environment. */
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { bundlePackage } from '@anykernel/tools-nodesuite';
import { run } from '@anykernel/tools-oracle';

const require = createRequire(import.meta.url);
const JEST = join(dirname(require.resolve('jest/package.json')), 'bin/jest.js');

let folder: string;

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'anykernel-jest-')));
  const installed = join(folder, 'node_modules/@anykernel/jest');
  mkdirSync(installed, { recursive: true });
  await bundlePackage('packages/client/jest', installed, ['index'], ['jest-environment-node']);
  writeFileSync(join(installed, 'package.json'), '{"name":"@anykernel/jest","type":"module","exports":"./index.mjs"}');
  symlinkSync(dirname(require.resolve('jest-environment-node/package.json')), join(folder, 'node_modules/jest-environment-node'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly { readonly message: string }[];
}

/** Runs jest on a project of these files. */
function jest(name: string, files: Readonly<Record<string, string>>): Report {
  const project = join(folder, name);
  for (const [path, text] of Object.entries({ 'jest.config.json': '{"transform":{}}', ...files })) {
    mkdirSync(dirname(join(project, path)), { recursive: true });
    writeFileSync(join(project, path), text);
  }
  const words = [
    '--experimental-vm-modules',
    JEST,
    '--rootDir',
    project,
    '--json',
    '-i',
    '--no-cache',
    '--config',
    join(project, 'jest.config.json'),
  ];
  const { stdout, stderr } = run(process.execPath, words, {
    cwd: project,
    env: { NODE_OPTIONS: '', JEST_WORKER_ID: '' },
    timeoutMs: 170_000,
  });
  try {
    return JSON.parse(stdout) as Report;
  } catch {
    throw new Error(`${stdout}${stderr}`);
  }
}

function said(report: Report): string {
  return report.testResults.flatMap((r) => (r.message === '' ? [] : [r.message])).join('\n');
}

test('one line redirects fs in CommonJS, for the tested code too, and each file begins anew', () => {
  const file = `/** @jest-environment @anykernel/jest */
const fs = require('fs'), { readFileSync } = require('node:fs'), fsp = require('fs/promises'), { save } = require('./save.cjs');
test('files', async () => {
  expect(fs.existsSync('/rump/saved')).toBe(false);
  save(); expect(readFileSync('/rump/saved', 'utf8')).toBe('by the code');
  await fsp.appendFile('/rump/saved', '!'); expect(fs.statSync('/rump/saved').size).toBe(12);
  process.chdir('/rump'); expect([process.cwd(), fs.readdirSync('.')]).toEqual(['/rump', ['saved']]);
  expect(() => fs.readFileSync('/rump/no')).toThrow("ENOENT: no such file or directory, open '/rump/no'");
});`;
  const report = jest('cjs', {
    'save.cjs': `exports.save = () => require('fs').writeFileSync('/rump/saved', 'by the code');`,
    'one.test.js': file,
    'two.test.js': file,
    'plain.test.js': `test('the host is as it was', () => expect(require('fs').existsSync('/rump')).toBe(false));`,
  });
  expect(said(report)).toBe('');
  expect(report).toMatchObject({ numPassedTests: 3, numFailedTests: 0 });
});

test('one line redirects named imports of ES modules, with a tree and a user of its own', () => {
  const report = jest('esm', {
    'package.json': '{"type":"module"}',
    'load.js': `import { readFileSync } from 'fs'; export const load = () => JSON.parse(readFileSync('/etc/app/config.json', 'utf8'));`,
    'esm.test.js': `/**
 * @jest-environment @anykernel/jest
 * @jest-environment-options {"rumphijack": "blanket=/etc/app:/data", "tree": {"/etc/app/config.json": "{\\"x\\":1}", "/data/deep/a": ""}, "uid": 1000}
 */
import { existsSync, readdirSync, writeFileSync } from 'node:fs'; import { readFile } from 'node:fs/promises'; import fs, * as all from 'fs'; import { load } from './load.js';
test('imports', async () => {
  expect(load()).toEqual({ x: 1 }); expect(readdirSync('/data/deep')).toEqual(['a']);
  writeFileSync('/data/new', 'mine'); expect(await readFile('/data/new', 'utf8')).toBe('mine'); expect([fs, all].map((f) => f.statSync('/data/new').uid)).toEqual([1000, 1000]);
  expect(existsSync('/etc/passwd')).toBe(true);
});`,
  });
  expect(said(report)).toBe('');
  expect(report).toMatchObject({ numPassedTests: 1, numFailedTests: 0 });
});

test('an option that makes no sense fails the file with a line that says so', () => {
  const report = jest('wrong', {
    'wrong.test.js': `/**
 * @jest-environment @anykernel/jest
 * @jest-environment-options {"tree": {"relative": ""}}
 */
test('never', () => {});`,
  });
  expect(said(report)).toContain('testEnvironmentOptions.tree: is texts by absolute paths');
  expect(report.numPassedTests).toBe(0);
});

test('a tree is never written to this machine', () => {
  const at = join(tmpdir(), `anykernel-not-redirected-${process.pid}`);
  const report = jest('astray', {
    'astray.test.js': `/**
 * @jest-environment @anykernel/jest
 * @jest-environment-options {"tree": {"${at}": ""}}
 */
test('never', () => {});`,
  });
  expect(said(report)).toContain(`testEnvironmentOptions.tree: ${at} is a path of this machine, which is not redirected`);
  expect(existsSync(at)).toBe(false);
});
