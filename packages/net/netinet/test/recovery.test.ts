/** Loss, segment by segment: RFC 6298, 5681, 6582, 2018, 2883, 6675, 8985, zero windows, path MTU. */
import { TCP_NODELAY } from '@anykernel/lib-sys';
import { Ipv4Header, emitIcmp, emitIpv4 } from '@anykernel/lib-wire';
import { Drill, type DrillOptions, type Out } from './drill.js';

const SACK = { mss: 1000, sackOk: true };

/** A connection whose handshake took `rtt` ms. */
function far(options: DrillOptions, rtt = 100): Drill {
  const d = new Drill(options).listen().in('S', { mss: 1000, ...options.syn }).pass(rtt).in('A', { seq: 1, ack: 1 }).accept();
  d.setopt(TCP_NODELAY, 1);
  d.out();
  return d;
}

/** `count` segments of 1000 bytes are in flight, the round trip is known to be `rtt` ms. */
function flight(count: number, options: DrillOptions = {}, rtt = 100): Drill {
  const d = far({ syn: SACK, ...options }, rtt);
  for (let i = 0; i < 2; i++) {
    d.write(1000);
    d.pass(rtt).in('A', { seq: 1, ack: 1 + 1000 * (i + 1) });
  }
  d.out();
  d.write(1000 * count);
  expect(d.out().length).toBe(count);
  return d;
}

/** Where the flight begins. */
const F = 2001;

const at = (d: Drill, ms: number, step = 10): [number, string][] => {
  const seen: [number, string][] = [];
  for (let t = 0; t < ms; t += step) {
    d.pass(step);
    for (const one of d.out()) seen.push([t + step, one.text]);
  }
  return seen;
};

describe('RFC 6298, the retransmission timer', () => {
  const conf = { rack: false };
  test('2.1: a second before anything is measured', () => {
    const d = new Drill({ conf }).listen().in('S', { mss: 1000 }).pass(0).in('A', { seq: 1, ack: 1 }).accept();
    d.out();
    d.tcb.srttUs = 0;
    d.tcb.rtoMs = 1000;
    d.write(10);
    d.out();
    expect(at(d, 1200).map(([ms]) => ms)).toEqual([1000]);
  });
  test('2.2, 2.3: SRTT + 4 * RTTVAR afterwards', () => {
    const d = flight(1, { conf });
    const { srttUs, rttvarUs, rtoMs } = d.tcb;
    expect(Math.abs(rtoMs - Math.max(200 + srttUs / 1000, (srttUs + 4 * rttvarUs) / 1000))).toBeLessThanOrEqual(1);
  });
  test('2.3: however even the round trips are, there is time for an acknowledgment that is delayed', () => {
    const d = flight(1, { conf }, 400);
    for (let ack = F + 1000; ack < F + 40_000; ack += 1000) {
      d.pass(400).in('A', { seq: 1, ack });
      d.write(1000);
    }
    d.out();
    expect([d.tcb.rttvarUs < 10_000, d.pass(590).sent()]).toEqual([true, []]);
  });
  test('3: what was sent twice is not measured (Karn)', () => {
    const d = flight(1, { conf });
    const before = d.tcb.srttUs;
    d.pass(3000).in('A', { seq: 1, ack: F + 1000 });
    expect(d.tcb.srttUs).toBe(before);
  });
  test('5.5: a timeout that was doubled stays so until a round trip is measured: a path that is slower now is not asked twice for ever', () => {
    const d = flight(1, { conf });
    let again = 0;
    for (let ack = F + 1000; ack < F + 20_000; ack += 1000) {
      again += d.pass(400).out().filter((one) => one.seq < ack).length;
      d.in('A', { seq: 1, ack });
      d.out();
      d.write(1000);
      d.out();
    }
    expect([again <= 2, d.tcb.srttUs > 250_000]).toEqual([true, true]);
  });
  test('and no probe of the tail keeps it from being measured', () => {
    const d = flight(1);
    let again = 0;
    for (let ack = F + 1000; ack < F + 20_000; ack += 1000) {
      again += d.pass(700).out().length;
      d.in('A', { seq: 1, ack });
      d.out();
      d.write(1000);
      d.out();
    }
    expect([again <= 4, d.tcb.srttUs > 400_000]).toEqual([true, true]);
  });
  test('5.3: it begins anew with each acknowledgment of new data', () => {
    const d = flight(2, { conf });
    d.tcb.rtoMs = 400;
    d.pass(150).in('A', { seq: 1, ack: F + 1000 });
    const rto = d.tcb.rtoMs;
    const [first] = at(d, 3000);
    expect(Math.abs(first![0] - rto)).toBeLessThanOrEqual(20);
  });
  test('5.4 to 5.6: the first segment again, and twice as long each time', () => {
    const d = flight(3, { conf });
    const rto = d.tcb.rtoMs;
    const seen = at(d, rto * 8);
    expect(seen.map(([, text]) => text)).toEqual(['PA 2001:1000 ack 1', 'PA 2001:1000 ack 1', 'PA 2001:1000 ack 1']);
    const [a, b, c] = seen.map(([ms]) => ms);
    expect([(b! - a!) / rto, (c! - b!) / rto].map(Math.round)).toEqual([2, 4]);
  });
  test('RFC 5681 3.1: the window is one segment, then it grows again', () => {
    const d = flight(8, { conf });
    d.pass(d.tcb.rtoMs + 10);
    expect([d.tcb.cwnd, d.tcb.ssthresh, d.sent()]).toEqual([1000, 4000, ['PA 2001:1000 ack 1']]);
    d.in('A', { seq: 1, ack: F + 1000 });
    expect([d.tcb.cwnd, d.sent()]).toEqual([2000, ['PA 3001:1000 ack 1', 'PA 4001:1000 ack 1']]);
  });
  test('at last it is given up, with a reset', () => {
    const d = new Drill().established();
    d.write(10);
    d.pass(900_000);
    expect([d.connections, d.sent().at(-1), d.read()]).toEqual([0, 'RA 11:0 ack 1', 'ETIMEDOUT']);
  });
});

