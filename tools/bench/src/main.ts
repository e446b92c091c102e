/**
 * `pnpm bench [--json FILE] [--repeat N] [NAME ...]`: the table of speeds. Each case runs in a process of its own, with all its subjects.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CASES } from './cases.js';
import { type Result, measure } from './measure.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'string' }, repeat: { type: 'string', default: '7' }, only: { type: 'string' } },
});
const repetitions = Number(values.repeat);

if (values.only !== undefined) {
  const one = CASES.find((c) => c.name === values.only);
  if (one === undefined) throw new Error(`no case ${values.only}`);
  process.stdout.write(`${JSON.stringify(await measure(one, repetitions))}\n`);
  process.exit(0);
}

const results: Result[] = [];
for (const c of CASES) {
  if (positionals.length > 0 && !positionals.some((p) => c.name.includes(p))) continue;
  const child = spawnSync(
    process.execPath,
    [
      '--expose-gc',
      '--no-warnings',
      ...process.execArgv,
      fileURLToPath(import.meta.url),
      '--only',
      c.name,
      '--repeat',
      String(repetitions),
    ],
    {
      encoding: 'utf8',
      maxBuffer: 1 << 24,
      timeout: 300_000,
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const line = child.stdout.trim().split('\n').at(-1) ?? '';
  if (child.status !== 0 || !line.startsWith('{')) {
    process.stdout.write(`${c.name}: failed\n`);
    process.exitCode = 1;
    continue;
  }
  const result = JSON.parse(line) as Result;
  results.push(result);
  print(result);
}
if (values.json !== undefined)
  writeFileSync(values.json, `${JSON.stringify({ node: process.version, date: new Date().toISOString(), results }, undefined, 2)}\n`);

/** One case as lines: each subject's median and spread, its ratio to the first, and what was to be reached. */
function print(r: Result): void {
  const lower = r.unit === 'ms' || r.unit === 'KiB';
  const first = r.subjects[0].median;
  process.stdout.write(`\n${r.case} [${r.unit}]${r.c === undefined ? '' : `   (NetBSD's rump kernel in C, elsewhere: ${figure(r.c)})`}\n`);
  for (const s of r.subjects) {
    const ratio = lower ? s.median / first : first / s.median;
    process.stdout.write(
      `  ${s.name.padEnd(30)} ${figure(s.median).padStart(10)}   ${figure(s.min)} .. ${figure(s.max)}${s === r.subjects[0] ? '' : `   we are ${ratio.toFixed(1)} times as fast`}\n`,
    );
  }
  if (r.reach !== undefined) {
    const reached = lower ? first <= r.reach : first >= r.reach;
    process.stdout.write(`  to reach ${figure(r.reach)}: ${reached ? 'reached' : 'NOT reached'}\n`);
  }
}

function figure(n: number): string {
  if (n >= 1e6) return `${(n / 1e6).toFixed(2)} M`;
  if (n >= 1e4) return `${(n / 1e3).toFixed(0)} k`;
  if (n >= 100) return n.toFixed(0);
  return n.toPrecision(3);
}
