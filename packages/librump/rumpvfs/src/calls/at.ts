/** Calls on names whose paths begin in the directory of a descriptor, or AT_FDCWD: those which a bare vfs is without. */
import { AT_EACCESS, AT_REMOVEDIR, AT_SYMLINK_NOFOLLOW, S_IFIFO, Stat } from '@anykernel/lib-sys';
import { NAMEI_FOLLOW } from '../namei.js';
import { access, chmod, chown, realCred, stat } from './attr.js';
import { type VfsCalls, checkAtFlags, lookupAt, startOf } from './common.js';
import { mkdir, mknod, readlink, rename, rmdir, symlink, unlink } from './names.js';
import { open } from './open.js';

export const atCalls: Pick<
  VfsCalls,
  | 'openat' | 'fstatat' | 'faccessat' | 'fchmodat' | 'fchownat' | 'mkdirat' | 'mkfifoat' | 'mknodat' | 'unlinkat' | 'symlinkat' | 'renameat' | 'readlinkat'
> = {
  openat: (l, fd, path, oflags, mode = 0) => open(l, path, oflags, mode, startOf(l, fd, path)),
  fstatat: (l, fd, path, st = new Stat(), flags = 0) => stat(lookupAt(l, fd, path, flags), st),
  /** Real ids count, effective ones with AT_EACCESS. */
  faccessat(l, fd, path, mode, flags = 0) {
    checkAtFlags(flags, AT_EACCESS | AT_SYMLINK_NOFOLLOW);
    const cred = (flags & AT_EACCESS) !== 0 ? l.proc.cred : realCred(l);
    access(l, path, mode, cred, (flags & AT_SYMLINK_NOFOLLOW) !== 0 ? 0 : NAMEI_FOLLOW, startOf(l, fd, path));
  },
  fchmodat: (l, fd, path, mode, flags = 0) => chmod(l, lookupAt(l, fd, path, flags), mode),
  fchownat: (l, fd, path, uid, gid, flags = 0) => chown(l, lookupAt(l, fd, path, flags), uid, gid, false),
  mkdirat: (l, fd, path, mode) => mkdir(l, path, mode, startOf(l, fd, path)),
  mkfifoat: (l, fd, path, mode) => mknod(l, path, S_IFIFO | (mode & 0o7777), 0, startOf(l, fd, path)),
  mknodat: (l, fd, path, mode, dev) => mknod(l, path, mode, dev, startOf(l, fd, path)),
  unlinkat(l, fd, path, flags = 0) {
    checkAtFlags(flags, AT_REMOVEDIR);
    (flags === 0 ? unlink : rmdir)(l, path, startOf(l, fd, path));
  },
  symlinkat: (l, target, fd, path) => symlink(l, target, path, startOf(l, fd, path)),
  renameat: (l, fromFd, from, toFd, to) => rename(l, from, to, false, startOf(l, fromFd, from), startOf(l, toFd, to)),
  readlinkat: (l, fd, path, buf) => readlink(l, path, buf, startOf(l, fd, path)),
};
