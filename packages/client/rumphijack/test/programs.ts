/** Programs that are run with the hijack, and what they print. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleHijack } from '@anykernel/tools-nodesuite';
import { type Result, run } from '@anykernel/tools-oracle';

export interface Setting {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Words for node besides the hijack. */
  readonly words?: readonly string[];
}

/** A folder on the host with the hijack and programs in it. */
export class Programs {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'anykernel-hijack-')));
  hijack = '';
  #count = 0;

  async prepare(): Promise<void> {
    this.hijack = await bundleHijack(join(this.folder, 'hijack'));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Writes files on the host, by names in the folder. */
  write(files: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(this.folder, name, '..'), { recursive: true });
      writeFileSync(join(this.folder, name), text);
    }
  }

  /** Runs the program at `path` with the hijack. */
  start(path: string, { env = {}, cwd = this.folder, words = [] }: Setting = {}): Result {
    return run(process.execPath, [...words, '--import', this.hijack, path], { env: { NODE_OPTIONS: '', ...env }, cwd, timeoutMs: 120_000 });
  }

  /** Runs `source`, and gives what it passed to `tell(name, value)`; throws with what it said if it failed. */
  told(source: string, kind: 'cjs' | 'mjs', setting: Setting = {}): Record<string, unknown> {
    const name = `program${++this.#count}.${kind}`;
    const tell = `const told = {}; const tell = (name, value) => { told[name] = value; };
const thrown = (fn) => { try { fn(); return 'nothing'; } catch (e) { return e.message; } };
const rejected = (promise) => promise.then(() => 'nothing', (e) => e.message);
process.once('beforeExit', () => console.log('TOLD' + JSON.stringify(told)));\n`;
    this.write({ [name]: `${tell}${source}` });
    const { status, stdout, stderr } = this.start(join(this.folder, name), setting);
    const at = stdout.lastIndexOf('TOLD');
    if (status !== 0 || at < 0) throw new Error(`status ${status}\n${stdout}${stderr}`);
    return JSON.parse(stdout.slice(at + 4)) as Record<string, unknown>;
  }
}