describe('RFC 4015: a timeout that was not needed', () => {
  test('shows in the echo of an earlier timestamp, and the window is what it was', () => {
    const d = new Drill({ syn: { mss: 1000, sackOk: true, ts: [1, 0] }, conf: { rack: false } }).established();
    d.write(8000);
    const cwnd = d.tcb.cwnd;
    const stamp = d.out().at(-1)!.opt.tsVal;
    d.pass(1300);
    expect(d.tcb.cwnd).toBeLessThan(cwnd);
    d.in('A', { seq: 1, ack: 1 + 8 * 988, ts: [2, (stamp - d.ts0!) | 0] });
    expect([d.tcb.cwnd >= cwnd, d.inet.tcp.stats.spuriousrto]).toEqual([true, 1]);
  });
});

describe('RFC 5681 and 6582, without selective acknowledgment', () => {
  const options: DrillOptions = { syn: { mss: 1000 } };
  const dup = (d: Drill, times: number): Drill => {
    for (let i = 0; i < times; i++) d.in('A', { seq: 1, ack: F });
    return d;
  };
  test('3.2: two duplicates do nothing', () => {
    expect(dup(flight(8, options), 2).sent()).toEqual([]);
  });
  test('3.2: the third sends the first segment again, and halves the window', () => {
    const d = dup(flight(8, options), 3);
    expect([d.sent(), d.tcb.ssthresh]).toEqual([['PA 2001:1000 ack 1'], 4000]);
  });
  test('RFC 6582 3.2 (4): further ones let new data go', () => {
    const d = dup(flight(8, options), 3);
    d.write(3000);
    d.out();
    dup(d, 4);
    expect(d.sent()).toEqual(['A 10001:1000 ack 1', 'A 11001:1000 ack 1', 'PA 12001:1000 ack 1']);
  });
  test('RFC 6582 3.2 (3): a partial acknowledgment sends the next hole, a full one ends it', () => {
    const d = dup(flight(8, options), 3);
    d.out();
    d.in('A', { seq: 1, ack: F + 3000 });
    expect(d.sent()[0]).toBe('PA 5001:1000 ack 1');
    d.in('A', { seq: 1, ack: F + 8000 });
    expect([d.tcb.caState, d.tcb.cwnd <= 4000]).toEqual([0, true]);
  });
  test('duplicates with data, or another window, are none', () => {
    const d = flight(8, options);
    for (let i = 0; i < 4; i++) d.in('A', { seq: 1, ack: F, win: 60_000 - i });
    expect(d.sent()).toEqual([]);
  });
});

