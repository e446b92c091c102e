import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { Alarms } from '@anykernel/lib-hostkit';
import { Clock } from '../src/clock.js';
import { NodeTimers } from '../src/timers.js';

const MS = 1_000_000;

/** A machine whose clocks a test moves. */
class Machine {
  sec = 5_000_000;
  nsec = 999_999_990;
  wallMs: number = performance.timeOrigin + performance.now();

  constructor() {
    jest.spyOn(process, 'hrtime').mockImplementation((() => [this.sec, this.nsec]) as unknown as typeof process.hrtime);
    jest.spyOn(Date, 'now').mockImplementation(() => Math.floor(this.wallMs));
  }

  pass(ns: number): void {
    this.wallMs += ns / MS;
    this.nsec += ns;
    this.sec += Math.floor(this.nsec / 1e9);
    this.nsec %= 1e9;
  }
}

const wallMs = (clock: Clock): number => {
  const time = { sec: 0, nsec: 0 };
  clock.wall(time);
  expect(Number.isInteger(time.sec) && Number.isInteger(time.nsec) && time.nsec >= 0 && time.nsec < 1e9).toBe(true);
  return time.sec * 1000 + time.nsec / MS;
};

describe('the clocks', () => {
  afterEach(() => void jest.restoreAllMocks());

  test('count whole nanoseconds over the turn of a second', () => {
    const machine = new Machine();
    const clock = new Clock();
    const start = clock.mono();
    machine.pass(15);
    expect(clock.mono() - start).toBe(15);
    machine.pass(3_000_000_001);
    expect(clock.mono() - start).toBe(3_000_000_016);
  });

  test('are exact on a machine that has been up for years', () => {
    const machine = new Machine();
    machine.sec = 400_000_000;
    const clock = new Clock();
    const start = clock.mono();
    machine.pass(1);
    expect(clock.mono() - start).toBe(1);
  });

  test('show wall time finer than milliseconds, and go on evenly', () => {
    const machine = new Machine();
    const clock = new Clock();
    const start = wallMs(clock);
    expect(Math.abs(start - machine.wallMs)).toBeLessThan(2);
    machine.pass(1500);
    expect(wallMs(clock) - start).toBeCloseTo(0.0015, 3);
  });

  test('follow a machine whose clock is set, within a second', () => {
    const machine = new Machine();
    const clock = new Clock();
    wallMs(clock);
    machine.wallMs += 3_600_000;
    machine.pass(1e9);
    expect(Math.abs(wallMs(clock) - machine.wallMs)).toBeLessThan(2);
    machine.wallMs -= 7_200_000;
    machine.pass(1e9);
    expect(Math.abs(wallMs(clock) - machine.wallMs)).toBeLessThan(2);
  });
});

describe('alarms', () => {
  /** Timers which keep this program alive. */
  const held = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout' || name === 'Immediate').length;
  const never = (): void => {};

  test.each([
    ['far away', 3600e9],
    ['due', 0],
  ])('%s keep the program alive if they hold, and leave nothing when they are taken away', (_name, ahead) => {
    const clock = new Clock();
    const alarms = new Alarms(new NodeTimers(clock));
    const owner = {};
    const before = held();
    const set = (hold: boolean): void => alarms.set(owner, clock.mono() + ahead, never, hold);
    set(true);
    expect(held() - before).toBe(1);
    set(false);
    expect(held() - before).toBe(0);
    set(true);
    expect(held() - before).toBe(1);
    alarms.set(owner, Infinity, never, false);
    expect(held() - before).toBe(0);
  });

  test('beyond what a timer can hold are set, and set again', () => {
    const clock = new Clock();
    const alarms = new Alarms(new NodeTimers(clock));
    const spy = jest.spyOn(globalThis, 'setTimeout');
    alarms.set(alarms, clock.mono() + 1e18, never, false);
    expect(spy.mock.calls[0][1]).toBe(0x7fffffff);
    spy.mockRestore();
    alarms.set(alarms, Infinity, never, false);
  });

  test('put off again and again keep one timer', () => {
    const clock = new Clock();
    const alarms = new Alarms(new NodeTimers(clock));
    const spy = jest.spyOn(globalThis, 'setTimeout');
    for (let round = 0; round < 100; round++) alarms.set(alarms, clock.mono() + 1e9, never, false);
    expect(spy.mock.calls).toHaveLength(1);
    spy.mockRestore();
    alarms.set(alarms, Infinity, never, false);
  });
});
