import { Sim } from '@anykernel/host-sim';
import {
  ERR, MNT_NODEV, O_CREAT, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY, POLLIN, S_IFCHR, makedev,
} from '@anykernel/lib-sys';
import type { Cdevsw } from '@anykernel/rumpkern';
import { type Disk, type Vfs, type Vnode, etfsRegister, openDisk, probeBy } from '@anykernel/rumpvfs';
import { box, bytes, codeOf, ls, now, outcome, put, text } from './box.js';

/** A character device that notes what is done to it. */
function recorder(log: string[], change: Partial<Cdevsw> = {}): Cdevsw {
  return {
    name: 'recorder',
    open: (dev) => void log.push(`open ${dev & 0xff}`),
    close: (dev) => void log.push(`close ${dev & 0xff}`),
    read: (_dev, uio) => void uio.move(bytes('read'), 0, 4),
    write: (_dev, uio) => void uio.skip(uio.resid),
    ioctl: (_dev, cmd) => cmd & 0xff,
    poll: (_dev, events) => events,
    kqfilter: () => {
      throw ERR.EINVAL;
    },
    ...change,
  };
}

test('a new kernel has /dev with its devices, and /tmp for all', () => {
  const { s } = box();
  expect(ls(s, '/')).toEqual(['dev', 'tmp']);
  expect(ls(s, '/dev')).toEqual(['console', 'null', 'random', 'urandom', 'zero']);
  expect([s.stat('/dev').mode & 0o7777, s.stat('/tmp').mode & 0o7777, s.stat('/dev/null').mode]).toEqual([0o755, 0o1777, S_IFCHR | 0o666]);
  expect([s.stat('/dev/null').rdev, s.stat('/dev/zero').rdev]).toEqual([makedev(2, 2), makedev(2, 12)]);
});

test('null swallows, zero gives zeros, random gives what the host has', () => {
  const { s } = box();
  const buf = new Uint8Array(10_000).fill(7);
  const nul = s.open('/dev/null', O_RDWR);
  expect([s.write(nul, buf), s.read(nul, buf), buf[0]]).toEqual([10_000, 0, 7]);
  expect([s.read(s.open('/dev/zero', O_RDONLY), buf), buf.every((x) => x === 0)]).toEqual([10_000, true]);
  expect([s.read(s.open('/dev/urandom', O_RDONLY), buf), new Set(buf).size]).toEqual([10_000, 256]);
  expect(codeOf(() => s.ioctl(nul, 0x2000_0001))).toBe('ENOTTY');
  const fds = [{ fd: nul, events: POLLIN, revents: 0 }];
  expect([s.poll(fds, 0), fds[0]!.revents]).toEqual([1, POLLIN]);
});

test('what is written to the console is on the host’s, what is typed there can be read', async () => {
  const { s, p, host, sim } = box();
  const fd = s.open('/dev/console', O_RDWR);
  s.write(fd, Uint8Array.of(0x68, 0xc3, 0xb6));
  expect(host.console).toContain('hö');
  const buf = new Uint8Array(3);
  const reader = p.call.read(fd, buf);
  expect(await now(reader)).toBe('waits');
  host.type(bytes('typed'));
  expect([await sim.settle(reader), text(buf)]).toEqual([3, 'typ']);
  expect([s.read(fd, buf), text(buf, 2)]).toEqual([2, 'ed']);
  expect(codeOf(() => s.read(s.open('/dev/console', O_RDONLY | O_NONBLOCK), buf))).toBe('EAGAIN');
});

test('a driver’s devices appear under the names that it announces, and go with them', () => {
  const { s, k } = box();
  const log: string[] = [];
  const majors = k.devsw.attach(undefined, recorder(log));
  const dev = makedev(majors.cmajor, 3);
  k.run(() => k.devsw.announce('mapper/rec0', 'chr', dev, 0o640));
  expect([s.stat('/dev/mapper/rec0').mode, s.stat('/dev/mapper/rec0').rdev]).toEqual([S_IFCHR | 0o640, dev]);
  const a = s.open('/dev/mapper/rec0', O_RDONLY);
  const b = s.open('/dev/mapper/rec0', O_RDONLY);
  const buf = new Uint8Array(4);
  expect([s.read(a, buf), text(buf), s.ioctl(b, 0x2000_0055)]).toEqual([4, 'read', 0x55]);
  s.close(a);
  expect(log).toEqual(['open 3', 'open 3']);
  s.close(b);
  expect(log).toEqual(['open 3', 'open 3', 'close 3']);
  k.run(() => k.devsw.retract('mapper/rec0'));
  expect(ls(s, '/dev/mapper')).toEqual([]);
});

