/** Programs of `programs/`, each with a package from npm, on the host or on a kernel. */
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleHijack } from '@anykernel/tools-nodesuite';
import { mustRun, run } from '../../oracle/src/run.js';

const PROGRAMS = fileURLToPath(new URL('../programs', import.meta.url));

/** Where the work is done: a directory of the host, of a memory file system, of an ext2 image. */
export type Where = 'host' | 'tmpfs' | 'ext2';

export class NpmPrograms {
  readonly folder: string = realpathSync(mkdtempSync(join(tmpdir(), 'anykernel-npm-')));
  #hijack = '';

  async prepare(): Promise<void> {
    this.#hijack = await bundleHijack(join(this.folder, 'hijack'));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** An ext2 image, with what is in the host's folder `from` if there is one. */
  image(name: string, from?: string, size = '64m'): string {
    const image = join(this.folder, name);
    mustRun('mke2fs', ['-q', '-F', '-t', 'ext2', '-N', '16384', ...(from === undefined ? [] : ['-d', from]), image, size]);
    return image;
  }

  /** A copy of `programs/NAME` to make an image of. */
  copy(name: string): string {
    const to = join(this.folder, 'copies', name);
    mkdirSync(join(to, '..'), { recursive: true });
    cpSync(join(PROGRAMS, name), to, { recursive: true });
    return to;
  }

  /** Runs a program; its last line is JSON, and given. `image` is mounted where the program works (its first argument). */
  run(program: string, where: Where, args: readonly string[] = [], image?: string): unknown {
    const at = where === 'host' ? mkdtempSync(join(this.folder, 'host-')) : join(this.folder, 'work');
    const mount = where === 'tmpfs' ? `tmpfs:${at}` : `${image}:${at}`;
    const words = where === 'host' ? [] : ['--import', this.#hijack];
    const env = { NODE_OPTIONS: '', NO_COLOR: '1', FORCE_COLOR: '0', ...(where === 'host' ? {} : { RUMPHIJACK_MOUNT: mount }) };
    const { status, stdout, stderr } = run(process.execPath, [...words, join(PROGRAMS, program), at, ...args], { env, timeoutMs: 240_000 });
    if (status !== 0) throw new Error(`${program} on ${where}: status ${status}\n${stdout}${stderr}`);
    if (image !== undefined) mustRun('e2fsck', ['-f', '-n', image]);
    return JSON.parse(stdout.trimEnd().split('\n').at(-1) as string);
  }
}
