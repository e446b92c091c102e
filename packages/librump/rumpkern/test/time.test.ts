import {
  CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_REALTIME, ITIMER_MONOTONIC, ITIMER_PROF, ITIMER_REAL, ITIMER_VIRTUAL, SIGALRM, SIGEV_NONE, SIGEV_SIGNAL,
  SIGUSR1, TIMER_ABSTIME, type Itimerspec,
} from '@anykernel/lib-sys';
import { box, codeOf, now } from './help.js';

const spec = (valueNs: number, intervalNs = 0): Itimerspec => ({
  value: { sec: Math.floor(valueNs / 1e9), nsec: valueNs % 1e9 },
  interval: { sec: Math.floor(intervalNs / 1e9), nsec: intervalNs % 1e9 },
});

test('clocks: wall and monotonic, to the nanosecond', () => {
  const { p, host } = box();
  host.sim.advance(1_234_567_891);
  expect(p.sys.clock_gettime(CLOCK_MONOTONIC)).toEqual({ sec: 1, nsec: 234_567_891 });
  expect(p.sys.clock_gettime(CLOCK_REALTIME)).toEqual({ sec: host.sim.epochSec + 1, nsec: 234_567_891 });
  expect(p.sys.gettimeofday()).toEqual({ sec: host.sim.epochSec + 1, nsec: 234_567_000 });
  expect(p.sys.clock_getres(CLOCK_REALTIME)).toEqual({ sec: 0, nsec: 1 });
  expect(codeOf(() => p.sys.clock_gettime(CLOCK_PROCESS_CPUTIME_ID))).toBe('EINVAL');
  expect(codeOf(() => p.sys.clock_getres(99))).toBe('EINVAL');
});

test('the superuser sets the wall clock of his kernel, and of no other', () => {
  const { p, k, host } = box();
  const other = box();
  p.sys.settimeofday({ sec: 1000, nsec: 999_999_999 });
  expect(p.sys.clock_gettime(CLOCK_REALTIME)).toEqual({ sec: 1000, nsec: 999_999_999 });
  host.sim.advance(2);
  expect(p.sys.clock_gettime(CLOCK_REALTIME)).toEqual({ sec: 1001, nsec: 1 });
  p.sys.clock_settime(CLOCK_REALTIME, { sec: 5_000_000_000, nsec: 0 });
  expect(p.sys.gettimeofday().sec).toBe(5_000_000_000);
  expect(other.p.sys.gettimeofday().sec).toBe(other.host.sim.epochSec);
  expect(codeOf(() => k.newproc({ uid: 4 }).sys.settimeofday({ sec: 0, nsec: 0 }))).toBe('EPERM');
  expect(codeOf(() => p.sys.clock_settime(CLOCK_MONOTONIC, { sec: 0, nsec: 0 }))).toBe('EINVAL');
  expect(codeOf(() => p.sys.settimeofday({ sec: 0, nsec: -1 }))).toBe('EINVAL');
});

test('adjtime moves the clock little by little', () => {
  const { p, host } = box();
  expect(p.sys.adjtime({ sec: 1, nsec: 0 })).toEqual({ sec: 0, nsec: 0 });
  host.sim.advance(100e9);
  expect(p.sys.clock_gettime(CLOCK_REALTIME)).toEqual({ sec: host.sim.epochSec + 100, nsec: 500_000_000 });
  expect(p.sys.adjtime({ sec: 0, nsec: 0 })).toEqual({ sec: 0, nsec: 500_000_000 });
  host.sim.advance(100e9);
  expect(p.sys.clock_gettime(CLOCK_REALTIME)).toEqual({ sec: host.sim.epochSec + 200, nsec: 500_000_000 });
});

test('nanosleep ends when its time is over, not before', async () => {
  const { p, host } = box();
  const sleep = p.call.nanosleep({ sec: 1, nsec: 5 });
  host.sim.advance(1_000_000_004);
  expect(await now(sleep)).toBe('waits');
  host.sim.advance(1);
  expect(await now(sleep)).toBeUndefined();
  expect(codeOf(() => p.sys.nanosleep({ sec: 0, nsec: 1 }))).toBe('WouldSleep');
  expect(codeOf(() => p.sys.nanosleep({ sec: 0, nsec: 0 }))).toBe('ok');
  expect(codeOf(() => p.sys.nanosleep({ sec: 0, nsec: 1e9 }))).toBe('EINVAL');
  expect(codeOf(() => p.sys.nanosleep({ sec: -1, nsec: 0 }))).toBe('EINVAL');
  expect(codeOf(() => p.sys.nanosleep(undefined as never))).toBe('EFAULT');
});

