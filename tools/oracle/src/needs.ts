/**
 * What the oracles are, how one sees that they are there, and the Debian package that brings each.
 *
 * The programs are data (programs.json), because .ci/run installs them before it installs anything else.
 */
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { isFetched as hasCorpora } from '../../corpora/fetch.mjs';
import { isFetched as hasNetSuite } from '../../netsuite/fetch.mjs';
import { isFetched } from '../../nodesuite/fetch.mjs';

/** What is no program: a name, and whether this machine has it. */
const CAPABILITIES: Readonly<Record<string, () => boolean>> = {
  root: isRoot,
  'loop:ext2': () => canLoop('ext2', 'ext4'),
  'loop:ext4': () => canLoop('ext4'),
  'nodejs-source': () => isFetched(),
  'nodejs-net-source': () => hasNetSuite(),
  corpora: () => hasCorpora(),
};

const PROGRAMS: Readonly<Record<string, string>> = JSON.parse(readFileSync(new URL('../programs.json', import.meta.url), 'utf8'));

const FOLDERS = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];

/** The path under which tools of administration are found too. */
export const TOOL_PATH: string = FOLDERS.join(delimiter);

/** Whether the oracle `name` is on this machine. Throws on a name that is in neither list. */
export function isPresent(name: string): boolean {
  const capability = CAPABILITIES[name];
  if (capability !== undefined) return capability();
  if (PROGRAMS[name] === undefined) throw new Error(`no oracle is called ${name}: add it to tools/oracle/programs.json`);
  return onPath(name);
}

/** How one comes by the oracles `names`, as words for a message. */
export function remedy(names: readonly string[]): string {
  if (names.includes('nodejs-source')) return 'node tools/nodesuite/fetch.mjs';
  if (names.includes('nodejs-net-source')) return 'node tools/netsuite/fetch.mjs';
  if (names.includes('corpora')) return 'node tools/corpora/fetch.mjs';
  const packages = new Set(names.flatMap((name) => PROGRAMS[name] ?? []));
  return packages.size === 0 ? 'root on a Linux with loop devices' : `apt-get install ${[...packages].join(' ')}`;
}

function onPath(program: string): boolean {
  return FOLDERS.some((folder) => existsSync(join(folder, program)));
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** The host kernel knows one of the types, there are loop devices, and we are root. */
function canLoop(...types: readonly string[]): boolean {
  if (!isRoot() || !existsSync('/dev/loop-control') || !onPath('losetup')) return false;
  const known = readFileSync('/proc/filesystems', 'utf8').split(/\s+/);
  return types.some((type) => known.includes(type));
}
