/**
 * What a run of Node's tests takes: a copy of the tests on the host, and the same tree on a kernel in its place.
 *
 * The kernel's tree lies over the host's at the same path. So a test finds itself, its helpers, its fixtures and its temporary directory on the kernel;
 * a child process, which is left alone, finds them on the host.
 */
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { join } from 'node:path';
import { mustRun } from '../../oracle/src/run.js';
import type { SuiteVersion } from '../fetch.mjs';
import { bundleHijack } from './bundle.js';

/** plain: without a hijack, on the host. */
export type Side = 'plain' | 'tmpfs' | 'ext2';

/** Directories of fixtures that tests of fs use. */
const FIXTURES: readonly string[] = ['copy', 'cycles', 'keys', 'nested-index'];
const PROGRAMS: readonly string[] = ['cat', 'mkfifo', 'sh', 'sleep', 'true'];
const FIXTURE_BYTES_MAX = 100_000;
const IMAGE_BYTES = 48 << 20;

export class Stage {
  /** The tree that is both on the host and on the kernel. */
  readonly root: string;
  #hijack = '';
  #setup = '';
  #image = '';

  constructor(
    readonly folder: string,
    readonly suite: string,
    /** Whose tests they are, and the Node that runs them. */
    readonly version: SuiteVersion = 18,
    readonly program: string = process.execPath,
  ) {
    this.root = join(folder, 'suite');
  }

  /** `sides`: those that will run. */
  async prepare(sides: readonly Side[]): Promise<void> {
    mkdirSync(join(this.root, 'test/fixtures'), { recursive: true });
    const [from, to] = [join(this.suite, 'test'), join(this.root, 'test')];
    cpSync(join(from, 'common'), join(to, 'common'), { recursive: true });
    for (const kind of ['parallel', 'sequential'])
      if (existsSync(join(from, kind))) cpSync(join(from, kind), join(to, 'parallel'), { recursive: true });
    const texts = ['common', 'parallel'].map((dir) => textOf(join(to, dir))).join('\n');
    for (const name of readdirSync(join(from, 'fixtures'))) {
      if (!texts.includes(name)) continue;
      const st = statSync(join(from, 'fixtures', name), { throwIfNoEntry: false });
      const wanted = st?.isDirectory() === true ? FIXTURES.includes(name) : st?.isFile() === true && st.size <= FIXTURE_BYTES_MAX;
      if (wanted) cpSync(join(from, 'fixtures', name), join(to, 'fixtures', name), { recursive: true });
    }
    this.#makePath();
    if (sides.some((side) => side !== 'plain')) this.#hijack = await bundleHijack(join(this.folder, 'hijack'));
    if (sides.includes('tmpfs')) this.#writeSetup();
    if (sides.includes('ext2')) this.#makeImage();
  }

  /** The programs that the tests start; with `git` there, one of them would make a repository where no other process can. */
  #makePath(): void {
    mkdirSync(join(this.folder, 'bin'));
    for (const name of PROGRAMS) symlinkSync(mustRun('which', [name]).trim(), join(this.folder, 'bin', name));
  }

  /** A memory file system starts empty: this fills it, from a copy that no kernel lies over. */
  #writeSetup(): void {
    const copy = join(this.folder, 'copy');
    cpSync(this.root, copy, { recursive: true, verbatimSymlinks: true });
    this.#setup = join(this.folder, 'setup.mjs');
    const fill = `cpSync(${JSON.stringify(`${copy}/test/`)} + name, ${JSON.stringify(`${this.root}/test/`)} + name, { recursive: true });`;
    writeFileSync(
      this.#setup,
      `import { copyFileSync, cpSync, mkdirSync } from 'node:fs';
import { basename } from 'node:path';
for (const name of ['common', 'fixtures']) ${fill}
mkdirSync(${JSON.stringify(`${this.root}/test/parallel`)}, { recursive: true });
for (const path of process.argv.slice(1)) {
  const test = 'parallel/' + basename(path);
  if (path === ${JSON.stringify(`${this.root}/test/`)} + test) copyFileSync(${JSON.stringify(`${copy}/test/`)} + test, path);
}
`,
    );
  }

  #makeImage(): void {
    this.#image = join(this.folder, 'suite.img');
    mustRun('mke2fs', ['-q', '-F', '-t', 'ext2', '-b', '1024', '-N', '4096', '-d', this.root, this.#image, `${IMAGE_BYTES >> 10}k`]);
  }

  /** The words for `node` before the test, and the environment, for one run. `slot` keeps runs at the same time apart. */
  command(
    side: Side,
    test: string,
    slot: number,
  ): { readonly words: readonly string[]; readonly env: Readonly<Record<string, string>>; done(): string | undefined } {
    const env = { TEST_THREAD_ID: String(slot), NODE_TEST_KNOWN_GLOBALS: '0', PATH: join(this.folder, 'bin') };
    // The temporary directory of a child process is the host's.
    mkdirSync(join(this.root, `test/.tmp.${slot}`), { recursive: true });
    // Only tests that are ES modules need the thread that import hooks take on an older Node.
    const modules = { RUMPHIJACK_MODULES: test.endsWith('.mjs') || this.program !== process.execPath || isNewer() ? 'all' : 'require' };
    if (side === 'plain') return { words: [], env, done: () => undefined };
    if (side === 'tmpfs') {
      return {
        words: ['--import', this.#hijack, '--import', this.#setup],
        env: { ...env, ...modules, RUMPHIJACK_MOUNT: `tmpfs:${this.root}` },
        done: () => undefined,
      };
    }
    const image = join(this.folder, `slot${slot}.img`);
    rmSync(image, { force: true });
    copyFileSync(this.#image, image);
    return {
      words: ['--import', this.#hijack],
      env: { ...env, ...modules, RUMPHIJACK_MOUNT: `${image}:${this.root}` },
      done: () => faultsOf(image),
    };
  }
}

/** All files in a directory. */
function textOf(dir: string): string {
  const files = readdirSync(dir, { withFileTypes: true }).filter((e) => e.isFile());
  return files.map((e) => readFileSync(join(dir, e.name), 'utf8')).join('\n');
}

/** Whether this Node has synchronous import hooks. */
function isNewer(): boolean {
  return 'registerHooks' in nodeModule;
}

/** What e2fsck finds wrong with an image; undefined: nothing. */
function faultsOf(image: string): string | undefined {
  try {
    mustRun('e2fsck', ['-f', '-n', image]);
    return undefined;
  } catch (e) {
    return (e as Error).message;
  }
}
