/** Things that come at the wrong moment: ends, closes, signals, answers and faults while calls sleep. */
import type { Rumpuser } from '@anykernel/host-rumpuser';
import { Sim, type SimHost, hostSim } from '@anykernel/host-sim';
import { type AnyComponent, component } from '@anykernel/lib-component';
import {
  CLOCK_MONOTONIC, ERR, EVFILT_READ, EVFILT_TIMER, EV_ADD, ITIMER_REAL, Kevent, MODCTL_LOAD, POLLIN, SIGALRM, SIGUSR1, SIGUSR2, TIMER_ABSTIME, nfsserverCalls, rumpkernCalls,
} from '@anykernel/lib-sys';
import { Callout, FREAD, File, type Kernel, SLEEP, boot, psignal, rumpkern } from '@anykernel/rumpkern';
import { box, bytes, codeOf, now, outcome, random, text } from './help.js';

const ZERO = { sec: 0, nsec: 0 };

describe('buffers while a call sleeps', () => {
  test.each([
    ['sent to another thread', (buffer: ArrayBuffer) => void structuredClone(buffer, { transfer: [buffer] })],
    ['made shorter', (buffer: ArrayBuffer) => (buffer as ArrayBuffer & { resize(len: number): void }).resize(1)],
  ])('that are %s are EFAULT for the call, and the bytes stay for the next reader', async (_what, spoil) => {
    const { p, k } = box();
    const [r, w] = p.sys.pipe();
    const Buffers = ArrayBuffer as unknown as new (len: number, options: { maxByteLength: number }) => ArrayBuffer;
    const buffer = new Buffers(16, { maxByteLength: 16 });
    const read = p.call.read(r, new Uint8Array(buffer));
    const readv = p.call.readv(r, [new Uint8Array(buffer, 0, 8), new Uint8Array(buffer, 8, 8)]);
    await now(read);
    spoil(buffer);
    p.sys.write(w, bytes('0123456789'));
    expect([await now(read), await now(readv)]).toEqual(['EFAULT', 'EFAULT']);
    const data = new Uint8Array(10);
    expect(text(data, p.sys.read(r, data))).toBe('0123456789');
    expect(k.stopped).toBeUndefined();
  });

  test('that a handler fills without a uio are looked at again, too', async () => {
    const { p, k } = box();
    k.syscalls.establish(rumpkernCalls, {
      utrace(l, _label, data) {
        if (l.restarts === 0) k.sleep(p);
        data.set([1]);
      },
    });
    const buf = new Uint8Array(4);
    const call = p.call.utrace('x', buf);
    await now(call);
    structuredClone(buf.buffer, { transfer: [buf.buffer] });
    k.run(() => k.wakeup(p));
    expect([await now(call), k.stopped]).toEqual(['EFAULT', undefined]);
  });

  test('lists of them that are changed meanwhile are what they were', async () => {
    const { p } = box();
    const [r, w] = p.sys.pipe();
    const [a, b] = [new Uint8Array(2), new Uint8Array(2)];
    const list: unknown[] = [a, b];
    const read = p.call.readv(r, list as Uint8Array[]);
    await now(read);
    list[1] = undefined;
    list.length = 0;
    p.sys.write(w, bytes('wxyz'));
    expect(await now(read)).toBe(4);
    expect(text(a) + text(b)).toBe('wxyz');
  });

  test('sets of select() that are gone when there is an answer are EFAULT, and those that were changed are as they were', async () => {
    const { p, k } = box();
    const [r, w] = p.sys.pipe();
    const [gone, changed] = [new Uint8Array(1).fill(1 << r), new Uint8Array(1).fill(1 << r)];
    const calls = [p.call.select({ nfds: 8, read: gone }), p.call.select({ nfds: 8, read: changed })];
    await now(calls[0]);
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    changed[0] = 0xff;
    p.sys.write(w, bytes('x'));
    expect([await now(calls[0]), await now(calls[1]), changed[0], k.stopped]).toEqual(['EFAULT', 1, 1 << r, undefined]);
  });

  test('records that are changed meanwhile are what they were', async () => {
    const { p, host } = box();
    const time = { sec: 5, nsec: 0 };
    const sleep = p.call.nanosleep(time);
    const polled = [{ fd: p.sys.pipe()[0], events: POLLIN, revents: 7 }];
    const poll = p.call.poll(polled, 4000);
    await now(sleep);
    time.sec = -1;
    polled[0].fd = 'x' as never;
    host.sim.runUntilIdle();
    expect([await now(sleep), await now(poll), polled[0].revents, host.sim.now]).toEqual([undefined, 0, 0, 5e9]);
  });
});