test('a number without a driver is ENXIO, and so is any device on a nodev mount', () => {
  const { s } = box();
  s.mknod('/none', S_IFCHR | 0o666, makedev(77, 0));
  expect(codeOf(() => s.open('/none', O_RDONLY))).toBe('ENXIO');
  s.mkdir('/m', 0o755);
  s.mount('rumpfs', '/m', MNT_NODEV, {});
  s.mknod('/m/null', S_IFCHR | 0o666, makedev(2, 2));
  expect(codeOf(() => s.open('/m/null', O_RDONLY))).toBe('ENXIO');
});

test('revoke takes a device from all who have it open, whatever node they came by', () => {
  const { s, k, proc } = box();
  const log: string[] = [];
  const { cmajor } = k.devsw.attach(undefined, recorder(log));
  for (const name of ['/a', '/b']) s.mknod(name, S_IFCHR | 0o666, makedev(cmajor, 1));
  const a = s.open('/a', O_RDWR);
  const b = s.open('/b', O_RDWR);
  const buf = new Uint8Array(4);
  expect(codeOf(() => proc({ uid: 3 }).sys.revoke('/a'))).toBe('EPERM');
  expect(codeOf(() => s.revoke('/tmp'))).toBe('EINVAL');
  s.revoke('/a');
  expect([s.read(a, buf), s.read(b, buf), codeOf(() => s.write(b, buf)), codeOf(() => s.ioctl(a, 1))]).toEqual([0, 0, 'EIO', 'ENXIO']);
  expect(log).toEqual(['open 1', 'open 1', 'close 1']);
  s.close(a);
  s.close(b);
  s.close(s.open('/a', O_RDONLY));
  expect(log.slice(3)).toEqual(['open 1', 'close 1']);
});

describe('openDisk', () => {
  function disk() {
    const sim = new Sim();
    sim.disk('host.img', { size: 65536, type: 'reg' });
    const b = box([], {}, {}, sim);
    etfsRegister(b.vfs, '/blk', 'host.img', 'blk');
    etfsRegister(b.vfs, '/chr', 'host.img', 'chr');
    return b;
  }

  test('gives the block device of a path to a file system, and then to nobody else', () => {
    const { s, k, vfs, p } = disk();
    const open = (path: string): string => codeOf(() => k.run(() => openDisk(vfs, p.lwp, path, true), p.lwp));
    put(s, '/f');
    expect([open('/nothing'), open('/f'), open('/chr')]).toEqual(['ENOENT', 'ENOTBLK', 'ENOTBLK']);
    const d = k.run(() => openDisk(vfs, p.lwp, '/blk', true), p.lwp);
    expect([d.size, d.secsize, d.readonly]).toEqual([65536, 512, false]);
    expect([open('/blk'), codeOf(() => s.open('/blk', O_RDONLY)), codeOf(() => s.open('/chr', O_RDONLY))]).toEqual(['EBUSY', 'EBUSY', 'ok']);
    k.run(() => d.close(p.lwp));
    expect([open('/blk')]).toEqual(['ok']);
  });

  test('keeps the syncer going while it is open, and the program not', () => {
    const { k, vfs, p, sim } = disk();
    let rounds = 0;
    vfs.sync = (wait) => {
      expect(wait).toBe(false);
      rounds++;
    };
    sim.advance(100e9);
    expect(rounds).toBe(0);
    const d = k.run(() => openDisk(vfs, p.lwp, '/blk', true), p.lwp);
    sim.advance(95e9);
    expect(rounds).toBe(3);
    k.sysctl.set('vfs.sync.delay', 5);
    sim.advance(21e9);
    expect(rounds).toBe(7);
    k.run(() => d.close(p.lwp));
    sim.advance(95e9);
    expect([rounds, sim.runUntilIdle()]).toEqual([7, 0]);
  });
});

