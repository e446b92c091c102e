/** Clocks and alarms. */
import { describe, expect, test } from '@jest/globals';
import type { WallTime } from '@anykernel/host-rumpuser';
import { type HostConformance, type HostSubject, eachSubject } from './subject.js';

const MS = 1_000_000;

export function timeTests(conformance: HostConformance): void {
  clockTests(conformance);
  ringTests(conformance);
  replaceTests(conformance);
  orderTests(conformance);
}

function clockTests(conformance: HostConformance): void {
  describe('clocks', () => {
    const get = eachSubject(conformance);

    test('monotonic time is whole nanoseconds and never steps back', () => {
      const { host } = get();
      let last = host.clockMono();
      for (let count = 0; count < 10_000; count++) {
        const now = host.clockMono();
        if (!Number.isSafeInteger(now) || now < last) expect(now).toBeGreaterThanOrEqual(last);
        last = now;
      }
    });

    test('monotonic time goes on while the host waits', async () => {
      const { host, wait } = get();
      const before = host.clockMono();
      await wait(3 * MS);
      expect(host.clockMono() - before).toBeGreaterThanOrEqual(3 * MS);
    });

    test('wall time is filled in place: seconds since 1970 and nanoseconds', () => {
      const time: WallTime = { sec: -1, nsec: -1 };
      get().host.clockWall(time);
      expect(Number.isSafeInteger(time.sec) && time.sec > 946_684_800).toBe(true);
      expect(Number.isSafeInteger(time.nsec) && time.nsec >= 0 && time.nsec < 1e9).toBe(true);
    });

    test('wall time goes on as monotonic time does', async () => {
      const { host, wait } = get();
      const before: WallTime = { sec: 0, nsec: 0 };
      const after: WallTime = { sec: 0, nsec: 0 };
      host.clockWall(before);
      const start = host.clockMono();
      await wait(5 * MS);
      host.clockWall(after);
      const mono = host.clockMono() - start;
      const wall = (after.sec - before.sec) * 1e9 + after.nsec - before.nsec;
      // A second's grace, for a machine whose clock is set meanwhile.
      expect(Math.abs(wall - mono)).toBeLessThan(1e9);
      expect(wall).toBeGreaterThan(0);
    });
  });
}

function ringTests(conformance: HostConformance): void {
  describe('alarms ring', () => {
    const get = eachSubject(conformance);

    test('an alarm rings once, when its time has come and not before', async () => {
      const { host, wait } = get();
      const rang: number[] = [];
      const at = host.clockMono() + 2 * MS;
      host.alarm({}, at, () => rang.push(host.clockMono()), true);
      expect(rang).toEqual([]);
      await waitFor(get(), () => rang.length > 0);
      await wait(3 * MS);
      expect(rang).toHaveLength(1);
      expect(rang[0]).toBeGreaterThanOrEqual(at);
    });

    test('an alarm of less than a millisecond is not early', async () => {
      const { host } = get();
      const rang: number[] = [];
      const at = host.clockMono() + 300_000;
      host.alarm({}, at, () => rang.push(host.clockMono()), true);
      await waitFor(get(), () => rang.length > 0);
      expect(rang[0]).toBeGreaterThanOrEqual(at);
    });

    test('an alarm that does not hold the program rings nevertheless while it lives', async () => {
      const { host } = get();
      const rang: string[] = [];
      host.alarm({}, host.clockMono() + MS, () => rang.push('later'), false);
      host.alarm({}, 0, () => rang.push('now'), false);
      await waitFor(get(), () => rang.length === 2);
      expect([...rang].sort()).toEqual(['later', 'now']);
    });

    test.each([0, -1, -Infinity])('an alarm that is due (%d) rings at once, but never within the call', async (at) => {
      const { host } = get();
      let rang = false;
      host.alarm({}, at, () => (rang = true), true);
      expect(rang).toBe(false);
      await waitFor(get(), () => rang);
    });
  });
}