test.each([2 ** 31, 2 ** 32, 2 ** 32 + 8, Number.MAX_SAFE_INTEGER, 1025])('select() of %d descriptors is EINVAL, not for ever', (nfds) => {
  const { p } = box();
  for (const sets of [{ nfds }, { nfds, read: new Uint8Array(8) }]) expect(codeOf(() => p.sys.select(sets, ZERO))).toBe('EINVAL');
});

describe('closing while somebody sleeps', () => {
  test('ends readers and writers of the descriptor with EBADF, and not those of another descriptor of the same file', async () => {
    const { p } = box();
    const [r, w] = p.sys.pipe();
    const other = p.sys.dup(r);
    const a = p.call.read(r, new Uint8Array(1));
    const b = p.call.read(other, new Uint8Array(1));
    await now(a);
    p.sys.close(r);
    expect([await now(a), await now(b)]).toEqual(['EBADF', 'waits']);
    p.sys.write(w, bytes('x'));
    expect(await now(b)).toBe(1);
  });

  test('by dup2 onto the descriptor leaves the sleeper with EBADF, not with the other file', async () => {
    const { p } = box();
    const [r, w] = p.sys.pipe();
    const [r2, w2] = p.sys.pipe();
    const read = p.call.read(r, new Uint8Array(1));
    await now(read);
    p.sys.dup2(r2, r);
    p.sys.write(w2, bytes('x'));
    expect(await now(read)).toBe('EBADF');
    expect(codeOf(() => p.sys.write(w, bytes('x')))).toBe('EPIPE');
  });

  test('of an event queue and of what is polled does no harm', async () => {
    const { p, k, host } = box();
    const [r, w] = p.sys.pipe();
    const kq = p.sys.kqueue();
    const events = p.call.kevent(kq, [new Kevent(r, EVFILT_READ, EV_ADD)], [new Kevent()]);
    const poll = p.call.poll([{ fd: r, events: POLLIN, revents: 0 }], 1000);
    await now(events);
    p.sys.close(kq);
    p.sys.close(r);
    p.sys.close(w);
    expect(await now(events)).toBe('EBADF');
    host.sim.runUntilIdle();
    expect(await now(poll)).not.toBe('waits');
    expect(k.stopped).toBeUndefined();
  });
});

describe('a file whose close fails, or has to wait', () => {
  function fileOf(k: Kernel, close: () => void): File {
    const no = (): never => {
      throw ERR.ENOTTY;
    };
    const ops = { name: 'odd', read: no, write: no, ioctl: no, poll: () => 0, stat: () => {}, close, kqfilter: no };
    return new File('misc', ops, undefined, FREAD, k.proc0.cred);
  }

  test('is replaced by dup2 all the same, and the other one ends with its last descriptor', () => {
    const { p, k } = box();
    const [r, w] = p.sys.pipe();
    const fd = p.fd.alloc(
      fileOf(k, () => {
        throw ERR.EIO;
      }),
      10,
    );
    expect(p.sys.dup2(w, fd)).toBe(fd);
    p.sys.close(w);
    expect(p.sys.write(fd, bytes('x'))).toBe(1);
    p.sys.close(fd);
    expect([p.sys.read(r, new Uint8Array(2)), p.sys.read(r, new Uint8Array(2))]).toEqual([1, 0]);
  });

  test('is waited for by dup2, which counts nothing twice', async () => {
    const { p, k } = box();
    const [r, w] = p.sys.pipe();
    let ready = false;
    const fd = p.fd.alloc(
      fileOf(k, () => {
        if (!ready) k.sleep(p);
      }),
      10,
    );
    const dup = p.call.dup2(w, fd);
    expect(await now(dup)).toBe('waits');
    ready = true;
    k.run(() => k.wakeup(p));
    expect(await now(dup)).toBe(fd);
    p.sys.close(w);
    p.sys.close(fd);
    expect(p.sys.read(r, new Uint8Array(2))).toBe(0);
  });
});

