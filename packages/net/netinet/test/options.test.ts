/** RFC 7323 (window scale, timestamps, PAWS), RFC 5961 beyond its clauses in 3.10.7, RFC 3168, RFC 6191, RFC 7413, RFC 4987, segment by segment. */
import {
  MSG_OOB, SIOCATMARK, SOL_SOCKET, SO_KEEPALIVE, SO_OOBINLINE, TCPS_ESTABLISHED, TCPS_NAMES, TCP_CONGCTL, TCP_FASTOPEN, TCP_INFO, TCP_KEEPCNT, TCP_KEEPIDLE,
  TCP_KEEPINTVL, TCP_MAXSEG, TCP_NODELAY, TCP_NOPUSH, TCP_USER_TIMEOUT,
} from '@anykernel/lib-sys';
import { Drill, code } from './drill.js';

const DAY_MS = 86_400_000;

describe('RFC 7323, window scale', () => {
  test('2.2: offered, and used if the peer has it, too', () => {
    const d = new Drill({ syn: { mss: 1000, wscale: 7 } }).established().in('A', { seq: 1, ack: 1, win: 100 });
    expect([d.tcb.sndWnd, d.tcb.sndScale]).toEqual([12_800, 7]);
  });
  test('2.2: not used if he has not: neither way', () => {
    const d = new Drill().established().in('A', { seq: 1, ack: 1, win: 100 });
    expect([d.tcb.sndWnd, d.tcb.rcvScale]).toEqual([100, 0]);
  });
  test('2.2: the window of a SYN is not scaled', () => {
    const d = new Drill({ syn: { mss: 1000, wscale: 7, win: 100 } }).connected();
    expect(d.tcb.sndWnd).toBe(100);
  });
  test('2.3: a shift above 14 counts as 14', () => {
    expect(new Drill({ syn: { mss: 1000, wscale: 15 } }).established().tcb.sndScale).toBe(14);
  });
});

describe('RFC 7323, timestamps', () => {
  const syn = { mss: 1000, ts: [1000, 0] as const };

  test('3.2: in every segment once both SYNs had them', () => {
    const d = new Drill({ syn }).listen().in('S', syn);
    expect(d.out()[0]!.opt.tsEcr).toBe(1000);
    d.in('A', { seq: 1, ack: 1, ts: [1001, 0] }).accept();
    d.write(10);
    const [one] = d.out();
    expect([one!.opt.hasTs, one!.opt.tsEcr]).toEqual([true, 1001]);
  });
  test('3.2: not if the peer has none', () => {
    const d = new Drill().established();
    d.write(10);
    expect(d.out()[0]!.opt.hasTs).toBe(false);
  });
  test('3.2: a segment without them is dropped', () => {
    const d = new Drill({ syn }).established().in('A', { seq: 1, ack: 1, len: 10 });
    expect([d.sent(), d.read()]).toEqual([[], 'EAGAIN']);
  });
  test('3.2: a reset needs none', () => {
    expect(new Drill({ syn }).established().in('R', { seq: 1 }).connections).toBe(0);
  });
  test('4.3: echoed is the value of the segment at the edge of what was acknowledged last', () => {
    const d = new Drill({ syn }).established();
    d.in('A', { seq: 1, ack: 1, len: 100, ts: [1010, 0] }).in('A', { seq: 101, ack: 1, len: 100, ts: [1020, 0] });
    d.pass(500);
    expect(d.out().map((one) => one.opt.tsEcr)).toEqual([1010]);
  });
  test('4.3: out of order they are not taken', () => {
    const d = new Drill({ syn }).established().in('A', { seq: 101, ack: 1, len: 100, ts: [1020, 0] });
    expect(d.out().map((one) => one.opt.tsEcr)).toEqual([1001]);
  });
  test('5.3 R1: an older value, within the window: dropped, and answered', () => {
    const d = new Drill({ syn }).established().in('A', { seq: 1, ack: 1, len: 10, ts: [900, 0] });
    expect([d.sent(), d.read(), d.inet.tcp.stats.pawsdrop]).toEqual([['A 1:0 ack 1'], 'EAGAIN', 1]);
  });
  test('5.3 R1: a reset is not subject to it', () => {
    expect(new Drill({ syn }).established().in('R', { seq: 1, ts: [900, 0] }).connections).toBe(0);
  });
  test('5.5: after 24 days any value is good', () => {
    const d = new Drill({ syn }).established().pass(24 * DAY_MS + 1000);
    d.in('A', { seq: 1, ack: 1, len: 10, ts: [900, 0] });
    expect(d.read()).toBe(10);
  });
  test('5.4: their offset is of the connection', () => {
    const stamp = (seed: number): number => {
      const d = new Drill({ seed }).connect();
      return d.out()[0]!.opt.tsVal;
    };
    expect(stamp(1)).not.toBe(stamp(2));
  });
});

