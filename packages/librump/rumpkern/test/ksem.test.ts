import { O_CREAT, O_EXCL } from '@anykernel/lib-sys';
import { ksemsOf } from '@anykernel/rumpkern';
import { box, codeOf, now, outcome } from './help.js';

test('a nameless semaphore counts, and wakes one for each post', async () => {
  const { p } = box();
  const s = p.sys.ksem_init(2);
  p.sys.ksem_wait(s);
  p.sys.ksem_trywait(s);
  expect(codeOf(() => p.sys.ksem_trywait(s))).toBe('EAGAIN');
  expect(codeOf(() => p.sys.ksem_wait(s))).toBe('WouldSleep');
  const waits = [p.call.ksem_wait(s), p.call.ksem_wait(s)];
  expect(await now(waits[0])).toBe('waits');
  expect(codeOf(() => p.sys.ksem_destroy(s))).toBe('EBUSY');
  p.sys.ksem_post(s);
  expect([await now(waits[0]), await now(waits[1])]).toEqual([undefined, 'waits']);
  p.sys.ksem_post(s);
  await waits[1];
  expect(p.sys.ksem_getvalue(s)).toBe(0);
  p.sys.ksem_destroy(s);
  expect(codeOf(() => p.sys.ksem_post(s))).toBe('EINVAL');
});

test('values have a limit', () => {
  const { p } = box();
  const s = p.sys.ksem_init(0x7fff_ffff);
  expect(codeOf(() => p.sys.ksem_post(s))).toBe('EOVERFLOW');
  expect(codeOf(() => p.sys.ksem_init(-1))).toBe('EINVAL');
  expect(codeOf(() => p.sys.ksem_init(0x8000_0000))).toBe('EINVAL');
});

test('a named semaphore is shared by those who open it, by permission', () => {
  const { k, p } = box();
  const user = k.newproc({ uid: 5 });
  const s = user.sys.ksem_open('/lock', O_CREAT, 0o600, 1);
  expect(codeOf(() => user.sys.ksem_open('/lock', O_CREAT | O_EXCL, 0o600, 1))).toBe('EEXIST');
  expect(codeOf(() => k.newproc({ uid: 6 }).sys.ksem_open('/lock', 0))).toBe('EACCES');
  expect(codeOf(() => p.sys.ksem_post(s))).toBe('EINVAL');
  const mine = p.sys.ksem_open('/lock', 0);
  p.sys.ksem_wait(mine);
  expect(user.sys.ksem_getvalue(s)).toBe(0);
  p.sys.ksem_unlink('/lock');
  expect(codeOf(() => p.sys.ksem_open('/lock', 0))).toBe('ENOENT');
  p.sys.ksem_post(mine);
  p.sys.ksem_close(mine);
  expect(user.sys.ksem_getvalue(s)).toBe(1);
  user.exit();
  expect(ksemsOf(k).count).toBe(0);
});

test('names begin with a slash and have no other, and are short', () => {
  const { p } = box();
  for (const name of ['lock', '/', '/a/b', '']) expect(codeOf(() => p.sys.ksem_open(name, O_CREAT, 0o600, 0))).toBe('EINVAL');
  expect(codeOf(() => p.sys.ksem_open('/aaaaaaaaaaaaaaa', O_CREAT, 0o600, 0))).toBe('ENAMETOOLONG');
  expect(codeOf(() => p.sys.ksem_unlink('/none'))).toBe('ENOENT');
});

test('a child has what its parent opened, and closes for itself', () => {
  const { k, p } = box();
  const s = p.sys.ksem_open('/s', O_CREAT, 0o600, 0);
  const c = p.rfork(1);
  c.sys.ksem_post(s);
  p.sys.ksem_close(s);
  p.sys.ksem_unlink('/s');
  expect(c.sys.ksem_getvalue(s)).toBe(1);
  c.sys.ksem_close(s);
  expect(ksemsOf(k).count).toBe(0);
});

test('there are at most 128', () => {
  const { p } = box();
  for (let i = 0; i < 128; i++) p.sys.ksem_init(0);
  expect(codeOf(() => p.sys.ksem_init(0))).toBe('ENFILE');
});

test('a timed wait ends at its point in time', async () => {
  const { p, host } = box();
  const s = p.sys.ksem_init(0);
  const wait = outcome(host.sim.settle(p.call.ksem_timedwait(s, { sec: host.sim.epochSec + 3, nsec: 9 })));
  expect([await wait, host.sim.now]).toEqual(['ETIMEDOUT', 3_000_000_009]);
  const second = p.call.ksem_timedwait(s, { sec: host.sim.epochSec + 30, nsec: 0 });
  p.sys.ksem_post(s);
  expect(await now(second)).toBeUndefined();
  expect(codeOf(() => p.sys.ksem_timedwait(s, { sec: 0, nsec: -1 }))).toBe('EINVAL');
});
