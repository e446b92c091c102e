/** How windows grow and shrink: RFC 5681 and 6928 (NewReno), RFC 9438 (CUBIC). */
import { TCP_CONGCTL, TCP_NODELAY } from '@anykernel/lib-sys';
import { Drill } from './drill.js';

const MSS = 1000;

/** A connection with a large window and a round trip of 100 ms. */
function connection(cc: string): Drill {
  const syn = { mss: MSS, sackOk: true, wscale: 10 };
  const d = new Drill({ syn, conf: { sendbufMax: 1 << 22, rack: false } }).listen().in('S', syn).pass(100).in('A', { seq: 1, ack: 1, win: 60_000 }).accept();
  d.setopt(TCP_NODELAY, 1);
  d.p.sys.setsockopt(d.fd, 6, TCP_CONGCTL, Uint8Array.from(`${cc}\0`, (c) => c.charCodeAt(0)));
  d.tcb.so!.snd.reserve(1 << 21, 1 << 22);
  d.out();
  return d;
}

/** Fills the window, and a round trip later acknowledges all of it, a segment at a time. Returns the window afterwards, in segments. */
function round(d: Drill, rttMs = 100): number {
  while (d.tcb.so!.snd.cc < d.tcb.cwnd * 2) d.write(64 * MSS);
  const end = d.tcb.sndNxt;
  d.out();
  d.pass(rttMs);
  const una = (d.tcb.sndUna - d.iss!) | 0;
  const last = (end - d.iss!) | 0;
  for (let ack = una + MSS; ack <= last; ack += MSS) d.in('A', { seq: 1, ack, win: 60_000 });
  return d.tcb.cwnd / MSS;
}

/** The first segment of the flight is lost: fast recovery, to its end. */
function lose(d: Drill): void {
  const una = (d.tcb.sndUna - d.iss!) | 0;
  const end = (d.tcb.sndNxt - d.iss!) | 0;
  d.in('A', { seq: 1, ack: una, win: 60_000, sack: [una + MSS, end] });
  d.out();
  d.pass(100).in('A', { seq: 1, ack: (d.tcb.sndNxt - d.iss!) | 0, win: 60_000 });
}

test('RFC 6928: ten segments to begin with', () => {
  const d = connection('newreno');
  d.write(64 * MSS);
  expect(d.out().length).toBe(10);
});

test.each(['newreno', 'cubic'])('%s, RFC 5681 3.1: slow start doubles the window each round trip', (cc) => {
  const d = connection(cc);
  expect([round(d), round(d), round(d)]).toEqual([20, 40, 80]);
});

test('newreno, RFC 5681 3.1: past the threshold it grows by a segment each round trip', () => {
  const d = connection('newreno');
  for (let i = 0; i < 2; i++) round(d);
  d.tcb.ssthresh = d.tcb.cwnd;
  const windows = [round(d), round(d), round(d), round(d)];
  expect(windows).toEqual([41, 42, 43, 44]);
});

test('newreno, RFC 5681 (4): a loss halves it', () => {
  const d = connection('newreno');
  for (let i = 0; i < 2; i++) round(d);
  while (d.tcb.so!.snd.cc < 50 * MSS) d.write(50 * MSS);
  lose(d);
  expect(d.tcb.ssthresh / MSS).toBe(20);
  expect(d.tcb.cwnd / MSS).toBeLessThanOrEqual(21);
});

test('a window that is not used does not grow (RFC 7661)', () => {
  const d = connection('newreno');
  for (let i = 0; i < 30; i++) {
    d.write(MSS);
    d.out();
    d.pass(100).in('A', { seq: 1, ack: 1 + MSS * (i + 1), win: 60_000 });
  }
  expect(d.tcb.cwnd / MSS).toBe(10);
});

test('after a pause it begins anew (RFC 5681 4.1)', () => {
  const d = connection('newreno');
  for (let i = 0; i < 3; i++) round(d);
  const una = (d.tcb.sndNxt - d.iss!) | 0;
  d.in('A', { seq: 1, ack: una, win: 60_000 });
  while (d.tcb.so!.snd.cc > 0) d.in('A', { seq: 1, ack: (d.tcb.sndNxt - d.iss!) | 0, win: 60_000 });
  d.out();
  d.pass(5000);
  d.write(64 * MSS);
  expect(d.out().length).toBe(10);
});

test('cubic, RFC 9438 4.6: a loss leaves seven tenths', () => {
  const d = connection('cubic');
  for (let i = 0; i < 3; i++) round(d);
  while (d.tcb.so!.snd.cc < 100 * MSS) d.write(64 * MSS);
  d.out();
  lose(d);
  expect(d.tcb.ssthresh / MSS).toBe(56);
});

test('cubic, RFC 9438 4.2: slower and slower to the old window, then faster and faster beyond', () => {
  const d = connection('cubic');
  for (let i = 0; i < 4; i++) round(d);
  while (d.tcb.so!.snd.cc < 200 * MSS) d.write(64 * MSS);
  d.out();
  lose(d);
  const plateau = d.tcb.cubic!.wMax;
  const windows: number[] = [];
  for (let i = 0; i < 160; i++) windows.push(round(d));
  const reached = windows.findIndex((w) => w >= plateau);
  const k = Math.cbrt((plateau * 0.3) / 0.4);
  // At K seconds it is at the plateau.
  expect(Math.abs(reached / 10 - k)).toBeLessThan(1.5);
  const growth = (from: number): number => windows[from + 5]! - windows[from]!;
  expect(growth(0)).toBeGreaterThan(growth(reached - 8));
  expect(growth(reached + 25)).toBeGreaterThan(growth(reached - 3));
});

