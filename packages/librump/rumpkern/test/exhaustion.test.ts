/** Everything is used up sooner or later: descriptors, processes, memory, patience. */
import { EVFILT_READ, EV_ADD, F_DUPFD, Kevent, POLLIN, RLIMIT_NOFILE, rumpkernCalls } from '@anykernel/lib-sys';
import { Callout, type Proc } from '@anykernel/rumpkern';
import { box, bytes, codeOf, now, outcome } from './help.js';

const wait = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('descriptors up to the limit, one more is EMFILE, and whatever is closed is there again', () => {
  const { p } = box();
  const [r] = p.sys.pipe();
  let last = 0;
  expect(codeOf(() => {
    for (;;) last = p.sys.dup(r);
  })).toBe('EMFILE');
  expect(last).toBe(1023);
  for (const fn of [() => p.sys.pipe(), () => p.sys.kqueue(), () => p.sys.fcntl(r, F_DUPFD, 5), () => p.sys.fcntl(r, F_DUPFD, 1023)])
    expect(codeOf(fn)).toBe('EMFILE');
  p.sys.close(77);
  expect(codeOf(() => p.sys.pipe())).toBe('EMFILE');
  expect(p.sys.dup(r)).toBe(77);
  expect(codeOf(() => p.sys.dup2(r, 1024))).toBe('EBADF');
  p.sys.setrlimit(RLIMIT_NOFILE, { cur: 1e9, max: 1e9 });
  expect(p.sys.getrlimit(RLIMIT_NOFILE)).toEqual({ cur: 65_536, max: 65_536 });
  expect(p.sys.dup2(r, 65_535)).toBe(65_535);
  expect(codeOf(() => p.sys.dup2(r, 65_536))).toBe('EBADF');
  p.sys.setrlimit(RLIMIT_NOFILE, { cur: 2, max: 65_536 });
  expect(codeOf(() => p.sys.dup(r))).toBe('EMFILE');
  expect(p.sys.read(65_535, new Uint8Array(0))).toBe(0);
  p.sys.close(65_535);
});

test('dup2 of a descriptor onto itself is nothing, dup3 refuses it, and the end of a pipe is where it was', () => {
  const { p } = box();
  const [r, w] = p.sys.pipe();
  expect(p.sys.dup2(w, w)).toBe(w);
  expect(codeOf(() => p.sys.dup3(w, w, 0))).toBe('EINVAL');
  expect(codeOf(() => p.sys.dup2(9, 9))).toBe('EBADF');
  p.sys.dup2(r, w);
  expect(p.sys.read(r, new Uint8Array(1))).toBe(0);
});

test('100,000 calls sleep on one pipe, one byte wakes one, and all end when the other end does', async () => {
  const { p, k } = box();
  const [r, w] = p.sys.pipe();
  const count = 100_000;
  let ended = 0;
  const reads: Promise<unknown>[] = [];
  for (let n = 0; n < count; n++) reads.push(p.call.read(r, new Uint8Array(1)).then(() => ended++));
  expect(k.sleepq.count).toBe(count);
  p.sys.write(w, bytes('abc'));
  await wait();
  expect(ended).toBe(3);
  p.sys.close(w);
  box().host.sim.runUntilIdle();
  for (let turns = 0; ended < count && turns < 1000; turns++) {
    await wait();
    (k.host as ReturnType<typeof box>['host']).sim.runUntilIdle();
  }
  await Promise.all(reads);
  expect([ended, k.sleepq.count]).toEqual([count, 0]);
});

test('20,000 sleeping calls end with a halt, which leaves nothing behind', async () => {
  const { p, k, host } = box();
  const [r] = p.sys.pipe();
  const calls: Promise<unknown>[] = [];
  for (let n = 0; n < 10_000; n++) calls.push(outcome(p.call.read(r, new Uint8Array(1))), outcome(p.call.nanosleep({ sec: 1 + n, nsec: 0 })));
  k.halt();
  expect(new Set(await Promise.all(calls))).toEqual(new Set(['EINTR']));
  expect([k.sleepq.count, k.callouts.count, host.allocated]).toEqual([0, 0, 0]);
  expect(host.sim.runUntilIdle()).toBe(0);
});

test('1,000 pipes are full at once, and what was in them comes out', () => {
  const { p, k } = box();
  p.sys.setrlimit(RLIMIT_NOFILE, { cur: 4000, max: 65_536 });
  const data = new Uint8Array(65_536).fill(7);
  const pipes = Array.from({ length: 1000 }, () => p.sys.pipe());
  for (const [, w] of pipes) expect(p.sys.write(w, data)).toBe(65_536);
  for (const [, w] of pipes) expect(codeOf(() => p.sys.write(w, data))).toBe('WouldSleep');
  expect(k.mem.used).toBe(1000 * 65_536);
  for (const [r] of pipes) expect(p.sys.read(r, data)).toBe(65_536);
  expect(data.every((byte) => byte === 7)).toBe(true);
  p.exit();
  expect(k.mem.used).toBe(0);
});

