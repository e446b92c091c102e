import { box, codeOf } from './help.js';

const ids = (p: { sys: { getuid(): number; geteuid(): number } }): number[] => [p.sys.getuid(), p.sys.geteuid()];

test('the superuser becomes anybody, and cannot come back once all ids are changed', () => {
  const { p } = box();
  expect(p.sys.issetugid()).toBe(0);
  p.sys.setgid(20);
  p.sys.setuid(10);
  expect([...ids(p), p.sys.getgid(), p.sys.getegid()]).toEqual([10, 10, 20, 20]);
  expect(codeOf(() => p.sys.setuid(0))).toBe('EPERM');
  expect(codeOf(() => p.sys.seteuid(0))).toBe('EPERM');
  expect(codeOf(() => p.sys.setgid(0))).toBe('EPERM');
  expect(codeOf(() => p.sys.setgroups([1]))).toBe('EPERM');
  expect(p.sys.issetugid()).toBe(1);
});

test('the saved id lets the effective one go to and fro', () => {
  const { p } = box();
  p.sys.seteuid(10);
  expect(ids(p)).toEqual([0, 10]);
  expect(codeOf(() => p.sys.seteuid(11))).toBe('EPERM');
  p.sys.seteuid(0);
  expect(ids(p)).toEqual([0, 0]);
  p.sys.setegid(5);
  expect([p.sys.getgid(), p.sys.getegid()]).toEqual([0, 5]);
  p.sys.setegid(0);
});

test('setreuid swaps, and -1 keeps', () => {
  const { k } = box();
  const p = k.newproc({ uid: 10, gid: 20 });
  p.cred = p.cred.with({ euid: 11, suid: 11, egid: 21, sgid: 21 });
  p.sys.setreuid(11, 10);
  expect(ids(p)).toEqual([11, 10]);
  p.sys.setreuid(-1, 11);
  expect(ids(p)).toEqual([11, 11]);
  expect(codeOf(() => p.sys.setreuid(12, -1))).toBe('EPERM');
  p.sys.setregid(21, 20);
  expect([p.sys.getgid(), p.sys.getegid()]).toEqual([21, 20]);
  expect(codeOf(() => p.sys.setregid(-1, 5))).toBe('EPERM');
});

test('groups are at most 16, and ids are 32 bits', () => {
  const { k, p } = box();
  p.sys.setgroups([3, 1, 2]);
  expect(p.sys.getgroups()).toEqual([3, 1, 2]);
  expect([p.cred.inGroup(2), p.cred.inGroup(0), p.cred.inGroup(9)]).toEqual([true, true, false]);
  expect(codeOf(() => p.sys.setgroups(Array.from({ length: 17 }, (_, i) => i)))).toBe('EINVAL');
  expect(codeOf(() => p.sys.setgroups([-1]))).toBe('EINVAL');
  expect(codeOf(() => p.sys.setuid(1.5))).toBe('EINVAL');
  expect(codeOf(() => p.sys.setuid(2 ** 32))).toBe('EINVAL');
  expect(codeOf(() => k.newproc({ uid: -1 }))).toBe('EINVAL');
});
