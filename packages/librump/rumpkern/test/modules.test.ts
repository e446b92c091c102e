import { type AnyComponent, ClosureError, component } from '@anykernel/lib-component';
import { ERR, MODCTL_EXISTS, MODCTL_LOAD, MODCTL_STAT, MODCTL_UNLOAD, aioCalls, rumpkernCalls } from '@anykernel/lib-sys';
import { type Kernel, rumpkern } from '@anykernel/rumpkern';
import { box, bytes, codeIn, codeOf, now, outcome } from './help.js';

/** A component that notes its coming and going. */
function note(name: string, log: string[], requires: readonly AnyComponent[] = [rumpkern], provides: readonly string[] = []): AnyComponent {
  return component({
    name,
    class: 'misc',
    requires,
    provides,
    attach: () => {
      log.push(`+${name}`);
      return { name };
    },
    detach: () => void log.push(`-${name}`),
  });
}

test('components attach after all that they require, and see its state', () => {
  const log: string[] = [];
  const low = component({ name: 'low', class: 'driver', requires: [rumpkern], attach: (k) => ({ pid: k.use(rumpkern).proc1.pid }) });
  const top = component({ name: 'top', class: 'vfs', requires: [low, rumpkern], attach: (k) => void log.push(`low has pid ${k.use(low).pid}`) });
  const { k, p } = box([top]);
  expect(log).toEqual(['low has pid 1']);
  expect(p.sys.modctl(MODCTL_STAT)).toEqual([
    { name: 'rumpkern', class: 'base', refcount: 3, requires: [] },
    { name: 'low', class: 'driver', refcount: 1, requires: ['rumpkern'] },
    { name: 'top', class: 'vfs', refcount: 0, requires: ['low', 'rumpkern'] },
  ]);
  expect(k.modules.use(low)).toEqual({ pid: 1 });
});

test('a component sees only what it requires', () => {
  const low = note('low', []);
  const rogue = component({
    name: 'rogue',
    class: 'misc',
    requires: [rumpkern],
    attach: (k) => (k as { use(c: AnyComponent): unknown }).use(low),
  });
  expect(() => box([low, rogue])).toThrow('component rogue uses low but does not require it');
});

test('loading and unloading at run time, twice over', () => {
  const log: string[] = [];
  const { k } = box();
  const low = note('low', log);
  const top = note('top', log, [low]);
  for (let i = 0; i < 2; i++) {
    k.modload(top);
    expect(codeOf(() => k.modload(top))).toBe('EEXIST');
    expect(codeOf(() => k.modunload(low))).toBe('EBUSY');
    k.modunload(top);
    expect(codeOf(() => k.modunload('top'))).toBe('ENOENT');
    k.modunload('low');
  }
  expect(log).toEqual(['+low', '+top', '-top', '-low', '+low', '+top', '-top', '-low']);
});

test('what is in use, or cannot leave, is not unloaded', () => {
  const { k } = box();
  const used = note('used', []);
  const busy = component({
    name: 'busy',
    class: 'misc',
    requires: [],
    attach: () => 1,
    detach: () => {
      throw ERR.EBUSY;
    },
  });
  const fixed = component({ name: 'fixed', class: 'misc', requires: [], attach: () => 1 });
  k.modload(used, busy, fixed);
  k.modules.hold(used);
  expect([codeOf(() => k.modunload(used)), codeOf(() => k.modunload(busy)), codeOf(() => k.modunload(fixed)), codeOf(() => k.modunload(rumpkern))]).toEqual([
    'EBUSY', 'EBUSY', 'EOPNOTSUPP', 'EBUSY',
  ]);
  k.modules.release(used);
  k.modunload(used);
  expect(k.modules.has('busy')).toBe(true);
});