test.each([0, 1, 4095, 4096, 8192, 20_000, 100_000])('with %d bytes of memory pipes are ENOMEM or small, and the kernel goes on', (memLimitBytes) => {
  const { p, k } = box([], { memLimitBytes });
  const data = new Uint8Array(65_536);
  for (let n = 0; n < 10; n++) {
    const [r, w] = p.sys.pipe();
    for (const len of [1, 512, 600, 4096, 65_536]) {
      const written = codeOf(() => p.sys.write(w, data.subarray(0, len)));
      expect(['ok', 'ENOMEM', 'WouldSleep']).toContain(written);
    }
    expect(['ok', 'WouldSleep']).toContain(codeOf(() => p.sys.read(r, data)));
    expect(k.mem.used).toBeLessThanOrEqual(memLimitBytes);
  }
  expect(k.stopped).toBeUndefined();
  p.exit();
  expect(k.mem.used).toBe(0);
});

test('a parked write that finds no memory fails, and one that has moved something says how much', async () => {
  const { p } = box([], { memLimitBytes: 8192 });
  const [r, w] = p.sys.pipe();
  const [, w2] = p.sys.pipe();
  const write = p.call.write(w, new Uint8Array(20_000));
  expect(await now(write)).toBe('waits');
  expect(await outcome(p.call.write(w2, new Uint8Array(1)))).toBe('ENOMEM');
  const got = new Uint8Array(20_000);
  let moved = 0;
  while (moved < 20_000) {
    moved += p.sys.read(r, got);
    await wait();
  }
  expect(await write).toBe(20_000);
});

test('process numbers are used up: EAGAIN, until one ends', () => {
  const { k } = box();
  const procs: Proc[] = [];
  expect(codeOf(() => {
    for (let n = 0; n < 30_000; n++) procs.push(k.newproc());
  })).toBe('EAGAIN');
  expect(k.procs.count).toBe(30_000);
  expect(codeOf(() => k.newproc())).toBe('EAGAIN');
  procs[5].exit();
  expect(k.newproc().pid).toBe(procs[5].pid);
});

test('a queue of events that watches itself, and two that watch each other, come to rest', () => {
  const { p, k } = box();
  const [r, w] = p.sys.pipe();
  const [a, b] = [p.sys.kqueue(), p.sys.kqueue()];
  const add = (kq: number, fd: number): unknown => p.sys.kevent(kq, [new Kevent(fd, EVFILT_READ, EV_ADD)], [], { sec: 0, nsec: 0 });
  for (const [kq, fd] of [[a, a], [a, b], [b, a], [a, r], [b, r]]) codeOf(() => add(kq, fd));
  p.sys.write(w, bytes('x'));
  const events = [new Kevent(), new Kevent(), new Kevent(), new Kevent()];
  for (let round = 0; round < 10; round++) for (const kq of [a, b]) p.sys.kevent(kq, [], events, { sec: 0, nsec: 0 });
  expect(p.sys.poll([{ fd: a, events: POLLIN, revents: 0 }], 0)).toBe(1);
  p.sys.close(a);
  p.sys.close(b);
  expect(k.stopped).toBeUndefined();
});

test('a chain of 5,000 queues, each watching the next, tells of an event at its end', () => {
  const { p, k } = box();
  p.sys.setrlimit(RLIMIT_NOFILE, { cur: 65_536, max: 65_536 });
  const [r, w] = p.sys.pipe();
  let below = r;
  for (let n = 0; n < 5000; n++) {
    const kq = p.sys.kqueue();
    p.sys.kevent(kq, [new Kevent(below, EVFILT_READ, EV_ADD)], [], { sec: 0, nsec: 0 });
    below = kq;
  }
  expect(codeOf(() => p.sys.write(w, bytes('x')))).toBe('ok');
  expect(p.sys.poll([{ fd: below, events: POLLIN, revents: 0 }], 0)).toBe(1);
  p.exit();
  expect(k.stopped).toBeUndefined();
});

test('a callout that schedules itself at once does not keep the kernel from anything', () => {
  const { p, k, host } = box();
  let rings = 0;
  const again: Callout = new Callout(k, () => void (++rings < 5000 && again.schedule(0)), true);
  again.schedule(0);
  expect(p.sys.getpid()).toBe(p.pid);
  host.sim.runUntilIdle();
  expect([rings, host.sim.now]).toEqual([5000, 0]);
});

test('a handler that wakes whom it runs for is given up to the event loop again and again', async () => {
  const { p, k, host } = box();
  let runs = 0;
  k.syscalls.establish(rumpkernCalls, {
    utrace(l) {
      if (++runs === 10_000) return;
      const si = k.softint(() => k.wakeup(l));
      si.schedule();
      k.sleep(l);
    },
  });
  await host.sim.settle(p.call.utrace('x', bytes('')));
  expect(runs).toBe(10_000);
});
