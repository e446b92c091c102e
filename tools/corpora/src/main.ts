/**
 * `pnpm corpora [--said] [pattern]`: other people's disk images, opened by our drivers; those of e2fsprogs checked and mended too.
 *
 * Ends with 1 when something is wrong that known.json does not list, or is right and listed.
 */
import { parseArgs } from 'node:util';
import { fetchCorpora } from '../fetch.mjs';
import { imagesIn } from './image.js';
import type { Finding } from './judge.js';
import { POINTS, differences, reasonOf, wrong } from './known.js';
import { judgeAll } from './run.js';
import { table } from './table.js';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { said: { type: 'boolean', default: false } } });
const pattern = new RegExp(positionals[0] ?? '.');
const findings = await judgeAll(imagesIn(fetchCorpora()).filter(({ name }) => pattern.test(name)), say);
console.log(`\n${table(findings)}\n\n${(findings.reduce((sum, f) => sum + Math.max(0, f.ms), 0) / 1000).toFixed(0)} s of processor time`);
for (const line of differences(findings, positionals[0] === undefined)) {
  console.log(`! ${line.split('\n', 1)[0]}`);
  process.exitCode = 1;
}

/** What is not as it should be, as soon as it is known. */
function say(f: Finding): void {
  if (f.fault !== undefined) console.log(`${f.image.name}: ${f.fault}`);
  for (const point of POINTS) {
    const said = wrong(f, point);
    if (said !== '') console.log(`${f.image.name} ${point} not: ${values.said ? said : (reasonOf(f.image.name, point) ?? said)}`);
  }
}