describe('RFC 5961 7: challenges are limited', () => {
  test('to so many in a second', () => {
    const d = new Drill({ conf: { challengeLimit: 3 } }).established();
    for (let i = 0; i < 10; i++) d.in('R', { seq: 5 });
    const count = d.sent().length;
    expect([count >= 1, count <= 4]).toEqual([true, true]);
    d.pass(1100).in('R', { seq: 5 });
    expect(d.sent().length).toBe(1);
  });
});

describe('RFC 3168, ECN', () => {
  const conf = { ecn: true };
  test('6.1.1: a SYN asks with ECE and CWR, its answer has ECE', () => {
    const d = new Drill({ conf }).connect();
    expect(d.sent()).toEqual(['SEC 0:0']);
    const s = new Drill({ conf }).listen().in('SEC', { mss: 1000 });
    expect(s.sent()).toEqual(['SAE 0:0 ack 1']);
  });
  test('6.1.1: a SYN that is sent again does not ask', () => {
    const d = new Drill({ conf }).connect();
    d.out();
    expect(d.pass(1500).sent()).toEqual(['S 0:0']);
  });
  function both(): Drill {
    const d = new Drill({ conf }).listen().in('SEC', { mss: 1000 }).in('A', { seq: 1, ack: 1 }).accept();
    d.out();
    return d;
  }
  test('6.1.2: new data are marked as ECT(0), acknowledgments and data that are sent again are not', () => {
    const d = both();
    d.write(10);
    expect(d.out()[0]!.tos & 3).toBe(2);
    expect(d.pass(1000).out()[0]!.tos & 3).toBe(0);
  });
  test('6.1.3: a mark is echoed until CWR comes', () => {
    const d = both().in('A', { seq: 1, ack: 1, len: 10, tos: 3 }).pass(100);
    expect(d.sent()).toEqual(['AE 1:0 ack 11']);
    d.in('A', { seq: 11, ack: 1, len: 10 }).pass(100);
    expect(d.sent()).toEqual(['AE 1:0 ack 21']);
    d.in('AC', { seq: 21, ack: 1, len: 10 }).pass(100);
    expect(d.sent()).toEqual(['A 1:0 ack 31']);
  });
  test('6.1.2: an ECE halves the window once in a round trip, and CWR goes with new data', () => {
    const d = both();
    d.write(10_000);
    d.out();
    const before = d.tcb.cwnd;
    d.in('AE', { seq: 1, ack: 1001 });
    const after = d.tcb.cwnd;
    d.in('AE', { seq: 1, ack: 2001 });
    expect([after < before, d.tcb.cwnd]).toEqual([true, after]);
    d.in('A', { seq: 1, ack: 10_001 });
    d.out();
    d.write(100);
    expect(d.sent()[0]).toMatch(/^PAC /);
  });
});

describe('RFC 6191: TIME-WAIT gives way', () => {
  const syn = { mss: 1000, ts: [1000, 0] as const };
  const ended = (): Drill => {
    const d = new Drill({ syn }).established();
    d.p.sys.shutdown(d.fd, 1);
    d.in('A', { seq: 1, ack: 2, ts: [1002, 0] }).in('FA', { seq: 1, ack: 2, ts: [1003, 0] });
    d.out();
    return d;
  };
  test('to a SYN with a later timestamp, whatever its number', () => {
    const d = ended().in('S', { seq: -50_000, mss: 1000, ts: [1100, 0] });
    expect(d.sent()).toEqual(['SA 0:0 ack -49999']);
  });
  test('not to one with an earlier one', () => {
    const d = ended().in('S', { seq: 50_000, mss: 1000, ts: [900, 0] });
    expect(d.sent()).toEqual(['A 2:0 ack 2']);
  });
});