test('a load that fails half way is undone as a whole', () => {
  const log: string[] = [];
  const { k } = box();
  const low = note('low', log);
  const bad = component({
    name: 'bad',
    class: 'misc',
    requires: [low],
    attach: () => {
      throw ERR.ENOMEM;
    },
  });
  expect(codeOf(() => k.modload(bad))).toBe('ENOMEM');
  expect([log, k.modctl.list().map((m) => m.name)]).toEqual([['+low', '-low'], ['rumpkern']]);
});

test('two copies of a component are refused by name, at the boot and later', () => {
  const one = note('ext2fs', []);
  const two = note('ext2fs', []);
  expect(() => box([one, two])).toThrow(/two copies of component ext2fs/);
  const { k } = box([one]);
  expect(() => k.modload(two)).toThrow(ClosureError);
  expect(() => k.modules.use(two)).toThrow(expect.objectContaining({ code: 'ENOENT' }));
});

test('one role has one provider, at the boot and later', () => {
  const netinet = note('netinet', [], [rumpkern], ['PF_INET']);
  const sockin = note('sockin', [], [rumpkern], ['PF_INET']);
  expect(() => box([netinet, sockin])).toThrow('netinet and sockin both provide PF_INET: a kernel takes one of them');
  const { k } = box([netinet]);
  expect(() => k.modload(sockin)).toThrow(ClosureError);
  k.modunload(netinet);
  k.modload(sockin);
});

test('rumpkern of another copy is refused', () => {
  const foreign = component({ name: 'rumpkern', class: 'base', requires: [], attach: () => 1 });
  expect(() => box([note('x', [], [foreign])])).toThrow(/two copies of component rumpkern/);
});

/** A kernel with a call that demands a component. */
function demanding(components: readonly AnyComponent[]): ReturnType<typeof box> {
  const b = box([], {}, { components });
  b.k.syscalls.establish(rumpkernCalls, {
    utrace(_l, name) {
      if (!b.k.modctl.demand(name)) throw ERR.ENODEV;
    },
  });
  return b;
}

test('autoload: the call sleeps until the component is there', async () => {
  const log: string[] = [];
  const low = note('low', log);
  const { p, k, host } = demanding([note('tmpfs', log, [low])]);
  const calls = [p.call.utrace('tmpfs', bytes('')), k.newproc().call.utrace('tmpfs', bytes(''))];
  expect(await now(calls[0])).toBe('waits');
  await Promise.all(calls.map((call) => host.sim.settle(call)));
  expect([log, k.modules.has('tmpfs')]).toEqual([['+low', '+tmpfs'], true]);
});

test('autoload: a synchronous call would sleep, and goes through when it is tried again', () => {
  const { p, host } = demanding([note('tmpfs', [])]);
  expect(codeOf(() => p.sys.utrace('tmpfs', bytes('')))).toBe('WouldSleep');
  host.sim.step();
  expect(codeOf(() => p.sys.utrace('tmpfs', bytes('')))).toBe('ok');
  expect(codeOf(() => p.sys.utrace('absentfs', bytes('')))).toBe('WouldSleep');
  host.sim.step();
  expect(codeOf(() => p.sys.utrace('absentfs', bytes('')))).toBe('ENODEV');
});

test('autoload: what the host has not is told to all who wait, and asked for once', async () => {
  const { p, k, host } = demanding([]);
  let asked = 0;
  const ask = host.importComponent.bind(host);
  host.importComponent = (name, done) => {
    asked++;
    ask(name, done);
  };
  const calls = Array.from({ length: 10 }, () => outcome(p.call.utrace('nofs', bytes(''))));
  host.sim.step();
  expect([await Promise.all(calls), asked]).toEqual([new Array(10).fill('ENODEV'), 1]);
  expect(await outcome(host.sim.settle(p.call.utrace('nofs', bytes(''))))).toBe('ENODEV');
  expect([asked, k.sleepq.count]).toEqual([2, 0]);
});

