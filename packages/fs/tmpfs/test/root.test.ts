import { describe, expect, test } from '@jest/globals';
import { Sim } from '@anykernel/host-sim';
import { F_SETLK, F_WRLCK, type Flock, LOCK_EX, O_CREAT, O_EXLOCK, O_RDWR, O_WRONLY, S_IFBLK, makedev } from '@anykernel/lib-sys';
import { type Kernel, bareBoot, boot } from '@anykernel/rumpkern';
import { rootTmpfs, tmpfs } from '../src/index.js';

const codeOf = (fn: () => unknown): unknown => {
  try {
    return fn();
  } catch (e) {
    return (e as { code?: string }).code;
  }
};

const booted: readonly (readonly [string, () => Kernel])[] = [
  ['a bare kernel', () => bareBoot(new Sim().host(), [rootTmpfs])],
  ['a whole one', () => boot(new Sim().host(), [rootTmpfs])],
];

describe.each(booted)('tmpfs as the root of %s', (_name, start) => {
  test('is the only mount, and processes old and new are in it', () => {
    const k = start();
    const { sys } = k.newproc();
    expect(sys.getvfsstat(1).map((s) => [s.fstypename, s.mntonname])).toEqual([['tmpfs', '/']]);
    sys.mkdir('/a', 0o755);
    sys.chdir('a');
    expect([sys.stat('.').ino, k.proc1.sys.stat('.').ino]).toEqual([sys.stat('/a').ino, sys.stat('/').ino]);
    expect(sys.stat('/..').ino).toBe(sys.stat('/').ino);
    expect([codeOf(() => sys.rmdir('/')), codeOf(() => k.proc1.sys.unmount('/', 0))]).toEqual(['EBUSY', 'ENOSYS']);
    k.halt();
  });

  test('keeps files, takes no mounts, and gives all back when the kernel halts', () => {
    const k = start();
    const { sys } = k.proc1;
    const fd = sys.open('/f', O_RDWR | O_CREAT, 0o644);
    expect([sys.write(fd, new Uint8Array(70_000).fill(7)), sys.fstat(fd).size]).toEqual([70_000, 70_000]);
    sys.mkdir('/m', 0o755);
    expect(codeOf(() => sys.mount('tmpfs', '/m', 0, {}))).toBe('ENOSYS');
    sys.rename('/f', '/m/g');
    expect([sys.stat('/m/g').size, sys.statvfs1('/m', 1).mntonname]).toEqual([70_000, '/']);
    k.halt();
    expect(k.mem.used).toBe(0);
  });

  test('has devices and fifos by name alone', () => {
    const k = start();
    const { sys } = k.proc1;
    expect(codeOf(() => sys.open('/dev/null', O_RDWR))).toBe('ENOENT');
    sys.mknod('/b', S_IFBLK | 0o600, makedev(9, 0));
    sys.mkfifo('/p', 0o600);
    expect([sys.stat('/b').rdev, sys.stat('/p').mode & 0o170000]).toEqual([makedev(9, 0), 0o010000]);
    expect([codeOf(() => sys.open('/b', O_RDWR)), codeOf(() => sys.open('/p', O_WRONLY))]).toEqual(['ENXIO', 'EOPNOTSUPP']);
    sys.unlink('/b');
    sys.unlink('/p');
    k.halt();
  });

  test('has no locks, handles, ranges and extended attributes', () => {
    const k = start();
    const { sys } = k.proc1;
    const fd = sys.open('/f', O_RDWR | O_CREAT, 0o644);
    const lock: Flock = { start: 0, len: 0, pid: 0, type: F_WRLCK, whence: 0 };
    expect([codeOf(() => sys.fcntl(fd, F_SETLK, lock)), codeOf(() => sys.open('/f', O_RDWR | O_EXLOCK))]).toEqual(['EOPNOTSUPP', 'EOPNOTSUPP']);
    const absent = [
      () => sys.flock(fd, LOCK_EX),
      () => sys.getfh('/f'),
      () => sys.posix_fallocate(fd, 0, 1),
      () => sys.fdiscard(fd, 0, 1),
      () => sys.revoke('/f'),
      () => sys.setxattr('/f', 'user.a', new Uint8Array(1), 0),
    ];
    expect(absent.map(codeOf)).toEqual(absent.map(() => 'ENOSYS'));
    sys.close(fd);
    k.halt();
  });
});

test('the bare vfs and the whole one exclude each other', () => {
  expect(() => boot(new Sim().host(), [rootTmpfs, tmpfs])).toThrow('barevfs and rumpvfs both provide vfs: a kernel takes one of them');
});
