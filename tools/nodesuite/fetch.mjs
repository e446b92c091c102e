/**
 * `node tools/nodesuite/fetch.mjs`: gets Node's own tests of `fs` out of Debian's source package `nodejs`, into a cache; prints where they are.
 *
 * Plain JavaScript without dependencies: .ci/run calls it before anything is installed. apt-get is used with lists and settings of its own, so that
 * the machine's stay as they are; it needs no root.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const DEBIAN = 'http://deb.debian.org/debian bookworm main';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** The members of the source package that the tests are. */
const MEMBERS = ['*/test/parallel/test-fs-*', '*/test/common', '*/test/fixtures'];

/** Where the tests are, or will be: a folder with `test` in it. */
export function suiteFolder() {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'anykernel', 'node-suite-18');
}

/** Whether they are there. */
export function isFetched() {
  return existsSync(join(suiteFolder(), 'test', 'parallel'));
}

/** Gets them. Throws with what apt-get or tar said. */
export function fetchSuite() {
  if (isFetched()) return suiteFolder();
  if (!existsSync(KEYRING))
    throw new Error("Node's tests come from Debian's source package \"nodejs\": that needs apt-get and Debian's keyring");
  const work = mkdtempSync(join(tmpdir(), 'anykernel-nodesuite-'));
  try {
    writeFileSync(join(work, 'sources.list'), `deb-src [signed-by=${KEYRING}] ${DEBIAN}\n`);
    for (const dir of ['lists/partial', 'cache/archives/partial', 'unpacked']) mkdirSync(join(work, dir), { recursive: true });
    const settings = {
      'Dir::Etc::sourcelist': join(work, 'sources.list'),
      'Dir::Etc::sourceparts': '/dev/null',
      'Dir::State::lists': join(work, 'lists'),
      'Dir::Cache': join(work, 'cache'),
      'APT::Sandbox::User': 'root',
    };
    const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
    run('apt-get', [...options, '-q', 'update'], work);
    run('apt-get', [...options, '-q', 'source', '--download-only', 'nodejs'], work);
    const archive = readdirSync(work).find((name) => /\.orig\.tar\.\w+$/.test(name));
    if (archive === undefined) throw new Error(`apt-get source nodejs brought no source archive: ${readdirSync(work).join(' ')}`);
    run('tar', ['xf', archive, '-C', 'unpacked', '--strip-components=1', '--wildcards', ...MEMBERS], work);
    mkdirSync(join(suiteFolder(), '..'), { recursive: true });
    rmSync(suiteFolder(), { recursive: true, force: true });
    move(join(work, 'unpacked'), suiteFolder());
    return suiteFolder();
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** @param {string} program @param {string[]} args @param {string} cwd */
function run(program, args, cwd) {
  const { status, error, stderr, stdout } = spawnSync(program, args, { cwd, encoding: 'utf8', timeout: 120_000 });
  if (error !== undefined || status !== 0) throw new Error(`${program} ${args.at(-1)}: ${error?.message ?? `${stdout}${stderr}`}`);
}

/** @param {string} from @param {string} to */
function move(from, to) {
  try {
    renameSync(from, to);
  } catch {
    // Another file system.
    run('cp', ['-r', from, to], '.');
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.log(fetchSuite());
