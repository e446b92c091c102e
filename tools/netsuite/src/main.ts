/**
 * `pnpm net-suite [--on plain,uknet] [--said] [pattern]`: Node's own tests of `net`, `dgram` and `http`, unmodified, on the machine's network and on a kernel's.
 *
 * Ends with 1 when a test that is not in failing.json fails, or one that is in it passes.
 */
import { parseArgs } from 'node:util';
import { fetchSuite } from '../fetch.mjs';
import { differences, known } from './known.js';
import { type Side, runTests, testsOf } from './run.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { on: { type: 'string', default: 'plain,uknet' }, said: { type: 'boolean', default: false } },
});
fetchSuite();
for (const side of values.on.split(',') as Side[]) {
  const outcomes = await runTests(side, testsOf(new RegExp(positionals[0] ?? '.')));
  console.log(`${side}: ${outcomes.filter((o) => o.passed).length} of ${outcomes.length} pass`);
  for (const o of outcomes) if (!o.passed) console.log(`  ${o.test}: ${values.said ? o.said : (known(side)[o.test] ?? o.said.split('\n').find((line) => /Error|timed out|Mismatched/.test(line)) ?? '')}`);
  for (const line of differences(side, outcomes)) {
    console.log(`  ! ${line.split('\n', 1)[0]}`);
    process.exitCode = 1;
  }
}
