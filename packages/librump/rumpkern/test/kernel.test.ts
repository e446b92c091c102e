import { component } from '@anykernel/lib-component';
import { hostSim } from '@anykernel/host-sim';
import { ERR, RB_AUTOBOOT, RB_DUMP, RB_HALT, rumpkernCalls } from '@anykernel/lib-sys';
import { Callout, KernelStopped, boot, rumpkern } from '@anykernel/rumpkern';
import { box, bytes, codeOf, outcome } from './help.js';

test('a kernel boots with process 0, the kernel, and process 1, its parent of all', () => {
  const { k } = box();
  expect([...k.procs].map((p) => [p.pid, p.parent?.pid ?? 0, p.comm])).toEqual([
    [0, 0, 'system'],
    [1, 0, 'rumplocal'],
    [2, 1, 'rumproc'],
  ]);
  expect([k.proc1.sys.getpid(), k.proc1.sys.getppid(), k.proc1.sys.getuid()]).toEqual([1, 0, 0]);
});

test('a kernel refuses a host of another version', () => {
  const host = Object.assign(hostSim(), { version: 2 });
  expect(() => boot(host as never)).toThrow('the host speaks hypercall version 2, this kernel 1');
});

test('descriptors 0, 1 and 2 of process 1 write on the console and do not read', () => {
  const { k, host } = box();
  expect(k.proc1.sys.write(1, bytes('hello\n'))).toBe(6);
  expect(k.proc1.sys.write(2, bytes('gr\xc3\xbc\xc3\x9fe\n'))).toBe(8);
  expect(host.console).toBe('hello\ngrüße\n');
  expect(codeOf(() => k.proc1.sys.read(0, new Uint8Array(1)))).toBe('EBADF');
  expect(k.proc1.sys.fstat(0).mode & 0o170000).toBe(0o020000);
  expect(k.proc1.sys.pipe()).toEqual([3, 4]);
});

test('many kernels live beside each other and know nothing of one another', () => {
  const host = hostSim();
  const kernels = Array.from({ length: 1000 }, (_, i) => boot(host, [], { hostname: `k${i}` }));
  for (const [i, k] of kernels.entries()) {
    expect(k.sysctl.get('kern.hostname')).toBe(`k${i}`);
    expect(k.newproc().sys.getpid()).toBe(2);
  }
  for (const k of kernels) k.halt();
  expect(host.allocated).toBe(0);
});

test('a halt leaves no alarm, no memory and nobody asleep', async () => {
  const { k, p, host } = box();
  const [r, w] = p.sys.pipe();
  p.sys.write(w, new Uint8Array(5000));
  p.sys.read(r, new Uint8Array(5000));
  const waits = [p.call.read(r, new Uint8Array(1)), p.call.nanosleep({ sec: 5, nsec: 0 }), p.call.poll([{ fd: r, events: 1, revents: 0 }], 1000)].map(outcome);
  new Callout(k, () => k.panic('rang after the halt'), true).schedule(1e9);
  expect(host.allocated).toBeGreaterThan(0);
  const order: string[] = [];
  k.onHalt.push(() => order.push('first registered'));
  k.onHalt.push(() => order.push('last registered'));
  k.halt();
  k.halt();
  expect(order).toEqual(['last registered', 'first registered']);
  expect(host.allocated).toBe(0);
  expect([k.sleepq.count, k.callouts.count]).toEqual([0, 0]);
  expect(host.sim.step()).toBe(false);
  expect(await Promise.all(waits)).toEqual(['EINTR', 'EINTR', 'EINTR']);
  expect(codeOf(() => p.sys.getpid())).toBe('ESRCH');
  expect(codeOf(() => k.newproc())).toBe('KernelStopped');
  expect(host.exits).toEqual([]);
});

test('components leave at the halt, those on top first', () => {
  const left: string[] = [];
  const low = component({ name: 'low', class: 'misc', requires: [rumpkern], attach: () => 1, detach: () => void left.push('low') });
  const top = component({ name: 'top', class: 'misc', requires: [low], attach: () => 2, detach: () => void left.push('top') });
  const { k } = box([top]);
  k.halt();
  expect(left).toEqual(['top', 'low']);
});

