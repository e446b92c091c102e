import { AT_REMOVEDIR, AT_SYMLINK_FOLLOW, O_RDONLY, O_RDWR } from '@anykernel/lib-sys';
import { box, bytes, codeOf, get, ls, put, text } from './box.js';

test('mkdir and rmdir keep the link counts of directories', () => {
  const { s } = box();
  const before = s.stat('/').nlink;
  s.mkdir('/a', 0o755);
  expect([s.stat('/').nlink, s.stat('/a').nlink]).toEqual([before + 1, 2]);
  s.mkdir('/a/b', 0o755);
  expect(s.stat('/a').nlink).toBe(3);
  s.rmdir('/a/b');
  s.rmdir('/a');
  expect(s.stat('/').nlink).toBe(before);
});

test('rmdir refuses what is not an empty directory with another name than a dot', () => {
  const { s } = box();
  s.mkdir('/a', 0o755);
  s.mkdir('/a/b', 0o755);
  put(s, '/f');
  s.mkdir('/m', 0o755);
  s.mount('rumpfs', '/m', 0, {});
  expect(codeOf(() => s.rmdir('/a'))).toBe('ENOTEMPTY');
  expect(codeOf(() => s.rmdir('/a/b/.'))).toBe('EINVAL');
  expect(codeOf(() => s.rmdir('/a/b/..'))).toBe('ENOTEMPTY');
  expect(codeOf(() => s.rmdir('/f'))).toBe('ENOTDIR');
  expect(codeOf(() => s.rmdir('/'))).toBe('EBUSY');
  expect(codeOf(() => s.rmdir('/m'))).toBe('EBUSY');
  expect(codeOf(() => s.rmdir('/nothing'))).toBe('ENOENT');
  expect(codeOf(() => s.mkdir('/a', 0o755))).toBe('EEXIST');
  expect(codeOf(() => s.mkdir('/', 0o755))).toBe('EEXIST');
  expect(codeOf(() => s.mkdir('/a/.', 0o755))).toBe('EEXIST');
});

test('unlink refuses directories; unlinkat takes both when it is told', () => {
  const { s } = box();
  s.mkdir('/a', 0o755);
  put(s, '/f');
  expect(codeOf(() => s.unlink('/a/.'))).toBe('EPERM');
  expect(codeOf(() => s.unlink('/a/.'))).toBe('EPERM');
  const dir = s.open('/', O_RDONLY);
  expect(codeOf(() => s.unlinkat(dir, 'f', AT_REMOVEDIR))).toBe('ENOTDIR');
  s.unlinkat(dir, 'a', AT_REMOVEDIR);
  s.unlinkat(dir, 'f');
  expect(codeOf(() => s.unlinkat(dir, 'f', 1))).toBe('EINVAL');
  expect(ls(s, '/')).toEqual(['dev', 'tmp']);
});

test('a file that lost its last name lives on while it is open', () => {
  const { s, vfs } = box();
  put(s, '/f', 'old');
  const vnodes = vfs.nvnodes;
  const fd = s.open('/f', O_RDWR);
  s.unlink('/f');
  expect(s.fstat(fd).nlink).toBe(0);
  s.pwrite(fd, bytes('new!'), 0);
  const buf = new Uint8Array(8);
  expect(text(buf, s.pread(fd, buf, 0))).toBe('new!');
  s.close(fd);
  expect(vfs.nvnodes).toBe(vnodes - 1);
});

describe('link', () => {
  test('gives a file another name', () => {
    const { s } = box();
    put(s, '/f', 'x');
    s.link('/f', '/g');
    expect([s.stat('/f').nlink, s.stat('/g').ino]).toEqual([2, s.stat('/f').ino]);
    s.unlink('/f');
    expect([get(s, '/g'), s.stat('/g').nlink]).toEqual(['x', 1]);
  });

  test('refuses directories, names that are there, other file systems', () => {
    const { s } = box();
    put(s, '/f');
    put(s, '/g');
    s.mkdir('/m', 0o755);
    s.mount('rumpfs', '/m', 0, {});
    expect(codeOf(() => s.link('/m', '/x'))).toBe('EPERM');
    expect(codeOf(() => s.link('/f', '/g'))).toBe('EEXIST');
    expect(codeOf(() => s.link('/f', '/m/f'))).toBe('EXDEV');
    expect(codeOf(() => s.link('/nothing', '/x'))).toBe('ENOENT');
  });

  test('follows a symbolic link; linkat only when it is told', () => {
    const { s } = box();
    put(s, '/f', 'x');
    s.symlink('/f', '/l');
    s.link('/l', '/a');
    s.linkat(-100, '/l', -100, '/b');
    s.linkat(-100, '/l', -100, '/c', AT_SYMLINK_FOLLOW);
    expect([s.lstat('/a').ino, s.lstat('/b').ino, s.lstat('/c').ino]).toEqual([s.stat('/f').ino, s.lstat('/l').ino, s.stat('/f').ino]);
  });
});

