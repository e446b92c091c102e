/** rename(2). IEEE Std 1003.1 rename(); NetBSD t_vnops rename_*, tmpfs rename. */
import { O_RDONLY } from '@anykernel/lib-sys';
import { expect } from '@jest/globals';
import { type Cases, needing } from '../cases.js';
import { type Context, fails } from '../context.js';

/** Links of directories, where they are counted. */
function expectLinks(t: Context, path: string, count: number): void {
  if (!t.lacks('dirlinks')) expect(t.stat(path).nlink).toBe(count);
}

const INTO_ITSELF = 'EINVAL';

export const rename: Cases = {
  'a file gets a new name and stays the same file': needing('rename', (t) => {
    t.write('a', 'text');
    const { ino } = t.stat('a');
    t.sys.rename('a', 'b');
    expect(t.list('.')).toEqual(['b']);
    expect(t.stat('b').ino).toBe(ino);
    expect(t.stat('b').nlink).toBe(1);
    expect(t.readText('b')).toBe('text');
  }),

  'a missing file has no other name': needing('rename', (t) => {
    fails(() => t.sys.rename('a', 'b'), 'ENOENT');
    t.touch('a');
    fails(() => t.sys.rename('a', 'missing/b'), 'ENOENT');
    fails(() => t.sys.rename('a', 'a/b'), 'ENOTDIR');
    fails(() => t.sys.rename('', 'b'), 'ENOENT');
    fails(() => t.sys.rename('a', ''), 'ENOENT');
    expect(t.list('.')).toEqual(['a']);
  }),

  'a file moves to another directory': needing('rename', (t) => {
    t.sys.mkdir('d', 0o755);
    t.write('a', 'text');
    t.sys.rename('a', 'd/b');
    expect(t.list('.')).toEqual(['d']);
    expect(t.readText('d/b')).toBe('text');
    expectLinks(t, 'd', 2);
    t.sys.rename('d/b', 'a');
    expect(t.list('d')).toEqual([]);
  }),

  'a file replaces a file, which is gone': needing('rename', (t) => {
    t.write('a', 'new');
    t.write('b', 'old');
    const { ino } = t.stat('a');
    const old = t.sys.open('b', O_RDONLY);
    t.sys.rename('a', 'b');
    expect(t.list('.')).toEqual(['b']);
    expect(t.stat('b').ino).toBe(ino);
    expect(t.readText('b')).toBe('new');
    expect(t.sys.fstat(old).nlink).toBe(0);
    const buf = new Uint8Array(3);
    t.sys.read(old, buf);
    expect(String.fromCharCode(...buf)).toBe('old');
    t.sys.close(old);
  }),

  'replacing one of two names leaves the other': needing('rename', 'hardlinks', (t) => {
    t.write('a', 'new');
    t.write('b', 'old');
    t.sys.link('b', 'c');
    t.sys.rename('a', 'b');
    expect(t.readText('c')).toBe('old');
    expect(t.stat('c').nlink).toBe(1);
  }),

  'renaming a file to itself changes nothing': needing('rename', (t) => {
    t.write('a', 'text');
    t.sys.rename('a', 'a');
    expect(t.readText('a')).toBe('text');
    t.sys.mkdir('d', 0o755);
    t.sys.rename('d', 'd');
    expect(t.list('.')).toEqual(['a', 'd']);
  }),

  'renaming one name of a file to another': needing('rename', 'hardlinks', (t) => {
    t.write('a', 'text');
    t.sys.link('a', 'b');
    t.sys.rename('a', 'b');
    // POSIX: both names stay. NetBSD's rename(2) takes the first one away (its __posix_rename does not).
    if (t.manners === 'linux') {
      expect(t.list('.')).toEqual(['a', 'b']);
      expect(t.stat('b').nlink).toBe(2);
    } else {
      expect(t.list('.')).toEqual(['b']);
      expect(t.stat('b').nlink).toBe(1);
    }
    expect(t.readText('b')).toBe('text');
  }),

  'a directory gets a new name with all that is in it': needing('rename', (t) => {
    t.sys.mkdir('a', 0o755);
    t.sys.mkdir('a/d', 0o755);
    t.write('a/f', 'text');
    t.sys.rename('a', 'b');
    expect(t.list('b')).toEqual(['d', 'f']);
    expect(t.readText('b/f')).toBe('text');
    expect(t.stat('b/..').ino).toBe(t.stat('.').ino);
    expectLinks(t, 'b', 3);
    expectLinks(t, '.', 3);
  }),

  'a directory moves, and its dot-dot with it': needing('rename', (t) => {
    t.sys.mkdir('x', 0o755);
    t.sys.mkdir('y', 0o755);
    t.sys.mkdir('x/d', 0o755);
    t.sys.rename('x/d', 'y/e');
    expect(t.stat('y/e/..').ino).toBe(t.stat('y').ino);
    expectLinks(t, 'x', 2);
    expectLinks(t, 'y', 3);
    t.sys.rename('y/e', 'd');
    expect(t.stat('d/..').ino).toBe(t.stat('.').ino);
    expectLinks(t, 'y', 2);
    expectLinks(t, '.', 5);
  }),

  'a directory replaces an empty directory': needing('rename', (t) => {
    t.sys.mkdir('a', 0o755);
    t.touch('a/f');
    t.sys.mkdir('b', 0o755);
    t.sys.rename('a', 'b');
    expect(t.list('.')).toEqual(['b']);
    expect(t.list('b')).toEqual(['f']);
    expectLinks(t, '.', 3);
    t.sys.mkdir('x', 0o755);
    t.sys.mkdir('x/b', 0o755);
    t.sys.rename('b', 'x/b');
    expect(t.list('.')).toEqual(['x']);
    expect(t.stat('x/b/..').ino).toBe(t.stat('x').ino);
    expectLinks(t, '.', 3);
    expectLinks(t, 'x', 3);
  }),

  'a directory does not replace one that is not empty': needing('rename', (t) => {
    t.sys.mkdir('a', 0o755);
    t.sys.mkdir('b', 0o755);
    t.touch('b/f');
    fails(() => t.sys.rename('a', 'b'), 'ENOTEMPTY', 'EEXIST');
    expect(t.list('.')).toEqual(['a', 'b']);
    expect(t.list('b')).toEqual(['f']);
  }),

  'directories and files do not replace each other': needing('rename', (t) => {
    t.sys.mkdir('d', 0o755);
    t.touch('f');
    fails(() => t.sys.rename('f', 'd'), 'EISDIR');
    fails(() => t.sys.rename('d', 'f'), 'ENOTDIR');
    expect(t.list('.')).toEqual(['d', 'f']);
  }),

  'a directory does not move into itself': needing('rename', (t) => {
    t.sys.mkdir('a', 0o755);
    t.sys.mkdir('a/b', 0o755);
    t.sys.mkdir('a/b/c', 0o755);
    fails(() => t.sys.rename('a', 'a/x'), INTO_ITSELF);
    fails(() => t.sys.rename('a', 'a/b/x'), INTO_ITSELF);
    fails(() => t.sys.rename('a', 'a/b/c/x'), INTO_ITSELF);
    fails(() => t.sys.rename('a', 'a/b'), INTO_ITSELF);
    fails(() => t.sys.rename('a', 'a/b/c'), INTO_ITSELF);
    expect(t.list('a/b')).toEqual(['c']);
  }),

  'a directory does not replace one that it is in': needing('rename', (t) => {
    t.sys.mkdir('a', 0o755);
    t.sys.mkdir('a/b', 0o755);
    t.sys.mkdir('a/b/c', 0o755);
    fails(() => t.sys.rename('a/b', 'a'), 'ENOTEMPTY', 'EEXIST');
    fails(() => t.sys.rename('a/b/c', 'a'), 'ENOTEMPTY', 'EEXIST');
    expect(t.list('a')).toEqual(['b']);
  }),

  'dot and dot-dot are not renamed': needing('rename', (t) => {
    t.sys.mkdir('d', 0o755);
    const code = t.differs({ netbsd: 'EINVAL', linux: 'EBUSY' }, 'POSIX: EINVAL, Linux: EBUSY');
    fails(() => t.sys.rename('.', 'x'), ...code);
    fails(() => t.sys.rename('d/.', 'x'), ...code);
    fails(() => t.sys.rename('d/..', 'x'), ...code);
    const onto = t.differs({ netbsd: ['EINVAL', 'EISDIR'], linux: 'EBUSY' }, 'NetBSD: EINVAL or EISDIR, by the kind of what is renamed');
    fails(() => t.sys.rename('d', '.'), ...onto);
    fails(() => t.sys.rename('d', 'd/.'), ...onto);
    fails(() => t.sys.rename('d', 'd/..'), ...onto);
    expect(t.list('.')).toEqual(['d']);
  }),

  'a symbolic link is renamed, not what it points to': needing('rename', 'symlinks', (t) => {
    t.write('f', 'text');
    t.sys.symlink('f', 's');
    t.sys.rename('s', 'r');
    expect(t.readlink('r')).toBe('f');
    expect(t.list('.')).toEqual(['f', 'r']);
    t.write('g', 'other');
    t.sys.rename('g', 'r');
    expect(t.list('.')).toEqual(['f', 'r']);
    expect(t.readText('r')).toBe('other');
    expect(t.readText('f')).toBe('text');
  }),

  'an open file is the same under its new name': needing('rename', (t) => {
    t.write('a', 'text');
    const fd = t.sys.open('a', O_RDONLY);
    t.sys.rename('a', 'b');
    expect(t.sys.fstat(fd).ino).toBe(t.stat('b').ino);
    t.sys.close(fd);
  }),

  'renameat takes each name from its directory': needing('rename', (t) => {
    t.sys.mkdir('d', 0o755);
    t.touch('f');
    const fd = t.sys.open('d', O_RDONLY);
    t.sys.renameat(-100, 'f', fd, 'g');
    expect(t.list('d')).toEqual(['g']);
    t.sys.renameat(fd, 'g', fd, 'h');
    t.sys.renameat(fd, 'h', -100, 'f');
    expect(t.list('.')).toEqual(['d', 'f']);
    t.sys.close(fd);
  }),

  'renaming to and fro many times leaves no trace': needing('rename', (t) => {
    t.sys.mkdir('d', 0o755);
    t.write('a', 'text');
    for (let i = 0; i < 500; i++) {
      t.sys.rename('a', 'd/b');
      t.sys.rename('d/b', 'a');
    }
    expect(t.list('.')).toEqual(['a', 'd']);
    expect(t.list('d')).toEqual([]);
    expect(t.readText('a')).toBe('text');
  }),
};