test('autoload: odd names, foreign exports and components that do not fit are refused, the last with a message', async () => {
  const bad = { ...note('badfs', []), abi: 99 } as AnyComponent;
  const { p, k, host } = demanding([bad, { name: 'notone' } as never]);
  for (const name of ['../../etc/passwd', 'Tmpfs', '']) expect(codeOf(() => p.sys.utrace(name, bytes('')))).toBe('ENODEV');
  expect(await outcome(host.sim.settle(p.call.utrace('notone', bytes(''))))).toBe('ENODEV');
  expect(await outcome(host.sim.settle(p.call.utrace('badfs', bytes(''))))).toBe('ENODEV');
  expect(k.msgbuf.text()).toContain('autoload of badfs failed: component badfs was made for interface 99, this is 1');
});

test('autoload can be switched off', async () => {
  const { p } = demanding([note('tmpfs', [])]);
  expect(p.sys.sysctl('kern.module.autoload', false)).toBe(true);
  expect(codeOf(() => p.sys.utrace('tmpfs', bytes('')))).toBe('ENODEV');
  expect(p.sys.modctl(MODCTL_EXISTS)).toBe(false);
});

test('what came by autoload goes when it has not been used for a while', async () => {
  const log: string[] = [];
  const low = note('low', log);
  const top = note('tmpfs', log, [low]);
  const { p, k, host } = demanding([top]);
  await host.sim.settle(p.call.utrace('tmpfs', bytes('')));
  k.modules.hold(top);
  host.sim.advance(60e9);
  expect(log).toEqual(['+low', '+tmpfs']);
  k.modules.release(top);
  host.sim.advance(9e9);
  expect(log).toHaveLength(2);
  host.sim.advance(2e9);
  expect(log).toEqual(['+low', '+tmpfs', '-tmpfs', '-low']);
  expect(host.sim.runUntilIdle()).toBe(0);
});

test('the call of a component that is not there loads it', async () => {
  const aio = component({
    name: 'aio',
    class: 'misc',
    requires: [rumpkern],
    attach: (k) => k.use(rumpkern).syscalls.establish(aioCalls, { aio_error: () => 42 }),
    detach: (_k, out) => out(),
  });
  const { p, k, host } = box([], {}, { components: [aio] });
  expect(await host.sim.settle(p.call.aio_error({} as never))).toBe(42);
  expect(p.sys.aio_error({} as never)).toBe(42);
  k.modunload('aio');
  k.modctl.autoload = false;
  expect(codeOf(() => p.sys.aio_error({} as never))).toBe('ENOSYS');
});

test('modctl loads and unloads by name, for the superuser', async () => {
  const { p, k, host } = box([], {}, { components: [note('tmpfs', [])] });
  k.modctl.autoload = false;
  const load = (who: Kernel['proc1'], name: string): Promise<unknown> => outcome(host.sim.settle(who.call.modctl(MODCTL_LOAD, name)));
  expect(await load(k.newproc({ uid: 4 }), 'tmpfs')).toBe('EPERM');
  expect(await load(p, 'nofs')).toBe('ENOENT');
  expect(await load(p, 'tmpfs')).toBeUndefined();
  expect(await load(p, 'tmpfs')).toBe('EEXIST');
  host.sim.advance(60e9);
  expect(k.modules.has('tmpfs')).toBe(true);
  p.sys.modctl(MODCTL_UNLOAD, 'tmpfs');
  expect(codeOf(() => p.sys.modctl(MODCTL_UNLOAD, 'tmpfs'))).toBe('ENOENT');
  expect(codeOf(() => p.sys.modctl(99, 'tmpfs'))).toBe('EINVAL');
  expect(codeOf(() => p.sys.modctl(MODCTL_LOAD, 5))).toBe('EFAULT');
  expect(codeIn(ERR.ENOENT)).toBe('ENOENT');
});

test('a halt takes components out although they are busy', () => {
  const log: string[] = [];
  const busy = component({
    name: 'busy',
    class: 'misc',
    requires: [],
    attach: () => 1,
    detach: () => {
      log.push('asked');
      throw ERR.EBUSY;
    },
  });
  const { k } = box([busy]);
  k.halt();
  expect(log).toEqual(['asked']);
});
