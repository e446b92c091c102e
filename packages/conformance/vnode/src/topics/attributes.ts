/** stat(2), chmod(2), chown(2), access(2) of the superuser; what each leaves alone. NetBSD t_vnops attrs, access_simple; tmpfs setattr. */
import { F_OK, O_RDONLY, O_RDWR, R_OK, S_IFMT, W_OK, X_OK, _PC_NAME_MAX } from '@anykernel/lib-sys';
import { expect } from '@jest/globals';
import { type Cases, needing } from '../cases.js';
import { fails, timeOf } from '../context.js';

export const attributes: Cases = {
  'stat, lstat, fstat and fstatat tell the same'(t) {
    t.write('f', 'text');
    const fd = t.sys.open('f', O_RDONLY);
    const st = { ...t.stat('f') };
    expect({ ...t.sys.lstat('f') }).toEqual(st);
    expect({ ...t.sys.fstat(fd) }).toEqual(st);
    expect({ ...t.sys.fstatat(-100, 'f') }).toEqual(st);
    t.sys.close(fd);
  },

  'blocks hold the bytes'(t) {
    t.write('f', 'x'.repeat(100_000));
    t.sys.sync();
    const st = t.stat('f');
    expect(st.blocks * 512).toBeGreaterThanOrEqual(100_000);
    expect(st.blocks * 512).toBeLessThan(100_000 + 65_536);
    expect(st.blksize).toBeGreaterThanOrEqual(512);
    t.sys.truncate('f', 0);
    expect(t.stat('f').blocks).toBe(0);
  },

  'chmod sets the permission bits, and nothing else': needing('modes', (t) => {
    t.write('f', 'text');
    const before = t.stat('f');
    for (const mode of [0o123, 0o7777, 0, 0o644]) {
      t.sys.chmod('f', mode);
      const st = t.stat('f');
      expect(st.mode & 0o7777).toBe(mode);
      expect(st.mode & S_IFMT).toBe(before.mode & S_IFMT);
      expect([st.size, st.nlink, st.uid, st.gid, st.ino]).toEqual([before.size, before.nlink, before.uid, before.gid, before.ino]);
      expect(timeOf(st, 'mtime')).toBe(timeOf(before, 'mtime'));
    }
    const fd = t.sys.open('f', O_RDWR);
    t.sys.fchmod(fd, 0o600);
    t.sys.close(fd);
    expect(t.stat('f').mode & 0o7777).toBe(0o600);
    fails(() => t.sys.chmod('missing', 0o600), 'ENOENT');
  }),

  'chmod of a directory': needing('modes', (t) => {
    t.sys.mkdir('d', 0o755);
    t.sys.chmod('d', 0o1700);
    expect(t.stat('d').mode & 0o7777).toBe(0o1700);
  }),

  'chmod follows symbolic links': needing('modes', 'symlinks', (t) => {
    t.touch('f');
    t.sys.symlink('f', 's');
    t.sys.chmod('s', 0o600);
    expect(t.stat('f').mode & 0o7777).toBe(0o600);
  }),

  'chown sets owner and group, each alone or both': needing('owners', (t) => {
    t.touch('f');
    t.sys.chown('f', 1234, 4321);
    expect([t.stat('f').uid, t.stat('f').gid]).toEqual([1234, 4321]);
    t.sys.chown('f', -1, 5);
    expect([t.stat('f').uid, t.stat('f').gid]).toEqual([1234, 5]);
    t.sys.chown('f', 6, -1);
    expect([t.stat('f').uid, t.stat('f').gid]).toEqual([6, 5]);
    t.sys.chown('f', -1, -1);
    expect([t.stat('f').uid, t.stat('f').gid]).toEqual([6, 5]);
    const fd = t.sys.open('f', O_RDWR);
    t.sys.fchown(fd, 0, 0);
    t.sys.close(fd);
    expect([t.stat('f').uid, t.stat('f').gid]).toEqual([0, 0]);
  }),

  'chown takes ids of 32 bits, or refuses them': needing('owners', (t) => {
    t.touch('f');
    try {
      t.sys.chown('f', 100_000, 3_000_000_000);
    } catch (e) {
      expect((e as { code: string }).code).toBe('EINVAL');
      return;
    }
    expect([t.stat('f').uid, t.stat('f').gid]).toEqual([100_000, 3_000_000_000]);
  }),

  'chown follows symbolic links, lchown does not': needing('owners', 'symlinks', (t) => {
    t.touch('f');
    t.sys.symlink('f', 's');
    t.sys.chown('s', 7, 7);
    expect([t.stat('f').uid, t.sys.lstat('s').uid]).toEqual([7, 0]);
    t.sys.lchown('s', 8, 8);
    expect([t.stat('f').uid, t.sys.lstat('s').uid]).toEqual([7, 8]);
  }),

  'access of the superuser'(t) {
    t.touch('f', 0o000);
    t.sys.access('f', F_OK);
    t.sys.access('f', R_OK | W_OK);
    if (!t.lacks('modes')) fails(() => t.sys.access('f', X_OK), 'EACCES');
    t.sys.chmod('f', 0o777);
    t.sys.access('f', R_OK | W_OK | X_OK);
    fails(() => t.sys.access('f', 8), 'EINVAL');
    fails(() => t.sys.access('missing', F_OK), 'ENOENT');
    fails(() => t.sys.access('f/x', F_OK), 'ENOTDIR');
  },

  'pathconf tells the longest name'(t) {
    expect(t.sys.pathconf('.', _PC_NAME_MAX)).toBe(t.limits.nameMax);
    fails(() => t.sys.pathconf('.', 999), 'EINVAL');
    fails(() => t.sys.pathconf('missing', _PC_NAME_MAX), 'ENOENT');
  },

  'inode numbers tell files apart'(t) {
    const seen = new Set<number>();
    for (let i = 0; i < 100; i++) {
      t.touch(`f${i}`);
      seen.add(t.stat(`f${i}`).ino);
    }
    expect(seen.size).toBe(100);
  },
};
