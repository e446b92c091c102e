import { describe, expect, test } from '@jest/globals';
import { ERR } from '@anykernel/lib-sys';
import { type DiskImage, type SimHost, Sim, hostSim } from '../src/index.js';

describe('virtual time', () => {
  test('stands still unless it is moved, and jumps from event to event', () => {
    const { sim, ...rest } = withLog();
    expect([sim.now, rest.host.clockMono()]).toEqual([0, 0]);
    rest.ring(300);
    rest.ring(100);
    expect(sim.now).toBe(0);
    expect(sim.step()).toBe(true);
    expect(sim.now).toBe(100);
    expect(sim.step()).toBe(true);
    expect(sim.step()).toBe(false);
    expect([sim.now, rest.log]).toEqual([300, [100, 300]]);
  });

  test('advance does all that is due on the way, and what that makes due too', () => {
    const { sim, host, log, ring } = withLog();
    host.alarm({}, 50, () => ring(80), true);
    ring(101);
    expect(sim.advance(100)).toBe(2);
    expect([sim.now, log]).toEqual([100, [80]]);
    expect(sim.advance(1)).toBe(1);
    expect([sim.now, log]).toEqual([101, [80, 101]]);
  });

  test('runUntilIdle ends when nothing holds any more', () => {
    const { sim, host, ring, log } = withLog();
    const syncer = {};
    const again = (): void => host.alarm(syncer, host.clockMono() + 30, again, false);
    again();
    ring(100);
    sim.runUntilIdle();
    expect([sim.now, log]).toEqual([100, [100]]);
    expect(sim.runUntilIdle()).toBe(0);
  });

  test('a run that does not end is an error which names the seed', () => {
    const { sim, host } = withLog(77);
    const again = (): void => host.alarm(again, host.clockMono(), again, true);
    again();
    expect(() => sim.runUntilIdle({ maxEvents: 100 })).toThrow('simulation with seed 77: more than 100 events, at 0 ns');
    expect(() => sim.advance(1, { maxEvents: 100 })).toThrow('seed 77');
  });

  test('wall time begins at a fixed epoch', () => {
    const host = hostSim({ epochSec: 1000 });
    host.sim.advance(2_500_000_000);
    const time = { sec: 0, nsec: 0 };
    host.clockWall(time);
    expect(time).toEqual({ sec: 1002, nsec: 500_000_000 });
  });

  test('time that an event moves on itself does not go back', () => {
    const sim = new Sim();
    const times: number[] = [];
    sim.at(10, () => sim.advance(100));
    for (const at of [20, 200]) sim.at(at, () => times.push(sim.now));
    sim.advance(50);
    times.push(sim.now);
    sim.runUntilIdle();
    expect(times).toEqual([20, 110, 200]);
  });

  test('an event at no time happens now', () => {
    const sim = new Sim();
    const order: number[] = [];
    sim.at(5, () => order.push(5));
    sim.at(Number.NaN, () => order.push(0));
    sim.at(-1, () => order.push(-1));
    sim.runUntilIdle();
    expect(order).toEqual([0, -1, 5]);
  });

  test('alarms of all hosts are one order: by time, then as they were set', () => {
    const sim = new Sim();
    const log: string[] = [];
    const hosts = [sim.host({ hostname: 'a' }), sim.host({ hostname: 'b' }), sim.host({ hostname: 'c' })];
    for (const at of [20, 10]) for (const host of hosts) host.alarm({}, at, () => log.push(host.hostname + at), true);
    sim.runUntilIdle();
    expect(log).toEqual(['a10', 'b10', 'c10', 'a20', 'b20', 'c20']);
  });
});

describe('settle', () => {
  test('runs for code that awaits', async () => {
    const host = hostSim();
    const sleep = (ns: number): Promise<void> => new Promise((resolve) => host.alarm({}, host.clockMono() + ns, resolve, true));
    const work = async (): Promise<number> => {
      for (let round = 0; round < 10; round++) await sleep(100);
      return host.clockMono();
    };
    expect(await host.sim.settle(work())).toBe(1000);
    expect(host.sim.now).toBe(1000);
  });

  test('throws what the code throws', async () => {
    const host = hostSim();
    await expect(host.sim.settle(Promise.reject(ERR.EIO))).rejects.toBe(ERR.EIO);
  });

  test('says when something waits for what does not come', async () => {
    const host = hostSim({ seed: 12 });
    await expect(host.sim.settle(new Promise(() => {}))).rejects.toThrow('simulation with seed 12: nothing is left to happen');
  });
});

