/** A stage for as long as it is needed. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fetchSuite, type SuiteVersion } from '../fetch.mjs';
import { type Side, Stage } from './stage.js';

export interface Wanted {
  /** Whose tests; 18. */
  readonly version?: SuiteVersion;
  /** The Node that runs them; this one. */
  readonly program?: string;
}

/** Calls `body` with a stage for `sides`, which is gone afterwards. */
export async function withStage<T>(sides: readonly Side[], body: (stage: Stage) => Promise<T>, wanted: Wanted = {}): Promise<T> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'anykernel-node-')));
  try {
    const stage = new Stage(folder, fetchSuite(wanted.version), wanted.version, wanted.program);
    await stage.prepare(sides);
    return await body(stage);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The program of a Node that npm's package `node` has. */
export function nodeOf(version: number): string {
  const { status, stdout, stderr } = spawnSync('npm', ['exec', '--yes', '--package', `node@${version}`, '--', 'node', '-p', 'process.execPath'], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`node@${version} could not be fetched from the npm registry: ${stderr}`);
  return stdout.trim();
}
