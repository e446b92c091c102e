/** How a file system refuses what it lacks: one error of the named ones, and nothing has changed. */
import { O_CREAT, O_RDWR, S_IFCHR, UF_NODUMP, makedev } from '@anykernel/lib-sys';
import { expect } from '@jest/globals';
import type { Body } from './cases.js';
import { type Context, bytes, fails } from './context.js';
import type { Lack } from './subject.js';

/** A call that makes something is refused, and what it was to make is not there. */
function noNewName(call: (t: Context) => void, ...codes: readonly string[]): Body {
  return (t) => {
    t.write('r.old', 'old');
    fails(() => call(t), ...codes);
    expect(t.list('.')).toEqual(['r.old']);
    expect(t.readText('r.old')).toBe('old');
    expect(t.stat('r.old').nlink).toBe(1);
    t.sys.unlink('r.old');
  };
}

/** A call upon a file is refused, and the file is as it was. */
function noChange(call: (t: Context) => void, ...codes: readonly string[]): Body {
  return (t) => {
    t.write('r.old', 'old');
    const before = { ...t.stat('r.old') };
    fails(() => call(t), ...codes);
    expect({ ...t.stat('r.old') }).toEqual(before);
    t.sys.unlink('r.old');
  };
}

function withFd(call: (t: Context, fd: number) => void): (t: Context) => void {
  return (t) => {
    const fd = t.sys.open('r.old', O_RDWR);
    try {
      call(t, fd);
    } finally {
      t.sys.close(fd);
    }
  };
}

/** Nothing is asked of the file system, so there is nothing to refuse. */
const silent: Body = () => {};

export const refusals: Readonly<Record<Lack, Body>> = {
  rename: noNewName((t) => t.sys.rename('r.old', 'r.new'), 'EOPNOTSUPP'),
  hardlinks: noNewName((t) => t.sys.link('r.old', 'r.new'), 'EOPNOTSUPP', 'EPERM'),
  symlinks: noNewName((t) => t.sys.symlink('r.old', 'r.new'), 'EOPNOTSUPP', 'EPERM'),
  devices: noNewName((t) => t.sys.mknod('r.new', S_IFCHR | 0o666, makedev(2, 2)), 'EOPNOTSUPP', 'EPERM'),
  fifos: noNewName((t) => t.sys.mkfifo('r.new', 0o666), 'EOPNOTSUPP', 'EPERM'),
  owners: noChange((t) => t.sys.chown('r.old', 1234, 1234), 'EOPNOTSUPP', 'EPERM', 'EINVAL'),
  modes: silent,
  xattr: noChange((t) => t.sys.setxattr('r.old', 'user.a', bytes('1'), 0), 'EOPNOTSUPP'),
  sparse: silent,
  handles: noChange((t) => t.sys.getfh('r.old'), 'EOPNOTSUPP'),
  flags: noChange((t) => t.sys.chflags('r.old', UF_NODUMP), 'EOPNOTSUPP'),
  birthtime: silent,
  fallocate: noChange(
    withFd((t, fd) => t.sys.posix_fallocate(fd, 0, 4096)),
    'EOPNOTSUPP',
  ),
  fdiscard: noChange(
    withFd((t, fd) => t.sys.fdiscard(fd, 0, 4096)),
    'EOPNOTSUPP',
  ),
  dots: silent,
  dirlinks: silent,
  figures: silent,
  atime: silent,
  ctime: silent,
  anynames: noNewName((t) => t.sys.close(t.sys.open(Uint8Array.of(0x61, 1, 0xff), O_RDWR | O_CREAT, 0o644)), 'EINVAL'),
  remount: silent,
};
