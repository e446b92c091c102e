import { ERR, type SyscallTable, aioCalls, nfsserverCalls, rumpkernCalls, rumpnetCalls, rumpvfsCalls, syscallSpec } from '@anykernel/lib-sys';
import { KernelStopped, SLEEP, SystemError, WouldSleep } from '@anykernel/rumpkern';
import { box, bytes, codeIn, codeOf, now, outcome, text } from './help.js';

test('a failed call throws an Error in the shape of Node, with the number of NetBSD', () => {
  const { p } = box();
  let error: unknown;
  try {
    p.sys.close(9);
  } catch (e) {
    error = e;
  }
  expect(error).toBeInstanceOf(SystemError);
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({ code: 'EBADF', errno: 9, syscall: 'close', message: 'EBADF: bad file descriptor, close' });
  expect((error as SystemError).path).toBeUndefined();
});

test('bare calls throw the Errno itself, and SLEEP where they would have to wait', () => {
  const { p } = box();
  const thrown = (call: () => unknown): unknown => {
    try {
      return call();
    } catch (e) {
      return e;
    }
  };
  const [r, w] = p.bare.pipe();
  expect(thrown(() => p.bare.close(9))).toBe(ERR.EBADF);
  expect(thrown(() => p.bare.read(r, bytes(' ')))).toBe(SLEEP);
  expect(p.bare.write(w, bytes('x'))).toBe(1);
  expect(p.bare.read(r, bytes(' '))).toBe(1);
  const { bare } = p;
  p.exit();
  expect([thrown(() => bare.getpid()), thrown(() => p.bare.getpid())]).toEqual([ERR.ESRCH, ERR.ESRCH]);
});

test('an error tells the paths of the call, as the caller wrote them', () => {
  const { p, k } = box();
  k.syscalls.establish(rumpvfsCalls, {
    rename: () => {
      throw ERR.EXDEV;
    },
  });
  expect(() => p.sys.rename('/tmp/höhle', bytes('/y'))).toThrow("EXDEV: cross-device link not permitted, rename '/tmp/höhle' -> '/y'");
});

test('every call that no component brings is refused with ENOSYS', async () => {
  const { p, k } = box();
  const base = new Set(k.calltable.names());
  for (const name of [...Object.keys(rumpvfsCalls), ...Object.keys(rumpnetCalls)]) {
    const args = new Array(6).fill('x');
    expect([name, codeOf(() => (p.sys as unknown as Record<string, (...a: unknown[]) => unknown>)[name](...args))]).toEqual([name, 'ENOSYS']);
    expect(base.has(name)).toBe(false);
  }
  expect(await outcome(p.call.open('/x', 0))).toBe('ENOSYS');
});

test('numbers and names of all tables are unlike', () => {
  const specs = [rumpkernCalls, rumpvfsCalls, rumpnetCalls, aioCalls, nfsserverCalls].flatMap((table: SyscallTable) => Object.values(table)).map(syscallSpec);
  expect(new Set(specs.map((spec) => spec.num)).size).toBe(specs.length);
  expect(Math.max(...specs.map((spec) => spec.args.length))).toBeLessThanOrEqual(6);
});

test('names reach a handler as byte strings; what is none is EFAULT, a NUL inside EINVAL', () => {
  const { p, k } = box();
  const seen: unknown[] = [];
  k.syscalls.establish(rumpvfsCalls, { unlink: (_l, path) => void seen.push(path), fsetxattr: (_l, _fd, name) => void seen.push(name) });
  p.sys.unlink('ä');
  p.sys.unlink(new Uint8Array([0xff, 0x41]));
  p.sys.fsetxattr(3, 'user.ß', bytes(''));
  expect(seen).toEqual(['\xc3\xa4', '\xffA', 'user.\xc3\x9f']);
  expect(codeOf(() => p.sys.unlink(7 as unknown as string))).toBe('EFAULT');
  expect(codeOf(() => p.sys.unlink('a\0b'))).toBe('EINVAL');
});

test('a call that would wait throws WouldSleep, and the parked one waits', async () => {
  const { p } = box();
  const [r, w] = p.sys.pipe();
  const buf = new Uint8Array(4);
  expect(() => p.sys.read(r, buf)).toThrow(WouldSleep);
  const read = p.call.read(r, buf);
  expect(await now(read)).toBe('waits');
  p.sys.write(w, bytes('abc'));
  expect(await now(read)).toBe(3);
  expect(text(buf, 3)).toBe('abc');
});