describe('RFC 2018 and 2883, blocks that we report', () => {
  const blocks = (one: Out | undefined): number[][] => {
    const all: number[][] = [];
    for (let i = 0; i < one!.opt.sackCount; i++) all.push([one!.opt.sack[2 * i]!, one!.opt.sack[2 * i + 1]!].map((edge) => (edge - 0x7fff_fff0) | 0));
    return all;
  };
  const got = (): Drill => new Drill({ syn: SACK }).established();
  test('4: the block of the latest segment comes first', () => {
    const d = got().in('A', { seq: 101, ack: 1, len: 100 }).in('A', { seq: 301, ack: 1, len: 100 }).in('A', { seq: 501, ack: 1, len: 100 });
    expect(d.out().map(blocks)).toEqual([[[101, 201]], [[301, 401], [101, 201]], [[501, 601], [301, 401], [101, 201]]]);
  });
  test('4: blocks that touch are one', () => {
    const d = got().in('A', { seq: 101, ack: 1, len: 100 }).in('A', { seq: 301, ack: 1, len: 100 }).in('A', { seq: 201, ack: 1, len: 100 });
    expect(blocks(d.out().at(-1))).toEqual([[101, 401]]);
  });
  test('4: what is in order is none any more', () => {
    const d = got().in('A', { seq: 101, ack: 1, len: 100 }).in('A', { seq: 301, ack: 1, len: 100 }).in('A', { seq: 1, ack: 1, len: 100 });
    expect(blocks(d.out().at(-1))).toEqual([[301, 401]]);
  });
  test('3: four at most', () => {
    const d = got();
    for (let i = 0; i < 6; i++) d.in('A', { seq: 101 + 200 * i, ack: 1, len: 100 });
    expect(blocks(d.out().at(-1)).length).toBe(4);
  });
  test('not to a peer who does not know them', () => {
    const d = new Drill().established().in('A', { seq: 101, ack: 1, len: 100 });
    expect(blocks(d.out()[0])).toEqual([]);
  });
  test('8: where memory is short they are dropped, and no longer reported', () => {
    const d = got().in('A', { seq: 101, ack: 1, len: 100 });
    d.inet.tcp.drain();
    expect([d.tcb.reassCount, d.inet.mbufs.used]).toEqual([0, 0]);
    d.out();
    d.in('A', { seq: 201, ack: 1, len: 100 });
    expect(blocks(d.out()[0])).toEqual([[201, 301]]);
    d.in('A', { seq: 1, ack: 1, len: 200 });
    expect(d.read()).toBe(300);
  });
  test('RFC 2883 4: a duplicate is reported, once', () => {
    const d = got().in('A', { seq: 1, ack: 1, len: 100 }).in('A', { seq: 1, ack: 1, len: 100 });
    expect(blocks(d.out().at(-1))).toEqual([[1, 101]]);
    d.in('A', { seq: 301, ack: 1, len: 100 });
    expect(blocks(d.out().at(-1))).toEqual([[301, 401]]);
  });
  test('RFC 2883 4: of bytes beyond the next one, in front of their block', () => {
    const d = got().in('A', { seq: 101, ack: 1, len: 100 }).in('A', { seq: 151, ack: 1, len: 50 });
    expect(blocks(d.out().at(-1))).toEqual([[151, 201], [101, 201]]);
  });
});

