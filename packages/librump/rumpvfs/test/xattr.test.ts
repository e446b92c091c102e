import { EXTATTR_NAMESPACE_SYSTEM, EXTATTR_NAMESPACE_USER, O_CREAT, O_RDWR, XATTR_CREATE, XATTR_REPLACE } from '@anykernel/lib-sys';
import { box, bytes, codeOf, put, text } from './box.js';

const USER = EXTATTR_NAMESPACE_USER;
const SYSTEM = EXTATTR_NAMESPACE_SYSTEM;

test('an attribute is set, read, listed and removed, by path, link and descriptor', () => {
  const { s } = box();
  const fd = s.open('/f', O_RDWR | O_CREAT, 0o644);
  s.symlink('/f', '/l');
  s.setxattr('/l', 'user.mime', bytes('text/plain'));
  s.fsetxattr(fd, 'user.a', bytes(''));
  s.lsetxattr('/l', 'trusted.link', bytes('1'));
  const buf = new Uint8Array(64);
  expect([s.getxattr('/f', 'user.mime', buf), text(buf, 10)]).toEqual([10, 'text/plain']);
  expect([s.fgetxattr(fd, 'user.a', buf), s.getxattr('/f', 'user.mime')]).toEqual([0, 10]);
  expect([s.lgetxattr('/l', 'trusted.link'), codeOf(() => s.lgetxattr('/l', 'user.mime'))]).toEqual([1, 'ENOATTR']);
  expect([s.listxattr('/f', buf), text(buf, 17)]).toEqual([17, 'user.mime\0user.a\0']);
  expect(s.listxattr('/f')).toBe(17);
  expect(codeOf(() => s.listxattr('/f', buf.subarray(0, 5)))).toBe('ERANGE');
  expect(codeOf(() => s.getxattr('/f', 'user.mime', buf.subarray(0, 5)))).toBe('ERANGE');
  s.removexattr('/f', 'user.mime');
  expect([codeOf(() => s.getxattr('/f', 'user.mime')), codeOf(() => s.removexattr('/f', 'user.mime'))]).toEqual(['ENOATTR', 'ENOATTR']);
});

test('XATTR_CREATE wants a new one, XATTR_REPLACE one that is there', () => {
  const { s } = box();
  put(s, '/f');
  expect(codeOf(() => s.setxattr('/f', 'user.x', bytes('1'), XATTR_REPLACE))).toBe('ENOATTR');
  s.setxattr('/f', 'user.x', bytes('1'), XATTR_CREATE);
  expect(codeOf(() => s.setxattr('/f', 'user.x', bytes('2'), XATTR_CREATE))).toBe('EEXIST');
  s.setxattr('/f', 'user.x', bytes('22'), XATTR_REPLACE);
  expect(s.getxattr('/f', 'user.x')).toBe(2);
  expect(codeOf(() => s.setxattr('/f', 'user.x', bytes('2'), 8))).toBe('EINVAL');
});

test('both families see the same attributes', () => {
  const { s } = box();
  put(s, '/f');
  expect(s.extattr_set_file('/f', USER, 'one', bytes('abc'))).toBe(3);
  expect(s.extattr_set_file('/f', SYSTEM, 'trusted.two', bytes('de'))).toBe(2);
  expect([s.getxattr('/f', 'user.one'), s.getxattr('/f', 'trusted.two')]).toEqual([3, 2]);
  const buf = new Uint8Array(32);
  expect([s.extattr_list_file('/f', USER, buf), text(buf, 4), s.extattr_list_file('/f', SYSTEM)]).toEqual([4, '\x03one', 12]);
  expect([s.extattr_get_file('/f', USER, 'one', buf.subarray(0, 2)), s.extattr_get_file('/f', USER, 'one')]).toEqual([2, 3]);
  s.extattr_delete_file('/f', USER, 'one');
  expect(codeOf(() => s.extattr_get_file('/f', USER, 'one', buf))).toBe('ENOATTR');
});

test('the user namespace goes by the permissions of the file, all others are the superuser’s', () => {
  const { s, proc } = box();
  put(s, '/tmp/f');
  s.chmod('/tmp/f', 0o604);
  s.setxattr('/tmp/f', 'user.x', bytes('1'));
  s.setxattr('/tmp/f', 'security.x', bytes('1'));
  const u = proc({ uid: 9, gid: 9 }).sys;
  expect([u.getxattr('/tmp/f', 'user.x'), codeOf(() => u.setxattr('/tmp/f', 'user.x', bytes('2'))), codeOf(() => u.removexattr('/tmp/f', 'user.x'))]).toEqual([
    1, 'EACCES', 'EACCES',
  ]);
  for (const name of ['trusted.x', 'security.x', 'system.x']) {
    expect([codeOf(() => u.getxattr('/tmp/f', name)), codeOf(() => u.setxattr('/tmp/f', name, bytes('2')))]).toEqual(['EPERM', 'EPERM']);
  }
  expect([u.listxattr('/tmp/f'), s.listxattr('/tmp/f')]).toEqual([7, 18]);
  s.chmod('/tmp/f', 0o602);
  expect([codeOf(() => u.getxattr('/tmp/f', 'user.x')), codeOf(() => u.listxattr('/tmp/f')), codeOf(() => u.setxattr('/tmp/f', 'user.x', bytes('2')))]).toEqual([
    'EACCES', 'EACCES', 'ok',
  ]);
  expect(codeOf(() => u.extattr_list_file('/tmp/f', SYSTEM))).toBe('EPERM');
});

test('names and namespaces are checked', () => {
  const { s } = box();
  put(s, '/f');
  const set = (name: string): string => codeOf(() => s.setxattr('/f', name, bytes('1')));
  expect([set('nothing.x'), set('user.'), set(''), set(`user.${'n'.repeat(256)}`), set('user.a\0b')]).toEqual(['EOPNOTSUPP', 'EOPNOTSUPP', 'EINVAL', 'ENAMETOOLONG', 'EINVAL']);
  expect([codeOf(() => s.extattr_set_file('/f', 7, 'x', bytes('1'))), codeOf(() => s.extattr_set_file('/f', USER, '', bytes('1')))]).toEqual(['EINVAL', 'EINVAL']);
  expect(codeOf(() => s.extattrctl('/', 0))).toBe('EOPNOTSUPP');
});