test('a call that slept is executed again with its progress, and not with its deadline moved', async () => {
  const { p, k, host } = box();
  let runs = 0;
  const deadlines = new Set<number>();
  k.syscalls.establish(rumpkernCalls, {
    utrace(l) {
      runs++;
      const deadline = l.deadline(5_000_000);
      deadlines.add(deadline);
      l.memo = ((l.memo as number | undefined) ?? 0) + 1;
      expect(l.memo).toBe(runs);
      if (k.mono() < deadline) k.sleep(l, Math.min(deadline, k.mono() + 1_000_000));
    },
  });
  const call = p.call.utrace('x', bytes(''));
  await host.sim.settle(call);
  expect([runs, deadlines.size, host.sim.now]).toEqual([6, 1, 5_000_000]);
});

test('a fault in a handler ends that kernel, and no other', async () => {
  const { p, k, host } = box();
  const other = box();
  const [r] = p.sys.pipe();
  const parked = outcome(p.call.read(r, new Uint8Array(1)));
  k.syscalls.establish(rumpkernCalls, {
    getppid: () => {
      throw new TypeError('nothing there');
    },
  });
  expect(codeOf(() => p.sys.getppid())).toBe('KernelStopped');
  expect(k.stopped).toBe('panic: TypeError: nothing there');
  expect(host.exits).toEqual(['panic']);
  expect(await parked).toBe('KernelStopped');
  expect(() => p.sys.getpid()).toThrow(KernelStopped);
  expect(await outcome(p.call.getpid())).toBe('KernelStopped');
  expect(host.sim.runUntilIdle()).toBe(0);
  expect(other.p.sys.getpid()).toBe(2);
});

test('calls of a process that has ended are refused', async () => {
  const { p } = box();
  p.exit();
  p.exit();
  expect(codeOf(() => p.sys.getpid())).toBe('ESRCH');
  expect(await outcome(p.call.getpid())).toBe('ESRCH');
});

test('a parked call ends with EINTR when its process does', async () => {
  const { p } = box();
  const [r] = p.sys.pipe();
  const read = p.call.read(r, new Uint8Array(1));
  expect(await now(read)).toBe('waits');
  p.exit();
  expect(await now(read)).toBe('EINTR');
});

test('what a call had moved before it was interrupted counts', async () => {
  const { p } = box();
  const [r, w] = p.sys.pipe();
  const write = p.call.write(w, new Uint8Array(100_000));
  expect(await now(write)).toBe('waits');
  p.sys.read(r, new Uint8Array(1000));
  p.exit();
  expect(await now(write)).toBe(66_536);
});

test('a call by number reaches its handler, also one of a foreign table', async () => {
  const { p, k } = box();
  const foreign = { frobnicate: '490 int int path' } as const;
  const out = k.syscalls.establish(foreign, { frobnicate: (_l, n, path) => n + path.length });
  const se = k.calltable.sysent(490);
  expect(se?.name).toBe('frobnicate');
  if (se === undefined) return;
  expect(k.calltable.now(p, se, [40, 'ab'])).toBe(42);
  expect(await k.calltable.parked(p, se, [40, 'ab'])).toBe(42);
  out();
  expect(codeOf(() => k.calltable.now(p, se, [40, 'ab']))).toBe('ENOSYS');
});

test('the tasks of a drain beyond the budget run from the event loop', () => {
  const { k, host } = box();
  let runs = 0;
  const si = k.softint(() => {
    if (++runs < 2500) si.schedule();
  });
  k.run(() => si.schedule());
  expect(runs).toBe(1000);
  host.sim.runUntilIdle();
  expect(runs).toBe(2500);
});

test('an error of the kernel itself outside of a call is thrown as it is', () => {
  const { k } = box();
  expect(() =>
    k.run(() => {
      throw ERR.ENXIO;
    }),
  ).toThrow(expect.objectContaining({ code: 'ENXIO' }));
  expect(codeIn(ERR.ENXIO)).toBe('ENXIO');
});

test('an interrupt that fails ends the kernel, and not the event loop of the host', () => {
  const { k, host } = box();
  k.intr(() => {
    throw ERR.EIO;
  });
  expect(k.stopped).toBe('panic: error EIO where none can be');
  expect(host.console).toBe('panic: error EIO where none can be\n');
  expect(() => k.check()).toThrow(expect.objectContaining({ cause: ERR.EIO }));
});