describe('RFC 6675, with selective acknowledgment and without RACK', () => {
  const options: DrillOptions = { conf: { rack: false, prr: false } };
  test('5: less than three segments above a hole do nothing', () => {
    const d = flight(8, options).in('A', { seq: 1, ack: F, sack: [F + 1000, F + 3000] });
    expect(d.sent()).toEqual([]);
  });
  test('5 (4.3): three send it again, whatever is in flight, and the window is halved', () => {
    const d = flight(8, options).in('A', { seq: 1, ack: F, sack: [F + 1000, F + 4000] });
    expect([d.sent(), d.tcb.ssthresh, d.tcb.cwnd]).toEqual([['PA 2001:1000 ack 1'], 4000, 4000]);
  });
  test('4, IsLost: three separate blocks do, too', () => {
    const d = flight(8, options).in('A', { seq: 1, ack: F, sack: [F + 1000, F + 1500, F + 2000, F + 2500, F + 3000, F + 3500] });
    expect(d.sent()).toEqual(['PA 2001:1000 ack 1']);
  });
  test('5 (C): further ones go as pipe has room, holes before new data (NextSeg)', () => {
    const d = flight(8, options);
    d.write(5000);
    d.out();
    d.in('A', { seq: 1, ack: F, sack: [F + 1000, F + 2000, F + 3000, F + 6000] });
    const first = d.sent();
    expect(first[0]).toBe('PA 2001:1000 ack 1');
    d.in('A', { seq: 1, ack: F, sack: [F + 1000, F + 2000, F + 3000, F + 8000] });
    const all = [...first, ...d.sent()];
    expect(all.slice(0, 2)).toEqual(['PA 2001:1000 ack 1', 'PA 4001:1000 ack 1']);
    expect(all.slice(2).every((text) => /^P?A 1\d{4}:1000/.test(text))).toBe(true);
  });
  test('5: a full acknowledgment ends recovery', () => {
    const d = flight(8, options).in('A', { seq: 1, ack: F, sack: [F + 1000, F + 8000] }).in('A', { seq: 1, ack: F + 8000 });
    expect([d.tcb.caState, d.tcb.cwnd, d.tcb.pipe]).toEqual([0, 4000, 0]);
  });
  test('5.1: after a timeout nothing that was selectively acknowledged is taken for granted', () => {
    const d = flight(4, options).in('A', { seq: 1, ack: F, sack: [F + 1000, F + 2000] });
    d.pass(d.tcb.rtoMs + 20);
    expect([d.tcb.sackedBytes, d.sent()]).toEqual([0, ['PA 2001:1000 ack 1']]);
  });
  test('blocks of single bytes do not make more records than a few for each segment', () => {
    const d = flight(8, options);
    for (let i = 0; i < 7000; i += 2) d.in('A', { seq: 1, ack: F, sack: [F + 1000 + i, F + 1001 + i] });
    expect(d.tcb.recCount).toBeLessThan(150);
    d.in('A', { seq: 1, ack: (d.tcb.sndNxt - d.iss!) | 0 });
    expect([d.tcb.recCount, d.tcb.sackedBytes, d.tcb.lostBytes]).toEqual([0, 0, 0]);
  });
  test('blocks that are none are ignored', () => {
    const d = flight(4, options).in('A', { seq: 1, ack: F, sack: [F + 9000, F + 10_000, F + 3000, F + 2000, -5, 10] });
    expect([d.tcb.sackedBytes, d.tcb.pipe]).toEqual([0, 4000]);
  });
});

