import {
  EVFILT_AIO, EVFILT_READ, EVFILT_SIGNAL, EVFILT_TIMER, EVFILT_USER, EVFILT_WRITE, EV_ADD, EV_CLEAR, EV_DELETE, EV_DISABLE, EV_DISPATCH, EV_ENABLE,
  EV_EOF, EV_ERROR, EV_ONESHOT, EV_RECEIPT, Kevent, NOTE_ABSTIME, NOTE_FFAND, NOTE_FFCOPY, NOTE_FFOR, NOTE_LOWAT, NOTE_NSECONDS, NOTE_SECONDS, NOTE_TRIGGER,
  NOTE_USECONDS, O_CLOEXEC, POLLIN, S_IFIFO, S_IFMT,
} from '@anykernel/lib-sys';
import type { Proc } from '@anykernel/rumpkern';
import { box, bytes, codeOf, now } from './help.js';

const NOW = { sec: 0, nsec: 0 };

/** What is active now, as [ident, data, flags]. */
function take(p: Proc, kq: number, max = 8): number[][] {
  const events = Array.from({ length: max }, () => new Kevent());
  const n = p.sys.kevent(kq, [], events, NOW);
  return events.slice(0, n).map((e) => [e.ident, e.data, e.flags]);
}

function change(p: Proc, kq: number, ...changes: Kevent[]): void {
  p.sys.kevent(kq, changes, [], NOW);
}

test('a read filter is active as long as there is something to read', () => {
  const { p } = box();
  const [r, w] = p.sys.pipe();
  const kq = p.sys.kqueue();
  const udata = { mine: true };
  change(p, kq, new Kevent(r, EVFILT_READ, EV_ADD, 0, 0, udata));
  expect(take(p, kq)).toEqual([]);
  p.sys.write(w, bytes('abc'));
  expect([take(p, kq), take(p, kq)]).toEqual([[[r, 3, 0]], [[r, 3, 0]]]);
  const events = [new Kevent()];
  p.sys.kevent(kq, [], events, NOW);
  expect(events[0].udata).toBe(udata);
  p.sys.read(r, new Uint8Array(3));
  expect(take(p, kq)).toEqual([]);
  p.sys.close(w);
  expect(take(p, kq)).toEqual([[r, 0, EV_EOF]]);
});

test('a write filter tells the room', () => {
  const { p } = box();
  const [r, w] = p.sys.pipe();
  const kq = p.sys.kqueue();
  change(p, kq, new Kevent(w, EVFILT_WRITE, EV_ADD));
  expect(take(p, kq)).toEqual([[w, 65_536, 0]]);
  p.sys.write(w, new Uint8Array(65_100));
  expect(take(p, kq)).toEqual([]);
  p.sys.read(r, new Uint8Array(100));
  expect(take(p, kq)).toEqual([[w, 536, 0]]);
});

test('EV_CLEAR tells a change once, EV_ONESHOT goes, EV_DISPATCH is disabled', () => {
  const { p } = box();
  const kq = p.sys.kqueue();
  const pipes = [p.sys.pipe(), p.sys.pipe(), p.sys.pipe()];
  change(p, kq, ...[EV_CLEAR, EV_ONESHOT, EV_DISPATCH].map((flag, i) => new Kevent(pipes[i][0], EVFILT_READ, EV_ADD | flag)));
  const [a, b, c] = pipes.map(([fd]) => fd);
  for (const [, w] of pipes) p.sys.write(w, bytes('x'));
  expect(take(p, kq).map(([ident]) => ident)).toEqual([a, b, c]);
  expect(take(p, kq)).toEqual([]);
  for (const [, w] of pipes) p.sys.write(w, bytes('y'));
  expect(take(p, kq).map(([ident, data]) => [ident, data])).toEqual([[a, 2]]);
  expect(codeOf(() => change(p, kq, new Kevent(b, EVFILT_READ, EV_DELETE)))).toBe('ENOENT');
  change(p, kq, new Kevent(c, EVFILT_READ, EV_ENABLE));
  expect(take(p, kq).map(([ident, data]) => [ident, data])).toEqual([[c, 2]]);
});

test('a disabled knote is silent, and tells when it is enabled', () => {
  const { p } = box();
  const [r, w] = p.sys.pipe();
  const kq = p.sys.kqueue();
  change(p, kq, new Kevent(r, EVFILT_READ, EV_ADD | EV_DISABLE));
  p.sys.write(w, bytes('x'));
  expect(take(p, kq)).toEqual([]);
  change(p, kq, new Kevent(r, EVFILT_READ, EV_ENABLE));
  expect(take(p, kq)).toHaveLength(1);
  change(p, kq, new Kevent(r, EVFILT_READ, EV_DISABLE));
  expect(take(p, kq)).toEqual([]);
  change(p, kq, new Kevent(r, EVFILT_READ, EV_ADD));
  expect(take(p, kq)).toHaveLength(1);
});

