/** The list of tests that are known to fail, each with its reason: failing.json, and failing-24.json for a later Node's. */
import { readFileSync } from 'node:fs';
import type { SuiteVersion } from '../fetch.mjs';
import type { Outcome } from './run.js';
import type { Side } from './stage.js';

type Reasons = Readonly<Record<string, string>>;

/** Those of Node 18's on Node 20, and those of a later version's on that version. */
function listOf(version: SuiteVersion): Readonly<Record<'kernel' | Side, Reasons>> {
  const name = version === 18 ? 'failing' : `failing-${version}`;
  return JSON.parse(readFileSync(new URL(`../${name}.json`, import.meta.url), 'utf8')) as Readonly<Record<'kernel' | Side, Reasons>>;
}

/** The tests that fail on `side`, by name. Those that fail on plain Node fail everywhere. */
export function known(side: Side, version: SuiteVersion = 18): Reasons {
  const list = listOf(version);
  return side === 'plain' ? list.plain : { ...list.plain, ...list.kernel, ...list[side] };
}

/** Where outcomes and the list differ, as sentences. */
export function differences(side: Side, outcomes: readonly Outcome[], version: SuiteVersion = 18): string[] {
  const reasons = known(side, version);
  return outcomes.flatMap(({ test, passed, said }) => {
    if (passed === (reasons[test] === undefined)) return [];
    return [
      passed ? `${test} passes on ${side}, and is listed: ${reasons[test]}` : `${test} fails on ${side}, and is not listed:\n${said}`,
    ];
  });
}