describe('signals', () => {
  test('interrupt one sleeping call each, of any kind, and never two', async () => {
    const { p, k } = box();
    const [r] = p.sys.pipe();
    const kq = p.sys.kqueue();
    const calls = [
      p.call.read(r, new Uint8Array(1)), p.call.nanosleep({ sec: 9, nsec: 0 }), p.call.poll([], 9000), p.call.kevent(kq, [], [new Kevent()]),
      p.call.ksem_wait(p.sys.ksem_init(0)), p.call.clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, { sec: 9, nsec: 0 }),
    ];
    for (let ended = 0; ended <= calls.length; ended++) {
      const all = await Promise.all(calls.map(now));
      expect(all.filter((end) => end === 'EINTR')).toHaveLength(ended);
      expect(all.filter((end) => end === 'waits')).toHaveLength(calls.length - ended);
      k.run(() => psignal(p, SIGUSR1));
    }
  });

  test('that come together with what is waited for lose neither', async () => {
    const { p, k } = box();
    const [r, w] = p.sys.pipe();
    const read = p.call.read(r, new Uint8Array(4));
    await now(read);
    k.run(() => {
      psignal(p, SIGUSR1);
      k.proc0.fd.alloc(p.fd.get(w), 10);
      k.proc0.sys.write(0, bytes('abcd'));
    });
    const end = await now(read);
    expect(end === 4 || (end === 'EINTR' && p.sys.read(r, new Uint8Array(4)) === 4)).toBe(true);
    expect(p.sig.pending).toEqual([SIGUSR1]);
  });

  test('in a mask that a sleeping call has set are as before when its process is interrupted, and when it ends', async () => {
    const { p, k, host } = box();
    const wait = p.call.pollts([], { sec: 5, nsec: 0 }, [SIGUSR1]);
    await now(wait);
    expect(p.sig.mask).toEqual([SIGUSR1]);
    k.run(() => psignal(p, SIGUSR1));
    expect(await now(wait)).toBe('waits');
    k.run(() => psignal(p, SIGUSR2));
    expect([await now(wait), p.sig.mask, p.sig.pending]).toEqual(['EINTR', [], [SIGUSR1, SIGUSR2]]);
    p.exit();
    host.sim.runUntilIdle();
  });
});

describe('the end of the kernel', () => {
  test('is not brought about by the end of its own processes', async () => {
    const { k } = box();
    expect([codeOf(() => k.proc0.exit()), codeOf(() => k.proc1.exit())]).toEqual(['EPERM', 'EPERM']);
    expect(k.newproc().sys.getppid()).toBe(1);
    await k.shutdown();
    expect(k.stopped).toBe('the kernel has been halted');
  });

  test('in the middle of an interrupt, of a callout, of a soft interrupt and of a call ends everything once', async () => {
    const ways: ((k: Kernel, host: SimHost) => void)[] = [
      (k) => k.intr(() => k.halt()),
      (k, host) => {
        new Callout(k, () => k.halt()).schedule(5);
        host.sim.advance(10);
      },
      (k) => k.run(() => k.softint(() => k.halt()).schedule()),
      (k) => {
        k.syscalls.establish(rumpkernCalls, {
          getsid() {
            k.halt();
            return 0;
          },
        });
        codeOf(() => k.proc1.sys.getsid(0));
      },
    ];
    for (const way of ways) {
      const { k, p, host } = box();
      const [r, w] = p.sys.pipe();
      const calls = [p.call.read(r, new Uint8Array(1)), p.call.nanosleep({ sec: 1, nsec: 0 }), k.proc0.call.nanosleep({ sec: 1, nsec: 0 })].map(outcome);
      p.sys.write(w, bytes('no'));
      way(k, host);
      expect(k.stopped).toBe('the kernel has been halted');
      expect(await Promise.all(calls)).toEqual([1, 'EINTR', 'KernelStopped']);
      expect([host.allocated, k.callouts.count, k.sleepq.count, host.sim.runUntilIdle()]).toEqual([0, 0, 0, 0]);
      k.halt();
    }
  });

  test('leaves no soft interrupt to run in what has been taken apart', () => {
    const { k } = box();
    let ran = false;
    const si = k.softint(() => void (ran = true));
    k.onHalt.push(() => si.schedule());
    k.halt();
    expect(ran).toBe(false);
  });

  test('leaves no alarm, whatever is scheduled afterwards', () => {
    const { k, host } = box();
    const ring = new Callout(k, () => {}, true);
    k.halt();
    ring.schedule(1000);
    k.softint(() => {}).schedule();
    expect(host.sim.runUntilIdle()).toBe(0);
    expect(host.sim.step()).toBe(false);
  });

  test('by a fault in one of two kernels on one host is no matter to the other', async () => {
    const sim = new Sim();
    const host = sim.host();
    const [a, b] = [boot(host), boot(host)];
    const [pa, pb] = [a.newproc(), b.newproc()];
    const sleeps = [outcome(pa.call.nanosleep({ sec: 2, nsec: 0 })), outcome(pb.call.nanosleep({ sec: 2, nsec: 0 }))];
    new Callout(a, () => {
      throw new TypeError('a fault');
    }).schedule(1e9);
    sim.runUntilIdle();
    expect([a.stopped, b.stopped]).toEqual(['panic: TypeError: a fault', undefined]);
    expect(await Promise.all(sleeps)).toEqual(['KernelStopped', undefined]);
    expect(pb.sys.getpid()).toBe(2);
    a.halt();
    b.halt();
    expect(host.allocated).toBe(0);
  });
});

