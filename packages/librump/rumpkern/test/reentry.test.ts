/** Functions of the application that the kernel calls: they may enter it anew, and fail, and neither disturbs the call at hand. */
import { SIGUSR1 } from '@anykernel/lib-sys';
import { Callout, psignal } from '@anykernel/rumpkern';
import { box, bytes, codeOf, now, outcome, text } from './help.js';

const fail = (): never => {
  throw new TypeError('the application is at fault');
};

test('a hook of signals may make calls of the same process, and the call that raised the signal ends as it should', () => {
  const { p } = box();
  const [r, w] = p.sys.pipe();
  const [r2, w2] = p.sys.pipe();
  p.sys.close(r);
  const heard: number[] = [];
  p.sig.onSignal = (signo) => heard.push(signo, p.sys.write(w2, bytes('from within')), p.sys.getpid());
  expect(codeOf(() => p.sys.write(w, bytes('nobody reads')))).toBe('EPIPE');
  expect(heard).toEqual([13, 11, p.pid]);
  const buf = new Uint8Array(20);
  expect(text(buf, p.sys.read(r2, buf))).toBe('from within');
});

test('a hook of signals that fails is told to the message buffer, and the call goes on', async () => {
  const { p, k } = box();
  const [r, w] = p.sys.pipe();
  p.sig.onSignal = fail;
  const read = p.call.read(r, new Uint8Array(1));
  await now(read);
  k.run(() => psignal(p, SIGUSR1));
  expect(await now(read)).toBe('EINTR');
  p.sys.close(r);
  expect(codeOf(() => p.sys.write(w, bytes('x')))).toBe('EPIPE');
  expect(k.stopped).toBeUndefined();
  expect(k.msgbuf.text()).toContain('the application is at fault');
});

test('a tracer may make calls, of the same process too', () => {
  const { p, k } = box();
  const calls: string[] = [];
  k.ktrace((record) => {
    calls.push(record.call);
    if (record.call === 'pipe') p.sys.close((record.result as number[])[0]);
  });
  const [r, w] = p.sys.pipe();
  expect([r, w]).toEqual([0, 1]);
  expect(codeOf(() => p.sys.read(r, new Uint8Array(1)))).toBe('EBADF');
  expect(calls).toEqual(['close', 'pipe', 'read'].sort((a, b) => calls.indexOf(a) - calls.indexOf(b)));
});

test('a tracer that fails does not end the kernel, nor the call', () => {
  const { p, k } = box();
  k.ktrace(fail);
  expect(p.sys.getpid()).toBe(p.pid);
  expect(codeOf(() => p.sys.close(9))).toBe('EBADF');
  expect(k.stopped).toBeUndefined();
  expect(k.msgbuf.text()).toContain('the application is at fault');
});

test('a tracer may end the tracing, and halt the kernel', async () => {
  const { p, k } = box();
  const [r] = p.sys.pipe();
  const read = outcome(p.call.read(r, new Uint8Array(1)));
  k.ktrace(() => {
    k.ktrace(undefined);
    k.halt();
  });
  expect(codeOf(() => p.sys.getpid())).toBe('ok');
  expect(k.stopped).toBe('the kernel has been halted');
  expect(await read).toBe('EINTR');
});

test('a callout, a soft interrupt and an interrupt may make system calls', () => {
  const { p, k, host } = box();
  const [r, w] = p.sys.pipe();
  const got: unknown[] = [];
  const ring = new Callout(k, () => got.push(p.sys.write(w, bytes('ab'))), true);
  ring.schedule(1000);
  host.sim.runUntilIdle();
  const si = k.softint(() => got.push(p.sys.read(r, new Uint8Array(2))));
  k.intr(() => {
    si.schedule();
    got.push(codeOf(() => p.sys.dup(0)));
  });
  expect(got).toEqual([2, 'ok', 2]);
});

test('a hook of the halt may halt the kernel and make calls', () => {
  const { p, k } = box();
  const seen: string[] = [];
  k.onHalt.push(() => {
    k.halt();
    seen.push(codeOf(() => p.sys.getpid()), codeOf(() => k.proc0.sys.getpid()));
  });
  k.halt();
  expect(seen).toEqual(['ESRCH', 'ok']);
  expect(k.stopped).toBe('the kernel has been halted');
});

test('a hook of the halt that fails does not keep the others from running, and the fault is told', () => {
  const { k, host } = box();
  let ran = false;
  k.onHalt.push(() => void (ran = true));
  k.onHalt.push(fail);
  expect(() => k.halt()).toThrow('the application is at fault');
  expect(ran).toBe(true);
  expect(k.stopped).toBe('the kernel has been halted');
  expect(k.msgbuf.text()).toContain('the application is at fault');
  expect(host.allocated).toBe(0);
});

test('a call from within a call of two processes deep is as any other', () => {
  const { p, k } = box();
  const q = k.newproc();
  const [r] = p.sys.pipe();
  const depth: number[] = [];
  k.ktrace((record) => {
    if (record.call !== 'getppid' && record.call !== 'getpgrp') return;
    depth.push(record.pid);
    if (record.call === 'getppid') q.sys.getpgrp();
    else if (depth.length < 4) p.sys.getppid();
  });
  p.sys.getppid();
  expect(depth).toEqual([p.pid, q.pid, p.pid, q.pid]);
  expect(codeOf(() => p.sys.read(r, new Uint8Array(1)))).toBe('WouldSleep');
});
