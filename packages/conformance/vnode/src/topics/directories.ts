/** Directories: mkdir(2), rmdir(2), what is in a removed one. NetBSD t_vnops dir_*, tmpfs mkdir, rmdir. */
import { O_CREAT, O_RDONLY, O_WRONLY, S_ISDIR } from '@anykernel/lib-sys';
import { expect } from '@jest/globals';
import { type Cases, needing } from '../cases.js';
import { fails } from '../context.js';

export const directories: Cases = {
  'a new directory is empty and knows its parent'(t) {
    t.sys.mkdir('d', 0o755);
    const st = t.stat('d');
    expect(S_ISDIR(st.mode)).toBe(true);
    if (!t.lacks('modes')) expect(st.mode & 0o7777).toBe(0o755);
    expect(t.list('d')).toEqual([]);
    expect(t.stat('d/..').ino).toBe(t.stat('.').ino);
  },

  'links count names: two, and one for each directory within'(t) {
    if (t.lacks('dirlinks')) return;
    t.sys.mkdir('d', 0o755);
    expect(t.stat('d').nlink).toBe(2);
    t.sys.mkdir('d/a', 0o755);
    t.sys.mkdir('d/b', 0o755);
    t.touch('d/f');
    expect(t.stat('d').nlink).toBe(4);
    t.sys.rmdir('d/a');
    expect(t.stat('d').nlink).toBe(3);
  },

  'mkdir refuses a name that is taken, whatever it is'(t) {
    t.touch('f');
    t.sys.mkdir('d', 0o755);
    fails(() => t.sys.mkdir('f', 0o755), 'EEXIST');
    fails(() => t.sys.mkdir('d', 0o755), 'EEXIST');
    fails(() => t.sys.mkdir('d/', 0o755), 'EEXIST');
    fails(() => t.sys.mkdir('.', 0o755), 'EEXIST');
    fails(() => t.sys.mkdir('..', 0o755), 'EEXIST');
    fails(() => t.sys.mkdir('d/.', 0o755), 'EEXIST');
  },

  'mkdir refuses a symbolic link, even one that leads nowhere': needing('symlinks', (t) => {
    t.sys.symlink('nowhere', 's');
    fails(() => t.sys.mkdir('s', 0o755), 'EEXIST');
    expect(t.list('.')).toEqual(['s']);
  }),

  'rmdir removes an empty directory'(t) {
    t.sys.mkdir('d', 0o755);
    t.sys.rmdir('d');
    fails(() => t.sys.stat('d'), 'ENOENT');
    fails(() => t.sys.rmdir('d'), 'ENOENT');
  },

  'rmdir refuses a directory that is not empty'(t) {
    t.sys.mkdir('d', 0o755);
    t.touch('d/f');
    fails(() => t.sys.rmdir('d'), 'ENOTEMPTY');
    t.sys.unlink('d/f');
    t.sys.mkdir('d/e', 0o755);
    fails(() => t.sys.rmdir('d'), 'ENOTEMPTY');
    t.sys.rmdir('d/e');
    t.sys.rmdir('d');
  },

  'rmdir refuses a file'(t) {
    t.touch('f');
    fails(() => t.sys.rmdir('f'), 'ENOTDIR');
    expect(t.list('.')).toEqual(['f']);
  },

  'rmdir does not follow a symbolic link': needing('symlinks', (t) => {
    t.sys.mkdir('d', 0o755);
    t.sys.symlink('d', 's');
    fails(() => t.sys.rmdir('s'), 'ENOTDIR');
    expect(t.list('.')).toEqual(['d', 's']);
  }),

  'rmdir refuses dot and dot-dot'(t) {
    t.sys.mkdir('d', 0o755);
    fails(() => t.sys.rmdir('.'), 'EINVAL');
    fails(() => t.sys.rmdir('d/.'), 'EINVAL');
    const above = t.differs(
      { netbsd: ['ENOTEMPTY', 'EINVAL'], linux: 'ENOTEMPTY' },
      'POSIX: a path that ends in dot-dot shall fail; the error is open',
    );
    t.sys.mkdir('d/e', 0o755);
    fails(() => t.sys.rmdir('d/e/..'), ...above);
    expect(t.list('.')).toEqual(['d']);
    expect(t.list('d')).toEqual(['e']);
  },

  'rmdir refuses the root of a mounted file system'(t) {
    fails(() => t.sys.rmdir(t.subject.dir), 'EBUSY', 'ENOTEMPTY');
  },

  'a removed directory that is the working directory has no parent and no names'(t) {
    t.sys.mkdir('d', 0o755);
    t.sys.mkdir('d/e', 0o755);
    t.sys.chdir('d/e');
    t.sys.rmdir('../e');
    fails(() => t.sys.open('f', O_WRONLY | O_CREAT, 0o644), 'ENOENT');
    fails(() => t.sys.mkdir('f', 0o755), 'ENOENT');
    fails(() => t.sys.stat('f'), 'ENOENT');
    if (t.manners === 'netbsd') expect(t.list('.')).toEqual([]);
    const up = t.differs({ netbsd: 'ENOENT', linux: 'success' }, 'a removed directory of Linux keeps the way up in its name cache');
    if (up[0] !== 'success') fails(() => t.sys.chdir('..'), ...up);
    t.sys.chdir(t.dir);
    t.sys.rmdir('d');
  },

  'a removed directory that is open is empty, and takes nothing'(t) {
    t.sys.mkdir('d', 0o755);
    const fd = t.sys.open('d', O_RDONLY);
    t.sys.rmdir('d');
    // NetBSD gives nothing, Linux says that it is gone.
    if (t.manners === 'netbsd') expect(t.sys.getdents(fd, new Uint8Array(4096))).toBe(0);
    else fails(() => t.sys.getdents(fd, new Uint8Array(4096)), 'ENOENT');
    expect(t.sys.fstat(fd).nlink).toBe(0);
    fails(() => t.sys.openat(fd, 'f', O_WRONLY | O_CREAT, 0o644), 'ENOENT');
    fails(() => t.sys.mkdirat(fd, 'f', 0o755), 'ENOENT');
    t.sys.close(fd);
  },

  'a removed directory can be made again, and is another one'(t) {
    t.sys.mkdir('d', 0o755);
    const fd = t.sys.open('d', O_RDONLY);
    t.sys.rmdir('d');
    t.sys.mkdir('d', 0o755);
    t.touch('d/f');
    expect(t.sys.fstat(fd).ino).not.toBe(t.stat('d').ino);
    expect(t.list('d')).toEqual(['f']);
    t.sys.close(fd);
  },

  'a hundred directories within each other'(t) {
    for (let i = 0; i < 100; i++) {
      t.sys.mkdir('d', 0o755);
      t.sys.chdir('d');
    }
    t.write('f', 'deep');
    t.sys.chdir(t.dir);
    expect(t.readText(`${'d/'.repeat(100)}f`)).toBe('deep');
    t.sys.unlink(`${'d/'.repeat(100)}f`);
    for (let i = 100; i > 0; i--) t.sys.rmdir('d/'.repeat(i));
  },

  'reading a directory as a file either gives bytes or is EISDIR'(t) {
    const fd = t.sys.open('.', O_RDONLY);
    let refused = 'success';
    try {
      t.sys.read(fd, new Uint8Array(512));
    } catch (e) {
      refused = (e as { code: string }).code;
    }
    expect(['success', 'EISDIR']).toContain(refused);
    t.sys.close(fd);
  },
};
