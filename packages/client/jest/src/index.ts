/**
 * A jest environment in which the tests of one file have files of their own: Jest's Node environment, with a kernel below a directory. A test file asks for it
 * in a comment at its head: `@jest-environment @anykernel/jest`.
 *
 * It is in place before the file is loaded, so that `require`, named imports and whatever the tested code imports see the kernel's files alike.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Hijack, hijack } from '@anykernel/rumphijack';
import { TestEnvironment } from 'jest-environment-node';
import { OptionError, type RumpOptions, parseOptions } from './options.js';

export type { RumpOptions } from './options.js';

/** What of `process` is redirected, and has to be in the tests' own one too. */
const PROCESS = ['chdir', 'cwd', 'umask'] as const;

export class RumpEnvironment extends TestEnvironment {
  readonly #options: RumpOptions;
  #hijack: Hijack | undefined;

  constructor(...args: ConstructorParameters<typeof TestEnvironment>) {
    super(...args);
    this.#options = parseOptions(args[0].projectConfig.testEnvironmentOptions);
  }

  override async setup(): Promise<void> {
    await super.setup();
    const { tree = {}, ...options } = this.#options;
    const files = hijack({ ...options, modules: 'none' });
    this.#hijack = files;
    for (const [path, text] of Object.entries(tree)) {
      if (!files.has(path)) throw new OptionError(`testEnvironmentOptions.tree: ${path} is a path of this machine, which is not redirected`);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
    for (const name of PROCESS) Object.assign(this.global.process, { [name]: process[name] });
  }

  override async teardown(): Promise<void> {
    this.#hijack?.undo();
    this.#hijack = undefined;
    await super.teardown();
  }
}

// Jest asks for the default export of an environment.
export { RumpEnvironment as default };