describe('a host at fault', () => {
  function with_(change: Partial<Rumpuser>): ReturnType<typeof box> {
    const b = box();
    Object.assign(b.host, change);
    return b;
  }
  const fail = (): never => {
    throw new RangeError('the host is at fault');
  };

  test('without memory is ENOMEM, whatever it throws', () => {
    const { p, k } = with_({ malloc: fail });
    const [, w] = p.sys.pipe();
    expect(codeOf(() => p.sys.write(w, bytes('x')))).toBe('ENOMEM');
    expect([k.stopped, k.mem.used]).toEqual([undefined, 0]);
  });

  test('that cannot import says that there is none', async () => {
    const { p, host } = with_({ importComponent: fail });
    const load = p.call.modctl(MODCTL_LOAD, 'foofs');
    host.sim.runUntilIdle();
    expect(await now(load)).toBe('ENOENT');
  });

  test('that answers twice, or at once, is answered for', async () => {
    const foofs = component({ name: 'foofs', class: 'misc', requires: [], attach: () => 1, detach: () => {} });
    const { p, k, host } = with_({
      importComponent: (_name, done) => {
        done(foofs);
        done(foofs);
      },
    });
    const load = p.call.modctl(MODCTL_LOAD, 'foofs');
    host.sim.runUntilIdle();
    expect(await now(load)).toBeUndefined();
    expect(k.modules.has('foofs')).toBe(true);
  });
});

