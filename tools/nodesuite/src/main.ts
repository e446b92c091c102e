/**
 * `pnpm node-suite [--suite 24] [--on plain,tmpfs,ext2] [--said] [--together] [pattern]`: Node's own tests of `fs`, unmodified, on the host and on kernels.
 * `--suite 24`: those of Node 24, on the Node of that version that npm has; `--node 26`: on another.
 *
 * Each has a process to itself; `--together`: those that may share them do, which is four times as fast.
 * Ends with 1 when a test that is not in failing.json fails, or one that is in it passes.
 */
import { parseArgs } from 'node:util';
import { differences, known } from './known.js';
import { nodeOf, withStage } from './suite.js';
import type { SuiteVersion } from '../fetch.mjs';
import { runTests, testsOf } from './run.js';
import type { Side } from './stage.js';

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      on: { type: 'string', default: 'plain,tmpfs,ext2' },
      said: { type: 'boolean', default: false },
      together: { type: 'boolean', default: false },
      suite: { type: 'string', default: '18' },
      node: { type: 'string' },
    },
  });
  const sides = values.on.split(',') as Side[];
  const pattern = new RegExp(positionals[0] ?? '.');
  const version = Number(values.suite) as SuiteVersion;
  const node = values.node ?? (version === 18 ? undefined : values.suite);
  const wanted = { version, ...(node === undefined ? {} : { program: nodeOf(Number(node)) }) };
  return await withStage(sides, async (stage) => {
    let status = 0;
    for (const side of sides) {
      const started = performance.now();
      const outcomes = await runTests(stage, side, testsOf(stage.suite, pattern), values.together);
      const passed = outcomes.filter((o) => o.passed).length;
      console.log(`${side}: ${passed} of ${outcomes.length} pass, ${((performance.now() - started) / 1000).toFixed(1)} s`);
      for (const o of outcomes)
        if (!o.passed) console.log(`  ${o.test}: ${values.said ? o.said : (known(side, version)[o.test] ?? firstLine(o.said))}`);
      for (const line of differences(side, outcomes, version)) {
        console.log(`  ! ${line.split('\n', 1)[0]}`);
        status = 1;
      }
    }
    return status;
  }, wanted);
}

function firstLine(said: string): string {
  return said.split('\n').find((line) => /Error|timed out|Mismatched/.test(line)) ?? said.split('\n', 1)[0] ?? '';
}

process.exitCode = await main();