test('mount of type auto asks each type whether it knows what is on the device', async () => {
  for (const sync of [true, false]) {
    const sim = new Sim();
    sim.disk('host.img', { bytes: Uint8Array.from({ length: 4096 }, (_, i) => i >> 4), type: 'reg', sync });
    const { s, p, vfs } = box([], {}, {}, sim);
    etfsRegister(vfs, '/blk', 'host.img', 'blk');
    s.mkdir('/m', 0o755);
    const rumpfs = vfs.types.get('rumpfs')!.ops;
    const seen: number[] = [];
    vfs.vfsAttach({
      ...rumpfs,
      name: 'nofs',
      probe: probeBy((peek) => {
        seen.push(peek(1040, 4)[0]!, peek(4090, 100).length);
        return false;
      }),
    });
    vfs.vfsAttach({ ...rumpfs, name: 'yesfs', probe: probeBy((peek) => peek(4095, 1)[0] === 255) });
    expect(await sim.settle(outcome(p.call.mount('auto', '/m', 0, { fspec: '/blk' })))).toBe(undefined);
    expect(seen.slice(-2)).toEqual([65, 6]);
    expect([s.statvfs1('/m', 1).fstypename, s.statvfs1('/m', 1).mntfromname]).toEqual(['yesfs', '/blk']);
    expect(await sim.settle(outcome(p.call.mount('auto', '/m', 0, {})))).toBe('EINVAL');
  }
});

/** Attaches a file system that has its device open while it waits for a wakeup of `channel`. */
function attachSlowfs(vfs: Vfs, channel: object): void {
  const rumpfs = vfs.types.get('rumpfs')!.ops;
  let disk: Disk | undefined;
  vfs.vfsAttach({
    ...rumpfs,
    name: 'slowfs',
    probe: probeBy(() => true),
    mount(mp, args, l, update) {
      if (disk === undefined) {
        disk = openDisk(vfs, l, (args as { fspec: string }).fspec, false);
        mp.data = disk;
        l.k.sleep(channel);
      }
      rumpfs.mount(mp, args, l, update);
    },
    unmount() {
      disk?.close(vfs.k.curlwp);
      disk = undefined;
    },
  });
}

test('mount of type auto goes on with the type that it has found, when that has slept with its device open', async () => {
  const { k, s, p, vfs, sim } = box();
  sim.disk('host.img', { bytes: new Uint8Array(4096) });
  etfsRegister(vfs, '/blk', 'host.img', 'blk');
  s.mkdir('/m', 0o755);
  attachSlowfs(vfs, sim);
  const mounted = p.call.mount('auto', '/m', 0, { fspec: '/blk' });
  expect(await now(mounted)).toBe('waits');
  k.run(() => k.wakeup(sim));
  expect(await now(mounted)).toBe(undefined);
  expect(s.statvfs1('/m', 1).fstypename).toBe('slowfs');
});

test('a mount whose process ends while it waits gives its device back', async () => {
  const { k, s, vfs, sim, proc } = box();
  sim.disk('host.img', { bytes: new Uint8Array(4096) });
  etfsRegister(vfs, '/blk', 'host.img', 'blk');
  s.mkdir('/m', 0o755);
  attachSlowfs(vfs, sim);
  const p = proc();
  const mounted = p.call.mount('slowfs', '/m', 0, { fspec: '/blk' });
  expect(await now(mounted)).toBe('waits');
  expect(codeOf(() => k.run(() => openDisk(vfs, k.curlwp, '/blk', false)))).toBe('EBUSY');
  k.run(() => k.procs.exit(p));
  expect(await now(mounted)).toBe('EINTR');
  expect(k.run(() => openDisk(vfs, k.curlwp, '/blk', false).size)).toBe(4096);
});

test('a file that open has made is let go when the process ends before it is open', async () => {
  const { k, s, vfs, proc } = box();
  const { ops } = vfs.rootvp;
  let made: Vnode | undefined;
  vfs.rootvp.ops = {
    ...ops,
    create(dvp, cnp, va) {
      made = ops.create(dvp, cnp, va);
      made.ops = { ...made.ops, open: (_vp, _flag, l) => l.k.sleep(ops) };
      return made;
    },
  };
  const p = proc();
  const opened = p.call.open('/new', O_RDWR | O_CREAT, 0o644);
  expect(await now(opened)).toBe('waits');
  expect(made?.usecount).toBe(1);
  k.run(() => k.procs.exit(p));
  expect(await now(opened)).toBe('EINTR');
  expect([made?.usecount, s.stat('/new').nlink]).toEqual([0, 1]);
});

test('writing to what is open for reading only is EBADF before the driver hears of it', () => {
  const { s } = box();
  expect(codeOf(() => s.write(s.open('/dev/null', O_RDONLY), bytes('x')))).toBe('EBADF');
  expect(codeOf(() => s.read(s.open('/dev/null', O_WRONLY), bytes('x')))).toBe('EBADF');
});
