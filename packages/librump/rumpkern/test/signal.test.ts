import { SIGCONT, SIGKILL, SIGPIPE, SIGSTOP, SIGUSR1, SIGUSR2, SIG_BLOCK, SIG_SETMASK, SIG_UNBLOCK } from '@anykernel/lib-sys';
import { type Kernel, type Proc, psignal } from '@anykernel/rumpkern';
import { box, bytes, codeOf, now } from './help.js';

const send = (k: Kernel, p: Proc, signo: number): void => k.run(() => psignal(p, signo));

test('raise: the program around the kernel gets the signal, once', () => {
  const { k, p, host } = box([], { sigmodel: 'raise' });
  send(k, p, SIGUSR2);
  expect([host.signals, p.sig.pending]).toEqual([[SIGUSR2], []]);
});

test('ignore: nothing happens, even by SIGKILL', async () => {
  const { k, p, host } = box([], { sigmodel: 'ignore' });
  const [r] = p.sys.pipe();
  const read = p.call.read(r, new Uint8Array(1));
  send(k, p, SIGKILL);
  expect([host.signals, p.sig.pending, await now(read)]).toEqual([[], [], 'waits']);
});

test('panic: the kernel ends, but not by SIGPIPE', () => {
  const { k, p, host } = box([], { sigmodel: 'panic' });
  send(k, p, SIGPIPE);
  expect(k.stopped).toBeUndefined();
  expect(() => send(k, p, SIGCONT)).toThrow('panic: signal SIGCONT for process 2');
  expect(host.exits).toEqual(['panic']);
});

test('record: a signal is kept, and taken once', () => {
  const { k, p } = box();
  send(k, p, SIGUSR2);
  send(k, p, SIGUSR1);
  send(k, p, SIGUSR1);
  expect([p.sig.pending, p.sig.take(), p.sig.take(), p.sig.take()]).toEqual([[SIGUSR1, SIGUSR2], SIGUSR1, SIGUSR2, undefined]);
  expect(codeOf(() => send(k, p, 0))).toBe('EINVAL');
  expect(codeOf(() => send(k, p, 64))).toBe('EINVAL');
});

test('a signal interrupts one sleep of its process, once', async () => {
  const { k, p } = box();
  const other = k.newproc();
  const [r, w] = p.sys.pipe();
  const [r2] = other.sys.pipe();
  const buf = new Uint8Array(1);
  const first = p.call.read(r, buf);
  const second = p.call.read(r, buf);
  const third = other.call.read(r2, buf);
  send(k, p, SIGUSR1);
  expect([await now(first), await now(second), await now(third)]).toEqual(['EINTR', 'waits', 'waits']);
  const fourth = p.call.read(r, buf);
  expect(await now(fourth)).toBe('waits');
  p.sys.write(w, bytes('ab'));
  expect([await now(second), await now(fourth)]).toEqual([1, 1]);
});

test('with nobody asleep, the next sleep is refused, and calls that need none are not', async () => {
  const { k, p } = box();
  const [r] = p.sys.pipe();
  send(k, p, SIGUSR1);
  expect(p.sys.getpid()).toBe(p.pid);
  expect(codeOf(() => p.sys.read(r, new Uint8Array(1)))).toBe('EINTR');
  expect(codeOf(() => p.sys.read(r, new Uint8Array(1)))).toBe('WouldSleep');
  send(k, p, SIGUSR2);
  p.sig.take();
  p.sig.take();
  expect(codeOf(() => p.sys.read(r, new Uint8Array(1)))).toBe('WouldSleep');
});

test('a signal of its own doing interrupts nothing', () => {
  const { p } = box();
  const [r, w] = p.sys.pipe();
  const [r2] = p.sys.pipe();
  p.sys.close(r);
  expect(codeOf(() => p.sys.write(w, bytes('x')))).toBe('EPIPE');
  expect(p.sig.pending).toEqual([SIGPIPE]);
  expect(codeOf(() => p.sys.read(r2, new Uint8Array(1)))).toBe('WouldSleep');
});

test('a masked signal waits for the mask to go; SIGKILL and SIGSTOP are not masked', async () => {
  const { k, p } = box();
  const [r] = p.sys.pipe();
  expect(p.sig.procmask(SIG_BLOCK, [SIGUSR1, SIGUSR2, SIGKILL, SIGSTOP, 40])).toEqual([]);
  expect(p.sig.mask).toEqual([SIGUSR1, SIGUSR2, 40]);
  const read = p.call.read(r, new Uint8Array(1));
  send(k, p, SIGUSR1);
  send(k, p, 40);
  expect([await now(read), p.sig.take(), p.sig.deliverable]).toEqual(['waits', undefined, false]);
  expect(p.sig.procmask(SIG_UNBLOCK, [40])).toEqual([SIGUSR1, SIGUSR2, 40]);
  expect(p.sig.take()).toBe(40);
  p.sig.procmask(SIG_SETMASK, []);
  expect(p.sig.take()).toBe(SIGUSR1);
  send(k, p, SIGKILL);
  expect(await now(read)).toBe('EINTR');
  expect(codeOf(() => p.sig.procmask(9, []))).toBe('EINVAL');
});

test('a hook gets the signals, in every model, and those that were masked when they may come', () => {
  const { k, p } = box([], { sigmodel: 'panic' });
  const got: number[] = [];
  p.sig.onSignal = (signo) => got.push(signo);
  send(k, p, SIGUSR1);
  p.sig.procmask(SIG_BLOCK, [SIGUSR2]);
  send(k, p, SIGUSR2);
  expect([got, p.sig.pending]).toEqual([[SIGUSR1], [SIGUSR2]]);
  p.sig.procmask(SIG_SETMASK, []);
  expect([got, p.sig.pending]).toEqual([[SIGUSR1, SIGUSR2], []]);
});

test('an ignored signal is dropped, and a child ignores and masks what its parent does', () => {
  const { k, p } = box();
  p.sig.ignore(SIGPIPE);
  p.sig.procmask(SIG_BLOCK, [SIGUSR1]);
  const c = p.rfork(0);
  send(k, c, SIGPIPE);
  send(k, c, SIGUSR1);
  expect([c.sig.pending, c.sig.mask]).toEqual([[SIGUSR1], [SIGUSR1]]);
  p.sig.ignore(SIGPIPE, false);
  send(k, p, SIGPIPE);
  expect(p.sig.take()).toBe(SIGPIPE);
  expect(codeOf(() => p.sig.ignore(SIGKILL))).toBe('EINVAL');
});
