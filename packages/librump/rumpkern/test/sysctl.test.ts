import { CTL_HW, CTL_KERN } from '@anykernel/lib-sys';
import { box, codeOf } from './help.js';

test('values have NetBSD\'s names and numbers', () => {
  const { p } = box([], { hostname: 'box' });
  expect(p.sys.sysctl('kern.ostype')).toBe('Anykernel');
  expect(p.sys.sysctl([CTL_KERN, 1])).toBe('Anykernel');
  expect(p.sys.sysctl('kern.osrelease')).toBe('7.99.34');
  expect(p.sys.sysctl([CTL_KERN, 3])).toBe(799_003_400);
  expect(p.sys.sysctl([CTL_KERN, 10])).toBe('box');
  expect([p.sys.sysctl('hw.pagesize'), p.sys.sysctl([CTL_HW, 7]), p.sys.sysctl('hw.byteorder'), p.sys.sysctl('hw.ncpu')]).toEqual([4096, 4096, 1234, 1]);
  expect(p.sys.sysctl('kern.rawpartition')).toBe(3);
  expect(p.sys.sysctl('kern.msgbufsize')).toBe(16_352);
});

test('memory as the limit says, 512 MiB without one', () => {
  expect(box().p.sys.sysctl('hw.physmem')).toBe(536_870_912);
  const { p, k } = box([], {}, { params: { RUMP_MEMLIMIT: '8m' } });
  k.mem.charge(4096);
  expect([p.sys.sysctl('hw.physmem64'), p.sys.sysctl('hw.usermem64')]).toEqual([8_388_608, 8_384_512]);
});

test('setting gives the value before, and is for the superuser', () => {
  const { p, k } = box([], { hostname: 'old' });
  expect(p.sys.sysctl('kern.hostname', 'new')).toBe('old');
  expect([p.sys.sysctl('kern.hostname'), k.hostname]).toEqual(['new', 'new']);
  const user = k.newproc({ uid: 9 });
  expect(codeOf(() => user.sys.sysctl('kern.hostname', 'mine'))).toBe('EPERM');
  expect(user.sys.sysctl('kern.hostname')).toBe('new');
  expect(codeOf(() => p.sys.sysctl('kern.ostype', 'x'))).toBe('EPERM');
  expect(codeOf(() => p.sys.sysctl('kern.hostname', 7))).toBe('EINVAL');
  expect(codeOf(() => p.sys.sysctl('kern.hostname', 'x'.repeat(256)))).toBe('EINVAL');
  expect(codeOf(() => p.sys.sysctl('kern.module.autotime', -1))).toBe('EINVAL');
  p.sys.sysctl('kern.domainname', 'example');
  expect(k.domainname).toBe('example');
});

test('limits of the calling process are values, too', () => {
  const { k } = box();
  const user = k.newproc({ uid: 9 });
  expect(user.sys.sysctl('proc.curproc.rlimit.descriptors.soft', 99)).toBe(1024);
  expect(user.sys.getrlimit(8).cur).toBe(99);
  expect(codeOf(() => user.sys.sysctl('proc.curproc.rlimit.descriptors.soft', 1e6))).toBe('ok');
  expect(user.sys.getrlimit(8).cur).toBe(65_536);
});

test('what is not there is ENOENT, what goes on below a value ENOTDIR', () => {
  const { p } = box();
  expect(codeOf(() => p.sys.sysctl('kern.nothing'))).toBe('ENOENT');
  expect(codeOf(() => p.sys.sysctl([1, 9999]))).toBe('ENOENT');
  expect(codeOf(() => p.sys.sysctl('kern.ostype.more'))).toBe('ENOTDIR');
  expect(codeOf(() => p.sys.sysctl('kern', 'x'))).toBe('EISDIR');
  expect(codeOf(() => p.sys.sysctl(5 as never))).toBe('EFAULT');
  expect(codeOf(() => p.sys.sysctl(new Array(13).fill(1)))).toBe('EINVAL');
  expect(p.sys.sysctl('kern.module')).toEqual(['autoload', 'verbose', 'autotime']);
  expect(p.sys.sysctl('')).toEqual(['kern', 'hw', 'proc']);
});

test('others attach values, and take them away', () => {
  const { p, k } = box();
  let ttl = 64;
  const gone = k.sysctl.attach('net.inet.ip.ttl', {
    type: 'int',
    num: 3,
    get: () => ttl,
    set: (value) => {
      ttl = value as number;
    },
  });
  expect([p.sys.sysctl([4, 2, 0, 3], 32), ttl]).toEqual([64, 32]);
  expect(codeOf(() => p.sys.sysctl('net.inet.ip.ttl', 2 ** 33))).toBe('EINVAL');
  expect(codeOf(() => k.sysctl.attach('net.inet.ip.ttl', { type: 'int', get: () => 1 }))).toBe('EEXIST');
  expect(codeOf(() => k.sysctl.attach('net.inet.ip.other', { type: 'int', num: 3, get: () => 1 }))).toBe('EEXIST');
  expect(codeOf(() => k.sysctl.attach('net.inet.ip.ttl.more', { type: 'int', get: () => 1 }))).toBe('EEXIST');
  expect(codeOf(() => k.sysctl.attach('net..ip', { type: 'int', get: () => 1 }))).toBe('EINVAL');
  gone();
  expect(codeOf(() => p.sys.sysctl('net'))).toBe('ENOENT');
});

test('a value may answer for what is below it', () => {
  const { p, k } = box();
  k.sysctl.attach('kern.mine2', { type: 'struct', rest: true, get: (_l, rest) => Uint8Array.from(rest) });
  expect(p.sys.sysctl('kern.mine2.1.2.3')).toEqual(Uint8Array.of(1, 2, 3));
  expect(p.sys.sysctl([...k.sysctl.mib('kern.mine2'), 7])).toEqual(Uint8Array.of(7));
});

test('a walk names every value, in order of their numbers, and each can be read', () => {
  const { p, k } = box();
  const all = k.sysctl.walk();
  expect(all.length).toBeGreaterThan(35);
  for (const { name, mib, leaf } of all) {
    expect(k.sysctl.mib(name)).toEqual(mib);
    const value = p.sys.sysctl(mib);
    if (leaf.type !== 'struct' && !name.endsWith('random')) expect([name, p.sys.sysctl(name)]).toEqual([name, value]);
    const kind = { int: 'number', quad: 'number', bool: 'boolean', string: 'string', struct: 'object' }[leaf.type];
    expect([name, typeof value]).toEqual([name, kind]);
  }
  const kern = all.filter((x) => x.name.startsWith('kern.') && x.mib.length === 2).map((x) => x.mib[1]);
  expect(kern).toEqual([...kern].sort((a, b) => a - b));
});
