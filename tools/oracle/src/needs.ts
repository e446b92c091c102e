/**
 * What the oracles are, how one sees that they are there, and the Debian package that brings each.
 *
 * `.ci/run` installs those which are missing: `pnpm oracles` prints their packages.
 */
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface Need {
  /** The Debian package. */
  readonly debian: string;
  /** Whether it is there; a program on the path where nothing else is said. */
  readonly present?: () => boolean;
}

const E2FSPROGS: Need = { debian: 'e2fsprogs' };
const UTIL_LINUX: Need = { debian: 'util-linux' };
const MOUNT: Need = { debian: 'mount' };
const ATTR: Need = { debian: 'attr' };
const ACL: Need = { debian: 'acl' };

/** Every oracle by the name that a test asks for. `loop:TYPE` is the host kernel's own file system, mounted from an image. */
export const NEEDS: Readonly<Record<string, Need>> = {
  mke2fs: E2FSPROGS,
  e2fsck: E2FSPROGS,
  debugfs: E2FSPROGS,
  dumpe2fs: E2FSPROGS,
  tune2fs: E2FSPROGS,
  e2image: E2FSPROGS,
  lsattr: E2FSPROGS,
  chattr: E2FSPROGS,
  blkid: UTIL_LINUX,
  losetup: MOUNT,
  mount: MOUNT,
  umount: MOUNT,
  getfattr: ATTR,
  setfattr: ATTR,
  getfacl: ACL,
  setfacl: ACL,
  'loop:ext2': { debian: 'mount', present: () => canLoop('ext2', 'ext4') },
  'loop:ext4': { debian: 'mount', present: () => canLoop('ext4') },
  root: { debian: 'base-files', present: () => process.getuid?.() === 0 },
};

const FOLDERS = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];

/** The path under which tools of administration are found too. */
export const TOOL_PATH: string = FOLDERS.join(delimiter);

/** Whether the oracle `name` is on this machine. Throws on a name that NEEDS does not have. */
export function isPresent(name: string): boolean {
  const need = NEEDS[name];
  if (need === undefined) throw new Error(`no oracle is called ${name}: add it to tools/oracle/src/needs.ts`);
  return need.present?.() ?? onPath(name);
}

function onPath(program: string): boolean {
  return FOLDERS.some(folder => existsSync(join(folder, program)));
}

/** The host kernel knows one of the types, there are loop devices, and we are root. */
function canLoop(...types: readonly string[]): boolean {
  if (process.getuid?.() !== 0 || !existsSync('/dev/loop-control') || !onPath('losetup')) return false;
  const known = readFileSync('/proc/filesystems', 'utf8').split(/\s+/);
  return types.some(type => known.includes(type));
}
