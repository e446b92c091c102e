import { Sim } from '@anykernel/host-sim';
import { bareBoot, boot } from '@anykernel/rumpkern';
import { bytes, codeOf } from './help.js';

const EXTRA = ['getpid', 'setuid', 'reboot', 'poll', 'select', 'nanosleep', 'clock_gettime', 'timer_create', 'sysctl', 'ksem_init', 'fktrace', 'utrace'];

test('a bare kernel has descriptors and event queues, and none of the other calls', () => {
  const k = bareBoot(new Sim().host());
  const whole = boot(new Sim().host()).syscalls.names();
  const names = k.syscalls.names();
  expect(whole).toEqual(expect.arrayContaining([...names, ...EXTRA]));
  expect(names.filter((name) => EXTRA.includes(name))).toEqual([]);
  const { sys } = k.newproc();
  const [r, w] = sys.pipe();
  const buf = bytes('  ');
  expect([sys.write(w, bytes('ab')), sys.read(r, buf), buf]).toEqual([2, 2, bytes('ab')]);
  expect(codeOf(() => sys.sysctl('kern.ostype'))).toBe('ENOSYS');
  expect(codeOf(() => sys.clock_gettime(0))).toBe('ENOSYS');
});

test('a bare kernel takes values for the sysctl tree and shows none, and traces nothing', () => {
  const k = bareBoot(new Sim().host());
  const out = k.sysctl.attach('kern.mine', { type: 'int', get: () => 1 });
  expect(k.sysctl.walk()).toEqual([]);
  expect(() => k.sysctl.get('kern.mine')).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  out();
  expect(() => k.ktrace(() => undefined)).toThrow(expect.objectContaining({ code: 'ENOSYS' }));
  k.ktrace(undefined);
  k.halt();
});
