import { Sim } from '@anykernel/host-sim';
import { EVFILT_TIMER, EVFILT_USER, EV_ADD, Kevent, SIGHUP, syscallNum } from '@anykernel/lib-sys';
import { type Kernel, bareBoot, boot, psignal } from '@anykernel/rumpkern';
import { codeOf } from './help.js';

const EXTRA = [
  'dup', 'dup3', 'pipe', 'getpid', 'setuid', 'reboot', 'modctl', 'poll', 'select', 'nanosleep', 'clock_gettime', 'timer_create', 'sysctl', 'ksem_init', 'fktrace', 'utrace',
];

const bare = (): Kernel => bareBoot(new Sim().host());

test('a bare kernel has descriptors and event queues, and none of the other calls', () => {
  const k = bare();
  const whole = boot(new Sim().host()).calltable.names();
  const names = k.emul.calls().flatMap(([name, text]) => (k.syscalls.handlers[syscallNum(text)] === undefined ? [] : [name]));
  expect(whole).toEqual(expect.arrayContaining([...names, ...EXTRA]));
  expect(names.filter((name) => EXTRA.includes(name))).toEqual([]);
  const { sys } = k.newproc();
  const kq = sys.kqueue();
  expect([kq, sys.kevent(kq, [], [new Kevent()], { sec: 0, nsec: 0 })]).toEqual([0, 0]);
  expect(EXTRA.filter((name) => name in sys)).toEqual([]);
  expect(() => sys.close(7)).toThrow(expect.objectContaining({ code: 'EBADF', errno: 9 }));
});

test('a bare kernel has no timers: who waits, waits without a limit', () => {
  const k = bare();
  const { sys } = k.newproc();
  const kq = sys.kqueue();
  expect(codeOf(() => sys.kevent(kq, [], [new Kevent()], { sec: 1, nsec: 0 }))).toBe('ENOSYS');
  expect(() => sys.kevent(kq, [], [new Kevent()])).toThrow(expect.objectContaining({ name: 'Sleep' }));
  for (const filter of [EVFILT_TIMER, EVFILT_USER]) {
    expect(codeOf(() => sys.kevent(kq, [new Kevent(1, filter, EV_ADD, 0, 1)], []))).toBe('EOPNOTSUPP');
  }
});

test('a bare kernel has no signals, devices, counters and clock to set, and asks its host for no component', () => {
  const k = bare();
  const p = k.newproc();
  const parts = [() => p.sig, () => psignal(p, SIGHUP), () => k.devsw, () => k.evcnt, () => k.clock, () => k.callouts, () => k.tracing, () => k.modctl];
  expect(parts.map(codeOf)).toEqual(parts.map(() => 'ENOSYS'));
  expect(p.rfork(0).pid).toBe(3);
  k.halt();
});

test('a bare kernel takes values for the sysctl tree and shows none, and traces nothing', () => {
  const k = bare();
  const out = k.sysctl.attach('kern.mine', { type: 'int', get: () => 1 });
  expect(k.sysctl.walk()).toEqual([]);
  expect(() => k.sysctl.get('kern.mine')).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  out();
  expect(() => k.ktrace(() => undefined)).toThrow(expect.objectContaining({ code: 'ENOSYS' }));
  k.ktrace(undefined);
  k.halt();
});