test('clock_nanosleep: for a time, and until a point of either clock', async () => {
  const { p, host } = box();
  host.sim.advance(5);
  await host.sim.settle(p.call.clock_nanosleep(CLOCK_MONOTONIC, 0, { sec: 0, nsec: 10 }));
  expect(host.sim.now).toBe(15);
  await host.sim.settle(p.call.clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, { sec: 0, nsec: 40 }));
  expect(host.sim.now).toBe(40);
  await host.sim.settle(p.call.clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, { sec: host.sim.epochSec, nsec: 90 }));
  expect(host.sim.now).toBe(90);
  await p.call.clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, { sec: 5, nsec: 0 });
  expect(codeOf(() => p.sys.clock_nanosleep(7, 0, { sec: 0, nsec: 0 }))).toBe('EINVAL');
});

test('an interval timer sends SIGALRM, again and again', () => {
  const { p, host } = box();
  const rang: number[] = [];
  p.sig.onSignal = (signo) => rang.push(signo, host.sim.now);
  expect(p.sys.setitimer(ITIMER_REAL, spec(100, 1000))).toEqual(spec(0));
  expect(p.sys.getitimer(ITIMER_REAL)).toEqual(spec(100, 1000));
  host.sim.advance(2200);
  expect(rang).toEqual([SIGALRM, 100, SIGALRM, 1100, SIGALRM, 2100]);
  expect(p.sys.setitimer(ITIMER_REAL, spec(0))).toEqual(spec(900, 1000));
  host.sim.advance(1e9);
  expect(rang).toHaveLength(6);
  p.sys.setitimer(ITIMER_MONOTONIC, spec(7));
  host.sim.advance(8);
  expect(rang).toHaveLength(8);
  for (const which of [ITIMER_VIRTUAL, ITIMER_PROF, 9]) expect(codeOf(() => p.sys.getitimer(which))).toBe('EINVAL');
});

test('an alarm interrupts a sleep', async () => {
  const { p, host } = box();
  const sleep = p.call.nanosleep({ sec: 10, nsec: 0 });
  p.sys.setitimer(ITIMER_REAL, spec(1e9));
  host.sim.advance(1e9);
  expect(await now(sleep)).toBe('EINTR');
  expect(p.sig.take()).toBe(SIGALRM);
});

test('timers of timer_create: signals, points in time, overruns', () => {
  const { p, host } = box();
  const silent = p.sys.timer_create(CLOCK_MONOTONIC, { notify: SIGEV_NONE, signo: 0 });
  const loud = p.sys.timer_create(CLOCK_REALTIME, { notify: SIGEV_SIGNAL, signo: SIGUSR1 });
  expect([silent, loud]).toEqual([0, 1]);
  p.sys.timer_settime(silent, 0, spec(50));
  p.sys.timer_settime(loud, TIMER_ABSTIME, { value: { sec: host.sim.epochSec, nsec: 30 }, interval: { sec: 0, nsec: 20 } });
  expect(p.sys.timer_gettime(loud)).toEqual(spec(30, 20));
  host.sim.advance(30);
  expect([p.sig.pending, p.sys.timer_getoverrun(loud)]).toEqual([[SIGUSR1], 0]);
  host.sim.advance(40);
  expect([p.sig.take(), p.sig.take(), p.sys.timer_getoverrun(loud)]).toEqual([SIGUSR1, undefined, 2]);
  expect(p.sys.timer_gettime(silent)).toEqual(spec(0));
  p.sys.timer_delete(loud);
  expect(codeOf(() => p.sys.timer_gettime(loud))).toBe('EINVAL');
  expect(codeOf(() => p.sys.timer_settime(silent, 0, { value: { sec: 0, nsec: -1 }, interval: { sec: 0, nsec: 0 } }))).toBe('EINVAL');
  expect(codeOf(() => p.sys.timer_create(CLOCK_MONOTONIC, { notify: 9, signo: 1 }))).toBe('EINVAL');
  expect(codeOf(() => p.sys.timer_create(77))).toBe('EINVAL');
});

test('a process has at most 32 timers, which go with it', () => {
  const { p, k } = box();
  for (let i = 0; i < 32; i++) p.sys.timer_settime(p.sys.timer_create(CLOCK_MONOTONIC), 0, spec(1e9));
  expect(codeOf(() => p.sys.timer_create(CLOCK_MONOTONIC))).toBe('EAGAIN');
  expect(k.callouts.count).toBe(32);
  p.exit();
  expect(k.callouts.count).toBe(0);
});