describe('RFC 6937, proportional rate reduction', () => {
  /** Twenty segments in flight, the window is full, and there is more to send. */
  function full(): Drill {
    const d = far({ syn: SACK, conf: { sendspace: 100_000 } });
    d.tcb.cwnd = d.tcb.sndWnd = 20_000;
    d.write(60_000);
    expect(d.out().length).toBe(20);
    d.pass(90);
    return d;
  }
  /** Segments from..to-1 of the flight arrive, one acknowledgment each; what each of them lets go. */
  const arrive = (d: Drill, from: number, to: number): number[] =>
    Array.from({ length: to - from }, (_, i) => {
      d.in('A', { seq: 1, ack: 1, sack: [1 + 1000 * from, 1 + 1000 * (from + i + 1)] });
      return d.out().length;
    });

  test('3: one of twenty is lost: every second acknowledgment lets a segment go, until the window is half', () => {
    const d = full();
    expect(arrive(d, 1, 3)).toEqual([1, 1]);
    expect(arrive(d, 1, 4).slice(2)).toEqual([1]);
    expect([d.tcb.ssthresh, d.tcb.caState]).toEqual([10_000, 1]);
    const sent = arrive(d, 1, 20).slice(3);
    // The segment that was sent again counts for the first two; at the end the pipe is the new window.
    expect(sent).toEqual([0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 1]);
    d.in('A', { seq: 1, ack: (d.tcb.sndNxt - d.iss!) | 0, sack: [] });
    expect([d.tcb.caState, d.tcb.cwnd]).toEqual([0, 10_000]);
  });

  test('3, SSRB: more is lost than the window shrinks by: no burst, but a segment more with each acknowledgment that moves forward', () => {
    const d = full();
    // Fifteen of twenty are lost.
    d.in('A', { seq: 1, ack: 1, sack: [15_001, 20_001] });
    expect(d.tcb.caState).toBe(1);
    expect(d.out().map(({ text }) => text)).toEqual(Array.from({ length: 5 }, (_, i) => `PA ${1 + 1000 * i}:1000 ack 1`));
    // Each that arrives and moves forward: what it delivered, and one more.
    d.pass(90).in('A', { seq: 1, ack: 1001, sack: [15_001, 20_001] });
    expect(d.out().length).toBe(2);
    d.in('A', { seq: 1, ack: 2001, sack: [15_001, 20_001] });
    expect(d.out().length).toBe(2);
    expect(d.tcb.pipe).toBeLessThanOrEqual(d.tcb.ssthresh);
  });

  test('3, CRB: an acknowledgment that does not move forward lets go no more than arrived', () => {
    const d = full();
    d.in('A', { seq: 1, ack: 1, sack: [15_001, 18_001] });
    expect(d.out().length).toBe(3);
    d.in('A', { seq: 1, ack: 1, sack: [15_001, 19_001] });
    expect(d.out().length).toBe(1);
  });

  test('a timeout ends it', () => {
    const d = full();
    d.in('A', { seq: 1, ack: 1, sack: [15_001, 18_001] });
    d.pass(2 * d.tcb.rtoMs);
    expect([d.tcb.caState, d.tcb.prr, d.tcb.cwnd]).toEqual([2, undefined, 1000]);
  });
});

