/** Cases at the ends of what the specifications say: lost handshakes, windows that shrink or are closed, resets with text, timestamps that are missing. */
import { SHUT_WR, TCPS_ESTABLISHED, TCPS_FIN_WAIT_1, TCPS_FIN_WAIT_2, TCP_NODELAY, ERR } from '@anykernel/lib-sys';
import { Drill } from './drill.js';

describe('RFC 9293 3.10.7.4 first, with a window of zero', () => {
  /** The peer has filled the window; its next number is `next`. */
  function closed(d: Drill): number {
    let next = 1;
    for (let room = (d.tcb.rcvAdv - d.tcb.rcvNxt) | 0; room > 0; room = (d.tcb.rcvAdv - d.tcb.rcvNxt) | 0) {
      const len = Math.min(1000, room);
      d.in('A', { seq: next, ack: 1, len }).pass(100);
      next += len;
    }
    d.out();
    return next;
  }
  test('MUST-66: a reset ends the connection, also one with text', () => {
    const d = new Drill().established();
    d.in('R', { seq: closed(d), len: 5 });
    expect(d.connections).toBe(0);
  });
  test('a probe that acknowledges our FIN leads to FIN-WAIT-2', () => {
    const d = new Drill().established();
    const next = closed(d);
    d.p.sys.shutdown(d.fd, SHUT_WR);
    d.in('A', { seq: next, ack: 2, len: 1 });
    expect([d.tcb.state, d.sent()]).toEqual([TCPS_FIN_WAIT_2, [`FA 1:0 ack ${next}`, `A 2:0 ack ${next}`]]);
  });
});

test('RFC 5961 3.2: a reset before the window, whose text reaches into it, is dropped', () => {
  const d = new Drill().established().in('A', { seq: 1, ack: 1, len: 100 }).in('R', { seq: 91, len: 50 });
  expect([d.sent(), d.tcb.state]).toEqual([[], TCPS_ESTABLISHED]);
});

describe('RFC 5961 7, challenges', () => {
  test('one connection has few of them in a time', () => {
    const d = new Drill().established();
    for (let i = 0; i < 100; i++) d.in('R', { seq: 100 });
    expect(d.out().length).toBe(8);
    expect(d.pass(500).in('R', { seq: 100 }).out().length).toBe(1);
  });
  test('how many the kernel sends in a second cannot be told (CVE-2016-5696)', () => {
    const d = new Drill({ conf: { challengeLimit: 100 } });
    const counts = Array.from({ length: 20 }, () => {
      d.pass(1000);
      d.k.run(() => d.inet.tcp.tick());
      let count = 0;
      while (d.inet.tcp.mayChallenge()) count++;
      return count;
    });
    expect([Math.min(...counts) >= 50, Math.max(...counts) <= 150, new Set(counts).size > 5]).toEqual([true, true, true]);
  });
});

describe('RFC 9293 3.10.7.3, simultaneous open', () => {
  test('RFC 7323 2.2: the window of the second SYN is not scaled, either', () => {
    const d = new Drill().connect().in('S', { mss: 1000, wscale: 7, win: 5000 }).in('SA', { ack: 1, mss: 1000, wscale: 7, win: 5000 });
    expect([d.tcb.state, d.tcb.sndWnd <= 5000, d.tcb.sndWnd > 4800]).toEqual([TCPS_ESTABLISHED, true, true]);
    d.in('A', { seq: 1, ack: 1, win: 40 });
    expect(d.tcb.sndWnd).toBe(40 << 7);
  });
});

describe('SYN-RECEIVED', () => {
  const SYN = { mss: 1000, ts: [1000, 0] as const };
  test('RFC 7323 3.2: an acknowledgment without a timestamp, where they were agreed, establishes nothing, and leaves nothing', () => {
    const d = new Drill().listen().in('S', SYN);
    d.out();
    for (let i = 0; i < 3; i++) d.in('A', { seq: 1, ack: 1, len: 10 });
    expect([d.connections, d.inet.tcp.syncache.count]).toEqual([0, 1]);
    d.in('A', { seq: 1, ack: 1, ts: [1001, 0] }).accept();
    expect(d.tcb.state).toBe(TCPS_ESTABLISHED);
  });
  test('3.10.7.4 first: one at the end of the window is not acceptable, and leaves nothing', () => {
    const d = new Drill().listen().in('S', { mss: 1000 });
    const [synAck] = d.out();
    d.in('A', { seq: 1 + synAck!.win, ack: 1 });
    expect([d.connections, d.sent()]).toEqual([0, ['SA 0:0 ack 1']]);
  });
  test('a new SYN of the same ends begins anew, with what it asks for', () => {
    const d = new Drill().listen().in('S', { mss: 1000, wscale: 7, sackOk: true });
    d.out();
    d.in('S', { seq: 5000, mss: 700 });
    const [synAck] = d.out();
    expect([synAck!.text, synAck!.opt.wscale, synAck!.opt.sackPermitted]).toEqual(['SA 0:0 ack 5001', -1, false]);
    d.in('A', { seq: 5001, ack: 1, win: 3000 }).accept();
    expect([d.tcb.mss, d.tcb.sndWnd, d.inet.tcp.syncache.count]).toEqual([700, 3000, 0]);
  });
});

