/**
 * `pnpm pack-check [--json FILE]`: packs every package, judges the tarballs, installs sets of them in empty projects outside the workspace,
 * and runs a program in each with plain node, and what stands in pages of the documentation. Prints what was installed and how large it is.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runBlocks } from './blocks.js';
import { examplesAmong, tryExample } from './examples.js';
import { lint } from './lint.js';
import { install, runProgram, weigh } from './project.js';
import { type Check, count, lines, type Size, table } from './report.js';
import { type InstallSet, SETS } from './sets.js';
import { closure, packAll, type Tarball } from './tarballs.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const PROGRAM_TIMEOUT_MS = 120_000;

async function main(args: readonly string[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'anykernel-pack-'));
  const checks: Check[] = [];
  const sizes: Size[] = [];
  const note = (check: Check): void => {
    checks.push(check);
    for (const line of lines(check)) console.log(line);
  };
  try {
    const tarballs = packAll(ROOT, join(folder, 'tarballs'));
    for (const tarball of tarballs)
      if (tarball.published) note({ name: `${tarball.name} can be published`, problems: await lint(tarball) });
    for (const set of SETS) trySet(set, tarballs, folder, note, sizes);
    for (const example of examplesAmong(tarballs)) {
      const unit = example.name.replace('@anykernel/example-', '');
      for (const check of tryExample(example, tarballs, join(ROOT, 'packages/example', unit), join(folder, `example-${unit}`))) note(check);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  for (const line of ['', ...table(sizes), '']) console.log(line);
  const { passed, failed } = count(checks);
  const at = args.indexOf('--json');
  const out = at === -1 ? undefined : args[at + 1];
  if (out !== undefined) writeFileSync(out, JSON.stringify({ passed, failed, sizes, checks }, undefined, 2));
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

/** Installs one set and runs its program; notes what came of it. */
function trySet(set: InstallSet, tarballs: readonly Tarball[], folder: string, note: (check: Check) => void, sizes: Size[]): void {
  const name = `${set.title}: installs outside the workspace, and ${set.program} runs`;
  try {
    const project = join(folder, set.title.replace(/\W+/g, '-'));
    const leaves = set.leaves.includes('*') ? tarballs.filter((tarball) => tarball.published).map((tarball) => tarball.name) : set.leaves;
    install(project, closure(tarballs, leaves));
    sizes.push({ title: set.title, ...weigh(project) });
    const said = runProgram(project, join(ROOT, 'tools/pack/programs', set.program), [], PROGRAM_TIMEOUT_MS);
    note({ name, problems: said === undefined ? [] : [said] });
    for (const page of set.pages ?? []) for (const check of runBlocks(page, readFileSync(join(ROOT, page), 'utf8'), project)) note(check);
  } catch (error) {
    note({ name, problems: [error instanceof Error ? error.message : String(error)] });
  }
}

process.exitCode = await main(process.argv.slice(2));