test('what does not fit is told next time, in turn', () => {
  const { p } = box();
  const kq = p.sys.kqueue();
  const pipes = Array.from({ length: 5 }, () => p.sys.pipe());
  change(p, kq, ...pipes.map(([r]) => new Kevent(r, EVFILT_READ, EV_ADD)));
  for (const [, w] of pipes) p.sys.write(w, bytes('x'));
  const order = [take(p, kq, 2), take(p, kq, 2), take(p, kq, 2)].flat().map(([ident]) => ident);
  expect(order).toEqual([...pipes.map(([r]) => r), pipes[0][0]]);
});

test('a waiting kevent wakes, and its changes are made once', async () => {
  const { p, host } = box();
  const [r, w] = p.sys.pipe();
  const kq = p.sys.kqueue();
  const events = [new Kevent()];
  const wait = p.call.kevent(kq, [new Kevent(r, EVFILT_READ, EV_ADD | EV_ONESHOT)], events);
  expect(await now(wait)).toBe('waits');
  p.sys.write(w, bytes('x'));
  expect(await now(wait)).toBe(1);
  const timed = p.call.kevent(kq, [], events, { sec: 2, nsec: 5 });
  expect(await host.sim.settle(timed)).toBe(0);
  expect(host.sim.now).toBe(2_000_000_005);
  expect(codeOf(() => p.sys.kevent(kq, [], events))).toBe('WouldSleep');
});

test('errors of changes are events where there is room, and so are receipts', () => {
  const { p } = box();
  const [r, w] = p.sys.pipe();
  p.sys.write(w, bytes('x'));
  const kq = p.sys.kqueue();
  const changes = [new Kevent(77, EVFILT_READ, EV_ADD), new Kevent(r, EVFILT_READ, EV_ADD | EV_RECEIPT), new Kevent(1, EVFILT_SIGNAL, EV_ADD)];
  const events = Array.from({ length: 4 }, () => new Kevent());
  expect(p.sys.kevent(kq, changes, events, NOW)).toBe(3);
  expect(events.slice(0, 3).map((e) => [e.ident, e.flags, e.data])).toEqual([
    [77, EV_ERROR, 9],
    [r, EV_ERROR, 0],
    [1, EV_ERROR, 45],
  ]);
  expect(codeOf(() => p.sys.kevent(kq, changes, [], NOW))).toBe('EBADF');
  expect(codeOf(() => change(p, kq, new Kevent(1, 99, EV_ADD)))).toBe('EINVAL');
  expect(codeOf(() => p.sys.kevent(r, [], [], NOW))).toBe('EBADF');
});

test('timers ring in their unit, count what was missed, and are exact', async () => {
  const { p, host } = box();
  const kq = p.sys.kqueue();
  change(p, kq, new Kevent(1, EVFILT_TIMER, EV_ADD, 0, 10));
  host.sim.advance(9_999_999);
  expect(take(p, kq)).toEqual([]);
  host.sim.advance(1);
  expect(take(p, kq)).toEqual([[1, 1, EV_CLEAR]]);
  host.sim.advance(35_000_000);
  expect(take(p, kq)).toEqual([[1, 3, EV_CLEAR]]);
  change(p, kq, new Kevent(1, EVFILT_TIMER, EV_DELETE));
  host.sim.advance(1e9);
  expect(take(p, kq)).toEqual([]);
  change(
    p,
    kq,
    new Kevent(1, EVFILT_TIMER, EV_ADD | EV_ONESHOT, NOTE_SECONDS, 3),
    new Kevent(2, EVFILT_TIMER, EV_ADD | EV_ONESHOT, NOTE_USECONDS, 3),
    new Kevent(3, EVFILT_TIMER, EV_ADD | EV_ONESHOT, NOTE_NSECONDS, 3),
    new Kevent(4, EVFILT_TIMER, EV_ADD, NOTE_SECONDS | NOTE_ABSTIME, host.sim.epochSec + 6),
  );
  const events = [new Kevent()];
  const rang: [number, number][] = [];
  const start = host.sim.now;
  for (let i = 0; i < 4; i++) {
    await host.sim.settle(p.call.kevent(kq, [], events));
    rang.push([events[0].ident, host.sim.now]);
  }
  expect(rang).toEqual([[3, start + 3], [2, start + 3000], [1, start + 3e9], [4, 6e9]]);
  expect(codeOf(() => change(p, kq, new Kevent(5, EVFILT_TIMER, EV_ADD, 0, -1)))).toBe('EINVAL');
  expect(codeOf(() => change(p, kq, new Kevent(5, EVFILT_TIMER, EV_ADD, 0x100, 1)))).toBe('EINVAL');
});