describe('components that come and go', () => {
  const make = (name: string, more: Partial<AnyComponent> = {}): AnyComponent => ({
    ...component({ name, class: 'misc', requires: [], attach: () => name, detach: () => {} }),
    ...more,
  });

  test('what a host finds may be anything: it is refused, and the kernel goes on', async () => {
    const bad: unknown[] = [
      5, {}, make('other'), make('foofs', { abi: 99 }), make('foofs', { provides: undefined as never }), make('foofs', { requires: [undefined as never] }),
      make('foofs', { requires: [{} as never] }), make('foofs', { provides: 'x' as never }),
      make('foofs', { attach: () => { throw new TypeError('broken'); } }), make('foofs', { attach: () => { throw SLEEP; } }),
      make('foofs', { attach: () => { throw ERR.EIO; } }),
    ];
    for (const found of bad) {
      const { p, k, host } = box();
      host.importComponent = (_name, done) => void host.sim.at(0, () => done(found));
      const load = p.call.modctl(MODCTL_LOAD, 'foofs');
      host.sim.runUntilIdle();
      expect(await now(load)).toBe('ENOENT');
      expect([k.stopped, k.modules.has('foofs')]).toEqual([undefined, false]);
    }
  });

  test('one that is loaded while the host is asked for it is there, and one that is unloaded before the sleeper runs is asked for again', async () => {
    const foofs = make('foofs');
    const { p, k, host } = box([], {}, { components: [foofs] });
    const load = p.call.modctl(MODCTL_LOAD, 'foofs');
    k.modload(foofs);
    host.sim.runUntilIdle();
    expect(await now(load)).toBeUndefined();
    k.modunload('foofs');
    let asked = 0;
    const ask = host.importComponent.bind(host);
    host.importComponent = (name, done) => {
      asked++;
      ask(name, (found) => k.run(() => {
        done(found);
        if (asked < 3) k.modunload('foofs');
      }));
    };
    const again = p.call.modctl(MODCTL_LOAD, 'foofs');
    host.sim.runUntilIdle();
    expect([await now(again), asked]).toEqual([undefined, 3]);
  });

  test('a caller that is interrupted while the host is asked does not hear the answer later', async () => {
    const { p, k, host } = box();
    const load = p.call.modctl(MODCTL_LOAD, 'foofs');
    k.run(() => psignal(p, SIGUSR1));
    expect(await now(load)).toBe('EINTR');
    host.sim.runUntilIdle();
    let asked = 0;
    const foofs = make('foofs');
    host.importComponent = (_name, done) => void host.sim.at(0, () => {
      asked++;
      done(foofs);
    });
    const again = p.call.modctl(MODCTL_LOAD, 'foofs');
    host.sim.runUntilIdle();
    expect([await now(again), asked]).toEqual([undefined, 1]);
  });

  test('a call whose component comes with it gets arguments that were looked at', async () => {
    const seen: unknown[] = [];
    const nfsserver = component({
      name: 'nfsserver',
      class: 'misc',
      requires: [rumpkern],
      attach: (a) => a.use(rumpkern).syscalls.establish(nfsserverCalls, { nfssvc: (_l, flag) => seen.push(flag) }),
    });
    const { p, host } = box([], {}, { components: [nfsserver] });
    const calls = [p.call.nfssvc('x' as never), p.call.nfssvc(5)];
    host.sim.runUntilIdle();
    expect([await now(calls[0]), await now(calls[1]), seen]).toEqual(['EINVAL', 1, [5]]);
  });

  test('a halt while the host is asked ends the caller, and the answer is nobody’s', async () => {
    const { p, k, host } = box([], {}, { components: [make('foofs')] });
    const load = p.call.modctl(MODCTL_LOAD, 'foofs');
    k.halt();
    host.sim.runUntilIdle();
    expect(await now(load)).toBe('EINTR');
  });

  test('a kernel whose component does not attach has not booted, and leaves nothing to the host', () => {
    const host = hostSim();
    const grabs = component({
      name: 'grabs',
      class: 'misc',
      requires: [rumpkern],
      attach(a) {
        const k = a.use(rumpkern);
        k.mem.alloc(4096);
        new Callout(k, () => k.panic('too late'), true).schedule(10);
        throw new TypeError('it does not attach');
      },
    });
    expect(() => boot(host, [grabs])).toThrow('it does not attach');
    expect([host.allocated, host.sim.runUntilIdle(), host.exits]).toEqual([0, 0, []]);
  });

  test('what is no component does not boot, and says so', () => {
    for (const wrong of [undefined, null, 5, {}, { ...make('x'), requires: [null] }, { ...make('x'), provides: 7 }])
      expect(() => boot(hostSim(), [wrong as never])).toThrow('component');
  });
});

test('a handler that says it sleeps, and not for what, is a fault', async () => {
  const { p, k } = box();
  k.syscalls.establish(rumpkernCalls, {
    getppid: () => {
      throw SLEEP;
    },
  });
  expect(await outcome(p.call.getppid())).toBe('KernelStopped');
  expect(k.stopped).toContain('panic');
});

