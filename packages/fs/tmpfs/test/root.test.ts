import { describe, expect, test } from '@jest/globals';
import { Sim } from '@anykernel/host-sim';
import { AT_FDCWD, F_SETLK, F_WRLCK, type Flock, O_CREAT, O_EXLOCK, O_RDWR, O_WRONLY, S_IFBLK, S_IFIFO, makedev, syscallNum } from '@anykernel/lib-sys';
import { type Kernel, bareBoot, boot } from '@anykernel/rumpkern';
import { rootTmpfs, tmpfs } from '../src/index.js';

const codeOf = (fn: () => unknown): unknown => {
  try {
    return fn();
  } catch (e) {
    return (e as { code?: string }).code;
  }
};

/** The calls that the kernel has handlers for. */
const established = (k: Kernel): string[] => k.emul.calls().flatMap(([name, text]) => (k.syscalls.handlers[syscallNum(text)] === undefined ? [] : [name]));

const booted: readonly (readonly [string, () => Kernel])[] = [
  ['a bare kernel', () => bareBoot(new Sim().host(), [rootTmpfs])],
  ['a whole one', () => boot(new Sim().host(), [rootTmpfs])],
];

/** Calls of rumpvfs that are not here: of mounts, locks, handles, ranges, extended attributes; and other forms of those that are. */
const ABSENT = [
  'mount', 'unmount', 'revoke', 'flock', 'getfh', 'fhopen', 'posix_fallocate', 'fdiscard', 'setxattr', 'extattr_get_fd', 'ktrace', 'openat', 'mkdirat', 'mkfifo', 'rename', 'chown', 'utimes',
  'truncate', 'lseek', 'sync', 'chflags', 'pathconf', 'chroot', 'fchdir', 'getvfsstat',
];

test('a bare kernel has a handler for each call of its tables', () => {
  const k = bareBoot(new Sim().host(), [rootTmpfs]);
  expect(established(k)).toEqual(k.emul.calls().map(([name]) => name));
  k.halt();
});

describe.each(booted)('tmpfs as the root of %s', (_name, start) => {
  test('is the only mount, and processes old and new are in it', () => {
    const k = start();
    const { sys } = k.newproc();
    const { fstypename, mntonname, fsid } = sys.statvfs1('/', 1);
    expect([fstypename, mntonname, fsid]).toEqual(['tmpfs', '/', sys.stat('/').dev]);
    sys.mkdir('/a', 0o755);
    sys.chdir('a');
    expect([sys.stat('.').ino, k.proc1.sys.stat('.').ino]).toEqual([sys.stat('/a').ino, sys.stat('/').ino]);
    expect(sys.stat('/..').ino).toBe(sys.stat('/').ino);
    expect(codeOf(() => sys.rmdir('/'))).toBe('EBUSY');
    k.halt();
  });

  test('keeps files, and gives all back when the kernel halts', () => {
    const k = start();
    const { sys } = k.proc1;
    const fd = sys.open('/f', O_RDWR | O_CREAT, 0o644);
    expect([sys.write(fd, new Uint8Array(70_000).fill(7)), sys.fstat(fd).size]).toEqual([70_000, 70_000]);
    sys.mkdir('/m', 0o755);
    sys.posix_rename('/f', '/m/g');
    expect([sys.stat('/m/g').size, sys.statvfs1('/m', 1).mntonname]).toEqual([70_000, '/']);
    k.halt();
    expect(k.mem.used).toBe(0);
  });

  test('has devices and fifos by name alone', () => {
    const k = start();
    const { sys } = k.proc1;
    expect(codeOf(() => sys.open('/dev/null', O_RDWR))).toBe('ENOENT');
    sys.mknod('/b', S_IFBLK | 0o600, makedev(9, 0));
    sys.mknod('/p', S_IFIFO | 0o600, 0);
    expect([sys.stat('/b').rdev, sys.stat('/p').mode & 0o170000]).toEqual([makedev(9, 0), 0o010000]);
    expect([codeOf(() => sys.open('/b', O_RDWR)), codeOf(() => sys.open('/p', O_WRONLY))]).toEqual(['ENXIO', 'EOPNOTSUPP']);
    sys.unlink('/b');
    sys.unlink('/p');
    k.halt();
  });

  test('has no locks', () => {
    const k = start();
    const { sys } = k.proc1;
    const fd = sys.open('/f', O_RDWR | O_CREAT, 0o644);
    const lock: Flock = { start: 0, len: 0, pid: 0, type: F_WRLCK, whence: 0 };
    expect(codeOf(() => sys.fcntl(fd, F_SETLK, lock))).toBe('EINVAL');
    expect(codeOf(() => sys.open('/f', O_RDWR | O_EXLOCK))).toBe('EOPNOTSUPP');
    sys.close(fd);
    k.halt();
  });

  test('has of calls with several forms the one that fs makes', () => {
    const k = start();
    expect(ABSENT.filter((name) => established(k).includes(name))).toEqual([]);
    const { sys } = k.proc1;
    const fd = sys.open('/f', O_RDWR | O_CREAT, 0o644);
    sys.utimensat(AT_FDCWD, '/f', [{ sec: 1, nsec: 2 }, { sec: 3, nsec: 4 }], 0);
    sys.posix_chown('/f', 5, 6);
    sys.ftruncate(fd, 7);
    const { uid, gid, size, atime } = sys.stat('/f');
    expect([uid, gid, size, atime]).toEqual([5, 6, 7, 1]);
    k.halt();
  });
});

test('the bare vfs and the whole one exclude each other', () => {
  expect(() => boot(new Sim().host(), [rootTmpfs, tmpfs])).toThrow('barevfs and rumpvfs both provide vfs: a kernel takes one of them');
});
