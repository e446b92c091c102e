/** The steps of `npm start` and `npm test`: each says what it does, and a failure ends the run with a sentence. */
import { spawnSync } from 'node:child_process';
import { pinnedPnpm, refusals, ROOT, thisMachine } from './machine.mjs';

/** Ends the run here unless the machine has what is needed. */
export function checkMachine() {
  const machine = thisMachine();
  say(`Checking this machine: Node ${machine.nodeVersion}, ${Math.floor(machine.freeBytes / 2 ** 20)} MiB free`);
  const found = refusals(machine);
  if (found.length > 0) fail(found.join('\n'));
}

/** Runs the pinned pnpm. */
export function pnpm(args, failure) {
  run([...findPnpm(), ...args], failure);
}

/** Installs what pnpm-lock.yaml lists. */
export function install() {
  say('Installing the dependencies (pnpm install --frozen-lockfile)');
  pnpm(
    ['install', '--frozen-lockfile', '--prefer-offline'],
    'The installation failed. Is the npm registry within reach, and pnpm-lock.yaml as it was committed?',
  );
}

/** Builds every package, in the order of the component graph. */
export function build() {
  say('Building the packages (turbo run build; what is built already is not built again)');
  pnpm(
    ['exec', 'turbo', 'run', 'build', '--output-logs=errors-only', '--ui=stream'],
    'The build failed: the messages of the compiler are above.',
  );
}

/** Runs a program of node_modules or of this tree with the Node that runs this. */
export function node(title, args, failure) {
  say(title);
  run([process.execPath, ...args], failure);
}

/** @param {string} text */
export function say(text) {
  console.log(`\n==> ${text}`);
}

/** @param {string} text @param {number} status */
export function fail(text, status = 1) {
  console.error(`\n${text}`);
  process.exit(status);
}

/** The words that call the pinned pnpm: the one on the path where it fits, else npm fetches it. */
function findPnpm() {
  const [name, version] = pinnedPnpm().split('@');
  const found = spawnSync(name, ['--version'], { cwd: ROOT, encoding: 'utf8', shell: process.platform === 'win32' });
  if (found.status === 0 && found.stdout.trim() === version) return [name];
  return ['npm', 'exec', '--yes', '--package', `${name}@${version}`, '--', name];
}

/** @param {string[]} command @param {string} failure */
function run([program, ...args], failure) {
  const env = { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' };
  const shell = process.platform === 'win32' && program !== process.execPath;
  const { status, error } = spawnSync(program, args, { cwd: ROOT, stdio: 'inherit', env, shell });
  if (error !== undefined) fail(`${program} could not be started: ${error.message}`);
  if (status !== 0) fail(failure, status ?? 1);
}
