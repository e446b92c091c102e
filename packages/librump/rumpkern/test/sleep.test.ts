import { rumpkernCalls } from '@anykernel/lib-sys';
import { Workqueue } from '@anykernel/rumpkern';
import { box, bytes, now } from './help.js';

test('those who sleep on a channel wake together, in the order in which they came', async () => {
  const { p, k } = box();
  const chan = {};
  let open = false;
  const order: number[] = [];
  k.syscalls.establish(rumpkernCalls, {
    utrace(l, name) {
      if (!open) k.sleep(chan);
      order.push(Number(name) + 0 * l.lid);
    },
  });
  const calls = [3, 1, 2].map((n) => p.call.utrace(String(n), bytes('')));
  expect([await now(calls[0]), k.sleepq.count]).toEqual(['waits', 3]);
  k.run(() => k.wakeup({}));
  expect(k.sleepq.count).toBe(3);
  open = true;
  k.run(() => k.wakeup(chan));
  await Promise.all(calls);
  expect([order, k.sleepq.count]).toEqual([[3, 1, 2], 0]);
});

test('a sleep with a deadline ends at it, and is not woken by it afterwards', async () => {
  const { p, k, host } = box();
  const chan = {};
  const runs: number[] = [];
  k.syscalls.establish(rumpkernCalls, {
    utrace(l) {
      runs.push(host.sim.now);
      const deadline = l.deadline(100);
      if (runs.length < 3 && k.mono() < deadline) k.sleep(chan, deadline);
    },
  });
  const call = p.call.utrace('', bytes(''));
  host.sim.advance(40);
  k.run(() => k.wakeup(chan));
  host.sim.advance(60);
  expect(await now(call)).toBeUndefined();
  host.sim.advance(1000);
  expect([runs, k.callouts.count]).toEqual([[0, 40, 100], 0]);
});

test('wakeupOne wakes the one who waits longest', async () => {
  const { p, k } = box();
  const chan = {};
  let tokens = 0;
  k.syscalls.establish(rumpkernCalls, {
    utrace() {
      if (tokens === 0) k.sleep(chan);
      tokens--;
    },
  });
  const calls = Array.from({ length: 4 }, () => p.call.utrace('', bytes('')));
  const give = (): void =>
    k.run(() => {
      tokens++;
      k.sleepq.wakeupOne(chan);
    });
  give();
  expect([await now(calls[0]), await now(calls[1])]).toEqual([undefined, 'waits']);
  give();
  give();
  give();
  await Promise.all(calls);
  give();
  expect([tokens, k.sleepq.count]).toEqual([1, 0]);
});

test('10,000 lwps asleep on as many channels are woken one by one', async () => {
  const { p, k } = box();
  p.sys.setrlimit(8, { cur: 30_000, max: 65_536 });
  const pipes = Array.from({ length: 10_000 }, () => p.sys.pipe());
  const calls = pipes.map(([r]) => p.call.read(r, new Uint8Array(1)));
  expect(k.sleepq.count).toBe(10_000);
  for (const [, w] of pipes) p.sys.write(w, bytes('x'));
  expect(await Promise.all(calls)).toEqual(new Array(10_000).fill(1));
});

test('10,000 lwps asleep on one channel are served one by one, and each is executed twice', async () => {
  const { p, k } = box();
  const [r, w] = p.sys.pipe();
  let runs = 0;
  k.ktrace(undefined);
  const calls = Array.from({ length: 10_000 }, () => p.call.read(r, new Uint8Array(1)));
  k.calltable.wrap((_se, handler) => (l, ...args) => {
    runs++;
    return handler(l, ...args);
  });
  for (let i = 0; i < 10_000; i++) p.sys.write(w, bytes('x'));
  expect(await Promise.all(calls)).toEqual(new Array(10_000).fill(1));
  expect(runs).toBe(20_000);
});

test('a workqueue hands its items over one after another, those that come meanwhile later', () => {
  const { k } = box();
  const done: string[] = [];
  const wq = new Workqueue<string>(k, (item) => {
    done.push(item);
    if (item === 'a') wq.enqueue('c');
  });
  k.run(() => {
    wq.enqueue('a');
    wq.enqueue('b');
    expect([wq.length, done]).toEqual([2, []]);
  });
  expect([done, wq.length]).toEqual([['a', 'b', 'c'], 0]);
});

test('softints run when the outermost entry leaves, before lwps, and once however often they are scheduled', async () => {
  const { p, k } = box();
  const order: string[] = [];
  const [r, w] = p.sys.pipe();
  const si = k.softint(() => order.push('softint'));
  const read = p.call.read(r, new Uint8Array(1)).then(() => order.push('lwp'));
  k.run(() => {
    p.sys.write(w, bytes('x'));
    si.schedule();
    si.schedule();
    order.push('inside');
  });
  await read;
  expect(order).toEqual(['inside', 'softint', 'lwp']);
});
