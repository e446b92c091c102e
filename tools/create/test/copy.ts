/** A copy of this repository's sources in a temporary folder, with the installed modules of the original. */
import type { Tree } from '@anykernel/tools-tidy';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeFiles } from '../src/index.js';

export interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly said: string;
}

export class Copy {
  readonly #root: string;
  readonly #folder: string;
  readonly #tree: Tree;

  constructor(root: string, tree: Tree) {
    this.#root = root;
    this.#tree = tree;
    this.#folder = mkdtempSync(join(tmpdir(), 'anykernel-copy-'));
    writeFiles(
      this.#folder,
      [...tree.files].filter(([path]) => path.startsWith('packages/') || path.startsWith('tools/jest/') || !path.includes('/')),
    );
    symlinkSync(join(root, 'node_modules'), join(this.#folder, 'node_modules'));
  }

  /** What the compiler says of the packages' sources and tests; nothing when all is well. */
  typecheck(dirs: readonly string[]): string {
    const paths = Object.fromEntries(this.#tree.units.map((unit) => [unit.name, [`./${unit.dir}/src/index.ts`]]));
    const base = JSON.parse(readFileSync(join(this.#root, 'tsconfig.base.json'), 'utf8'));
    const compilerOptions = {
      ...base.compilerOptions,
      ...{ paths, noEmit: true, composite: false, declaration: false, declarationMap: false, isolatedDeclarations: false },
      ...{ types: ['node', 'jest'], typeRoots: ['./node_modules/@types'], rootDir: '.', tsBuildInfoFile: undefined },
    };
    writeFileSync(
      join(this.#folder, 'tsconfig.check.json'),
      JSON.stringify({ compilerOptions, include: dirs.flatMap((dir) => [`${dir}/src`, `${dir}/test`]) }),
    );
    return this.#node(['node_modules/@typescript/native/bin/tsc', '-p', 'tsconfig.check.json']).said;
  }

  /** The tests of the packages. */
  jest(dirs: readonly string[]): Outcome {
    const results = join(this.#folder, 'results.json');
    const args = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js', ...dirs];
    const { said } = this.#node([
      ...args,
      '--rootDir',
      this.#folder,
      '--cacheDirectory',
      join(this.#folder, '.jest'),
      '--json',
      '--outputFile',
      results,
    ]);
    const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites } = JSON.parse(readFileSync(results, 'utf8'));
    return { passed: numPassedTests, failed: numFailedTests + numRuntimeErrorTestSuites, said };
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #node(args: readonly string[]): { said: string } {
    const env = { ...process.env, NODE_OPTIONS: '' };
    const done = spawnSync(process.execPath, args, { cwd: this.#folder, encoding: 'utf8', timeout: 280_000, env });
    return { said: done.stdout + done.stderr };
  }
}
