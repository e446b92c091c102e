/**
 * Oracles: other people's programs (and the host's own kernel) as judges in tests.
 *
 * A test says which it needs. Where one is missing the test is skipped, visibly; with ANYKERNEL_ORACLES=require, as in CI, it fails.
 */
import { test as jestTest } from '@jest/globals';
import { isPresent, remedy } from './needs.js';

export { isPresent } from './needs.js';
export { mustRun, type Result, run, type RunOptions, withFolder, withMount } from './run.js';

export interface Oracle {
  /** The names that are not on this machine. */
  readonly missing: readonly string[];
  /** A jest test that needs the oracles. */
  test(name: string, body: () => void | Promise<void>, timeoutMs?: number): void;
}

/** What a test does about missing oracles: nothing to do, skip, or fail with a message. */
export function verdict(
  missing: readonly string[],
  setting: string | undefined,
): { readonly kind: 'run' | 'skip' | 'fail'; readonly message: string } {
  if (missing.length === 0) return { kind: 'run', message: '' };
  const message = `needs ${missing.join(', ')} (${remedy(missing)})`;
  return { kind: setting === 'require' ? 'fail' : 'skip', message };
}

/** The oracles `names`, as a way to declare tests. Throws on a name that nobody knows. */
export function oracle(...names: readonly string[]): Oracle {
  const missing = names.filter((name) => !isPresent(name));
  const { kind, message } = verdict(missing, process.env['ANYKERNEL_ORACLES']);
  return {
    missing,
    test(name, body, timeoutMs) {
      if (kind === 'run') return jestTest(name, body, timeoutMs);
      if (kind === 'skip') return jestTest.skip(`${name} [${message}]`, body);
      jestTest(name, () => {
        throw new Error(message);
      });
    },
  };
}
