/**
 * Other people's sources, out of Debian's source packages, into a cache: what they test with is an oracle, too.
 *
 * Plain JavaScript without dependencies: .ci/run calls it before anything is installed. apt-get is used with lists and settings of its own, so that
 * the machine's stay as they are; it needs no root.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const DEBIAN = 'http://deb.debian.org/debian';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** The folder `name` of the cache. @param {string} name */
export function cacheFolder(name) {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'anykernel', name);
}

/**
 * Fills `folder` with members of source packages, each package's in a folder of its name, or where there is but one in `folder` itself; it is there whole or not at all.
 * Throws with what apt-get or tar said.
 * @param {string} folder
 * @param {Readonly<Record<string, readonly string[]>>} packages  The members of each, as patterns of tar.
 * @param {string} release  Debian's.
 */
export function fetchSources(folder, packages, release = 'bookworm') {
  const names = Object.keys(packages);
  if (!existsSync(KEYRING)) throw new Error(`Debian's source packages (${names.join(', ')}) need apt-get and Debian's keyring`);
  const work = mkdtempSync(join(tmpdir(), 'anykernel-sources-'));
  try {
    writeFileSync(join(work, 'sources.list'), `deb-src [signed-by=${KEYRING}] ${DEBIAN} ${release} main\n`);
    for (const dir of ['lists/partial', 'cache/archives/partial']) mkdirSync(join(work, dir), { recursive: true });
    const settings = {
      'Dir::Etc::sourcelist': join(work, 'sources.list'),
      'Dir::Etc::sourceparts': '/dev/null',
      'Dir::State::lists': join(work, 'lists'),
      'Dir::Cache': join(work, 'cache'),
      'APT::Sandbox::User': 'root',
    };
    const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
    run('apt-get', [...options, '-q', 'update'], work);
    run('apt-get', [...options, '-q', 'source', '--download-only', '--tar-only', ...names], work);
    for (const name of names) {
      const archive = readdirSync(work).find((file) => file.startsWith(`${name}_`) && /\.orig\.tar\.\w+$/.test(file));
      if (archive === undefined) throw new Error(`apt-get source ${name} brought no source archive: ${readdirSync(work).join(' ')}`);
      const into = names.length === 1 ? 'unpacked' : join('unpacked', name);
      mkdirSync(join(work, into), { recursive: true });
      run('tar', ['xf', archive, '-C', into, '--strip-components=1', '--wildcards', ...(packages[name] ?? [])], work);
    }
    mkdirSync(dirname(folder), { recursive: true });
    rmSync(folder, { recursive: true, force: true });
    move(join(work, 'unpacked'), folder);
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