test('reboot is for the superuser; it halts the kernel, and the program unless RB_HALT is given', () => {
  const { k, p, host } = box();
  expect(codeOf(() => k.newproc({ uid: 7 }).sys.reboot(RB_HALT))).toBe('EPERM');
  let synced = 0;
  k.onHalt.push(() => synced++);
  p.sys.reboot(RB_HALT);
  expect([k.stopped, synced, host.exits]).toEqual(['the kernel has been halted', 1, []]);
  const second = box();
  second.p.sys.reboot(RB_AUTOBOOT);
  expect(second.host.exits).toEqual([0]);
  const third = box();
  expect(codeOf(() => third.p.sys.reboot(RB_DUMP))).toBe('KernelStopped');
  expect(third.host.exits).toEqual(['panic']);
});

test('a call that halts the kernel ends, and those that wait hear of it', async () => {
  const { p, k } = box();
  const [r] = p.sys.pipe();
  const read = outcome(p.call.read(r, new Uint8Array(1)));
  const other = k.newproc();
  const sleep = outcome(other.call.nanosleep({ sec: 1, nsec: 0 }));
  await outcome(k.newproc().call.reboot(RB_HALT));
  expect([await read, await sleep]).toEqual(['EINTR', 'EINTR']);
});

test('the message buffer keeps the last 16,352 bytes, in whole lines', () => {
  const { k, p } = box();
  expect(k.msgbuf.text()).toBe('Anykernel 7.99.34\n');
  k.printf('two\nlines');
  expect(k.msgbuf.text()).toBe('Anykernel 7.99.34\ntwo\nlines\n');
  for (let i = 0; i < 5000; i++) k.printf(`line ${i}`);
  const kept = k.msgbuf.text();
  expect(kept.length).toBeLessThanOrEqual(16_352);
  expect(kept.length).toBeGreaterThan(16_300);
  expect(kept.endsWith('line 4998\nline 4999\n')).toBe(true);
  expect(kept).toMatch(/^line \d+\n/);
  expect(p.sys.sysctl('kern.msgbuf')).toBe(kept);
});

test('messages go to the console when the kernel is verbose', () => {
  const { k, host } = box([], { verbose: true });
  k.printf('ext2fs: not clean');
  expect(host.console).toBe('Anykernel 7.99.34\next2fs: not clean\n');
  const quiet = box([], {}, { params: { RUMP_VERBOSE: '0' } });
  expect(quiet.host.console).toBe('');
  expect(box([], {}, { params: { RUMP_VERBOSE: '1' } }).host.console).toBe('Anykernel 7.99.34\n');
});

test('event counters count, and the dump shows those that have', () => {
  const { k, p } = box();
  const hits = k.evcnt.attach('namecache', 'hits');
  const misses = k.evcnt.attach('namecache', 'misses');
  hits.n += 3;
  expect(k.evcnt.dump()).toMatch(/^namecache hits +3 misc\n$/);
  k.evcnt.detach(misses);
  expect(k.evcnt.list()).toEqual([hits]);
  expect(p.sys.sysctl('kern.evcnt')).toBe(k.evcnt.dump());
});

test('shutdown waits for devices; hooks that have run do not run again', async () => {
  const { k, host } = box();
  const ran: string[] = [];
  let written = false;
  k.onHalt.push(() => ran.push('first registered'));
  k.onHalt.push(() => {
    if (written) return void ran.push('synced');
    new Callout(k, () => {
      written = true;
      k.wakeup(ran);
    }).schedule(500);
    k.sleep(ran);
  });
  k.onHalt.push(() => ran.push('last registered'));
  const down = k.shutdown();
  host.sim.advance(1000);
  await down;
  expect(ran).toEqual(['last registered', 'synced', 'first registered']);
  await k.shutdown();
  expect(host.allocated).toBe(0);
});