describe('RFC 4987: many SYNs', () => {
  test('3.6: with the cache full, a cookie opens the connection; nothing was kept', () => {
    const d = new Drill({ conf: { syncacheLimit: 4 } }).listen(100);
    for (let i = 0; i < 4; i++) {
      d.peerPort = 5000 + i;
      d.in('S', { mss: 1000 });
    }
    d.peerPort = 4000;
    d.out();
    d.in('S', { mss: 1000, sackOk: true, wscale: 5, ts: [7, 0] });
    const [answer] = d.out();
    expect([answer!.text, d.inet.tcp.syncache.count]).toEqual(['SA 0:0 ack 1', 4]);
    d.in('A', { seq: 1, ack: 1, ts: [8, 0] });
    // The echo is of our answer.
    expect(d.connections).toBe(1);
  });
  test('3.6: what the cookie does not say is guessed below', () => {
    const d = new Drill({ conf: { syncookies: 2 } }).listen().in('S', { mss: 1400 }).in('A', { seq: 1, ack: 1 });
    expect([d.tcb.peerMss, d.tcb.state]).toEqual([1360, TCPS_ESTABLISHED]);
  });
  test('3.6: a number that is no cookie does not; and as long as cookies are out it may be of somebody who has one, and no reset is sent', () => {
    const d = new Drill({ conf: { syncookies: 2 } }).listen().in('S', { mss: 1400 });
    d.out();
    d.in('A', { seq: 1, ack: 2 });
    expect([d.sent(), d.connections]).toEqual([[], 0]);
    d.pass(129_000).in('A', { seq: 1, ack: 2 });
    expect(d.sent()).toEqual(['R 2:0']);
  });
  test('3.6: nor does one that is minutes old', () => {
    const d = new Drill({ conf: { syncookies: 2 } }).listen().in('S', { mss: 1400 });
    d.out();
    d.pass(129_000).in('A', { seq: 1, ack: 1 });
    expect(d.connections).toBe(0);
  });
  test('the answer is sent again, and given up', () => {
    const d = new Drill().listen().in('S');
    const at: number[] = [];
    for (let i = 0; i < 60; i++) at.push(...d.out().map((one) => one.atMs - 1000)), d.pass(1000);
    expect([at, d.inet.tcp.syncache.count]).toEqual([[0, 1000, 3000, 7000, 15_000], 0]);
  });
  test('10,000 SYNs leave a connection alone, and little memory is used', () => {
    const d = new Drill({ conf: { syncacheLimit: 100 } }).established();
    const used = d.inet.mbufs.used;
    for (let i = 0; i < 10_000; i++) {
      d.peerPort = 10_000 + i;
      d.in('S', { mss: 1000 });
      if (i % 100 === 0) d.out();
    }
    d.out();
    d.peerPort = 4000;
    d.in('A', { seq: 1, ack: 1, len: 10 });
    expect([d.read(), d.inet.tcp.syncache.count, d.inet.mbufs.used - used]).toEqual([10, 100, 0]);
  });
});

