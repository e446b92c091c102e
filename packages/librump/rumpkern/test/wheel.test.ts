import { Callout } from '@anykernel/rumpkern';
import { box, random } from './help.js';

test('callouts ring exactly at their time, in order, equal ones as they were scheduled', () => {
  const { k, host } = box();
  for (const seed of [11, 12, 13, 14]) {
    const next = random(seed);
    const start = host.sim.now;
    const rang: [number, number, number][] = [];
    const expected: [number, number, number][] = [];
    for (let i = 0; i < 400; i++) {
      // Distances of every size: from nanoseconds to months.
      const ns = next(4) === 0 ? next(1000) : next(1 << 20) * 2 ** next(33);
      const at = start + ns;
      const c: Callout = new Callout(k, () => rang.push([at, i, host.sim.now]));
      c.schedule(ns);
      expected.push([at, i, at]);
    }
    expected.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    while (k.callouts.count > 0) if (!host.sim.step()) break;
    expect([seed, rang]).toEqual([seed, expected]);
  }
});

test('scheduling, stopping and time are mixed at will', () => {
  const { k, host } = box();
  for (const seed of [21, 22, 23]) {
    const next = random(seed);
    const due = new Map<number, number>();
    const wrong: string[] = [];
    const callouts = Array.from({ length: 50 }, (_, i) => {
      return new Callout(k, () => {
        if (due.get(i) !== host.sim.now) wrong.push(`${i} rang at ${host.sim.now}, not ${due.get(i)}`);
        due.delete(i);
      });
    });
    for (let step = 0; step < 2500; step++) {
      const i = next(50);
      const what = next(10);
      if (what < 5) {
        const ns = next(2000) * 4 ** next(14);
        callouts[i].schedule(ns);
        due.set(i, host.sim.now + ns);
      } else if (what < 7) {
        expect(callouts[i].stop()).toBe(due.delete(i));
      } else host.sim.advance(next(2000) * 4 ** next(10));
    }
    host.sim.advance(2 ** 45);
    expect([seed, wrong, due.size, k.callouts.count]).toEqual([seed, [], 0, 0]);
  }
});

test('one that rings may stop and schedule others, and itself', () => {
  const { k, host } = box();
  const rang: string[] = [];
  const stopped: boolean[] = [];
  const victim = new Callout(k, () => rang.push('victim'));
  const late = new Callout(k, () => rang.push(`late ${host.sim.now}`));
  let again = 2;
  const first: Callout = new Callout(k, () => {
    rang.push(`first ${host.sim.now}`);
    stopped.push(victim.stop());
    late.schedule(0);
    if (--again > 0) first.schedule(10);
  });
  first.schedule(100);
  victim.schedule(100);
  host.sim.runUntilIdle();
  host.sim.advance(1000);
  expect(rang).toEqual(['first 100', 'late 100', 'first 110', 'late 110']);
  expect(stopped).toEqual([true, false]);
});

test('a callout that was moved while it was due rings at its new time only', () => {
  const { k, host } = box();
  const rang: number[] = [];
  const moved = new Callout(k, () => rang.push(host.sim.now));
  new Callout(k, () => moved.schedule(50)).schedule(100);
  moved.schedule(100);
  host.sim.advance(1000);
  expect(rang).toEqual([150]);
});

test('the alarm holds the program while a callout that somebody waits for is pending', () => {
  const { k, host } = box();
  const loose = new Callout(k, () => {});
  const held = new Callout(k, () => {}, true);
  loose.schedule(1000);
  expect(host.sim.runUntilIdle()).toBe(0);
  held.schedule(3000);
  host.sim.runUntilIdle();
  expect(host.sim.now).toBe(3000);
  loose.schedule(1000);
  held.schedule(5000);
  held.stop();
  expect(host.sim.runUntilIdle()).toBe(0);
  expect(loose.pending).toBe(true);
  loose.stop();
  expect([host.sim.step(), host.sim.step()]).toEqual([true, false]);
});

test('100,000 callouts are scheduled, and ring, in time that does not grow with their number', () => {
  const { k, host } = box();
  const next = random(31);
  let rang = 0;
  const callouts = Array.from({ length: 100_000 }, () => new Callout(k, () => rang++));
  for (const c of callouts) c.schedule(next(1e9));
  for (let i = 0; i < callouts.length; i += 2) callouts[i].stop();
  host.sim.advance(1e9);
  expect(rang).toBe(50_000);
});
