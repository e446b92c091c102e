/**
 * `pnpm node-suite [--on plain,tmpfs,ext2] [--said] [--together] [pattern]`: Node's own tests of `fs`, unmodified, on the host and on kernels.
 *
 * Each has a process to itself; `--together`: those that may share them do, which is four times as fast.
 * Ends with 1 when a test that is not in failing.json fails, or one that is in it passes.
 */
import { parseArgs } from 'node:util';
import { differences, known } from './known.js';
import { withStage } from './suite.js';
import { runTests, testsOf } from './run.js';
import type { Side } from './stage.js';

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { on: { type: 'string', default: 'plain,tmpfs,ext2' }, said: { type: 'boolean', default: false }, together: { type: 'boolean', default: false } },
  });
  const sides = values.on.split(',') as Side[];
  const pattern = new RegExp(positionals[0] ?? '.');
  return await withStage(sides, async (stage) => {
    let status = 0;
    for (const side of sides) {
      const started = performance.now();
      const outcomes = await runTests(stage, side, testsOf(stage.suite, pattern), values.together);
      const passed = outcomes.filter((o) => o.passed).length;
      console.log(`${side}: ${passed} of ${outcomes.length} pass, ${((performance.now() - started) / 1000).toFixed(1)} s`);
      for (const o of outcomes)
        if (!o.passed) console.log(`  ${o.test}: ${values.said ? o.said : (known(side)[o.test] ?? firstLine(o.said))}`);
      for (const line of differences(side, outcomes)) {
        console.log(`  ! ${line.split('\n', 1)[0]}`);
        status = 1;
      }
    }
    return status;
  });
}

function firstLine(said: string): string {
  return said.split('\n').find((line) => /Error|timed out|Mismatched/.test(line)) ?? said.split('\n', 1)[0] ?? '';
}

process.exitCode = await main();