describe('RFC 7413, fast open', () => {
  function cookie(d: Drill): Uint8Array {
    d.in('S', { mss: 1000, cookie: new Uint8Array(0) });
    const [one] = d.out();
    d.in('R', { seq: 1 });
    return one!.raw.slice(one!.opt.tfoOff, one!.opt.tfoOff + one!.opt.tfoLen);
  }
  function server(): Drill {
    const d = new Drill().listen();
    d.fd = d.listener;
    d.setopt(TCP_FASTOPEN, 5);
    return d;
  }
  test('4.1.2: a cookie is given to who asks', () => {
    expect(cookie(server()).length).toBe(8);
  });
  test('4.2.2: data with the SYN and the cookie are the program’s at once', () => {
    const d = server();
    const c = cookie(d);
    d.in('S', { mss: 1000, cookie: c, len: 10 });
    expect(d.sent()).toEqual(['SA 0:0 ack 11']);
    d.accept();
    expect(d.read()).toBe(10);
    d.write(5);
    expect(d.sent()).toEqual(['PA 1:5 ack 11']);
    d.in('A', { seq: 11, ack: 6 });
    expect(d.tcb.state).toBe(TCPS_ESTABLISHED);
  });
  test('4.2.2: with a wrong cookie they are not acknowledged, and the right one comes along', () => {
    const d = server().in('S', { mss: 1000, cookie: new Uint8Array(8), len: 10 });
    const [one] = d.out();
    expect([one!.text, one!.opt.tfoLen]).toEqual(['SA 0:0 ack 1', 8]);
  });
  test('4.2.1: a client asks, and the next time its data go with the SYN', () => {
    const d = new Drill().connect([[TCP_FASTOPEN, 1]]);
    expect(d.out()[0]!.opt.tfoLen).toBe(0);
    d.in('SA', { ack: 1, mss: 1000, cookie: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) }).in('R', { seq: 1 });
    d.out();
    d.connect([[TCP_FASTOPEN, 1]]);
    expect(d.sent()).toEqual([]);
    d.write(20);
    const [syn] = d.out();
    expect([syn!.text, syn!.opt.tfoLen]).toEqual(['S 0:20', 8]);
    d.in('SA', { ack: 21, mss: 1000 });
    expect([d.sent(), d.tcb.state]).toEqual([['A 21:0 ack 1'], TCPS_ESTABLISHED]);
  });
  test('4.2.1: what the server did not take is sent again', () => {
    const d = new Drill().connect([[TCP_FASTOPEN, 1]]).in('SA', { ack: 1, mss: 1000, cookie: Uint8Array.of(1, 2, 3, 4) }).in('R', { seq: 1 });
    d.connect([[TCP_FASTOPEN, 1]]);
    d.write(20);
    d.out();
    d.in('SA', { ack: 1, mss: 1000 });
    expect(d.sent()).toEqual(['PA 1:20 ack 1']);
  });
});