test('a timer that is added again begins anew', () => {
  const { p, host } = box();
  const kq = p.sys.kqueue();
  change(p, kq, new Kevent(1, EVFILT_TIMER, EV_ADD, 0, 10));
  host.sim.advance(5e6);
  change(p, kq, new Kevent(1, EVFILT_TIMER, EV_ADD, 0, 20));
  host.sim.advance(19e6);
  expect(take(p, kq)).toEqual([]);
  host.sim.advance(1e6);
  expect(take(p, kq)).toEqual([[1, 1, EV_CLEAR]]);
});

test('user events are triggered, and their bits joined as asked', () => {
  const { p } = box();
  const kq = p.sys.kqueue();
  const events = [new Kevent()];
  const join = (fflags: number, flags = 0): void => change(p, kq, new Kevent(5, EVFILT_USER, flags, fflags));
  join(NOTE_FFCOPY | 0x0f, EV_ADD | EV_CLEAR);
  expect(take(p, kq)).toEqual([]);
  join(NOTE_FFOR | 0x30);
  join(NOTE_FFAND | 0x1c);
  join(NOTE_TRIGGER);
  expect(p.sys.kevent(kq, [], events, NOW)).toBe(1);
  expect(events[0].fflags).toBe(0x1c);
  expect(take(p, kq)).toEqual([]);
  join(NOTE_TRIGGER);
  expect(take(p, kq)).toHaveLength(1);
  change(p, kq, new Kevent(6, EVFILT_USER, EV_ADD, NOTE_TRIGGER));
  expect([take(p, kq).length, take(p, kq).length]).toEqual([1, 1]);
});

test('a low water mark holds a filter back', () => {
  const { p } = box();
  const [r, w] = p.sys.pipe();
  const kq = p.sys.kqueue();
  change(p, kq, new Kevent(r, EVFILT_READ, EV_ADD, NOTE_LOWAT, 5));
  p.sys.write(w, bytes('abcd'));
  expect(take(p, kq)).toEqual([]);
  p.sys.write(w, bytes('e'));
  expect(take(p, kq)).toEqual([[r, 5, 0]]);
});

test('a queue is a file: polled, watched by another, not read', async () => {
  const { p } = box();
  const [r, w] = p.sys.pipe();
  const inner = p.sys.kqueue();
  const outer = p.sys.kqueue1(O_CLOEXEC);
  change(p, inner, new Kevent(r, EVFILT_READ, EV_ADD));
  change(p, outer, new Kevent(inner, EVFILT_READ, EV_ADD));
  const poll = p.call.poll([{ fd: inner, events: POLLIN, revents: 0 }], -1);
  expect([await now(poll), take(p, outer)]).toEqual(['waits', []]);
  p.sys.write(w, bytes('x'));
  expect([await now(poll), take(p, outer)]).toEqual([1, [[inner, 1, 0]]]);
  expect(p.sys.fstat(inner).mode & S_IFMT).toBe(S_IFIFO);
  expect(codeOf(() => p.sys.read(inner, new Uint8Array(1)))).toBe('ENXIO');
  expect(codeOf(() => change(p, outer, new Kevent(inner, EVFILT_WRITE, EV_ADD)))).toBe('EINVAL');
});

test('a closed descriptor takes its knotes along; a closed queue all of its', () => {
  const { p, k } = box();
  const [r, w] = p.sys.pipe();
  const kq = p.sys.kqueue();
  const twin = p.sys.dup(r);
  change(p, kq, new Kevent(r, EVFILT_READ, EV_ADD), new Kevent(twin, EVFILT_READ, EV_ADD), new Kevent(1, EVFILT_TIMER, EV_ADD, 0, 10));
  p.sys.write(w, bytes('x'));
  p.sys.close(r);
  expect(take(p, kq).map(([ident]) => ident)).toEqual([twin]);
  expect(codeOf(() => change(p, kq, new Kevent(r, EVFILT_READ, EV_DELETE)))).toBe('EBADF');
  expect(k.callouts.count).toBe(1);
  p.sys.close(kq);
  expect(k.callouts.count).toBe(0);
  p.sys.write(w, bytes('x'));
});

test('other filters are brought by others', () => {
  const { p, k } = box();
  const kq = p.sys.kqueue();
  expect(codeOf(() => change(p, kq, new Kevent(1, EVFILT_AIO, EV_ADD)))).toBe('EOPNOTSUPP');
  k.kqfilters.set(EVFILT_AIO, (kn) => {
    kn.fop = { event: (note) => (note.data = 5) > 0, detach: () => {} };
  });
  change(p, kq, new Kevent(1, EVFILT_AIO, EV_ADD));
  expect(take(p, kq)).toEqual([[1, 5, 0]]);
});
