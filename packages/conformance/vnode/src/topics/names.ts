/** Path names: dots, slashes, lengths, bytes. IEEE Std 1003.1, 4.16 Pathname Resolution; NetBSD t_vnops lookup_*, tmpfs dots, trail_slash. */
import { O_CREAT, O_RDONLY, O_WRONLY } from '@anykernel/lib-sys';
import { expect } from '@jest/globals';
import { type Cases, needing } from '../cases.js';
import { bytes, fails } from '../context.js';

export const names: Cases = {
  'dot and dot-dot name the directory and its parent'(t) {
    t.sys.mkdir('d', 0o755);
    const here = t.stat('.').ino;
    const d = t.stat('d').ino;
    for (const path of ['./.', 'd/..', './d/../.', 'd/./..', 'd/../d/..']) expect(t.stat(path).ino).toBe(here);
    for (const path of ['d/.', './d', 'd/../d', 'd/.././d/./.', './././d']) expect(t.stat(path).ino).toBe(d);
    expect(t.stat(`${t.dir}/d/../d`).ino).toBe(d);
  },

  'several slashes are one'(t) {
    t.sys.mkdir('d', 0o755);
    t.touch('d/f');
    expect(t.stat('d//f').ino).toBe(t.stat('d/f').ino);
    expect(t.stat(`/${t.dir}///d////f`).ino).toBe(t.stat('d/f').ino);
    expect(t.stat('.//d///').ino).toBe(t.stat('d').ino);
  },

  'the empty path is no file'(t) {
    fails(() => t.sys.stat(''), 'ENOENT');
    fails(() => t.sys.open('', O_RDONLY), 'ENOENT');
    fails(() => t.sys.open('', O_WRONLY | O_CREAT, 0o644), 'ENOENT');
    fails(() => t.sys.mkdir('', 0o755), 'ENOENT');
    fails(() => t.sys.unlink(''), 'ENOENT');
    fails(() => t.sys.rmdir(''), 'ENOENT');
  },

  'what is missing on the way is ENOENT, what is no directory ENOTDIR'(t) {
    t.touch('f');
    fails(() => t.sys.stat('missing'), 'ENOENT');
    fails(() => t.sys.stat('missing/x'), 'ENOENT');
    fails(() => t.sys.stat('f/x'), 'ENOTDIR');
    fails(() => t.sys.stat('f/.'), 'ENOTDIR');
    fails(() => t.sys.stat('f/..'), 'ENOTDIR');
    fails(() => t.sys.open('f/x', O_WRONLY | O_CREAT, 0o644), 'ENOTDIR');
    fails(() => t.sys.mkdir('f/x', 0o755), 'ENOTDIR');
    fails(() => t.sys.mkdir('missing/x', 0o755), 'ENOENT');
    fails(() => t.sys.unlink('f/x'), 'ENOTDIR');
    fails(() => t.sys.rmdir('f/x'), 'ENOTDIR');
    fails(() => t.sys.chdir('f'), 'ENOTDIR');
  },

  'a trailing slash asks for a directory'(t) {
    t.sys.mkdir('d', 0o755);
    t.touch('f');
    expect(t.stat('d/').ino).toBe(t.stat('d').ino);
    t.sys.mkdir('e/', 0o755);
    t.sys.mkdir('g//', 0o755);
    expect(t.list('.')).toEqual(['d', 'e', 'f', 'g']);
    t.sys.rmdir('g/');
    t.sys.rmdir('e//');
    fails(() => t.sys.stat('f/'), 'ENOTDIR');
    fails(() => t.sys.lstat('f/'), 'ENOTDIR');
    fails(() => t.sys.open('f/', O_RDONLY), 'ENOTDIR');
    fails(() => t.sys.unlink('f/'), 'ENOTDIR');
    fails(() => t.sys.truncate('f/', 0), 'ENOTDIR');
    fails(() => t.sys.chmod('f/', 0o600), 'ENOTDIR');
  },

  'a file cannot be made under a name with a trailing slash'(t) {
    const code = t.differs(
      { netbsd: ['ENOENT', 'EISDIR'], linux: 'EISDIR' },
      'POSIX leaves open which error open() of a new name with a slash gives',
    );
    fails(() => t.sys.open('new/', O_WRONLY | O_CREAT, 0o644), ...code);
    expect(t.list('.')).toEqual([]);
  },

  'renaming with a trailing slash is for directories'(t) {
    t.sys.mkdir('d', 0o755);
    t.touch('f');
    if (t.lacks('rename')) return;
    t.sys.rename('d/', 'e/');
    expect(t.list('.')).toEqual(['e', 'f']);
    fails(() => t.sys.rename('f/', 'g'), 'ENOTDIR');
    fails(
      () => t.sys.rename('f', 'g/'),
      ...t.differs({ netbsd: ['ENOTDIR', 'ENOENT'], linux: 'ENOTDIR' }, 'g is missing, and f is no directory: either is so'),
    );
    expect(t.list('.')).toEqual(['e', 'f']);
  },

  'a name of the full length works everywhere, a longer one nowhere'(t) {
    const full = 'n'.repeat(t.limits.nameMax);
    t.touch(full);
    expect(t.list('.')).toEqual([full]);
    expect(t.stat(full).nlink).toBe(1);
    t.sys.unlink(full);
    t.sys.mkdir(full, 0o755);
    t.touch(`${full}/${full}`);
    expect(t.list(full)).toEqual([full]);
    t.sys.unlink(`${full}/${full}`);
    t.sys.rmdir(full);
    const over = `${full}x`;
    fails(() => t.sys.open(over, O_WRONLY | O_CREAT, 0o644), 'ENAMETOOLONG');
    fails(() => t.sys.open(over, O_RDONLY), 'ENAMETOOLONG');
    fails(() => t.sys.stat(over), 'ENAMETOOLONG');
    fails(() => t.sys.mkdir(over, 0o755), 'ENAMETOOLONG');
    fails(() => t.sys.rmdir(over), 'ENAMETOOLONG');
    fails(() => t.sys.unlink(over), 'ENAMETOOLONG');
    fails(() => t.sys.stat(`${over}/x`), 'ENAMETOOLONG');
    expect(t.list('.')).toEqual([]);
  },

  'a hard link cannot get a name that is too long': needing('hardlinks', (t) => {
    t.touch('f');
    fails(() => t.sys.link('f', 'n'.repeat(t.limits.nameMax + 1)), 'ENAMETOOLONG');
    expect(t.stat('f').nlink).toBe(1);
  }),

  'a symbolic link cannot get a name that is too long': needing('symlinks', (t) => {
    fails(() => t.sys.symlink('f', 'n'.repeat(t.limits.nameMax + 1)), 'ENAMETOOLONG');
  }),

  'rename cannot give a name that is too long': needing('rename', (t) => {
    t.touch('f');
    fails(() => t.sys.rename('f', 'n'.repeat(t.limits.nameMax + 1)), 'ENAMETOOLONG');
    fails(() => t.sys.rename('n'.repeat(t.limits.nameMax + 1), 'f'), 'ENAMETOOLONG');
    expect(t.list('.')).toEqual(['f']);
  }),

  'a path that is too long is refused'(t) {
    fails(() => t.sys.stat('./'.repeat(5000)), 'ENAMETOOLONG');
    fails(() => t.sys.stat('x/'.repeat(5000)), 'ENAMETOOLONG');
  },

  'names are bytes, any but the slash and NUL': needing('anynames', (t) => {
    for (let first = 1; first < 256; first += 16) {
      const codes = Array.from({ length: 16 }, (_, i) => first + i);
      const name = Uint8Array.from(codes.filter((b) => b !== 0x2f && b < 256));
      t.sys.close(t.sys.open(name, O_WRONLY | O_CREAT, 0o644));
      const path = String.fromCharCode(...name);
      expect(t.list('.')).toEqual([path]);
      expect(t.sys.stat(name).nlink).toBe(1);
      t.sys.unlink(name);
    }
  }),

  'text beyond ASCII is UTF-8'(t) {
    t.touch('żółć');
    expect(t.sys.stat(bytes('\xc5\xbc\xc3\xb3\xc5\x82\xc4\x87')).ino).toBe(t.stat('żółć').ino);
    expect(t.list('.')).toEqual(['\xc5\xbc\xc3\xb3\xc5\x82\xc4\x87']);
  },

  'names differ by case, blanks and dots': needing('anynames', (t) => {
    const all = ['A', 'a', ' a', 'a ', 'a.', '..a', '...', '.a'];
    for (const name of all) t.write(name, name);
    for (const name of all) expect(t.readText(name)).toBe(name);
    expect(t.list('.')).toEqual([...all].sort());
  }),

  'getcwd gives the path of the working directory'(t) {
    t.sys.mkdir('d', 0o755);
    t.sys.chdir('d');
    const buf = new Uint8Array(1024);
    const len = t.sys.getcwd(buf);
    expect(String.fromCharCode(...buf.subarray(0, len))).toBe(`${t.dir}/d\0`);
    t.sys.chdir('..');
  },
};
