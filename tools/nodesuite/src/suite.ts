/** A stage for as long as it is needed. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fetchSuite } from '../fetch.mjs';
import { type Side, Stage } from './stage.js';

/** Calls `body` with a stage for `sides`, which is gone afterwards. */
export async function withStage<T>(sides: readonly Side[], body: (stage: Stage) => Promise<T>): Promise<T> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'anykernel-node-')));
  try {
    const stage = new Stage(folder, fetchSuite());
    await stage.prepare(sides);
    return await body(stage);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
