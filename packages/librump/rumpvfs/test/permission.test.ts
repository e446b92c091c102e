import {
  O_CREAT, O_RDONLY, O_RDWR, O_WRONLY, R_OK, SF_IMMUTABLE, UF_APPEND, UF_IMMUTABLE, UTIME_NOW, UTIME_OMIT, W_OK, X_OK,
} from '@anykernel/lib-sys';
import { box, bytes, codeOf, put } from './box.js';

test('owner, group and others have the permissions of their own class only', () => {
  const { s, proc } = box();
  put(s, '/tmp/f', 'x');
  s.chown('/tmp/f', 10, 20);
  s.chmod('/tmp/f', 0o046);
  const can = (init: { uid: number; gid?: number; groups?: number[] }): string => {
    const u = proc(init).sys;
    return (codeOf(() => u.open('/tmp/f', O_RDONLY)) === 'ok' ? 'r' : '-') + (codeOf(() => u.open('/tmp/f', O_WRONLY)) === 'ok' ? 'w' : '-');
  };
  expect([can({ uid: 10, gid: 20 }), can({ uid: 11, gid: 20 }), can({ uid: 11, gid: 1, groups: [20] }), can({ uid: 11, gid: 1 }), can({ uid: 0 })]).toEqual([
    '--', 'r-', 'r-', 'rw', 'rw',
  ]);
});

test('a directory is searched by x, listed by r, changed by w', () => {
  const { s, proc } = box();
  s.mkdir('/d', 0o755);
  put(s, '/d/f', 'x');
  const u = proc({ uid: 7, gid: 7 }).sys;
  s.chmod('/d', 0o744);
  expect([codeOf(() => u.stat('/d/f')), codeOf(() => u.chdir('/d')), codeOf(() => u.open('/d', O_RDONLY))]).toEqual(['EACCES', 'EACCES', 'ok']);
  s.chmod('/d', 0o711);
  expect([codeOf(() => u.stat('/d/f')), codeOf(() => u.open('/d', O_RDONLY))]).toEqual(['ok', 'EACCES']);
  for (const call of [
    () => u.open('/d/new', O_RDWR | O_CREAT, 0o644),
    () => u.unlink('/d/f'),
    () => u.mkdir('/d/x', 0o755),
    () => u.rename('/d/f', '/tmp/f'),
    () => u.link('/d/f', '/d/g'),
    () => u.symlink('x', '/d/l'),
  ])
    expect(codeOf(call)).toBe('EACCES');
  s.chmod('/d', 0o713);
  expect(codeOf(() => u.unlink('/d/f'))).toBe('ok');
});

test('in a sticky directory only owners take names', () => {
  const { s, proc } = box();
  const a = proc({ uid: 1 }).sys;
  const b = proc({ uid: 2 }).sys;
  put(a, '/tmp/a');
  put(b, '/tmp/b');
  a.mkdir('/tmp/ad', 0o777);
  expect([codeOf(() => b.unlink('/tmp/a')), codeOf(() => b.rmdir('/tmp/ad')), codeOf(() => b.rename('/tmp/b', '/tmp/a'))]).toEqual(['EPERM', 'EPERM', 'EPERM']);
  expect(codeOf(() => b.rename('/tmp/a', '/tmp/c'))).toBe('EPERM');
  a.rename('/tmp/a', '/tmp/c');
  s.unlink('/tmp/c');
  b.unlink('/tmp/b');
});

test('a new file belongs to its maker and to the group of the directory', () => {
  const { s, proc } = box();
  s.mkdir('/d', 0o777);
  s.chmod('/d', 0o777);
  s.chown('/d', 0, 55);
  const u = proc({ uid: 4, gid: 9 }).sys;
  put(u, '/d/f');
  u.mkdir('/d/e', 0o755);
  expect([u.stat('/d/f').uid, u.stat('/d/f').gid, u.stat('/d/e').gid]).toEqual([4, 55, 55]);
  s.chmod('/d', 0o2777);
  u.mkdir('/d/g', 0o755);
  expect(u.stat('/d/g').mode & 0o7777).toBe(0o2755);
  u.close(u.open('/d/h', O_RDWR | O_CREAT, 0o6755));
  expect(u.stat('/d/h').mode & 0o7777).toBe(0o4755);
});

test('only the owner changes modes and owners, and gives a file only to groups of his', () => {
  const { s, proc } = box();
  const u = proc({ uid: 4, gid: 9, groups: [12] }).sys;
  const v = proc({ uid: 5, gid: 9 }).sys;
  put(u, '/tmp/f');
  expect([codeOf(() => v.chmod('/tmp/f', 0o777)), codeOf(() => v.chown('/tmp/f', 5, -1)), codeOf(() => u.chown('/tmp/f', 5, -1))]).toEqual(['EPERM', 'EPERM', 'EPERM']);
  u.chown('/tmp/f', -1, 12);
  expect([codeOf(() => u.chown('/tmp/f', -1, 13)), s.stat('/tmp/f').gid]).toEqual(['EPERM', 12]);
  expect(codeOf(() => u.chmod('/tmp/f', 0o1644))).toBe('EFTYPE');
  s.chown('/tmp/f', 4, 13);
  expect(codeOf(() => u.chmod('/tmp/f', 0o2755))).toBe('EPERM');
  expect(codeOf(() => s.chown('/tmp/f', 1.5, 0))).toBe('EINVAL');
});