describe('options of programs', () => {
  test('TCP_NODELAY: small segments go while others are on their way; otherwise they wait (RFC 9293 3.7.4)', () => {
    const d = new Drill().established();
    d.write(10);
    d.write(10);
    expect(d.sent()).toEqual(['PA 1:10 ack 1']);
    d.setopt(TCP_NODELAY, 1);
    expect(d.sent()).toEqual(['PA 11:10 ack 1']);
  });
  test('TCP_NOPUSH: only full segments go, until it is off', () => {
    const d = new Drill().established();
    d.setopt(TCP_NOPUSH, 1);
    d.write(1500);
    expect(d.sent()).toEqual(['A 1:1000 ack 1']);
    d.in('A', { seq: 1, ack: 1001 });
    expect(d.sent()).toEqual([]);
    d.setopt(TCP_NOPUSH, 0);
    expect(d.sent()).toEqual(['PA 1001:500 ack 1']);
  });
  test('TCP_MAXSEG: no segment is larger', () => {
    const d = new Drill().connected([[TCP_MAXSEG, 500]]);
    d.write(1000);
    expect(d.sent()).toEqual(['A 1:500 ack 1', 'PA 501:500 ack 1']);
  });
  test('SO_KEEPALIVE: probes after TCP_KEEPIDLE, each TCP_KEEPINTVL, TCP_KEEPCNT of them (RFC 9293 3.8.4)', () => {
    const d = new Drill().established();
    d.setopt(SO_KEEPALIVE, 1, SOL_SOCKET);
    d.setopt(TCP_KEEPINTVL, 5);
    d.setopt(TCP_KEEPCNT, 3);
    d.setopt(TCP_KEEPIDLE, 10);
    const at: string[] = [];
    for (let i = 0; i < 40; i++) at.push(...d.pass(1000).out().map((one) => `${Math.round(one.atMs / 1000) - 1} ${one.text}`));
    expect(at).toEqual(['10 A 0:0 ack 1', '15 A 0:0 ack 1', '20 A 0:0 ack 1', '25 RA 1:0 ack 1']);
    expect(d.read()).toBe('ETIMEDOUT');
  });
  test('SO_KEEPALIVE: an answer begins it anew', () => {
    const d = new Drill().established();
    d.setopt(TCP_KEEPIDLE, 10);
    d.setopt(SO_KEEPALIVE, 1, SOL_SOCKET);
    d.pass(11_000);
    d.out();
    d.in('A', { seq: 1, ack: 1 });
    expect(d.pass(9000).sent()).toEqual([]);
    expect(d.pass(2000).sent()).toEqual(['A 0:0 ack 1']);
  });
  test('TCP_USER_TIMEOUT: data that are not acknowledged so long end the connection (RFC 5482)', () => {
    const d = new Drill().established();
    d.setopt(TCP_USER_TIMEOUT, 3000);
    d.write(10);
    d.pass(2500);
    expect(d.connections).toBe(1);
    d.pass(4000);
    expect([d.connections, d.read()]).toEqual([0, 'ETIMEDOUT']);
  });
  test('TCP_INFO tells the state and the times', () => {
    const d = new Drill().established();
    const b = new Uint8Array(300);
    const len = d.p.sys.getsockopt(d.fd, 6, TCP_INFO, b);
    expect([len, TCPS_NAMES[b[0]!]]).toEqual([236, 'ESTABLISHED']);
  });
  test('TCP_INFO tells options, windows, what is in flight, and what was sent again', () => {
    const syn = { mss: 1000, sackOk: true, wscale: 3, ts: [5, 0] as const };
    const d = new Drill({ syn }).listen().in('S', syn).pass(100).in('A', { seq: 1, ack: 1, win: 5000, ts: [6, 0] }).accept();
    d.setopt(TCP_NODELAY, 1);
    const info = (): DataView => {
      const b = new Uint8Array(236);
      d.p.sys.getsockopt(d.fd, 6, TCP_INFO, b);
      return new DataView(b.buffer);
    };
    d.write(3000);
    d.out();
    const v = info();
    const word = (view: DataView, at: number): number => view.getUint32(at, true);
    // Timestamps, selective acknowledgment, scale; the scales of both.
    expect([v.getUint8(5), v.getUint8(6) & 15]).toEqual([7, 3]);
    expect([word(v, 24), word(v, 100), word(v, 80)]).toEqual([3000, 40_000, 10 * word(v, 16)]);
    expect(Math.abs(word(v, 68) - 100_000)).toBeLessThanOrEqual(1000);
    expect(word(v, 8)).toBe(d.tcb.rtoMs * 1000);
    d.pass(3000);
    expect(word(info(), 120)).toBeGreaterThan(0);
  });
  test('SO_OOBINLINE: the urgent byte stands where it was, reading stops before it, and SIOCATMARK says so (RFC 9293 3.8.5, RFC 6093)', () => {
    const d = new Drill().established();
    d.setopt(SO_OOBINLINE, 1, SOL_SOCKET);
    const atMark = (): number => {
      const b = new Uint8Array(4);
      d.p.sys.ioctl(d.fd, SIOCATMARK, b);
      return b[0]!;
    };
    d.in('AU', { seq: 1, ack: 1, len: 5, urp: 3 });
    expect([atMark(), d.read(), atMark()]).toEqual([0, 2, 1]);
    const b = new Uint8Array(9);
    expect([d.p.sys.read(d.fd, b), b[0], atMark()]).toEqual([3, 3, 0]);
    expect(code(() => d.p.sys.recvfrom(d.fd, new Uint8Array(1), MSG_OOB))).toBe('EINVAL');
  });
  test('TCP_CONGCTL: names there are, and one there is not', () => {
    const d = new Drill().established();
    const name = (text: string): Uint8Array => Uint8Array.from(`${text}\0`, (c) => c.charCodeAt(0));
    d.p.sys.setsockopt(d.fd, 6, TCP_CONGCTL, name('cubic'));
    const b = new Uint8Array(64);
    expect(String.fromCharCode(...b.subarray(0, d.p.sys.getsockopt(d.fd, 6, TCP_CONGCTL, b)))).toBe('cubic\0');
    expect(code(() => d.p.sys.setsockopt(d.fd, 6, TCP_CONGCTL, name('vegas')))).toBe('ENOENT');
  });
  test('values that are none are refused', () => {
    const d = new Drill().established();
    for (const [option, value] of [[TCP_MAXSEG, 1], [TCP_MAXSEG, 70_000], [TCP_KEEPCNT, 0], [TCP_KEEPIDLE, 0], [TCP_KEEPIDLE, 0x7fff_ffff], [TCP_USER_TIMEOUT, -1]] as const) {
      expect([option, value, code(() => d.setopt(option, value))]).toEqual([option, value, 'EINVAL']);
    }
    expect(code(() => d.setopt(0x33, 1))).toBe('ENOPROTOOPT');
  });
});
