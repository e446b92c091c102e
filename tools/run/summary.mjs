/**
 * `node tools/run/summary.mjs FOLDER`: the last line of CI, `N passed, N failed, N skipped`, summed from the results in a folder.
 *
 * A result is jest's (`NAME.json`, by --json) or `{ passed, failed }`; `NAME.broken` says that a step failed as a whole, which counts as
 * one failure unless its result has some of its own.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * The counts of one result file.
 * @param {Record<string, any>} result
 */
export function countsOf(result) {
  if (result.numPassedTests === undefined) return { passed: result.passed, failed: result.failed, skipped: 0 };
  // A suite that could not be loaded has no tests to fail; it counts as one.
  return {
    passed: result.numPassedTests,
    failed: result.numFailedTests + (result.numRuntimeErrorTestSuites ?? 0),
    skipped: (result.numPendingTests ?? 0) + (result.numTodoTests ?? 0),
  };
}

/**
 * The sum of all results: by step name, their counts, and the names of the steps that broke.
 * @param {Readonly<Record<string, Record<string, any>>>} results
 * @param {readonly string[]} broken
 */
export function summary(results, broken) {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const result of Object.values(results)) {
    const counts = countsOf(result);
    sum.passed += counts.passed;
    sum.failed += counts.failed;
    sum.skipped += counts.skipped;
  }
  for (const name of broken) if (results[name] === undefined || countsOf(results[name]).failed === 0) sum.failed++;
  return sum;
}

/** @param {string} folder */
function main(folder) {
  const names = readdirSync(folder);
  const results = Object.fromEntries(
    names
      .filter((name) => name.endsWith('.json'))
      .map((name) => [basename(name, '.json'), JSON.parse(readFileSync(join(folder, name), 'utf8'))]),
  );
  const broken = names.filter((name) => name.endsWith('.broken')).map((name) => basename(name, '.broken'));
  const { passed, failed, skipped } = summary(results, broken);
  for (const name of broken) console.log(`failed: ${name}`);
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  return failed > 0 || passed === 0 ? 1 : 0;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.exitCode = main(process.argv[2] ?? '.');
