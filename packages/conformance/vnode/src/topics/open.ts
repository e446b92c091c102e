/** open(2): what its flags mean, and what a new file is like. */
import {
  AT_FDCWD,
  O_APPEND,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
  S_ISREG,
} from '@anykernel/lib-sys';
import { expect } from '@jest/globals';
import { type Cases, needing } from '../cases.js';
import { bytes, fails } from '../context.js';

export const open: Cases = {
  'a new file is empty, has one link, and belongs to its maker'(t) {
    t.touch('f', 0o640);
    const st = t.stat('f');
    expect(S_ISREG(st.mode)).toBe(true);
    expect([st.size, st.nlink, st.uid]).toEqual([0, 1, 0]);
    expect(st.dev).toBe(t.stat('.').dev);
    expect(st.ino).not.toBe(t.stat('.').ino);
    if (!t.lacks('modes')) expect(st.mode & 0o7777).toBe(0o640);
  },

  'the umask takes permissions from a new file and a new directory'(t) {
    if (t.lacks('modes')) return;
    const before = t.sys.umask(0o027);
    t.touch('f', 0o666);
    t.sys.mkdir('d', 0o777);
    expect(t.sys.umask(before)).toBe(0o027);
    expect(t.stat('f').mode & 0o7777).toBe(0o640);
    expect(t.stat('d').mode & 0o7777).toBe(0o750);
  },

  'without O_CREAT a missing file stays missing'(t) {
    fails(() => t.sys.open('f', O_RDWR), 'ENOENT');
    fails(() => t.sys.open('d/f', O_RDWR | O_CREAT, 0o644), 'ENOENT');
    expect(t.list('.')).toEqual([]);
  },

  'O_CREAT opens what is there, and does not change it'(t) {
    t.write('f', 'text', 0o600);
    const fd = t.sys.open('f', O_RDWR | O_CREAT, 0o644);
    expect(t.sys.fstat(fd).size).toBe(4);
    if (!t.lacks('modes')) expect(t.sys.fstat(fd).mode & 0o7777).toBe(0o600);
    t.sys.close(fd);
  },

  'O_EXCL refuses any name that is taken'(t) {
    t.touch('f');
    t.sys.mkdir('d', 0o755);
    fails(() => t.sys.open('f', O_WRONLY | O_CREAT | O_EXCL, 0o644), 'EEXIST');
    fails(() => t.sys.open('d', O_WRONLY | O_CREAT | O_EXCL, 0o644), 'EEXIST');
  },

  'O_EXCL refuses a symbolic link, even one that leads nowhere': needing('symlinks', (t) => {
    t.sys.symlink('nowhere', 's');
    fails(() => t.sys.open('s', O_WRONLY | O_CREAT | O_EXCL, 0o644), 'EEXIST');
    expect(t.list('.')).toEqual(['s']);
  }),

  'O_CREAT through a symbolic link makes what it points to': needing('symlinks', (t) => {
    t.sys.symlink('target', 's');
    t.write('s', 'x');
    expect(t.list('.')).toEqual(['s', 'target']);
    expect(t.readText('target')).toBe('x');
  }),

  'O_TRUNC empties a file, but not when it cannot be opened'(t) {
    t.write('f', 'text');
    t.sys.close(t.sys.open('f', O_WRONLY | O_TRUNC));
    expect(t.stat('f').size).toBe(0);
  },

  'a directory is opened for reading only'(t) {
    t.sys.mkdir('d', 0o755);
    t.sys.close(t.sys.open('d', O_RDONLY));
    fails(() => t.sys.open('d', O_WRONLY), 'EISDIR');
    fails(() => t.sys.open('d', O_RDWR), 'EISDIR');
    fails(() => t.sys.open('d', O_WRONLY | O_TRUNC), 'EISDIR');
    fails(() => t.sys.open('d', O_RDWR | O_CREAT, 0o644), 'EISDIR');
    fails(() => t.sys.open('.', O_RDWR | O_CREAT, 0o644), 'EISDIR');
  },

  'O_DIRECTORY refuses what is none'(t) {
    t.touch('f');
    fails(() => t.sys.open('f', O_RDONLY | O_DIRECTORY), 'ENOTDIR');
    t.sys.close(t.sys.open('.', O_RDONLY | O_DIRECTORY));
  },

  'O_NOFOLLOW refuses a symbolic link at the end, not on the way': needing('symlinks', (t) => {
    t.sys.mkdir('d', 0o755);
    t.touch('d/f');
    t.sys.symlink('d', 's');
    t.sys.symlink('d/f', 'sf');
    const code = t.differs({ netbsd: ['ELOOP', 'EFTYPE'], linux: 'ELOOP' }, 'open(2) of NetBSD names EFTYPE, POSIX.1-2008 ELOOP');
    fails(() => t.sys.open('sf', O_RDONLY | O_NOFOLLOW), ...code);
    t.sys.close(t.sys.open('s/f', O_RDONLY | O_NOFOLLOW));
  }),

  'a descriptor does only what it was opened for'(t) {
    t.write('f', 'text');
    const r = t.sys.open('f', O_RDONLY);
    const w = t.sys.open('f', O_WRONLY);
    fails(() => t.sys.write(r, bytes('x')), 'EBADF');
    fails(() => t.sys.read(w, new Uint8Array(1)), 'EBADF');
    fails(() => t.sys.ftruncate(r, 0), ...t.differs({ netbsd: 'EINVAL', linux: 'EINVAL' }, 'POSIX: EBADF or EINVAL'));
    t.sys.close(r);
    t.sys.close(w);
    fails(() => t.sys.read(r, new Uint8Array(1)), 'EBADF');
  },

  'two opens of one file have each its position'(t) {
    t.write('f', 'abcdef');
    const a = t.sys.open('f', O_RDONLY);
    const b = t.sys.open('f', O_RDONLY);
    const buf = new Uint8Array(2);
    t.sys.read(a, buf);
    t.sys.read(a, buf);
    t.sys.read(b, buf);
    expect(String.fromCharCode(...buf)).toBe('ab');
    t.sys.close(a);
    t.sys.close(b);
  },

  'O_APPEND writes at the end, wherever the position is'(t) {
    t.write('f', 'abc');
    const fd = t.sys.open('f', O_WRONLY | O_APPEND);
    t.sys.lseek(fd, 0, 0);
    t.sys.write(fd, bytes('def'));
    t.write('g');
    expect(t.readText('f')).toBe('abcdef');
    t.sys.close(fd);
  },

  'openat starts at the directory that is open'(t) {
    t.sys.mkdir('d', 0o755);
    const d = t.sys.open('d', O_RDONLY);
    t.sys.close(t.sys.openat(d, 'f', O_WRONLY | O_CREAT, 0o644));
    expect(t.list('d')).toEqual(['f']);
    expect(t.sys.fstatat(d, 'f').ino).toBe(t.stat('d/f').ino);
    expect(t.sys.fstatat(AT_FDCWD, 'd/f').ino).toBe(t.stat('d/f').ino);
    t.sys.mkdirat(d, 'e', 0o755);
    t.sys.unlinkat(d, 'f');
    fails(
      () => t.sys.unlinkat(d, 'e'),
      ...t.differs({ netbsd: 'EPERM', linux: 'EISDIR' }, 'unlink() of a directory: POSIX says EPERM, Linux EISDIR'),
    );
    t.sys.unlinkat(d, 'e', 0x800);
    expect(t.list('d')).toEqual([]);
    t.sys.close(d);
  },

  'openat from a file is ENOTDIR'(t) {
    t.touch('f');
    const f = t.sys.open('f', O_RDONLY);
    fails(() => t.sys.openat(f, 'x', O_RDONLY), 'ENOTDIR');
    t.sys.close(f);
    fails(() => t.sys.openat(f, 'x', O_RDONLY), 'EBADF');
  },
};
