/** link(2), symlink(2), unlink(2). NetBSD t_vnops symlink_*, lstat_symlink; tmpfs link, symlink, remove. */
import { AT_FDCWD, AT_SYMLINK_FOLLOW, O_RDONLY, O_RDWR, S_ISLNK } from '@anykernel/lib-sys';
import { expect } from '@jest/globals';
import { type Cases, needing } from '../cases.js';
import { bytes, codeOf, fails, text } from '../context.js';

export const links: Cases = {
  'a hard link is the same file': needing('hardlinks', (t) => {
    t.sys.mkdir('d', 0o755);
    t.write('a', 'text');
    t.sys.link('a', 'd/b');
    expect(t.stat('d/b').ino).toBe(t.stat('a').ino);
    expect(t.stat('a').nlink).toBe(2);
    t.write('d/b', 'changed');
    expect(t.readText('a')).toBe('changed');
    t.sys.unlink('a');
    expect(t.stat('d/b').nlink).toBe(1);
    expect(t.readText('d/b')).toBe('changed');
  }),

  'link refuses a name that is taken, and a missing file': needing('hardlinks', (t) => {
    t.touch('a');
    t.touch('b');
    t.sys.mkdir('d', 0o755);
    fails(() => t.sys.link('a', 'b'), 'EEXIST');
    fails(() => t.sys.link('a', 'd'), 'EEXIST');
    fails(() => t.sys.link('a', 'a'), 'EEXIST');
    fails(() => t.sys.link('missing', 'c'), 'ENOENT');
    fails(() => t.sys.link('a', 'missing/c'), 'ENOENT');
    expect(t.stat('a').nlink).toBe(1);
  }),

  'a directory has no hard links': needing('hardlinks', (t) => {
    t.sys.mkdir('d', 0o755);
    fails(() => t.sys.link('d', 'e'), 'EPERM');
    fails(() => t.sys.link('.', 'e'), 'EPERM');
    expect(t.list('.')).toEqual(['d']);
  }),

  'linkat links a symbolic link, or with AT_SYMLINK_FOLLOW its target': needing('hardlinks', 'symlinks', (t) => {
    t.touch('f');
    t.sys.symlink('f', 's');
    t.sys.linkat(AT_FDCWD, 's', AT_FDCWD, 'a', AT_SYMLINK_FOLLOW);
    expect(t.sys.lstat('a').ino).toBe(t.stat('f').ino);
    t.sys.linkat(AT_FDCWD, 's', AT_FDCWD, 'b', 0);
    expect(t.sys.lstat('b').ino).toBe(t.sys.lstat('s').ino);
    expect(t.sys.lstat('s').nlink).toBe(2);
  }),

  'link itself follows a symbolic link, or links it: POSIX leaves it open': needing('hardlinks', 'symlinks', (t) => {
    t.touch('f');
    t.sys.symlink('f', 's');
    t.sys.link('s', 'a');
    expect(t.sys.lstat('a').ino).toBe(t.manners === 'linux' ? t.sys.lstat('s').ino : t.stat('f').ino);
  }),

  'a thousand links of one file are counted': needing('hardlinks', (t) => {
    t.touch('f');
    const count = Math.min(1000, t.limits.linkMax - 1);
    for (let i = 0; i < count; i++) t.sys.link('f', `l${i}`);
    expect(t.stat('f').nlink).toBe(count + 1);
    for (let i = 0; i < count; i++) t.sys.unlink(`l${i}`);
    expect(t.stat('f').nlink).toBe(1);
  }),

  'a removed name is gone at once, the file when nobody has it open'(t) {
    t.write('f', 'text');
    const fd = t.sys.open('f', O_RDWR);
    t.sys.unlink('f');
    fails(() => t.sys.stat('f'), 'ENOENT');
    expect(t.list('.')).toEqual([]);
    expect(t.sys.fstat(fd).nlink).toBe(0);
    t.sys.pwrite(fd, bytes('more'), 4);
    const buf = new Uint8Array(20);
    expect(text(buf.subarray(0, t.sys.pread(fd, buf, 0)))).toBe('textmore');
    t.touch('f');
    expect(t.stat('f').size).toBe(0);
    t.sys.close(fd);
  },

  'unlink refuses what is missing, and directories'(t) {
    t.sys.mkdir('d', 0o755);
    fails(() => t.sys.unlink('missing'), 'ENOENT');
    fails(() => t.sys.unlink('d'), ...t.differs({ netbsd: 'EPERM', linux: 'EISDIR' }, 'POSIX says EPERM; Linux, against it, EISDIR'));
    fails(() => t.sys.unlink('.'), ...t.differs({ netbsd: ['EPERM', 'EINVAL'], linux: 'EISDIR' }, 'the same for dot'));
    expect(t.list('.')).toEqual(['d']);
  },

  'a symbolic link has its target for contents': needing('symlinks', (t) => {
    t.sys.symlink('some/where', 's');
    expect(t.readlink('s')).toBe('some/where');
    const st = t.sys.lstat('s');
    expect(S_ISLNK(st.mode)).toBe(true);
    expect(st.size).toBe('some/where'.length);
    fails(() => t.sys.stat('s'), 'ENOENT');
    const cut = new Uint8Array(4);
    expect(t.sys.readlink('s', cut)).toBe(4);
    expect(text(cut)).toBe('some');
  }),

  'readlink refuses what is no symbolic link'(t) {
    t.touch('f');
    fails(() => t.sys.readlink('f', new Uint8Array(10)), 'EINVAL');
    fails(() => t.sys.readlink('.', new Uint8Array(10)), 'EINVAL');
    fails(() => t.sys.readlink('missing', new Uint8Array(10)), 'ENOENT');
  },

  'symlink refuses a name that is taken': needing('symlinks', (t) => {
    t.touch('f');
    fails(() => t.sys.symlink('x', 'f'), 'EEXIST');
    fails(() => t.sys.symlink('x', '.'), 'EEXIST');
    fails(() => t.sys.symlink('x', 'missing/s'), 'ENOENT');
  }),

  'targets of every length are kept, or refused as too long': needing('symlinks', (t) => {
    for (let bits = 1; bits <= 16; bits++) {
      for (const len of [2 ** bits - 1, 2 ** bits, 2 ** bits + 1]) {
        const target = 't'.repeat(len);
        const code = codeOf(() => t.sys.symlink(target, 's'));
        if (len > t.limits.symlinkMax) {
          expect(code).toBe('ENAMETOOLONG');
          continue;
        }
        expect([len, code]).toEqual([len, undefined]);
        expect(t.readlink('s')).toBe(target);
        expect(t.sys.lstat('s').size).toBe(len);
        t.sys.unlink('s');
      }
    }
  }),

  'an empty target is kept or refused, never followed': needing('symlinks', (t) => {
    const code = codeOf(() => t.sys.symlink('', 's'));
    if (code === undefined) {
      expect(t.sys.lstat('s').size).toBe(0);
      fails(() => t.sys.stat('s'), 'ENOENT');
    } else {
      expect(['ENOENT', 'EINVAL']).toContain(code);
    }
  }),

  'symbolic links are followed on the way and at the end': needing('symlinks', (t) => {
    t.sys.mkdir('d', 0o755);
    t.write('d/f', 'text');
    t.sys.symlink('d', 's');
    t.sys.symlink('s/f', 'sf');
    t.sys.symlink(`${t.dir}/d`, 'abs');
    for (const path of ['s/f', 'sf', 'abs/f', 's/../d/f', 's/./f']) expect(t.readText(path)).toBe('text');
    expect(t.stat('s/').ino).toBe(t.stat('d').ino);
    expect(t.sys.lstat('s/').ino).toBe(t.stat('d').ino);
    expect(t.stat('s/..').ino).toBe(t.stat('.').ino);
    t.sys.chdir('s');
    expect(t.stat('..').ino).toBe(t.stat(t.dir).ino);
    t.sys.chdir(t.dir);
  }),

  'symbolic links in a circle are ELOOP': needing('symlinks', (t) => {
    t.sys.symlink('b', 'a');
    t.sys.symlink('a', 'b');
    t.sys.symlink('self', 'self');
    for (const path of ['a', 'b', 'self', 'a/x']) fails(() => t.sys.stat(path), 'ELOOP');
    fails(() => t.sys.open('self', O_RDONLY), 'ELOOP');
    expect(t.readlink('self')).toBe('self');
  }),

  'a chain of eight links is followed': needing('symlinks', (t) => {
    t.write('l0', 'text');
    for (let i = 1; i <= 8; i++) t.sys.symlink(`l${i - 1}`, `l${i}`);
    expect(t.readText('l8')).toBe('text');
  }),

  'removing a symbolic link leaves its target': needing('symlinks', (t) => {
    t.touch('f');
    t.sys.symlink('f', 's');
    t.sys.unlink('s');
    expect(t.list('.')).toEqual(['f']);
  }),
};
