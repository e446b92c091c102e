/** The tests that are known to fail, each with its reason: failing.json. `fragile` are those that pass or fail as the machine is; what they do does not count. */
import { readFileSync } from 'node:fs';
import type { Outcome, Side } from './run.js';

type Reasons = Readonly<Record<string, string>>;

const LIST = JSON.parse(readFileSync(new URL('../failing.json', import.meta.url), 'utf8')) as Readonly<Record<Side | 'fragile', Reasons>>;

/** Those of a side, by name. Those that fail on plain Node fail on a kernel, too. */
export function known(side: Side): Reasons {
  return side === 'plain' ? LIST.plain : { ...LIST.plain, ...LIST.uknet };
}

/** Where outcomes and the list differ, as sentences. */
export function differences(side: Side, outcomes: readonly Outcome[]): string[] {
  const reasons = known(side);
  return outcomes.flatMap(({ test, passed, said }) => {
    if (test in LIST.fragile || passed === (reasons[test] === undefined)) return [];
    return [passed ? `${test} passes on ${side}, and is listed: ${reasons[test]}` : `${test} fails on ${side}, and is not listed:\n${said}`];
  });
}