describe('RFC 8985, RACK', () => {
  test('the loss of the first segment of a flight is repaired on a long path before it is taken for that of all', () => {
    const d = flight(8, {}, 400);
    for (let ack = F + 8000; ack < F + 240_000; ack += 8000) {
      d.pass(400).in('A', { seq: 1, ack });
      d.write(8000);
    }
    d.out();
    const una = (d.tcb.sndUna - d.iss!) | 0;
    d.pass(400).in('A', { seq: 1, ack: una, sack: [una + 1000, una + 8000] });
    expect(d.sent()).toEqual([`PA ${una}:1000 ack 1`]);
    d.pass(400).in('A', { seq: 1, ack: una + 8000 });
    expect([d.tcb.rttvarUs < 10_000, d.inet.tcp.stats.rexmttimeo]).toEqual([true, 0]);
  });
  test('6.2: what is sent again behind new data, at one moment, is not lost because those arrive', () => {
    const d = flight(8);
    d.write(9000);
    d.out();
    // Three acknowledgments at once: the first two let new data go, the third shows the loss.
    d.pass(100).in('A', { seq: 1, ack: F, sack: [F + 1000, F + 2000] }).in('A', { seq: 1, ack: F, sack: [F + 1000, F + 3000] });
    const fresh = d.out().filter((one) => one.seq >= F + 8000).map((one) => one.seq);
    expect(fresh.length).toBeGreaterThan(0);
    d.in('A', { seq: 1, ack: F, sack: [F + 1000, F + 4000] });
    expect(d.sent()[0]).toBe('PA 2001:1000 ack 1');
    d.in('A', { seq: 1, ack: F, sack: [F + 1000, F + 8000] });
    d.out();
    d.pass(100).in('A', { seq: 1, ack: F, sack: [F + 1000, fresh[0]! + 1000] });
    expect(d.sent().filter((text) => text.startsWith('PA 2001:'))).toEqual([]);
  });
  test('6.2: with a segment delivered that was sent later, and a quarter of a round trip gone, one is lost', () => {
    const d = far({ syn: SACK });
    for (let i = 0; i < 2; i++) d.write(1000), d.pass(100).in('A', { seq: 1, ack: 1 + 1000 * (i + 1) });
    d.out();
    d.write(1000);
    d.pass(2);
    d.write(1000);
    d.out();
    d.pass(90).in('A', { seq: 1, ack: F, sack: [F + 1000, F + 2000] });
    expect(d.sent()).toEqual([]);
    const [[ms, text]] = at(d, 100, 1) as [[number, string]];
    expect([text, ms >= 20 && ms <= 30]).toEqual(['PA 2001:1000 ack 1', true]);
  });
  test('6.2 step 4: three segments of delivered data show loss at once, as long as there was no reordering', () => {
    const d = flight(8);
    d.pass(90).in('A', { seq: 1, ack: F, sack: [F + 1000, F + 4000] });
    expect(d.sent()).toEqual(['PA 2001:1000 ack 1']);
  });
  test('6.2 step 3: a hole that fills by itself is reordering, and then there is time', () => {
    const d = flight(8);
    d.pass(90).in('A', { seq: 1, ack: F, sack: [F + 1000, F + 2000] }).in('A', { seq: 1, ack: F + 2000 });
    expect(d.tcb.reordering).toBe(true);
    d.in('A', { seq: 1, ack: F + 2000, sack: [F + 3000, F + 6000] });
    expect(d.sent()).toEqual([]);
  });
  test('a segment that was sent again and is lost again is found, too', () => {
    const d = flight(8);
    d.pass(90).in('A', { seq: 1, ack: F, sack: [F + 1000, F + 4000] });
    expect(d.sent()).toEqual(['PA 2001:1000 ack 1']);
    d.write(4000);
    d.out();
    d.in('A', { seq: 1, ack: F, sack: [F + 1000, F + 8000] });
    d.pass(100);
    d.out();
    d.in('A', { seq: 1, ack: F, sack: [F + 1000, F + 10_000] });
    expect(d.pass(60).sent()[0]).toBe('PA 2001:1000 ack 1');
  });
  test('6.2 step 4: duplicates widen the window for reordering', () => {
    const d = flight(8);
    d.in('A', { seq: 1, ack: F + 1000, sack: [F, F + 1000] });
    expect(d.tcb.reoWndMult).toBe(2);
  });
});

