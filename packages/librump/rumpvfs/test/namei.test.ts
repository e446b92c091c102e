import { AT_FDCWD, AT_SYMLINK_NOFOLLOW, O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_RDWR } from '@anykernel/lib-sys';
import { box, codeOf, cwd, get, ls, put } from './box.js';

test('dots, double dots and double slashes are as if they were not there', () => {
  const { s } = box();
  s.mkdir('/a', 0o755);
  s.mkdir('/a/b', 0o755);
  put(s, '/a/b/f', 'x');
  const ino = s.stat('/a/b/f').ino;
  for (const path of ['/a/./b/f', '//a///b//f', '/a/b/../b/f', '/a/b/./../../a/b/f', '/../../a/b/f', '/./a/b/f']) expect([path, s.stat(path).ino]).toEqual([path, ino]);
  expect(s.stat('/').ino).toBe(s.stat('/..').ino);
  expect(s.stat('/a/b/..').ino).toBe(s.stat('/a').ino);
});

test('a path without a beginning starts in the current directory, or at a descriptor', () => {
  const { s } = box();
  s.mkdir('/a', 0o755);
  put(s, '/a/f', 'x');
  const dir = s.open('/a', O_RDONLY | O_DIRECTORY);
  expect(s.fstatat(dir, 'f').size).toBe(1);
  expect(s.fstatat(999, '/a/f').size).toBe(1);
  expect(codeOf(() => s.fstatat(999, 'f'))).toBe('EBADF');
  expect(codeOf(() => s.fstatat(AT_FDCWD, 'f'))).toBe('ENOENT');
  s.chdir('/a');
  expect(s.fstatat(AT_FDCWD, 'f').size).toBe(1);
  expect(s.stat('f').size).toBe(1);
  const file = s.open('f', O_RDONLY);
  expect(codeOf(() => s.fstatat(file, 'x'))).toBe('ENOTDIR');
  const [r] = s.pipe();
  expect(codeOf(() => s.fstatat(r, 'x'))).toBe('ENOTDIR');
});

test('an empty path, a long path, a long name and a file in the middle are refused', () => {
  const { s } = box();
  put(s, '/f', '');
  expect(codeOf(() => s.stat(''))).toBe('ENOENT');
  expect(s.stat('/.'.repeat(2047)).ino).toBe(s.stat('/').ino);
  expect(codeOf(() => s.stat('/.'.repeat(2048)))).toBe('ENAMETOOLONG');
  expect(codeOf(() => s.stat(`/${'n'.repeat(256)}`))).toBe('ENAMETOOLONG');
  expect(codeOf(() => s.mkdir(`/${'n'.repeat(256)}`, 0o755))).toBe('ENAMETOOLONG');
  s.mkdir(`/${'n'.repeat(255)}`, 0o755);
  expect(codeOf(() => s.stat('/f/x'))).toBe('ENOTDIR');
  expect(codeOf(() => s.stat('/f/..'))).toBe('ENOTDIR');
  expect(codeOf(() => s.stat('/nothing/x'))).toBe('ENOENT');
  expect(codeOf(() => s.mkdir('/a\0b', 0o755))).toBe('EINVAL');
});

test('a name is its bytes: text goes in as UTF-8, bytes as they are', () => {
  const { s } = box();
  put(s, '/höhle', 'ö');
  expect(ls(s, '/')).toContain('h\xc3\xb6hle');
  expect(s.stat(Uint8Array.of(47, 104, 0xc3, 0xb6, 104, 108, 101)).size).toBe(1);
  s.mkdir(Uint8Array.of(47, 0xff, 0xfe), 0o755);
  expect(ls(s, '/')).toContain('\xff\xfe');
});

describe('a symbolic link', () => {
  test('is followed in the middle always, at the end when asked for', () => {
    const { s } = box();
    s.mkdir('/a', 0o755);
    put(s, '/a/f', 'xy');
    s.symlink('a', '/rel');
    s.symlink('/a/f', '/abs');
    expect(get(s, '/rel/f')).toBe('xy');
    expect(s.stat('/abs').size).toBe(2);
    expect(s.lstat('/abs').size).toBe(4);
    expect(s.fstatat(AT_FDCWD, '/abs', undefined, AT_SYMLINK_NOFOLLOW).size).toBe(4);
    expect(codeOf(() => s.open('/abs', O_RDONLY | O_NOFOLLOW))).toBe('ELOOP');
    expect(codeOf(() => s.open('/abs', O_RDWR | O_CREAT | O_EXCL, 0o644))).toBe('EEXIST');
  });

  test('to nowhere is ENOENT, and opens a new file where it points', () => {
    const { s } = box();
    s.symlink('/later', '/l');
    expect(codeOf(() => s.stat('/l'))).toBe('ENOENT');
    put(s, '/l', 'now');
    expect(get(s, '/later')).toBe('now');
  });

  test('with a slash behind it means the directory', () => {
    const { s } = box();
    s.mkdir('/a', 0o755);
    s.symlink('/a', '/l');
    put(s, '/f');
    s.symlink('/f', '/lf');
    expect(s.lstat('/l/').ino).toBe(s.stat('/a').ino);
    expect(codeOf(() => s.lstat('/lf/'))).toBe('ENOTDIR');
  });

  test('is followed 32 times in a path, and not more', () => {
    const { s } = box();
    put(s, '/l0', 'end');
    for (let i = 1; i <= 33; i++) s.symlink(`l${i - 1}`, `/l${i}`);
    expect(get(s, '/l32')).toBe('end');
    expect(codeOf(() => s.stat('/l33'))).toBe('ELOOP');
    s.symlink('round', '/round');
    expect(codeOf(() => s.stat('/round'))).toBe('ELOOP');
    expect(codeOf(() => s.stat('/round/x'))).toBe('ELOOP');
  });

  test('that makes the path too long is ENAMETOOLONG', () => {
    const { s } = box();
    s.symlink('x/'.repeat(500), '/l');
    expect(codeOf(() => s.stat(`/l/${'y/'.repeat(1600)}`))).toBe('ENAMETOOLONG');
    expect(codeOf(() => s.symlink('z'.repeat(1024), '/m'))).toBe('ENAMETOOLONG');
  });

  test('may be empty, and then leads nowhere', () => {
    const { s } = box();
    s.symlink('', '/l');
    expect(s.readlink('/l', new Uint8Array(4))).toBe(0);
    expect(codeOf(() => s.stat('/l'))).toBe('ENOENT');
  });
});

