/** Numbers that come round: sequence numbers after 2 GiB, microseconds after half an hour, milliseconds and timestamps after weeks. */
import { MSG_OOB, TCP_NODELAY } from '@anykernel/lib-sys';
import { Drill, type DrillOptions } from './drill.js';

const DAY_MS = 86_400_000;
const WIDE: DrillOptions = { mtu: 65_535, syn: { mss: 60_000, wscale: 14, sackOk: true } };

test('RFC 9293 3.8.5: after two gigabytes without urgent data there are none to be announced', () => {
  const d = new Drill(WIDE).established();
  // As nearly that many bytes would leave it, did it not follow.
  d.tcb.sndUp = (d.tcb.sndUna - 0x7fff_0000) | 0;
  for (let ack = 1; ack < 200_000; ack = (d.tcb.sndNxt - d.iss!) | 0) {
    d.in('A', { seq: 1, ack, win: 60_000 });
    d.write(50_000);
  }
  expect(d.out().filter((one) => one.flags.includes('U'))).toEqual([]);
});

test('RFC 9293 3.8.5: after two gigabytes came, urgent data are told', () => {
  const d = new Drill(WIDE).established();
  // As that many bytes would leave it, of which none was urgent.
  d.tcb.rcvUp = (d.tcb.rcvNxt - 0x7fff_0000) | 0;
  d.in('A', { seq: 1, ack: 1, len: 60_000 });
  d.read();
  d.in('A', { seq: 60_001, ack: 1, len: 60_000 });
  d.read(200_000);
  d.in('AU', { seq: 120_001, ack: 1, len: 5, urp: 5 });
  expect(d.p.sys.recvfrom(d.fd, new Uint8Array(1), MSG_OOB)).toBe(1);
});

/** Two segments have been acknowledged, one after the other; the round trip is 100 ms. */
function warm(options: DrillOptions): Drill {
  const d = new Drill({ syn: { mss: 1000, sackOk: true }, ...options }).listen().in('S', { mss: 1000, sackOk: true }).pass(100).in('A', { seq: 1, ack: 1 }).accept();
  d.setopt(TCP_NODELAY, 1);
  for (let i = 0; i < 2; i++) {
    d.write(1000);
    d.pass(100).in('A', { seq: 1, ack: 1 + 1000 * (i + 1) });
  }
  d.out();
  return d;
}

describe('RFC 8985, whatever the first sequence number', () => {
  const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];
  test('some of these begin below zero, some above', () => {
    expect(new Set(SEEDS.map((seed) => warm({ seed }).iss! < 0)).size).toBe(2);
  });
  test.each(SEEDS)('seed %d: 6.2 step 3: what arrives in order is no reordering', (seed) => {
    const d = warm({ seed });
    d.write(8000);
    d.out();
    d.pass(90).in('A', { seq: 1, ack: 2001, sack: [3001, 6001] });
    expect([d.tcb.reordering, d.sent()]).toEqual([false, ['PA 2001:1000 ack 1']]);
  });
  test.each(SEEDS)('seed %d: 6.2 step 4: the first duplicate widens the window for reordering', (seed) => {
    const d = warm({ seed });
    d.write(8000);
    d.in('A', { seq: 1, ack: 3001, sack: [2001, 3001] });
    expect(d.tcb.reoWndMult).toBe(2);
  });
});

test.each([1, 40, 80])('RFC 8985 6.2 step 5: after a pause of %d minutes only what was sent before a segment that arrived can be lost', (minutes) => {
  const d = warm({}).pass(minutes * 60_000);
  d.write(4000);
  d.out();
  d.pass(100).in('A', { seq: 1, ack: 2001, sack: [3001, 4001] });
  expect([d.pass(60).sent(), d.tcb.lostBytes]).toEqual([['PA 2001:1000 ack 1'], 0]);
});

describe('RFC 7323 5.5: timestamps after weeks of silence', () => {
  const SYN: DrillOptions = { syn: { mss: 1000, ts: [1000, 0] } };
  test.each([10, 24.5, 30, 45, 55, 70, 100])('%d days: what comes then is taken, and what follows', (days) => {
    const d = new Drill(SYN).established().pass(days * DAY_MS);
    d.out();
    const now = (1001 + days * DAY_MS) | 0;
    d.in('A', { seq: 1, ack: 1, len: 10, ts: [now, 0] }).in('A', { seq: 11, ack: 1, len: 10, ts: [(now + 1) | 0, 0] });
    expect([d.read(), d.inet.tcp.stats.pawsdrop, d.tcb.tsRecent]).toEqual([20, 0, now]);
  });
  test('and what is older than that is old', () => {
    const d = new Drill(SYN).established().pass(30 * DAY_MS);
    const now = (1001 + 30 * DAY_MS) | 0;
    d.in('A', { seq: 1, ack: 1, len: 10, ts: [now, 0] }).in('A', { seq: 11, ack: 1, len: 10, ts: [now - 1, 0] });
    expect([d.read(), d.inet.tcp.stats.pawsdrop]).toEqual([10, 1]);
  });
});

test.each([5, 30])('RFC 5681 4.1: after a pause of %d days the window is the first one again', (days) => {
  const d = new Drill({ syn: { mss: 1000 } }).established();
  d.write(1000);
  d.pass(10).in('A', { seq: 1, ack: 1001 });
  d.tcb.cwnd = 30_000;
  d.pass(days * DAY_MS);
  d.write(1000);
  expect(d.tcb.cwnd).toBe(10_000);
});

test('RFC 5961 7: what was answered weeks ago does not count', () => {
  const d = new Drill({ conf: { rstLimit: 1 } });
  const refused = (): number => d.in('A', { seq: 5, ack: 9 }).out().length;
  expect([refused(), refused()]).toEqual([1, 0]);
  expect(d.pass(30 * DAY_MS) && refused()).toBe(1);
});

test('two minutes after cookies were sent they are none any more, also weeks later', () => {
  const d = new Drill({ conf: { syncookies: 2 } }).listen().in('S', { mss: 1000 });
  d.out();
  expect(d.in('A', { seq: 5, ack: 9 }).sent()).toEqual([]);
  expect(d.pass(130_000).in('A', { seq: 5, ack: 9 }).sent()).toEqual(['R 9:0']);
  expect(d.pass(30 * DAY_MS).in('A', { seq: 5, ack: 9 }).sent()).toEqual(['R 9:0']);
});