describe('rename', () => {
  test('keeps the file, and replaces what has the new name', () => {
    const { s } = box();
    put(s, '/f', 'f');
    put(s, '/g', 'g');
    const ino = s.stat('/f').ino;
    s.rename('/f', '/g');
    expect([s.stat('/g').ino, get(s, '/g'), codeOf(() => s.stat('/f'))]).toEqual([ino, 'f', 'ENOENT']);
  });

  test('moves a directory with all that is in it', () => {
    const { s } = box();
    for (const dir of ['/a', '/a/d', '/b']) s.mkdir(dir, 0o755);
    put(s, '/a/d/f', 'x');
    s.rename('/a/d', '/b/e');
    expect(get(s, '/b/e/f')).toBe('x');
    expect(s.stat('/b/e/..').ino).toBe(s.stat('/b').ino);
    expect([s.stat('/a').nlink, s.stat('/b').nlink]).toEqual([2, 3]);
  });

  test('replaces an empty directory, and no other', () => {
    const { s } = box();
    for (const dir of ['/a', '/b', '/c', '/c/x']) s.mkdir(dir, 0o755);
    put(s, '/f');
    s.rename('/a', '/b');
    expect(codeOf(() => s.rename('/b', '/c'))).toBe('ENOTEMPTY');
    expect(codeOf(() => s.rename('/b', '/f'))).toBe('ENOTDIR');
    expect(codeOf(() => s.rename('/f', '/b'))).toBe('EISDIR');
  });

  test('refuses a directory into itself, dots, roots, mount points, other file systems', () => {
    const { s } = box();
    for (const dir of ['/a', '/a/b', '/a/b/c', '/m']) s.mkdir(dir, 0o755);
    s.mount('rumpfs', '/m', 0, {});
    put(s, '/f');
    expect(codeOf(() => s.rename('/a', '/a/x'))).toBe('EINVAL');
    expect(codeOf(() => s.rename('/a', '/a/b/c/x'))).toBe('EINVAL');
    expect(codeOf(() => s.rename('/a', '/a/b/c'))).toBe('EINVAL');
    expect(codeOf(() => s.rename('/a/b', '/a/b/..'))).toBe('EINVAL');
    expect(codeOf(() => s.rename('/a/b/..', '/x'))).toBe('EINVAL');
    expect(codeOf(() => s.rename('/a/.', '/x'))).toBe('EINVAL');
    expect(codeOf(() => s.rename('/a', '/a/.'))).toBe('EISDIR');
    expect(codeOf(() => s.rename('/', '/x'))).toBe('EBUSY');
    expect(codeOf(() => s.rename('/a', '/'))).toBe('EBUSY');
    expect(codeOf(() => s.rename('/m', '/x'))).toBe('EBUSY');
    expect(codeOf(() => s.rename('/a', '/m'))).toBe('EBUSY');
    expect(codeOf(() => s.rename('/f', '/m/f'))).toBe('EXDEV');
    expect(codeOf(() => s.rename('/nothing', '/x'))).toBe('ENOENT');
    expect(codeOf(() => s.rename('/f', '/nothing/x'))).toBe('ENOENT');
  });

  test('to its own name does nothing', () => {
    const { s } = box();
    put(s, '/f', 'x');
    s.mkdir('/d', 0o755);
    s.rename('/f', '/f');
    s.rename('/d', '/d');
    expect([get(s, '/f'), ls(s, '/')]).toEqual(['x', ['d', 'dev', 'f', 'tmp']]);
  });

  test('onto another name of the same file takes the old name away, or with posix_rename does nothing', () => {
    const { s } = box();
    put(s, '/f', 'x');
    s.link('/f', '/g');
    s.posix_rename('/f', '/g');
    expect(s.stat('/f').nlink).toBe(2);
    s.rename('/f', '/g');
    expect([codeOf(() => s.stat('/f')), s.stat('/g').nlink]).toEqual(['ENOENT', 1]);
  });
});

test('readlink gives the target cut to the buffer, and refuses other files', () => {
  const { s } = box();
  s.symlink('/some/where', '/l');
  const buf = new Uint8Array(5);
  expect([s.readlink('/l', buf), text(buf)]).toEqual([5, '/some']);
  expect(codeOf(() => s.readlink('/tmp', buf))).toBe('EINVAL');
});

test('mknod makes FIFOs for all and devices for the superuser', () => {
  const { s, proc } = box();
  s.mknod('/tmp/d', 0o020666, 0x202);
  expect([s.stat('/tmp/d').mode, s.stat('/tmp/d').rdev]).toEqual([0o020644, 0x202]);
  const user = proc({ uid: 5 }).sys;
  user.mkfifo('/tmp/p', 0o600);
  expect(s.stat('/tmp/p').mode).toBe(0o010600);
  expect(codeOf(() => user.mknod('/tmp/e', 0o060666, 1))).toBe('EPERM');
  expect(codeOf(() => s.mknod('/tmp/e', 0o140666, 1))).toBe('EINVAL');
  expect(codeOf(() => s.mkfifo('/tmp/p', 0o600))).toBe('EEXIST');
});

test('getdents gives whole records from where it was, while entries come and go', () => {
  const { s } = box();
  s.mkdir('/d', 0o755);
  for (let i = 0; i < 50; i++) put(s, `/d/f${i}`);
  const fd = s.open('/d', O_RDONLY);
  const buf = new Uint8Array(256);
  const seen = new Set<string>();
  let rounds = 0;
  for (let len = s.getdents(fd, buf); len > 0; len = s.getdents(fd, buf)) {
    for (let at = 0; at < len; at += buf[at + 8] | (buf[at + 9] << 8)) seen.add(text(buf.subarray(at + 13, at + 13 + buf[at + 10])));
    if (rounds++ === 0) for (const name of [...seen]) if (name.startsWith('f')) s.unlink(`/d/${name}`);
  }
  expect(seen.size).toBe(52);
  s.lseek(fd, 0, 0);
  expect(codeOf(() => s.getdents(fd, new Uint8Array(8)))).toBe('EINVAL');
  put(s, '/f');
  expect(codeOf(() => s.getdents(s.open('/f', O_RDONLY), buf))).toBe('EINVAL');
  expect(codeOf(() => s.read(fd, buf))).toBe('EISDIR');
});
