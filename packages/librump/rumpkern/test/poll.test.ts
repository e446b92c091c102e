import { POLLIN, POLLNVAL, POLLOUT, SIGUSR1 } from '@anykernel/lib-sys';
import { Selinfo, psignal } from '@anykernel/rumpkern';
import { box, bytes, codeOf, now } from './help.js';

test('poll counts what is ready, passes over negative descriptors, and marks closed ones', () => {
  const { p } = box();
  const [r, w] = p.sys.pipe();
  const fds = [
    { fd: r, events: POLLIN, revents: 7 },
    { fd: w, events: POLLOUT, revents: 0 },
    { fd: -1, events: POLLIN, revents: 5 },
    { fd: 99, events: POLLIN, revents: 0 },
  ];
  expect(p.sys.poll(fds, 0)).toBe(2);
  expect(fds.map((x) => x.revents)).toEqual([0, POLLOUT, 0, POLLNVAL]);
});

test('poll waits for the first of several descriptors', async () => {
  const { p } = box();
  const pipes = Array.from({ length: 20 }, () => p.sys.pipe());
  const fds = pipes.map(([fd]) => ({ fd, events: POLLIN, revents: 0 }));
  const poll = p.call.poll(fds, -1);
  expect(await now(poll)).toBe('waits');
  p.sys.write(pipes[13][1], bytes('x'));
  expect(await now(poll)).toBe(1);
  expect(fds.findIndex((x) => x.revents !== 0)).toBe(13);
});

test('poll ends with its time, exactly', async () => {
  const { p, host } = box();
  const [r] = p.sys.pipe();
  host.sim.advance(123);
  const poll = p.call.poll([{ fd: r, events: POLLIN, revents: 0 }], 1500);
  expect(await host.sim.settle(poll)).toBe(0);
  expect(host.sim.now).toBe(1_500_000_123);
  const pollts = p.call.pollts([{ fd: r, events: POLLIN, revents: 0 }], { sec: 0, nsec: 7 });
  expect(await host.sim.settle(pollts)).toBe(0);
  expect(host.sim.now).toBe(1_500_000_130);
});

test('changes that do not matter do not move the end of a poll', async () => {
  const { p, host } = box();
  const [r, w] = p.sys.pipe();
  p.sys.write(w, new Uint8Array(65_536));
  const poll = p.call.poll([{ fd: w, events: POLLOUT, revents: 0 }], 10);
  for (let i = 0; i < 9; i++) {
    host.sim.advance(1_000_000);
    p.sys.read(r, new Uint8Array(1));
  }
  expect(await host.sim.settle(poll)).toBe(0);
  expect(host.sim.now).toBe(10_000_000);
});

test('poll refuses a time that is none and lists that are none', () => {
  const { p } = box();
  expect(codeOf(() => p.sys.poll([], -2))).toBe('EINVAL');
  expect(codeOf(() => p.sys.pollts([], { sec: 0, nsec: 1e9 }))).toBe('EINVAL');
  expect(codeOf(() => p.sys.pollts([], { sec: -1, nsec: 0 }))).toBe('EINVAL');
  expect(codeOf(() => p.sys.poll(undefined as never, 0))).toBe('EFAULT');
  expect(codeOf(() => p.sys.poll(new Array(5000).fill({ fd: -1, events: 0, revents: 0 }), 0))).toBe('EINVAL');
});

test('a synchronous poll with time to wait would sleep, and leaves no record behind', () => {
  const { p } = box();
  const [r] = p.sys.pipe();
  const fds = [{ fd: r, events: POLLIN, revents: 0 }];
  expect(codeOf(() => p.sys.poll(fds, 10))).toBe('WouldSleep');
  expect(p.lwp.selinfos).toEqual([]);
});

test('a signal ends a poll with EINTR', async () => {
  const { p, k } = box();
  const [r] = p.sys.pipe();
  const poll = p.call.poll([{ fd: r, events: POLLIN, revents: 0 }], -1);
  k.run(() => psignal(p, SIGUSR1));
  expect(await now(poll)).toBe('EINTR');
});

test('pollts holds signals back while it waits, and lets them come after', async () => {
  const { p, k, host } = box();
  const [r] = p.sys.pipe();
  const poll = p.call.pollts([{ fd: r, events: POLLIN, revents: 0 }], { sec: 1, nsec: 0 }, [SIGUSR1]);
  k.run(() => psignal(p, SIGUSR1));
  expect(await now(poll)).toBe('waits');
  expect(await host.sim.settle(poll)).toBe(0);
  expect([p.sig.mask, p.sig.take()]).toEqual([[], SIGUSR1]);
});

test('select answers in the sets, and leaves them alone while it waits', async () => {
  const { p } = box();
  const [r, w] = p.sys.pipe();
  for (let i = 0; i < 6; i++) p.sys.pipe();
  const [r2, w2] = p.sys.pipe();
  const read = new Uint8Array([1 << r, 1 << (r2 - 8)]);
  const write = new Uint8Array(2);
  const select = p.call.select({ nfds: 16, read, write });
  expect(await now(select)).toBe('waits');
  expect([...read]).toEqual([1 << r, 1 << (r2 - 8)]);
  p.sys.write(w2, bytes('x'));
  expect(await now(select)).toBe(1);
  expect([...read]).toEqual([0, 1 << (r2 - 8)]);
  write[0] = 1 << w;
  expect(p.sys.select({ nfds: 16, read, write }, { sec: 0, nsec: 0 })).toBe(2);
  expect([[...read], [...write]]).toEqual([[0, 1 << (r2 - 8)], [1 << w, 0]]);
});

test('select: time over, closed descriptors, sets that are too short', async () => {
  const { p, host } = box();
  const [r] = p.sys.pipe();
  const read = new Uint8Array([1 << r]);
  const select = p.call.select({ nfds: 1, read }, { sec: 0, nsec: 500 });
  expect(await host.sim.settle(select)).toBe(0);
  expect([host.sim.now, read[0]]).toEqual([500, 0]);
  expect(codeOf(() => p.sys.select({ nfds: 8, read: new Uint8Array([0x80]) }, { sec: 0, nsec: 0 }))).toBe('EBADF');
  expect(codeOf(() => p.sys.select({ nfds: 9, read: new Uint8Array(1) }, { sec: 0, nsec: 0 }))).toBe('EFAULT');
  expect(codeOf(() => p.sys.select({ nfds: -1 }, { sec: 0, nsec: 0 }))).toBe('EINVAL');
  const pselect = p.call.pselect({ nfds: 0 }, { sec: 0, nsec: 9 }, [SIGUSR1]);
  expect(await host.sim.settle(pselect)).toBe(0);
});

test('a Selinfo wakes those who recorded themselves, once', async () => {
  const { p, k } = box();
  const si = new Selinfo();
  const [r] = p.sys.pipe();
  const poll = p.call.poll([{ fd: r, events: POLLIN, revents: 0 }], -1);
  si.notify();
  expect(await now(poll)).toBe('waits');
  expect(k.sleepq.count).toBe(1);
});