test('a halt does not wait, and says so', () => {
  const { k } = box();
  let later = 0;
  k.onHalt.push(() => later++);
  k.onHalt.push(() => k.sleep({}));
  k.onHalt.push(() => {
    throw ERR.EIO;
  });
  k.halt();
  expect(later).toBe(1);
  expect(k.msgbuf.text()).toContain('halt: EIO\nhalt: a device is asynchronous, and was not waited for\n');
});

test('a halt with nosync runs no hook', () => {
  const { k } = box();
  k.onHalt.push(() => k.panic('ran'));
  k.halt({ nosync: true });
  expect(k.stopped).toBe('the kernel has been halted');
});

test('after a panic a halt gives back the memory, and the reason stays', async () => {
  const { k, p, host } = box();
  p.sys.write(p.sys.pipe()[1], bytes('x'));
  expect(codeOf(() => k.panic('enough'))).toBe('KernelStopped');
  expect(host.allocated).toBeGreaterThan(0);
  k.halt();
  expect([host.allocated, k.stopped]).toEqual([0, 'panic: enough']);
  await k.shutdown();
});

test('the kernel itself may wait: it runs again whenever it slept', async () => {
  const { k, host } = box();
  const times: number[] = [];
  const value = k.wait((l) => {
    times.push(host.sim.now);
    const deadline = l.deadline(100);
    if (k.mono() < deadline) k.sleep(l, deadline);
    return 42;
  });
  expect(await host.sim.settle(value)).toBe(42);
  expect(times).toEqual([0, 100]);
  const failing = k.wait(() => {
    throw ERR.EIO;
  });
  await expect(failing).rejects.toBe(ERR.EIO);
  let told: unknown;
  k.kthread(
    () => 5,
    (error, five) => {
      told = [error, five];
    },
  );
  expect(told).toEqual([undefined, 5]);
  k.kthread(() => k.sleep({}), (error) => {
    told = error;
  });
  k.halt();
  expect(told).toBeInstanceOf(KernelStopped);
});

test('records that are none are refused, and harm nobody', () => {
  const { p, k } = box();
  const kq = p.sys.kqueue();
  expect([
    codeOf(() => p.sys.poll([null as never], 0)),
    codeOf(() => p.sys.kevent(kq, [undefined as never], [], undefined)),
    codeOf(() => p.sys.select({ nfds: 3, read: [1, 2] as never }, undefined)),
    codeOf(() => p.sys.select(null as never)),
    codeOf(() => p.sys.setrlimit(8, null as never)),
    codeOf(() => p.sys.setitimer(0, {} as never)),
    codeOf(() => p.sys.setgroups(7 as never)),
  ]).toEqual(['EFAULT', 'EFAULT', 'EFAULT', 'EFAULT', 'EFAULT', 'EFAULT', 'EFAULT']);
  expect(k.stopped).toBeUndefined();
});

test('a buffer that is taken away while its call sleeps is EFAULT', async () => {
  const { p, k } = box();
  const [r, w] = p.sys.pipe();
  const buf = new Uint8Array(8);
  const read = p.call.read(r, buf);
  structuredClone(buf.buffer, { transfer: [buf.buffer] });
  p.sys.write(w, bytes('abc'));
  expect([await outcome(read), k.stopped]).toEqual(['EFAULT', undefined]);
});

test('a console that fails is an error for who writes, and nothing to messages and panics', () => {
  const { k, host } = box([], { verbose: true });
  host.putchars = () => {
    throw new TypeError('no console');
  };
  expect(codeOf(() => k.proc1.sys.write(1, bytes('x')))).toBe('EIO');
  k.printf('still there');
  expect(() => k.panic('the end')).toThrow('panic: the end');
  expect(k.msgbuf.text()).toContain('still there\npanic: the end\n');
});

test('a fault that cannot even be told ends the kernel all the same', () => {
  const { k, p } = box();
  k.syscalls.establish(rumpkernCalls, {
    getppid: () => {
      throw Object.create(null);
    },
  });
  expect(codeOf(() => p.sys.getppid())).toBe('KernelStopped');
  expect(k.stopped).toBe('panic: something that cannot be told');
});