test('a slash behind a name means a directory', () => {
  const { s } = box();
  put(s, '/f');
  s.mkdir('/d/', 0o755);
  expect(s.stat('/d///').ino).toBe(s.stat('/d').ino);
  expect(codeOf(() => s.stat('/f/'))).toBe('ENOTDIR');
  expect(codeOf(() => s.open('/new/', O_RDWR | O_CREAT, 0o644))).toBe('ENOENT');
  expect(codeOf(() => s.unlink('/f/'))).toBe('ENOTDIR');
  expect(codeOf(() => s.rename('/f', '/g/'))).toBe('ENOENT');
  s.rename('/d', '/e/');
  expect(ls(s, '/')).toContain('e');
});

test('getcwd tells the way from the root, over mount points', () => {
  const { s } = box();
  for (const dir of ['/a', '/a/b', '/a/b/c']) s.mkdir(dir, 0o755);
  s.mount('rumpfs', '/a/b/c', 0, {});
  s.mkdir('/a/b/c/d', 0o755);
  s.chdir('/a/b/c/d');
  expect(cwd(s)).toBe('/a/b/c/d');
  s.chdir('..');
  expect(cwd(s)).toBe('/a/b/c');
  s.chdir('..');
  expect(cwd(s)).toBe('/a/b');
  s.chdir('/');
  expect(cwd(s)).toBe('/');
  expect(codeOf(() => s.getcwd(new Uint8Array(1)))).toBe('ERANGE');
  expect(codeOf(() => s.getcwd(new Uint8Array(0)))).toBe('EINVAL');
});

test('in a directory that was removed there is nothing, and nothing comes into it', () => {
  const { s } = box();
  s.mkdir('/a', 0o755);
  s.mkdir('/a/b', 0o755);
  s.chdir('/a/b');
  s.rmdir('/a/b');
  s.rmdir('/a');
  expect(codeOf(() => s.chdir('..'))).toBe('ENOENT');
  expect(codeOf(() => s.open('x', O_RDWR | O_CREAT, 0o644))).toBe('ENOENT');
  expect(codeOf(() => s.mkdir('x', 0o755))).toBe('ENOENT');
  expect(codeOf(() => cwd(s))).toBe('ENOENT');
  expect(s.stat('.').nlink).toBe(0);
});

describe('chroot', () => {
  test('makes a directory the root, with nothing above it', () => {
    const { s } = box();
    for (const dir of ['/jail', '/jail/etc']) s.mkdir(dir, 0o755);
    s.symlink('/etc', '/jail/l');
    const ino = s.stat('/jail').ino;
    s.chroot('/jail');
    expect(s.stat('/').ino).toBe(ino);
    expect(s.stat('/../..').ino).toBe(ino);
    expect(s.stat('/l').ino).toBe(s.stat('/etc').ino);
    expect(cwd(s)).toBe('/');
    s.chdir('/etc');
    expect(cwd(s)).toBe('/etc');
  });

  test('leads whoever has come out of it back, and takes no descriptor of a directory outside as the current one', () => {
    const { s } = box();
    for (const dir of ['/jail', '/jail/a', '/jail/a/b', '/out']) s.mkdir(dir, 0o755);
    const out = s.open('/out', O_RDONLY);
    const above = s.open('/', O_RDONLY);
    const inside = s.open('/jail/a', O_RDONLY);
    s.chroot('/jail');
    const root = s.stat('/').ino;
    s.chdir('/a/b');
    s.renameat(above, 'jail/a', above, 'a');
    expect(s.stat('..').ino).toBe(root);
    expect(s.stat('../../..').ino).toBe(root);
    expect(codeOf(() => cwd(s))).toBe('ENOENT');
    expect(s.fstatat(out, '..').ino).toBe(root);
    for (const fd of [out, above, inside]) expect(codeOf(() => s.fchdir(fd))).toBe('EPERM');
    s.mkdir('/c', 0o755);
    s.fchdir(s.open('/c', O_RDONLY));
    expect(cwd(s)).toBe('/c');
  });

  test('is inherited, and of others not seen', () => {
    const { s, k, p, proc } = box();
    s.mkdir('/jail', 0o755);
    s.chroot('/jail');
    const child = k.procs.rfork(p, 0);
    expect(child.sys.stat('/').ino).toBe(s.stat('/').ino);
    expect(proc().sys.stat('/').ino).not.toBe(s.stat('/').ino);
  });

  test('is for the superuser, and for directories', () => {
    const { s, proc } = box();
    put(s, '/f');
    expect(codeOf(() => proc({ uid: 1 }).sys.chroot('/tmp'))).toBe('EPERM');
    expect(codeOf(() => s.chroot('/f'))).toBe('ENOTDIR');
    const fd = s.open('/tmp', O_RDONLY);
    s.fchroot(fd);
    expect(s.stat('/').mode & 0o7777).toBe(0o1777);
  });
});