describe('RFC 8985, TLP', () => {
  test('7.2, 7.3: the last segment is sent again after two round trips', () => {
    const d = flight(4);
    const [[ms, text]] = at(d, 600, 5) as [[number, string]];
    expect(text).toBe('PA 5001:1000 ack 1');
    expect(Math.abs(ms - (2 * d.tcb.srttUs) / 1000)).toBeLessThan(20);
  });
  test('7.2: a single segment has the time of a delayed acknowledgment more', () => {
    const d = flight(1);
    const [[ms]] = at(d, 900, 5) as [[number, string]];
    expect(Math.min(Math.abs(ms - (2 * d.tcb.srttUs) / 1000 - 200), Math.abs(ms - d.tcb.rtoMs))).toBeLessThan(20);
  });
  test('7.3: new data goes, if there is any', () => {
    const d = flight(8);
    const { cwnd } = d.tcb;
    d.write(10_000);
    const before = d.out().length;
    d.pass(260);
    const probe = d.out();
    expect([before + 8 <= cwnd / 1000, probe.length, probe[0]!.len]).toEqual([true, 1, 1000]);
    expect(probe[0]!.seq).toBe(F + 1000 * (8 + before));
  });
  test('7.4.2: it repaired a loss: the window is halved', () => {
    const d = flight(4).pass(300);
    d.out();
    d.in('A', { seq: 1, ack: F + 4000 });
    expect([d.inet.tcp.stats.tlprecovered, d.tcb.cwnd <= 6000]).toEqual([1, true]);
  });
  test('7.4.2: it was not needed, as the peer says', () => {
    const d = flight(4).pass(300);
    d.out();
    const { cwnd } = d.tcb;
    d.in('A', { seq: 1, ack: F + 4000, sack: [F + 3000, F + 4000] });
    expect([d.inet.tcp.stats.tlprecovered, d.tcb.cwnd >= cwnd]).toEqual([0, true]);
  });
  test('7.3: one probe, then the retransmission timer', () => {
    const d = flight(4);
    const seen = at(d, 2500, 5).map(([, text]) => text);
    expect(seen.slice(0, 2)).toEqual(['PA 5001:1000 ack 1', 'PA 2001:1000 ack 1']);
  });
});

describe('RFC 9293 3.8.6, windows', () => {
  const zero = (): Drill => {
    const d = new Drill().established();
    d.write(500);
    d.in('A', { seq: 1, ack: 501, win: 0 });
    d.out();
    d.write(500);
    return d;
  };
  test('3.8.6.1: a closed window is probed with a byte, at growing intervals', () => {
    const d = zero();
    expect(d.sent()).toEqual([]);
    const seen: [number, string][] = [];
    for (let t = 0; t < 20_000; t += 50) {
      for (const one of d.pass(50).out()) {
        seen.push([t, one.text]);
        d.in('A', { seq: 1, ack: 501, win: 0 });
      }
    }
    expect(seen.length).toBeGreaterThan(3);
    expect(seen.every(([, text]) => /^A 501:1 ack 1$/.test(text))).toBe(true);
    const gaps = seen.slice(1).map(([ms], i) => ms - seen[i]![0]);
    expect(gaps[1]! > 1.5 * gaps[0]!).toBe(true);
  });
  test('3.8.6.1: and as long as the peer answers, the connection stays', () => {
    const d = zero();
    for (let t = 0; t < 3600; t++) if (d.pass(1000).out().length > 0) d.in('A', { seq: 1, ack: 501, win: 0 });
    expect(d.connections).toBe(1);
  });
  test('3.8.6.1: who does not answer is given up', () => {
    const d = zero().pass(1_500_000);
    expect(d.connections).toBe(0);
  });
  test('when it opens, the rest goes at once, and no byte is missing', () => {
    const d = zero().pass(1000);
    d.out();
    d.in('A', { seq: 1, ack: 501, win: 5000 });
    const bytes = d.out().reduce((sum, one) => sum + (one.len > 0 ? one.len : 0), 0);
    expect(bytes).toBe(500);
  });
  test('3.8.6.2.1: a small window is not filled with small segments', () => {
    const d = new Drill().established();
    d.write(3000);
    d.in('A', { seq: 1, ack: 1001, win: 2050 });
    d.out();
    d.write(3000);
    expect(d.sent()).toEqual([]);
  });
  test('3.8.6.2.2: the window is offered again by two segments, or half of the buffer', () => {
    const d = new Drill({ conf: { recvbufAuto: false } }).established();
    const { hiwat } = d.tcb.so!.rcv;
    for (let seq = 1; seq + 1000 <= hiwat + 1; seq += 1000) d.in('A', { seq, ack: 1, len: 1000 });
    d.out();
    d.read(500);
    expect(d.sent()).toEqual([]);
    d.read(hiwat);
    const [update] = d.out();
    expect([update!.len, update!.win > hiwat / 2]).toEqual([0, true]);
  });
  test('3.8.6.2.2: while half of it is open, what comes next is answered with it, and nothing before', () => {
    const d = new Drill({ conf: { recvbufAuto: false } }).established();
    for (let seq = 1; seq <= 4001; seq += 1000) d.in('A', { seq, ack: 1, len: 1000 });
    d.out();
    d.read(5000);
    expect(d.sent()).toEqual([]);
    d.in('A', { seq: 5001, ack: 1, len: 1000 }).in('A', { seq: 6001, ack: 1, len: 1000 });
    expect(d.out().at(-1)?.win).toBeGreaterThan(d.tcb.so!.rcv.hiwat - 3000);
  });
  test('3.8.6: the window does not shrink', () => {
    const d = new Drill().established();
    const edge = d.tcb.rcvAdv;
    d.in('A', { seq: 1, ack: 1, len: 900 }).pass(500);
    expect((d.tcb.rcvAdv - edge) | 0).toBeGreaterThanOrEqual(0);
  });
  test('data into a closed window is refused, and its acknowledgment counts', () => {
    const d = new Drill({ conf: { recvbufAuto: false } }).established();
    const { hiwat } = d.tcb.so!.rcv;
    for (let seq = 1; seq <= hiwat; seq += 1000) d.in('A', { seq, ack: 1, len: Math.min(1000, hiwat + 1 - seq) });
    d.write(100);
    d.out();
    const next = hiwat + 1;
    d.in('A', { seq: next, ack: 101, len: 1 });
    expect([d.sent(), d.tcb.inFlight]).toEqual([[`A 101:0 ack ${next}`], 0]);
  });
});

