/** An empty project outside the workspace, in which tarballs are installed as a stranger would, and programs run with plain node. */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Tarball } from './tarballs.js';

export interface Weight {
  readonly packages: number;
  readonly bytes: number;
}

/** Makes the project in `folder`, with the tarballs and `more` (npm's words, `jest@30`) installed, and only those and what they need from npm. */
export function install(folder: string, tarballs: readonly Tarball[], more: readonly string[] = []): void {
  mkdirSync(folder, { recursive: true });
  const dependencies = Object.fromEntries(tarballs.map((tarball) => [tarball.name, `file:${tarball.file}`]));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'project', private: true, type: 'module', dependencies }));
  execFileSync('npm', ['install', ...more, '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Packages and bytes under node_modules. */
export function weigh(folder: string): Weight {
  const modules = join(folder, 'node_modules');
  let packages = 0;
  let bytes = 0;
  for (const entry of readdirSync(modules, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    bytes += statSync(join(entry.parentPath, entry.name)).size;
    if (entry.name === 'package.json' && /node_modules\/(@[^/]+\/)?[^/]+$/.test(entry.parentPath)) packages++;
  }
  return { packages, bytes };
}

/** Copies `program` into the project and runs it with plain node. What it said when it failed; undefined when it did not. */
export function runProgram(folder: string, program: string, args: readonly string[], timeoutMs: number): string | undefined {
  const file = join(folder, basename(program));
  copyFileSync(program, file);
  const done = spawnSync(process.execPath, [file, ...args], { cwd: folder, encoding: 'utf8', timeout: timeoutMs, env: cleanEnvironment() });
  return done.status === 0 ? undefined : `status ${done.status ?? done.signal}\n${done.stdout}${done.stderr}`;
}

/** The environment without what this process was told about loaders. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _options, NODE_PATH: _path, ...rest } = process.env;
  return rest;
}
