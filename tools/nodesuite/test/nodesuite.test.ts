/** Node's own tests of fs, where Debian's source package has been fetched (tools/nodesuite/fetch.mjs) and Node is the one that the list is for. */
import { isFetched } from '../fetch.mjs';
import { type Side, differences, known, runTests, testsOf, withStage } from '@anykernel/tools-nodesuite';
import { oracle } from '@anykernel/tools-oracle';

const isListed = process.version.startsWith('v20.');
const why = isListed ? '' : ` [the list is for Node 20, this is ${process.version}]`;
const suite = oracle('nodejs-source', 'mke2fs', 'e2fsck');
const declare = isListed ? suite.test : test.skip;

const TIME_MS = 1_200_000;

declare(`the tests that plain Node 20 is said to fail do fail there${why}`, () => on('plain', Object.keys(known('plain'))), TIME_MS);
declare(`all others pass on a memory file system, but for the listed ones${why}`, () => on('tmpfs'), TIME_MS);
declare(`all others pass on an ext2 image, which stays clean, but for the listed ones${why}`, () => on('ext2'), TIME_MS);

async function on(side: Side, tests?: readonly string[]): Promise<void> {
  expect(isFetched()).toBe(true);
  await withStage([side], async (stage) => {
    const outcomes = await runTests(stage, side, tests ?? testsOf(stage.suite), true);
    expect(outcomes.length).toBeGreaterThan(10);
    expect(differences(side, outcomes).join('\n')).toBe('');
  });
}
