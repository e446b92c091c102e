/** A file system that is mounted again, and one that is mounted read-only. NetBSD t_vfsops, t_ro; tmpfs mount. */
import { O_CREAT, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY, S_IFCHR, UF_NODUMP, makedev } from '@anykernel/lib-sys';
import { expect } from '@jest/globals';
import { type Cases, needing } from '../cases.js';
import { type Context, bytes, codeOf, expectBytes, fails, pattern, text } from '../context.js';

/** Mounts anew. A process's working directory is in the way, and is somewhere else meanwhile. */
function remount(t: Context, readonly: boolean): void {
  t.sys.chdir('/');
  t.subject.remount?.(readonly);
  t.sys.chdir(t.dir);
}

/** Runs `body` on what is mounted read-only. */
function readonly(t: Context, body: () => void): void {
  remount(t, true);
  try {
    body();
  } finally {
    remount(t, false);
  }
}

export const mounts: Cases = {
  'everything is there after mounting again': needing('remount', (t) => {
    t.write('f', pattern(150_000, 3), 0o640);
    t.sys.mkdir('d', 0o750);
    t.sys.mkdir('d/e', 0o755);
    t.write('d/e/g', 'deep');
    t.sys.truncate('d/e/g', 10_000);
    t.sys.utimensat(-100, 'f', [
      { sec: 1_000_001_000, nsec: 0 },
      { sec: 1_000_002_000, nsec: 0 },
    ]);
    if (!t.lacks('symlinks')) {
      t.sys.symlink('short', 's');
      t.sys.symlink('l'.repeat(Math.min(200, t.limits.symlinkMax)), 'long');
    }
    if (!t.lacks('hardlinks')) t.sys.link('f', 'd/f');
    if (!t.lacks('devices')) t.sys.mknod('c', S_IFCHR | 0o600, makedev(5, 6));
    if (!t.lacks('owners')) t.sys.chown('f', 70_000, 70_001);
    if (!t.lacks('xattr')) t.sys.setxattr('f', 'user.a', bytes('value'), 0);
    const names = ['f', 'd', 'd/e', 'd/e/g', ...t.list('.')];
    const before = names.map((name) => ({ ...t.sys.lstat(name), atime: 0, atimeNsec: 0, dev: 0, blocks: 0 }));
    remount(t, false);
    expect(names.map((name) => ({ ...t.sys.lstat(name), atime: 0, atimeNsec: 0, dev: 0, blocks: 0 }))).toEqual(before);
    expectBytes(t.read('f'), pattern(150_000, 3));
    expect(text(t.read('d/e/g').subarray(0, 5))).toBe('deep\0');
    if (!t.lacks('symlinks'))
      expect([t.readlink('s'), t.readlink('long')]).toEqual(['short', 'l'.repeat(Math.min(200, t.limits.symlinkMax))]);
    if (!t.lacks('hardlinks')) expect(t.stat('d/f').ino).toBe(t.stat('f').ino);
    if (!t.lacks('xattr')) expect(t.sys.getxattr('f', 'user.a')).toBe(5);
  }),

  'what was removed stays so after mounting again': needing('remount', (t) => {
    t.write('f', 'x');
    t.sys.mkdir('d', 0o755);
    remount(t, false);
    t.sys.unlink('f');
    t.sys.rmdir('d');
    remount(t, false);
    expect(t.list('.')).toEqual([]);
  }),

  'an open file is in the way of an unmount': needing('remount', (t) => {
    t.touch('f');
    const fd = t.sys.open('f', O_RDONLY);
    t.sys.chdir('/');
    fails(() => t.subject.remount?.(false), 'EBUSY');
    t.sys.chdir(t.dir);
    t.sys.close(fd);
    remount(t, false);
    expect(t.list('.')).toEqual(['f']);
  }),

  'a handle lives through mounting again': needing('remount', 'handles', (t) => {
    t.write('f', 'text');
    const fh = t.sys.getfh('f');
    remount(t, false);
    const code = codeOf(() => t.sys.close(t.sys.fhopen(fh, O_RDONLY)));
    // The file system's own number is part of the handle, and may be another one after a mount.
    expect([undefined, 'ESTALE']).toContain(code);
  }),

  'read-only: files are read and listed': needing('remount', (t) => {
    t.write('f', 'text');
    readonly(t, () => {
      expect(t.readText('f')).toBe('text');
      expect(t.list('.')).toEqual(['f']);
      expect(t.sys.statvfs1('.', 1).flag & 1).toBe(1);
      t.sys.sync();
    });
  }),

  'read-only: nothing is made': needing('remount', (t) => {
    t.write('f', 'text');
    readonly(t, () => {
      fails(() => t.sys.open('new', O_WRONLY | O_CREAT, 0o644), 'EROFS');
      fails(() => t.sys.mkdir('new', 0o755), 'EROFS');
      fails(() => t.sys.mkfifo('new', 0o644), 'EROFS');
      fails(() => t.sys.mknod('new', S_IFCHR | 0o644, makedev(1, 1)), 'EROFS');
      fails(() => t.sys.symlink('x', 'new'), 'EROFS');
      fails(() => t.sys.link('f', 'new'), 'EROFS');
      fails(() => t.sys.mkdir('f', 0o755), 'EEXIST', 'EROFS');
      fails(() => t.sys.open('f', O_WRONLY | O_CREAT | 0x800, 0o644), 'EEXIST', 'EROFS');
      expect(t.list('.')).toEqual(['f']);
    });
  }),

  'read-only: nothing is changed or removed': needing('remount', (t) => {
    t.write('f', 'text');
    t.sys.mkdir('d', 0o755);
    readonly(t, () => {
      fails(() => t.sys.open('f', O_RDWR), 'EROFS');
      fails(() => t.sys.open('f', O_WRONLY), 'EROFS');
      fails(() => t.sys.open('f', O_RDONLY | O_TRUNC), 'EROFS', 'EINVAL');
      fails(() => t.sys.truncate('f', 0), 'EROFS');
      fails(() => t.sys.unlink('f'), 'EROFS');
      fails(() => t.sys.rmdir('d'), 'EROFS');
      fails(() => t.sys.rename('f', 'g'), 'EROFS');
      fails(() => t.sys.access('f', 2), 'EROFS');
      expect(t.readText('f')).toBe('text');
    });
  }),

  'read-only: no attribute is changed': needing('remount', (t) => {
    t.write('f', 'text');
    readonly(t, () => {
      const time = { sec: 1_000_001_000, nsec: 0 };
      fails(() => t.sys.chmod('f', 0o600), 'EROFS');
      fails(() => t.sys.chown('f', 1, 1), 'EROFS');
      fails(() => t.sys.utimensat(-100, 'f', [time, time]), 'EROFS');
      fails(() => t.sys.setxattr('f', 'user.a', bytes('1'), 0), 'EROFS', 'EOPNOTSUPP');
      const fd = t.sys.open('f', O_RDONLY);
      const codes = [
        codeOf(() => t.sys.fchmod(fd, 0o600)),
        codeOf(() => t.sys.fchown(fd, 1, 1)),
        codeOf(() => t.sys.futimens(fd, [time, time])),
      ];
      t.sys.close(fd);
      expect(codes).toEqual(['EROFS', 'EROFS', 'EROFS']);
      fails(() => t.sys.chflags('f', UF_NODUMP), 'EROFS', 'EOPNOTSUPP');
    });
    expect(t.stat('f').mtime).not.toBe(1_000_001_000);
  }),
};
