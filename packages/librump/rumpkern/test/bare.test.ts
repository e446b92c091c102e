import { Sim } from '@anykernel/host-sim';
import { EVFILT_TIMER, EVFILT_USER, EV_ADD, Kevent, syscallNum } from '@anykernel/lib-sys';
import { type Kernel, bareBoot, boot } from '@anykernel/rumpkern';
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

test('a bare kernel is without the parts of a whole one, and asks its host for no component', () => {
  const k = bare();
  const whole = boot(new Sim().host());
  for (const part of ['signals', 'devsw', 'evcnt', 'clock', 'tracing', 'modctl', 'autoloader', 'calltable', 'msgbuf', 'ktrace', 'modload']) expect([part in whole, part in k]).toEqual([true, false]);
  expect(codeOf(() => k.callouts)).toBe('ENOSYS');
  expect(k.newproc().rfork(0).pid).toBe(3);
  k.halt();
  whole.halt();
});

test('a bare kernel takes values for the sysctl tree and shows none', () => {
  const k = bare();
  const out = k.sysctl.attach('kern.mine', { type: 'int', get: () => 1 });
  expect(k.sysctl.walk()).toEqual([]);
  expect(() => k.sysctl.get('kern.mine')).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  out();
  k.halt();
});

test('a bare kernel says on the console what it has to say when it is verbose, and always that it has panicked', async () => {
  const said: string[] = [];
  const host = Object.assign(new Sim().host(), { putchars: (text: string) => void said.push(text) });
  const k = bareBoot(host, [], { verbose: true });
  k.printf('hello');
  bareBoot(host).printf('nobody hears it');
  expect(() => k.panic('at the end')).toThrow('panic: at the end');
  expect(said.slice(1)).toEqual(['hello\n', 'panic: at the end\n']);
  await k.shutdown();
  expect(() => k.newproc()).toThrow('panic: at the end');
});