test('the set-id bits go with a new owner and with a write by others than the superuser', () => {
  const { s, proc } = box();
  const u = proc({ uid: 4, gid: 9, groups: [12] }).sys;
  put(u, '/tmp/f');
  s.chown('/tmp/f', 4, 9);
  s.chmod('/tmp/f', 0o6755);
  u.chown('/tmp/f', -1, 12);
  expect(s.stat('/tmp/f').mode & 0o7777).toBe(0o755);
  s.chmod('/tmp/f', 0o4755);
  s.chown('/tmp/f', 4, 9);
  expect(s.stat('/tmp/f').mode & 0o7777).toBe(0o4755);
  s.posix_chown('/tmp/f', 4, 9);
  expect(s.stat('/tmp/f').mode & 0o7777).toBe(0o755);
  s.chmod('/tmp/f', 0o4755);
  const fd = u.open('/tmp/f', O_WRONLY);
  u.write(fd, bytes('x'));
  expect(s.stat('/tmp/f').mode & 0o7777).toBe(0o755);
});

test('the owner of a file that is sticky and set-id gives it to a group of his', () => {
  const { s, proc } = box();
  put(s, '/tmp/f', 'x');
  s.chown('/tmp/f', 4, 9);
  s.chmod('/tmp/f', 0o5755);
  proc({ uid: 4, gid: 9, groups: [12] }).sys.chown('/tmp/f', -1, 12);
  expect([s.stat('/tmp/f').gid, s.stat('/tmp/f').mode & 0o7777]).toEqual([12, 0o755]);
});

test('access asks for the real ids, faccessat for the effective ones when told', () => {
  const { s, proc } = box();
  put(s, '/tmp/f');
  s.chmod('/tmp/f', 0o600);
  const p = proc({ uid: 8 });
  p.cred = p.cred.with({ euid: 0 });
  expect([codeOf(() => p.sys.access('/tmp/f', R_OK)), codeOf(() => p.sys.faccessat(-100, '/tmp/f', R_OK, 0x100))]).toEqual(['EACCES', 'ok']);
  expect([codeOf(() => s.access('/tmp/f', R_OK | W_OK)), codeOf(() => s.access('/tmp/f', X_OK)), codeOf(() => s.access('/tmp', X_OK))]).toEqual(['ok', 'EACCES', 'ok']);
  expect([codeOf(() => s.access('/tmp/f', 8)), codeOf(() => s.access('/nothing', 0)), codeOf(() => s.access('/tmp/f', 0))]).toEqual(['EINVAL', 'ENOENT', 'ok']);
});

test('times are set by the owner; the present time by whoever may write', () => {
  const { s, proc } = box();
  put(s, '/tmp/f', '', 0o666);
  s.chmod('/tmp/f', 0o666);
  const u = proc({ uid: 4 }).sys;
  const past = [{ sec: 1000, nsec: 5000 }, { sec: -5, nsec: 7000 }] as const;
  expect(codeOf(() => u.utimes('/tmp/f', past))).toBe('EPERM');
  u.utimes('/tmp/f');
  s.chmod('/tmp/f', 0o644);
  expect(codeOf(() => u.utimes('/tmp/f'))).toBe('EACCES');
  s.utimes('/tmp/f', past);
  expect(s.stat('/tmp/f')).toMatchObject({ atime: 1000, atimeNsec: 5000, mtime: -5, mtimeNsec: 7000 });
  s.utimensat(-100, '/tmp/f', [{ sec: 0, nsec: UTIME_OMIT }, { sec: 7, nsec: 8 }]);
  expect(s.stat('/tmp/f')).toMatchObject({ atime: 1000, mtime: 7, mtimeNsec: 8 });
  s.utimensat(-100, '/tmp/f', [{ sec: 0, nsec: UTIME_NOW }, { sec: 0, nsec: UTIME_OMIT }]);
  expect(s.stat('/tmp/f')).toMatchObject({ atime: 1_577_836_800, mtime: 7 });
  expect(codeOf(() => s.utimes('/tmp/f', [{ sec: 0, nsec: 1e9 }, { sec: 0, nsec: 0 }]))).toBe('EINVAL');
  s.symlink('f', '/tmp/l');
  s.lutimes('/tmp/l', past);
  expect([s.lstat('/tmp/l').atime, s.stat('/tmp/l').mtime]).toEqual([1000, 7]);
});

test('flags: an immutable file does not change, an append-only one only grows', () => {
  const { s, proc } = box();
  const u = proc({ uid: 4 }).sys;
  put(u, '/tmp/f', 'x');
  u.chflags('/tmp/f', UF_IMMUTABLE);
  for (const call of [
    () => s.open('/tmp/f', O_WRONLY),
    () => s.unlink('/tmp/f'),
    () => s.rename('/tmp/f', '/tmp/g'),
    () => s.link('/tmp/f', '/tmp/g'),
    () => s.chmod('/tmp/f', 0o777),
    () => s.truncate('/tmp/f', 0),
  ])
    expect(codeOf(call)).toBe('EPERM');
  u.chflags('/tmp/f', UF_APPEND);
  expect([codeOf(() => u.open('/tmp/f', O_WRONLY)), codeOf(() => u.open('/tmp/f', O_WRONLY | 8)), codeOf(() => u.truncate('/tmp/f', 0))]).toEqual(['EPERM', 'ok', 'EPERM']);
  expect([codeOf(() => u.chflags('/tmp/f', SF_IMMUTABLE)), codeOf(() => proc({ uid: 5 }).sys.chflags('/tmp/f', 0))]).toEqual(['EPERM', 'EPERM']);
  s.chflags('/tmp/f', SF_IMMUTABLE);
  expect(codeOf(() => u.chflags('/tmp/f', 0))).toBe('EPERM');
  s.chflags('/tmp/f', 0);
  u.unlink('/tmp/f');
});
