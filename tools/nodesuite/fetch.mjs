/** `node tools/nodesuite/fetch.mjs [version]`: gets Node's own tests of `fs` out of Debian's source package `nodejs`, into a cache; prints where they are. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { cacheFolder, fetchSources } from '../oracle/sources.mjs';

/** The release of Debian that has the tests of a version. */
const RELEASES = { 18: 'bookworm', 24: 'forky' };

/** The members of the source package that the tests are. */
const FIRST = ['*/test/parallel/test-fs-*', '*/test/common', '*/test/fixtures'];
const MORE = ['file', 'file-*', 'filehandle-*', 'fastutf8*', 'process-chdir*'].map((name) => `*/test/parallel/test-${name}`);
const SEQUENTIAL = ['*/test/sequential/test-fs-*', '*/test/sequential/test-stream2-fs.js'];

/** Whose tests: 18 for those that are tested with always. @typedef {keyof typeof RELEASES} SuiteVersion */

/** Where the tests are, or will be: a folder with `test` in it. @param {SuiteVersion} version */
export function suiteFolder(version = 18) {
  return cacheFolder(`node-suite-${version}`);
}

/** Whether they are there. @param {SuiteVersion} version */
export function isFetched(version = 18) {
  return existsSync(join(suiteFolder(version), 'test', 'parallel'));
}

/** Gets them. Throws with what apt-get or tar said. @param {SuiteVersion} version */
export function fetchSuite(version = 18) {
  const members = version === 18 ? FIRST : [...FIRST, ...MORE.map((name) => `${name}.*js`), ...SEQUENTIAL];
  if (!isFetched(version)) fetchSources(suiteFolder(version), { nodejs: members }, RELEASES[version]);
  return suiteFolder(version);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  console.log(fetchSuite(/** @type {SuiteVersion} */ (Number(process.argv[2] ?? 18))));