describe('time', () => {
  test('that jumps a hundred years rings everything once, in order, and timers tell what they have missed', async () => {
    const { p, k, host } = box();
    let jump = 0;
    const { clockMono } = host;
    host.clockMono = () => clockMono.call(host) + jump;
    const order: number[] = [];
    for (const sec of [3600, 1, 1e6, 86_400, 1e8]) new Callout(k, () => order.push(sec)).schedule(sec * 1e9);
    const kq = p.sys.kqueue();
    const events = [new Kevent()];
    p.sys.kevent(kq, [new Kevent(1, EVFILT_TIMER, EV_ADD, 0, 1000)], [], ZERO);
    p.sys.setitimer(ITIMER_REAL, { interval: { sec: 60, nsec: 0 }, value: { sec: 60, nsec: 0 } });
    p.sig.ignore(SIGALRM);
    const sleep = p.call.nanosleep({ sec: 50, nsec: 0 });
    await now(sleep);
    jump = 100 * 365 * 86_400 * 1e9;
    host.sim.advance(1e9);
    expect(await now(sleep)).toBeUndefined();
    expect(order).toEqual([1, 3600, 86_400, 1e6, 1e8]);
    expect([p.sys.kevent(kq, [], events, ZERO), events[0].data]).toEqual([1, 100 * 365 * 86_400 + 1]);
    expect(p.sys.getitimer(ITIMER_REAL).value.sec).toBeLessThanOrEqual(60);
    expect(k.stopped).toBeUndefined();
  });

  test('deadlines beyond all time are waited for, and do not disturb others', async () => {
    const { p, k, host } = box();
    const far = [p.call.nanosleep({ sec: Number.MAX_SAFE_INTEGER, nsec: 0 }), p.call.clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, { sec: 2 ** 52, nsec: 5 })];
    const kq = p.sys.kqueue();
    p.sys.kevent(kq, [new Kevent(1, EVFILT_TIMER, EV_ADD, 1, Number.MAX_SAFE_INTEGER)], [], ZERO);
    const near = p.call.nanosleep({ sec: 1, nsec: 0 });
    host.sim.advance(2e9);
    expect([await now(near), await now(far[0]), await now(far[1])]).toEqual([undefined, 'waits', 'waits']);
    host.sim.advance(1000 * 86_400 * 1e9, { maxEvents: 100_000 });
    expect(await now(far[0])).toBe('waits');
    k.halt();
    expect([await now(far[0]), await now(far[1])]).toEqual(['EINTR', 'EINTR']);
  });

  test.each([2 ** 52, 8.64e12 + 1, -1])('the clock is not set to %d s: EINVAL', (sec) => {
    const { p } = box();
    expect(codeOf(() => p.sys.settimeofday({ sec, nsec: 0 }))).toBe('EINVAL');
  });
});

test('10,000 random calls of three processes and their signals leave the kernel in order (seed 8)', async () => {
  const { k, host } = box();
  const draw = random(8);
  let procs = [k.newproc(), k.newproc(), k.newproc()];
  const parked: Promise<unknown>[] = [];
  const one = <T>(list: readonly T[]): T => list[draw(list.length)];
  for (let n = 0; n < 10_000; n++) {
    const p = one(procs);
    const fd = draw(12);
    const buf = new Uint8Array(one([0, 1, 100, 512, 4096, 70_000]));
    const what: (() => unknown)[] = [
      () => p.sys.pipe(), () => p.sys.kqueue(), () => p.sys.close(fd), () => p.sys.dup2(fd, draw(12)), () => p.sys.read(fd, buf), () => p.sys.write(fd, buf),
      () => parked.push(outcome(p.call.read(fd, buf))), () => parked.push(outcome(p.call.write(fd, buf))),
      () => parked.push(outcome(p.call.poll([{ fd, events: 0xff, revents: 0 }], draw(50)))),
      () => p.sys.kevent(fd, [new Kevent(draw(12), draw(9), 1 << draw(8), draw(2), draw(100))], [new Kevent()], ZERO),
      () => parked.push(outcome(p.call.kevent(fd, [], [new Kevent()], { sec: 0, nsec: draw(1e8) }))),
      () => k.run(() => psignal(p, 1 + draw(62))), () => host.sim.advance(draw(1e7)), () => p.sys.setitimer(ITIMER_REAL, { interval: ZERO, value: { sec: 0, nsec: draw(1e6) } }),
    ];
    if (draw(100) === 0) p.exit();
    else codeOf(one(what));
    procs = procs.map((q) => (q.exited ? k.newproc() : q));
    if (n % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(k.stopped).toBeUndefined();
  k.halt();
  const ends = new Set((await Promise.all(parked)).filter((end) => typeof end === 'string'));
  expect([...ends].filter((end) => !['EBADF', 'EINTR', 'EPIPE', 'ESRCH', 'ENXIO', 'EAGAIN'].includes(end as string))).toEqual([]);
  expect([host.allocated, k.sleepq.count, k.callouts.count, k.procs.count]).toEqual([0, 0, 0, 1]);
});