test('cubic, RFC 9438 4.7: who is set back before the old plateau leaves room', () => {
  const d = connection('cubic');
  for (let i = 0; i < 3; i++) round(d);
  while (d.tcb.so!.snd.cc < 100 * MSS) d.write(64 * MSS);
  lose(d);
  const first = d.tcb.cubic!.wMax;
  round(d);
  while (d.tcb.so!.snd.cc < 100 * MSS) d.write(64 * MSS);
  lose(d);
  expect(d.tcb.cubic!.wMax).toBeLessThan(first * 0.9);
});

test('cubic, RFC 9438 4.8: after a timeout there is no plateau: it grows from where slow start ends, slowly at first', () => {
  const d = connection('cubic');
  for (let i = 0; i < 3; i++) round(d);
  while (d.tcb.so!.snd.cc < 100 * MSS) d.write(64 * MSS);
  d.out();
  d.pass(d.tcb.rtoMs + 10);
  expect([d.tcb.cwnd, d.tcb.ssthresh]).toEqual([MSS, 56 * MSS]);
  while (d.tcb.cwnd < d.tcb.ssthresh || d.tcb.caState !== 0) round(d);
  const begin = round(d);
  const state = d.tcb.cubic!;
  expect([state.k, Math.abs(state.wMax - begin) < 3]).toEqual([0, true]);
  const windows = Array.from({ length: 40 }, () => round(d));
  expect(windows[9]! - begin).toBeLessThan(windows[39]! - windows[29]!);
});

test('cubic, RFC 9438 4.9.1: a timeout that was not needed leaves the plateau where it was', () => {
  const d = connection('cubic');
  for (let i = 0; i < 3; i++) round(d);
  while (d.tcb.so!.snd.cc < 100 * MSS) d.write(64 * MSS);
  lose(d);
  const before = d.tcb.cubic!;
  const seen = [before.wMax, before.k, before.epochMs];
  d.k.run(() => {
    const { cc } = d.tcb;
    cc.reduce(d.inet.tcp, d.tcb, true);
    expect(d.tcb.cubic!.wMax).toBe(0);
    cc.undo(d.tcb);
  });
  expect([d.tcb.cubic!.wMax, d.tcb.cubic!.k, d.tcb.cubic!.epochMs]).toEqual(seen);
});

describe('RFC 9406, HyStart++', () => {
  test('4.2: while round trips stay as they are, slow start goes on', () => {
    const d = connection('cubic');
    expect([round(d), round(d, 103), round(d, 106), round(d, 109)]).toEqual([20, 40, 80, 160]);
  });

  test('4.2: round trips that have grown by an eighth: a quarter of the growth, and after five rounds slow start is over', () => {
    const d = connection('newreno');
    round(d);
    round(d);
    round(d, 120);
    const windows = Array.from({ length: 7 }, () => round(d, 120));
    const growth = windows.map((w, i) => (i === 0 ? 1 : w / windows[i - 1]!));
    for (const g of growth.slice(1, 4)) expect(g).toBeCloseTo(1.25, 1);
    expect(growth[6]).toBeLessThan(1.01);
    expect(d.tcb.ssthresh).toBeLessThanOrEqual(d.tcb.cwnd);
    expect(d.tcb.hystart).toBeUndefined();
  });

  test('4.2: if they shrink again it was a mistake, and slow start goes on', () => {
    const d = connection('newreno');
    round(d);
    round(d);
    round(d, 120);
    round(d, 120);
    expect(d.tcb.hystart?.css).toBe(true);
    round(d);
    const before = round(d);
    expect(d.tcb.hystart?.css).toBe(false);
    expect(round(d) / before).toBeCloseTo(2, 1);
  });

  test('4.2: a short path may grow by four milliseconds', () => {
    const d = connection('newreno');
    round(d, 10);
    round(d, 10);
    round(d, 13);
    round(d, 13);
    expect(d.tcb.hystart?.css).toBe(false);
    round(d, 18);
    round(d, 18);
    expect(d.tcb.hystart?.css).toBe(true);
  });

  test('4.2: no more than eight segments of one acknowledgment count', () => {
    const d = connection('newreno');
    d.write(64 * MSS);
    d.out();
    d.pass(100).in('A', { seq: 1, ack: 1 + 10 * MSS, win: 60_000 });
    expect(d.tcb.cwnd / MSS).toBe(18);
  });

  test('4.3: only the first slow start is watched; net.inet.tcp.hystart.enable', () => {
    const d = connection('newreno');
    round(d);
    while (d.tcb.so!.snd.cc < 50 * MSS) d.write(50 * MSS);
    lose(d);
    expect([d.tcb.hystart, d.tcb.ssthresh]).toEqual([undefined, 10 * MSS]);
    const off = connection('newreno');
    off.k.sysctl.set('net.inet.tcp.hystart.enable', 0);
    round(off);
    round(off);
    expect([round(off, 120), round(off, 130)]).toEqual([80, 160]);
  });
});
