/**
 * `pnpm tidy [--fix] [folder...]`: the house rules.
 *
 * Without --fix it prints what is wrong and exits with 1. With --fix it first writes what follows from the sources (package.json,
 * tsconfig.json, the Edges of a README, the graph), also for a folder that has nothing but src/. With folders, only theirs are written and judged.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { check, fixes } from './index.js';
import { readTree } from './tree.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

function main(args: readonly string[]): number {
  const folders = args.filter((arg) => !arg.startsWith('--')).map((folder) => folder.replace(/^\.\/|\/+$/g, ''));
  const within = (path: string): boolean =>
    folders.length === 0 || folders.some((folder) => path === folder || path.startsWith(`${folder}/`));
  if (args.includes('--fix')) fix(within);
  const findings = check(readTree(ROOT)).filter((finding) => within(finding.path));
  for (const { path, message } of findings) console.log(`${path}: ${message}`);
  console.log(findings.length === 0 ? 'tidy: nothing to say' : `tidy: ${findings.length} to mend`);
  return findings.length === 0 ? 0 : 1;
}

function fix(within: (path: string) => boolean): void {
  let manifests = 0;
  for (const [path, text] of fixes(readTree(ROOT))) {
    if (!within(path)) continue;
    mkdirSync(dirname(join(ROOT, path)), { recursive: true });
    writeFileSync(join(ROOT, path), text);
    console.log(`wrote ${path}`);
    if (path.endsWith('package.json')) manifests++;
  }
  if (manifests > 0) console.log('Dependencies changed: run `pnpm install --offline` to link them.');
}

process.exitCode = main(process.argv.slice(2));