describe('the path MTU (RFC 1191)', () => {
  function needfrag(d: Drill, quoted: Uint8Array, mtu: number): void {
    const b = new Uint8Array(28 + 28);
    b.set(quoted.subarray(0, 28), 28);
    emitIcmp({ type: 3, code: 4, rest: mtu }, b, 20);
    emitIpv4(Object.assign(new Ipv4Header(), { totalLen: 56, ttl: 64, protocol: 1, src: 0x0a00_0002, dst: 0x0a00_0001 }), b);
    d.raw(b);
  }
  test('6.4: segments are smaller at once, what was lost is sent again, and the window is not reduced', () => {
    const d = new Drill({ syn: { mss: 1460 } }).established();
    d.write(1460);
    const [one] = d.out();
    expect([one!.len, one!.df]).toEqual([1460, true]);
    const { cwnd } = d.tcb;
    needfrag(d, one!.raw, 1000);
    expect([d.sent(), d.tcb.mss, d.tcb.cwnd]).toEqual([['PA 1:960 ack 1', 'PA 961:500 ack 1'], 960, cwnd]);
  });
  test('6.3: ten minutes later larger segments are tried again, by connections that are there, too', () => {
    const d = new Drill({ syn: { mss: 1460 } }).established();
    d.write(1460);
    needfrag(d, d.out()[0]!.raw, 1000);
    d.in('A', { seq: 1, ack: 1461 });
    expect([d.tcb.mss, d.pass(599_000).tcb.mss, d.pass(2000).tcb.mss]).toEqual([960, 960, 1460]);
    d.out();
    d.write(1460);
    expect(d.sent()).toEqual(['PA 1461:1460 ack 1']);
  });
  test('RFC 5927 7: an error that quotes what is not in flight is not believed', () => {
    const d = new Drill({ syn: { mss: 1460 } }).established();
    d.write(1460);
    const [one] = d.out();
    const forged = one!.raw.slice();
    forged[24]! ^= 0x40;
    needfrag(d, forged, 300);
    expect([d.tcb.mss, d.sent()]).toEqual([1460, []]);
  });
  test('a path that swallows large segments is found out (RFC 2923 2.1)', () => {
    const d = new Drill({ syn: { mss: 1460 } }).established();
    d.write(1460);
    d.pass(30_000);
    const last = d.out().at(-1)!;
    expect([last.len <= 536, last.df]).toEqual([true, false]);
  });
});