describe('handshakes that lose segments', () => {
  test('RFC 6298 5.7: the timeout begins with three seconds, as nothing was measured', () => {
    const d = new Drill().connect().pass(1500).in('SA', { ack: 1, mss: 1000 });
    expect([d.tcb.rtoMs, d.tcb.cwnd]).toEqual([3000, 10_000]);
    d.out();
    d.write(100);
    d.pass(10).in('A', { seq: 1, ack: 101 });
    expect(d.tcb.rtoMs).toBe(210);
  });
  test('RFC 6928 2: more than one lost SYN: the window begins with one segment', () => {
    const d = new Drill().connect().pass(3500).in('SA', { ack: 1, mss: 1000 });
    expect(d.tcb.cwnd).toBe(1000);
  });
  test('the same for those who connect to us', () => {
    const d = new Drill().listen().in('S', { mss: 1000 }).pass(3500).in('A', { seq: 1, ack: 1 }).accept();
    expect([d.tcb.rtoMs, d.tcb.cwnd]).toEqual([3000, 1000]);
  });
});

describe('RFC 9293 3.8.6.1, closed windows', () => {
  test('a probe that is taken at last measures no round trip', () => {
    const d = new Drill().established();
    d.write(500);
    d.pass(10).in('A', { seq: 1, ack: 501, win: 0 });
    const { srttUs } = d.tcb;
    d.write(500);
    for (let t = 0; t < 600; t++) if (d.pass(1000).out().length > 0) d.in('A', { seq: 1, ack: 501, win: 0 });
    d.in('A', { seq: 1, ack: 502, win: 0 });
    expect(d.tcb.srttUs).toBe(srttUs);
  });
  test('MUST-37: a window that has shrunk to nothing: as long as the peer answers, the connection stays', () => {
    const d = new Drill().established();
    d.write(3000);
    d.in('A', { seq: 1, ack: 1, win: 0 });
    d.out();
    let probes = 0;
    for (let t = 0; t < 3600; t++) {
      if (d.pass(1000).out().length === 0) continue;
      probes++;
      d.in('A', { seq: 1, ack: 1, win: 0 });
    }
    expect([d.connections, probes > 20, d.tcb.mss]).toEqual([1, true, 1000]);
    d.in('A', { seq: 1, ack: 1, win: 60_000 });
    expect(d.sent()).toEqual(['PA 1:1000 ack 1']);
    d.in('A', { seq: 1, ack: 1001, win: 60_000 });
    for (let t = 0; t < 200; t++) {
      const out = d.pass(1000).out();
      if (out.length > 0) d.in('A', { seq: 1, ack: Math.max(...out.map((one) => one.seq + one.len)), win: 60_000 });
    }
    expect(d.tcb.so!.snd.cc).toBe(0);
  });
  test('and one who does not answer is given up', () => {
    const d = new Drill().established();
    d.write(3000);
    d.in('A', { seq: 1, ack: 1, win: 0 }).pass(1_500_000);
    expect(d.connections).toBe(0);
  });
});

test('an acknowledgment that the interface refused is sent a little later', () => {
  const d = new Drill().established();
  const { output } = d.ifp;
  let refused = 0;
  d.ifp.output = (ifp, m) => {
    ifp.mbufs.free(m);
    refused++;
    return ERR.ENOBUFS.errno;
  };
  d.in('A', { seq: 1, ack: 1, len: 1000 }).in('A', { seq: 1001, ack: 1, len: 1000 });
  d.ifp.output = output;
  expect([refused, d.sent(), d.pass(60).sent()]).toEqual([1, [], ['A 1:0 ack 2001']]);
});

test('RFC 8985 6.2 step 2: an acknowledgment that echoes an earlier time is for the first copy, and says nothing of when the second arrived', () => {
  const d = new Drill({ syn: { mss: 1012, sackOk: true, ts: [1000, 0] } }).established();
  d.setopt(TCP_NODELAY, 1);
  d.write(1000);
  const stamp = d.out()[0]!.opt.tsVal - d.ts0!;
  d.pass(100).in('A', { seq: 1, ack: 1001, ts: [1100, stamp] });
  d.write(1000);
  const first = d.out()[0]!.opt.tsVal - d.ts0!;
  const before = d.tcb.rackXmitUs;
  // It is sent again, as a probe of the tail, and its first copy is acknowledged a round trip later.
  d.pass(500);
  expect(d.sent()).toEqual(['PA 1001:1000 ack 1']);
  d.pass(150).in('A', { seq: 1, ack: 2001, ts: [1200, first] });
  expect([d.tcb.inFlight, d.tcb.rackXmitUs]).toEqual([0, before]);
});

test('FIN-WAIT-1: a FIN beyond a closed window goes when it opens', () => {
  const d = new Drill().established();
  d.write(500);
  d.in('A', { seq: 1, ack: 501, win: 0 });
  d.write(500);
  d.p.sys.shutdown(d.fd, SHUT_WR);
  d.out();
  d.in('A', { seq: 1, ack: 501, win: 5000 });
  expect([d.tcb.state, d.sent()]).toEqual([TCPS_FIN_WAIT_1, ['FPA 501:500 ack 1']]);
});
