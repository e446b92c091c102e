/**
 * A stranger's driver: an example packed and installed with what it needs and nothing else, whose own tests (its conformance run) and
 * program then run outside the workspace on what was installed.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { transformSync } from 'esbuild';
import type { Check } from './report.js';
import { install } from './project.js';
import { closure, type Tarball } from './tarballs.js';

const JEST = 'jest@30.5.2';
const TIMEOUT_MS = 180_000;
const PREFIX = '@anykernel/example-';

/** The packages that stand for strangers'. */
export function examplesAmong(tarballs: readonly Tarball[]): Tarball[] {
  return tarballs.filter((tarball) => tarball.name.startsWith(PREFIX));
}

/** Installs the example in `folder`, runs its tests there, and its program where it has one. `source` is its folder in this tree. */
export function tryExample(example: Tarball, tarballs: readonly Tarball[], source: string, folder: string): Check[] {
  const name = `${example.name} outside the workspace`;
  try {
    install(folder, closure(tarballs, [example.name, ...example.tests.filter((test) => tarballs.some((found) => found.name === test))]), [
      JEST,
    ]);
    const tests = testsOf(source);
    const program = join(folder, 'node_modules', example.name, 'dist/main.js');
    const checks: Check[] = [];
    if (tests.length > 0) checks.push({ name: `${name}: its tests pass`, problems: said(runTests(example, source, folder)) });
    if (existsSync(program)) checks.push({ name: `${name}: its program runs with plain node`, problems: said(run(folder, [program])) });
    return checks.length > 0 ? checks : [{ name, problems: ['it has neither tests nor a program'] }];
  } catch (error) {
    return [{ name, problems: [error instanceof Error ? error.message : String(error)] }];
  }
}

/** A test of the example as one of the installed package: types off, and its sources by the package's name. */
export function asStranger(text: string, name: string): string {
  const { code } = transformSync(text, { loader: 'ts', target: 'es2022' });
  return code.replaceAll(/(["'])\.\.\/src\/index\.js\1/g, JSON.stringify(name));
}

/** The files in an example's test folder. */
function testsOf(source: string): string[] {
  const folder = join(source, 'test');
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.ts')) : [];
}

function runTests(example: Tarball, source: string, folder: string): string | undefined {
  mkdirSync(join(folder, 'test'));
  for (const file of testsOf(source)) {
    const text = readFileSync(join(source, 'test', file), 'utf8');
    writeFileSync(join(folder, 'test', file.replace(/\.ts$/, '.js')), asStranger(text, example.name));
  }
  writeFileSync(join(folder, 'jest.config.json'), JSON.stringify({ transform: {}, testMatch: ['<rootDir>/test/*.test.js'] }));
  return run(folder, ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js', '--ci']);
}

function run(folder: string, args: readonly string[]): string | undefined {
  const done = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8', timeout: TIMEOUT_MS });
  return done.status === 0 ? undefined : `status ${done.status ?? done.signal}\n${done.stdout}${done.stderr}`;
}

function said(message: string | undefined): string[] {
  return message === undefined ? [] : [message];
}
