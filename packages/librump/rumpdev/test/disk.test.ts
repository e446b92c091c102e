import { describe, expect, test } from '@jest/globals';
import { bdevConformance } from '@anykernel/conformance-bdevsw';
import { hostSim } from '@anykernel/host-sim';
import { DIOCCACHESYNC, Errno } from '@anykernel/lib-sys';
import { type Kernel, type Lwp, SLEEP, Uio, boot, makedev } from '@anykernel/rumpkern';
import { DiskDev, DiskSwitch, rumpdev } from '../src/index.js';

interface Rig {
  readonly k: Kernel;
  readonly sim: ReturnType<typeof hostSim>['sim'];
  readonly sd: ReturnType<ReturnType<typeof hostSim>['sim']['disk']>;
  readonly disk: DiskDev;
  readonly sw: DiskSwitch;
}

/** A driver over a simulated disk: unit 0 can be written, unit 1 only be read. */
function rig(sync: boolean, latencyNs = 100_000): Rig {
  const host = hostSim();
  const sd = host.sim.disk('disk', { size: 256 << 10, sync, latencyNs });
  const file = host.open('disk', { read: true, write: true, bio: true });
  const k = boot(host, [rumpdev]);
  const disks = [false, true].map((readonly, unit) => new DiskDev(k, `sd${unit}`, driverOf(file), { size: file.size, readonly }));
  for (const disk of disks) k.modules.use(rumpdev).disks.attach(disk);
  const sw = new DiskSwitch(k, { name: 'sd', exists: (unit) => unit < 2, disk: (unit) => disks[unit] });
  return { k, sim: host.sim, sd, disk: disks[0]!, sw };
}

function driverOf(file: ReturnType<ReturnType<typeof hostSim>['open']>): ConstructorParameters<typeof DiskDev>[2] {
  return {
    readv: (data, off, done) => file.readv(data, off, done),
    writev: (data, off, done) => file.writev(data, off, done),
    flush: (done) => file.flush(done),
  };
}

/** Runs `fn` as a system call does: again after each sleep. */
function call<T>({ k, sim }: Rig, fn: (l: Lwp) => T): T {
  const l = k.proc1.newlwp();
  l.begin();
  for (;;) {
    const outer = k.enter(l);
    try {
      return fn(l);
    } catch (e) {
      if (e !== SLEEP) throw e;
    } finally {
      k.leave(outer);
    }
    let woken = false;
    l.resume = () => void (woken = true);
    k.sleepq.park(l);
    while (!woken) if (!sim.step()) throw new Error('asleep for ever');
  }
}

function errnoOf(fn: () => unknown): string | undefined {
  try {
    fn();
    return undefined;
  } catch (e) {
    if (e instanceof Errno) return e.code;
    throw e;
  }
}

for (const sync of [true, false]) {
  bdevConformance({
    name: `a disk on ${sync ? 'a synchronous' : 'an asynchronous'} host`,
    asynchronous: !sync,
    make: () => {
      const { k, sw, sim } = rig(sync);
      return { k, dev: sw.dev(0), readonly: sw.dev(1), absent: sw.dev(2), settle: () => void sim.step(), close: () => k.halt() };
    },
  });
}

describe.each([['a synchronous', true], ['an asynchronous', false]])('a raw disk on %s host', (_name, sync) => {
  function raw(): Rig & { move: (b: Uint8Array | readonly Uint8Array[], off: number, rw: 'read' | 'write') => number } {
    const r = rig(sync);
    const dev = makedev(r.sw.cmajor, 0);
    const cdev = r.k.devsw.cdev(dev);
    const move = (b: Uint8Array | readonly Uint8Array[], off: number, rw: 'read' | 'write'): number => {
      const uio = b instanceof Uint8Array ? new Uio().init(b, off, rw) : new Uio().initv(b, off, rw);
      call(r, (l) => (rw === 'read' ? cdev.read(dev, uio, l, 0) : cdev.write(dev, uio, l, 0)));
      return uio.moved;
    };
    return { ...r, move };
  }

  test('gives what it was given, through transfers of 64 KiB', () => {
    const { move } = raw();
    const data = new Uint8Array(200 << 10);
    for (let i = 0; i < data.length; i++) data[i] = (i * 3 + (i >> 10)) & 0xff;
    expect(move([data.subarray(0, 512), data.subarray(512)], 1024, 'write')).toBe(data.length);
    const got = new Uint8Array(data.length);
    expect(move(got, 1024, 'read')).toBe(data.length);
    expect(got.every((b, i) => b === data[i])).toBe(true);
  });

  test('an error is passed on, and what was moved before it stands', () => {
    const { move, sd, disk } = raw();
    sd.fail({ range: [65536, 65536 + 512] });
    const uio = errnoOf(() => move(new Uint8Array(512), 65536, 'read'));
    expect(uio).toBe('EIO');
    expect(errnoOf(() => move(new Uint8Array(512), 65536, 'write'))).toBe('EIO');
    expect(disk.stats.errors).toBe(2);
    sd.mend();
    expect(move(new Uint8Array(512), 65536, 'write')).toBe(512);
  });

  test('DIOCCACHESYNC ends when the disk has flushed, and says how that went', () => {
    const r = raw();
    const dev = makedev(r.sw.cmajor, 0);
    const sync4 = (): number => call(r, (l) => r.k.devsw.cdev(dev).ioctl(dev, DIOCCACHESYNC, new Uint8Array(4), l));
    expect(sync4()).toBe(0);
    expect(r.sd.stats.flushes).toBe(1);
    r.sd.fail({ op: 'flush', times: 1 });
    expect(errnoOf(sync4)).toBe('EIO');
    expect(sync4()).toBe(0);
  });
});

describe('statistics', () => {
  test('count transfers and bytes by direction, seeks, and the time under way', () => {
    const r = rig(false, 1000);
    const b = new Uint8Array(1024);
    const go = (off: number, write: boolean): void => {
      r.k.run(() => r.disk.transfer([b], off, write, () => undefined));
      r.sim.runUntilIdle();
    };
    go(0, true);
    go(1024, true);
    go(0, false);
    expect(r.disk.stats).toMatchObject({ writeTransfers: 2, writeBytes: 2048, readTransfers: 1, readBytes: 1024, seeks: 1, busy: 0, busyTime: 3000 });
  });

  test('transfers at the same time are busy once', () => {
    const r = rig(false, 1000);
    for (const off of [0, 4096, 8192]) r.k.run(() => r.disk.transfer([new Uint8Array(512)], off, false, () => undefined));
    expect(r.disk.stats.busy).toBe(3);
    r.sim.runUntilIdle();
    expect(r.disk.stats).toMatchObject({ busy: 0, busyTime: 1000 });
  });
});

describe('the list of disks', () => {
  test('a name is taken once, an open disk is EBUSY to detach', () => {
    const { k, disk, sw } = rig(true);
    const { disks } = k.modules.use(rumpdev);
    expect(errnoOf(() => disks.attach(disk))).toBe('EEXIST');
    const dev = sw.dev(0);
    k.devsw.bdev(dev).open(dev, 1, k.curlwp);
    expect(errnoOf(() => disks.detach(disk))).toBe('EBUSY');
    expect(k.sysctl.get('hw.disknames')).toBe('sd0 sd1');
    expect(errnoOf(() => k.run(() => k.modctl.unload('rumpdev')))).toBe('EBUSY');
    k.devsw.bdev(dev).close(dev, 1, k.curlwp);
    disks.detach(disk);
    expect(k.sysctl.get('hw.disknames')).toBe('sd1');
  });
});