function replaceTests(conformance: HostConformance): void {
  describe('alarms are replaced', () => {
    const get = eachSubject(conformance);

    test('a new alarm takes the place of the one before: earlier, later, and at once', async () => {
      const { host, wait } = get();
      const rang: string[] = [];
      const [a, b, c] = [{}, {}, {}];
      const now = host.clockMono();
      host.alarm(a, now + 3600e9, () => rang.push('a too late'), true);
      host.alarm(a, now + 2 * MS, () => rang.push('a'), true);
      host.alarm(b, now + MS, () => rang.push('b too early'), true);
      host.alarm(b, now + 30 * MS, () => rang.push('b'), true);
      host.alarm(c, now, () => rang.push('c due'), true);
      host.alarm(c, now + 60 * MS, () => rang.push('c'), true);
      await waitFor(get(), () => rang.length >= 3);
      await wait(2 * MS);
      // On a busy machine several are due at once.
      expect([...rang].sort()).toEqual(['a', 'b', 'c']);
    });

    test('what rings is what was set last, held or not', async () => {
      const { host, wait } = get();
      const rang: string[] = [];
      const owner = {};
      const at = host.clockMono() + 2 * MS;
      host.alarm(owner, at, () => rang.push('first'), false);
      host.alarm(owner, at, () => rang.push('second'), true);
      await waitFor(get(), () => rang.length > 0);
      await wait(2 * MS);
      expect(rang).toEqual(['second']);
    });

    test('Infinity takes the alarm away, one that is due too, and where there is none it is nothing', async () => {
      const { host, wait } = get();
      const rang: string[] = [];
      const [a, b] = [{}, {}];
      host.alarm(a, Infinity, () => rang.push('none'), true);
      host.alarm(a, host.clockMono() + MS, () => rang.push('a'), true);
      host.alarm(b, 0, () => rang.push('b'), true);
      host.alarm(a, Infinity, () => rang.push('never'), true);
      host.alarm(b, Infinity, () => rang.push('never'), true);
      await wait(4 * MS);
      expect(rang).toEqual([]);
    });
  });
}

function orderTests(conformance: HostConformance): void {
  describe('alarms follow each other', () => {
    const get = eachSubject(conformance);

    test('the alarms of several owners ring in the order of their times, and do not disturb each other', async () => {
      const { host, wait } = get();
      const rang: number[] = [];
      const gone = {};
      const now = host.clockMono();
      for (const place of [4, 1, 3, 2]) host.alarm({ place }, now + place * 20 * MS, () => rang.push(place), true);
      host.alarm(gone, now + 10 * MS, () => rang.push(0), true);
      host.alarm(gone, Infinity, () => rang.push(0), true);
      await waitFor(get(), () => rang.length >= 4);
      await wait(MS);
      expect(rang).toEqual([1, 2, 3, 4]);
    });

    test('alarms that are due ring in the order in which they were set', async () => {
      const { host } = get();
      const rang: number[] = [];
      for (let place = 0; place < 20; place++) host.alarm({ place }, 0, () => rang.push(place), true);
      await waitFor(get(), () => rang.length === 20);
      expect(rang).toEqual(Array.from({ length: 20 }, (_one, place) => place));
    });

    test('an alarm may set the next one, which does not ring within it', async () => {
      const { host } = get();
      const owner = {};
      let depth = 0;
      let count = 0;
      const ring = (): void => {
        expect(++depth).toBe(1);
        if (++count < 5) host.alarm(owner, host.clockMono(), ring, true);
        depth--;
      };
      host.alarm(owner, host.clockMono(), ring, true);
      await waitFor(get(), () => count === 5);
    });
  });
}

/** Waits until `ready`, for at most twenty seconds of the host's time. */
async function waitFor(subject: HostSubject, ready: () => boolean): Promise<void> {
  for (let ms = 0; !ready() && ms < 20_000; ms++) await subject.wait(MS);
  expect(ready()).toBe(true);
}
