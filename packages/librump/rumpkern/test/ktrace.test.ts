import { KTRFLAG_DESCEND, KTROP_CLEAR, KTROP_CLEARFILE, KTROP_SET } from '@anykernel/lib-sys';
import { type TraceRecord, traceLine } from '@anykernel/rumpkern';
import { box, bytes, codeOf, text } from './help.js';

test('a trace has every call with its arguments, result or error, and times; a call that slept is one record', async () => {
  const { p, k, host } = box();
  const [r, w] = p.sys.pipe();
  const records: TraceRecord[] = [];
  k.ktrace((record) => records.push(record));
  const read = p.call.read(r, new Uint8Array(8));
  host.sim.advance(2500);
  p.sys.write(w, bytes('abc'));
  await read;
  codeOf(() => p.sys.close(99));
  codeOf(() => p.sys.read(r, new Uint8Array(1)));
  k.ktrace(undefined);
  p.sys.getpid();
  expect(records.map((t) => [t.call, t.result ?? (t.error === 'sleep' ? 'sleep' : t.error?.code), t.restarts, t.end - t.start])).toEqual([
    ['write', 3, 0, 0],
    ['read', 3, 1, 2500],
    ['close', 'EBADF', 0, 0],
    ['read', 'sleep', 0, 0],
  ]);
  expect(records.map(traceLine)).toEqual([
    `2 1 rumproc write(${w}, [3 bytes]) = 3 <0.0 us>`,
    `2 2 rumproc read(${r}, [8 bytes]) = 3 <2.5 us>`,
    '2 1 rumproc close(99) = -1 errno 9 EBADF <0.0 us>',
    `2 1 rumproc read(${r}, [1 bytes]) = would sleep <0.0 us>`,
  ]);
});

test('one process alone is traced if asked for', () => {
  const { p, k } = box();
  const other = k.newproc();
  const calls: string[] = [];
  k.ktrace((t) => calls.push(`${t.pid} ${t.call}`), p.pid);
  other.sys.getpid();
  p.sys.getuid();
  expect(calls).toEqual(['2 getuid']);
});

test('off, the handlers are those that were there before; calls that come meanwhile are traced and stay', () => {
  const { p, k } = box();
  const before = [...k.syscalls.handlers];
  const calls: string[] = [];
  k.ktrace((t) => calls.push(traceLine(t)));
  const foreign = { frob: '491 any str gids any?' } as const;
  k.syscalls.establish(foreign, { frob: () => ({ a: 1 }) });
  const se = k.calltable.sysent(491);
  if (se !== undefined) k.calltable.now(p, se, ['x"y', [1, 2], undefined]);
  expect(calls).toEqual(['2 1 rumproc frob("x\\"y", [1, 2], undefined) = {a: 1} <0.0 us>']);
  k.ktrace(undefined);
  expect(k.syscalls.handlers.slice(0, before.length)).toEqual(before);
  expect(k.calltable.names()).toContain('frob');
});

test('fktrace writes a line for each call of a process, and of its children, to a file', () => {
  const { p, k } = box();
  const tracer = k.newproc();
  const [r, w] = tracer.sys.pipe();
  const buf = new Uint8Array(4096);
  const read = (): string => text(buf, tracer.sys.read(r, buf));
  tracer.sys.fktrace(w, KTROP_SET | KTRFLAG_DESCEND, 0, p.pid);
  p.sys.getuid();
  expect(read()).toBe('2 1 rumproc getuid() = 0 <0.0 us>\n');
  const child = p.rfork(1);
  child.sys.utrace('here', bytes('abc'));
  tracer.sys.getpid();
  expect(read()).toBe(`${child.pid} 1 rumproc utrace("here", [3 bytes]) = undefined <0.0 us>\n`);
  tracer.sys.fktrace(w, KTROP_CLEAR, 0, p.pid);
  p.sys.getuid();
  expect(codeOf(read)).toBe('WouldSleep');
  child.sys.getuid();
  expect(read()).toContain('getuid');
  tracer.sys.fktrace(w, KTROP_CLEARFILE, 0, 0);
  child.sys.getuid();
  expect(codeOf(read)).toBe('WouldSleep');
  tracer.sys.close(w);
  expect(tracer.sys.read(r, buf)).toBe(0);
});

test('a trace file stays open as long as it is traced to, and a process that ends lets go of it', () => {
  const { p, k } = box();
  const tracer = k.newproc();
  const [r, w] = tracer.sys.pipe();
  tracer.sys.fktrace(w, KTROP_SET, 0, p.pid);
  tracer.sys.close(w);
  expect(codeOf(() => tracer.sys.read(r, new Uint8Array(1)))).toBe('WouldSleep');
  p.exit();
  expect(tracer.sys.read(r, new Uint8Array(1))).toBe(0);
});

test('fktrace is refused where it is not allowed, and utrace where it is too long', () => {
  const { p, k } = box();
  const user = k.newproc({ uid: 5 });
  const [r, w] = user.sys.pipe();
  expect(codeOf(() => user.sys.fktrace(w, KTROP_SET, 0, p.pid))).toBe('EPERM');
  expect(codeOf(() => user.sys.fktrace(w, KTROP_SET, 0, 999))).toBe('ESRCH');
  expect(codeOf(() => user.sys.fktrace(r, KTROP_SET, 0, 0))).toBe('EBADF');
  expect(codeOf(() => user.sys.fktrace(w, 3, 0, 0))).toBe('EINVAL');
  user.sys.setsid();
  expect(codeOf(() => user.sys.fktrace(w, KTROP_SET, 0, -1))).toBe('EPERM');
  expect(codeOf(() => user.sys.utrace('x'.repeat(21), bytes('')))).toBe('EINVAL');
  expect(codeOf(() => user.sys.utrace('x', 'y' as never))).toBe('EFAULT');
});
