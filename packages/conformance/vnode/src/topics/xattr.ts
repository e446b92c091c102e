/** Extended attributes: setxattr(2) and its family, as NetBSD took it from Linux. */
import { XATTR_CREATE, XATTR_REPLACE } from '@anykernel/lib-sys';
import { expect } from '@jest/globals';
import { type Cases, needing } from '../cases.js';
import { type Context, USER, bytes, expectBytes, fails, pattern, text } from '../context.js';

function get(t: Context, path: string, name: string): Uint8Array {
  const buf = new Uint8Array(70_000);
  return buf.subarray(0, t.sys.getxattr(path, name, buf));
}

function list(t: Context, path: string): string[] {
  const buf = new Uint8Array(70_000);
  return text(buf.subarray(0, t.sys.listxattr(path, buf)))
    .split('\0')
    .filter((name) => name.startsWith('user.'))
    .sort();
}

export const xattr: Cases = {
  'an attribute is set, read, listed and removed': needing('xattr', (t) => {
    t.touch('f');
    expect(list(t, 'f')).toEqual([]);
    t.sys.setxattr('f', 'user.a', bytes('one'), 0);
    t.sys.setxattr('f', 'user.b', bytes('two'), 0);
    expect(text(get(t, 'f', 'user.a'))).toBe('one');
    expect(list(t, 'f')).toEqual(['user.a', 'user.b']);
    t.sys.setxattr('f', 'user.a', bytes('another'), 0);
    expect(text(get(t, 'f', 'user.a'))).toBe('another');
    t.sys.removexattr('f', 'user.a');
    expect(list(t, 'f')).toEqual(['user.b']);
    fails(() => get(t, 'f', 'user.a'), 'ENOATTR');
    fails(() => t.sys.removexattr('f', 'user.a'), 'ENOATTR');
  }),

  'values are bytes, of any length down to none': needing('xattr', (t) => {
    t.touch('f');
    for (const len of [0, 1, 255, 256, 1000]) {
      t.sys.setxattr('f', 'user.v', pattern(len), 0);
      expectBytes(get(t, 'f', 'user.v'), pattern(len));
    }
  }),

  'without a buffer the length is told, a short one is ERANGE': needing('xattr', (t) => {
    t.touch('f');
    t.sys.setxattr('f', 'user.a', bytes('12345'), 0);
    expect(t.sys.getxattr('f', 'user.a')).toBe(5);
    fails(() => t.sys.getxattr('f', 'user.a', new Uint8Array(4)), 'ERANGE');
    expect(t.sys.listxattr('f')).toBeGreaterThanOrEqual('user.a\0'.length);
    fails(() => t.sys.listxattr('f', new Uint8Array(2)), 'ERANGE');
  }),

  'XATTR_CREATE and XATTR_REPLACE': needing('xattr', (t) => {
    t.touch('f');
    fails(() => t.sys.setxattr('f', 'user.a', bytes('1'), XATTR_REPLACE), 'ENOATTR');
    t.sys.setxattr('f', 'user.a', bytes('1'), XATTR_CREATE);
    fails(() => t.sys.setxattr('f', 'user.a', bytes('2'), XATTR_CREATE), 'EEXIST');
    t.sys.setxattr('f', 'user.a', bytes('3'), XATTR_REPLACE);
    expect(text(get(t, 'f', 'user.a'))).toBe('3');
  }),

  'directories have attributes, and files that are renamed keep theirs': needing('xattr', 'rename', (t) => {
    t.sys.mkdir('d', 0o755);
    t.sys.setxattr('d', 'user.a', bytes('dir'), 0);
    t.touch('f');
    t.sys.setxattr('f', 'user.a', bytes('file'), 0);
    t.sys.rename('f', 'd/g');
    expect([text(get(t, 'd', 'user.a')), text(get(t, 'd/g', 'user.a'))]).toEqual(['dir', 'file']);
  }),

  'a new file has none of the attributes of one that was removed': needing('xattr', (t) => {
    t.touch('f');
    t.sys.setxattr('f', 'user.a', bytes('1'), 0);
    t.sys.unlink('f');
    t.touch('f');
    expect(list(t, 'f')).toEqual([]);
  }),

  'names without a namespace, or without a name, are refused': needing('xattr', (t) => {
    t.touch('f');
    fails(() => t.sys.setxattr('f', 'plain', bytes('1'), 0), 'EOPNOTSUPP', 'EINVAL');
    fails(() => t.sys.setxattr('missing', 'user.a', bytes('1'), 0), 'ENOENT');
    fails(() => t.sys.getxattr('f', 'user.missing'), 'ENOATTR');
  }),

  'attributes ask for the permission of the file': needing('xattr', 'owners', 'modes', (t) => {
    t.touch('f', 0o600);
    t.sys.setxattr('f', 'user.a', bytes('1'), 0);
    const user = t.as(USER);
    fails(() => user.setxattr('f', 'user.a', bytes('2'), 0), 'EACCES');
    fails(() => user.getxattr('f', 'user.a', new Uint8Array(9)), 'EACCES');
    t.sys.chmod('f', 0o644);
    expect(user.getxattr('f', 'user.a', new Uint8Array(9))).toBe(1);
    fails(() => user.removexattr('f', 'user.a'), 'EACCES');
  }),

  'attributes of the system are for the superuser': needing('xattr', 'owners', (t) => {
    t.touch('f', 0o666);
    t.sys.chmod('f', 0o666);
    t.sys.setxattr('f', 'trusted.a', bytes('1'), 0);
    expect(text(get(t, 'f', 'trusted.a'))).toBe('1');
    fails(() => t.as(USER).setxattr('f', 'trusted.b', bytes('1'), 0), 'EPERM', 'EACCES');
    t.sys.removexattr('f', 'trusted.a');
  }),
};