describe('one seed', () => {
  test('decides the whole run', async () => {
    expect(await run(5)).toEqual(await run(5));
  });

  test('and another one makes another', async () => {
    expect(await run(5)).not.toEqual(await run(6));
  });

  test('hosts do not take each other random numbers', () => {
    const draw = (sim: Sim, index: number): Uint8Array => {
      const buf = new Uint8Array(16);
      sim.hosts[index].getrandom(buf);
      return buf;
    };
    const make = (): Sim => {
      const sim = new Sim({ seed: 3 });
      sim.host();
      sim.host();
      return sim;
    };
    const [one, two] = [make(), make()];
    draw(one, 0);
    expect(draw(one, 1)).toEqual(draw(two, 1));
    expect(draw(two, 0)).not.toEqual(draw(two, 1));
  });
});

describe('a host without power', () => {
  test('rings no alarm, ends no transfer and hears nothing, and can begin again', () => {
    const host = hostSim();
    host.sim.disk('disk', { size: 1024, sync: false });
    const log: string[] = [];
    const file = host.open('disk', { read: true, write: true });
    file.write(new Uint8Array(512).fill(1), 0, () => log.push('written'));
    host.alarm({}, 10, () => log.push('rang'), true);
    host.importComponent('x', () => log.push('imported'));
    host.consoleInput(() => log.push('heard'));
    host.type(Uint8Array.of(1));
    host.malloc(100);
    host.powerOff();
    host.sim.runUntilIdle();
    expect([log, host.sim.disks.get('disk')?.writes, host.allocated]).toEqual([[], 0, 0]);
    host.alarm({}, host.clockMono() + 10, () => log.push('again'), true);
    host.sim.runUntilIdle();
    expect(log).toEqual(['again']);
  });
});

describe('what a host is told', () => {
  test('ends, signals and the console are kept for the test', () => {
    const host = hostSim({ hostname: 'guest', params: { RUMP_VERBOSE: '1' }, memLimitBytes: 1000 });
    host.exit('panic');
    host.exit(3);
    host.kill(13);
    host.putchars('boo\n');
    expect([host.exits, host.signals, host.console]).toEqual([['panic', 3], [13], 'boo\n']);
    expect([host.getparam('RUMP_VERBOSE'), host.getparam('_RUMPUSER_HOSTNAME')]).toEqual(['1', 'guest']);
  });

  test('memory has a limit if the test wants one, and what is freed twice is refused', () => {
    const host = hostSim({ memLimitBytes: 1000 });
    const mem = host.malloc(600);
    expect(() => host.malloc(401)).toThrow(expect.objectContaining({ code: 'ENOMEM' }));
    host.free(mem);
    expect(() => host.free(mem)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    expect(host.malloc(1000).length).toBe(1000);
  });
});

function withLog(seed = 1): { sim: Sim; host: SimHost; log: number[]; ring: (at: number) => void } {
  const host = hostSim({ seed });
  const log: number[] = [];
  return { sim: host.sim, host, log, ring: (at) => host.alarm({}, at, () => log.push(host.clockMono()), true) };
}

/** Three hosts write, read and flush one disk that answers after a while and fails now and then, and keep a record of what happens. */
async function run(seed: number): Promise<unknown> {
  const sim = new Sim({ seed });
  const disk = sim.disk('disk', { size: 1 << 17, sync: false, latencyNs: [1000, 900_000], record: 'all' });
  disk.fail({ op: 'write', probability: 0.2 });
  const log: string[] = [];
  for (let index = 0; index < 3; index++) {
    const host = sim.host();
    const file = host.open('disk', { read: true, write: true });
    const act = (): void => {
      const data = new Uint8Array(512 * (1 + sim.rng.below(8)));
      host.getrandom(data);
      const off = sim.rng.below(200) * 512;
      const ended = (what: string) => (error: unknown, moved: number) =>
        log.push(`${sim.now} ${index} ${what} ${off} ${moved} ${String(error)}`);
      if (sim.rng.below(3) === 0) file.flush(ended('flush'));
      else file.write(data, off, ended('write'));
      if (log.length < 200) host.alarm(act, host.clockMono() + sim.rng.below(300_000), act, true);
    };
    act();
  }
  sim.runUntilIdle();
  const cuts = [0, 1, 2].map((variant) => text(disk.cut({ after: 60, torn: true, reorder: true, variant })));
  return [log, text(disk.snapshot()), cuts];
}

/** Strings compare fast. */
const text = (image: DiskImage): string => Buffer.from(image.bytes()).toString('latin1');
