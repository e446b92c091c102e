/**
 * `pnpm test:newest [jest arguments]`: runs the tests on the newest Node, which npm provides as the package `node`.
 */
import { spawnSync } from 'node:child_process';
import { ROOT } from './machine.mjs';
import { fail, say } from './steps.mjs';

const NEWEST = 'node@26';

const [, , ...args] = process.argv;
const jest = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js', ...args];

say(`Running the tests on ${NEWEST}`);
const { status } = spawnSync('npm', ['exec', '--yes', '--package', NEWEST, '--', 'node', '-e', 'console.log(process.version)'], {
  cwd: ROOT,
  stdio: 'inherit',
});
if (status !== 0) fail(`${NEWEST} could not be fetched from the npm registry.`);
const done = spawnSync('npm', ['exec', '--yes', '--package', NEWEST, '--', 'node', ...jest], { cwd: ROOT, stdio: 'inherit' });
if (done.status !== 0) fail('Some tests fail on the newest Node: they are listed above.');
