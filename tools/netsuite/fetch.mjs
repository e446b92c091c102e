/** `node tools/netsuite/fetch.mjs`: gets Node's own tests of `net`, `dgram` and `http` out of Debian's source package `nodejs`, into a cache; prints where they are. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { cacheFolder, fetchSources } from '../oracle/sources.mjs';

const MEMBERS = [...['net', 'dgram', 'http'].map((name) => `*/test/parallel/test-${name}-*`), '*/test/common', '*/test/fixtures'];

/** Where the tests are, or will be: a folder with `test` in it. */
export function suiteFolder() {
  return cacheFolder('node-suite-18-net');
}

/** Whether they are there. */
export function isFetched() {
  return existsSync(join(suiteFolder(), 'test', 'parallel'));
}

/** Gets them. Throws with what apt-get or tar said. */
export function fetchSuite() {
  if (!isFetched()) fetchSources(suiteFolder(), { nodejs: MEMBERS });
  return suiteFolder();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.log(fetchSuite());
