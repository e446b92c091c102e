/** The list of tests that are known to fail, each with its reason: failing.json. */
import { readFileSync } from 'node:fs';
import type { Outcome } from './run.js';
import type { Side } from './stage.js';

type Reasons = Readonly<Record<string, string>>;

const LIST = JSON.parse(readFileSync(new URL('../failing.json', import.meta.url), 'utf8')) as Readonly<Record<'kernel' | Side, Reasons>>;

/** The tests that fail on `side`, by name. Those that fail on plain Node fail everywhere. */
export function known(side: Side): Reasons {
  return side === 'plain' ? LIST.plain : { ...LIST.plain, ...LIST.kernel, ...LIST[side] };
}

/** Where outcomes and the list differ, as sentences. */
export function differences(side: Side, outcomes: readonly Outcome[]): string[] {
  const reasons = known(side);
  return outcomes.flatMap(({ test, passed, said }) => {
    if (passed === (reasons[test] === undefined)) return [];
    return [
      passed ? `${test} passes on ${side}, and is listed: ${reasons[test]}` : `${test} fails on ${side}, and is not listed:\n${said}`,
    ];
  });
}
