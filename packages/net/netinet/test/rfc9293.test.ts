/** RFC 9293 3.10.7, segment by segment: each state, and each clause of what to do with a segment that arrives. */
import { SHUT_WR, TCPS_CLOSE_WAIT, TCPS_CLOSING, TCPS_ESTABLISHED, TCPS_FIN_WAIT_1, TCPS_FIN_WAIT_2, TCPS_LAST_ACK, TCPS_SYN_RECEIVED, TCPS_SYN_SENT, TCPS_TIME_WAIT } from '@anykernel/lib-sys';
import { Drill, code } from './drill.js';

describe('3.10.7.1 CLOSED', () => {
  test('a reset is dropped', () => {
    const d = new Drill().in('R', { seq: 5 });
    expect(d.sent()).toEqual([]);
  });
  test('without an acknowledgment: <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>', () => {
    const d = new Drill().in('S', { seq: 5 });
    expect(d.sent()).toEqual(['RA 0:0 ack 6']);
    d.in('F', { seq: 5, len: 10 });
    expect(d.sent()).toEqual(['RA 0:0 ack 16']);
  });
  test('with one: <SEQ=SEG.ACK><CTL=RST>', () => {
    const d = new Drill().in('A', { seq: 5, ack: 77 });
    expect(d.sent()).toEqual(['R 77:0']);
  });
});

describe('3.10.7.2 LISTEN', () => {
  test('first: a reset is ignored', () => {
    const d = new Drill().listen().in('R', { seq: 1 });
    expect(d.sent()).toEqual([]);
  });
  test('second: an acknowledgment is answered with <SEQ=SEG.ACK><CTL=RST>', () => {
    const d = new Drill().listen().in('A', { seq: 1, ack: 9 });
    expect(d.sent()).toEqual(['R 9:0']);
  });
  test('third: a SYN is answered with <SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK>', () => {
    const d = new Drill().listen().in('S', { mss: 1460 });
    const [one] = d.out();
    expect([one!.text, one!.opt.mss]).toEqual(['SA 0:0 ack 1', 1460]);
    expect(d.connections).toBe(0);
  });
  test('fourth: anything else is dropped', () => {
    const d = new Drill().listen().in('F', { seq: 1 }).in('', { seq: 1, len: 5 });
    expect(d.sent()).toEqual([]);
  });
  test('a SYN with a FIN is no way to begin', () => {
    const d = new Drill().listen().in('SF');
    expect(d.sent()).toEqual([]);
  });
});

describe('3.10.7.3 SYN-SENT', () => {
  test('the SYN says what we can', () => {
    const [syn] = new Drill().connect().out();
    expect([syn!.text, syn!.opt.mss, syn!.opt.wscale >= 0, syn!.opt.sackPermitted, syn!.opt.hasTs]).toEqual(['S 0:0', 1460, true, true, true]);
  });
  test.each([[0], [2]])('first: SEG.ACK of %d, not of our SYN: <SEQ=SEG.ACK><CTL=RST>', (ack) => {
    const d = new Drill().connect();
    d.out();
    d.in('SA', { ack });
    expect([d.sent(), d.tcb.state]).toEqual([[`R ${ack}:0`], TCPS_SYN_SENT]);
  });
  test('first: and nothing, if it is a reset', () => {
    const d = new Drill().connect();
    d.out();
    d.in('RA', { ack: 2 });
    expect([d.sent(), d.tcb.state]).toEqual([[], TCPS_SYN_SENT]);
  });
  test('second: a reset with a good acknowledgment: the connection is refused', () => {
    const d = new Drill().connect().in('RA', { ack: 1 });
    expect([d.connections, d.read()]).toEqual([0, 'ECONNREFUSED']);
  });
  test('second: a reset without one is dropped', () => {
    const d = new Drill().connect().in('R');
    expect(d.tcb.state).toBe(TCPS_SYN_SENT);
  });
  test('fourth: a SYN with a good acknowledgment establishes', () => {
    const d = new Drill().connect();
    d.out();
    d.in('SA', { ack: 1, mss: 1000 });
    expect([d.sent(), d.tcb.state]).toEqual([['A 1:0 ack 1'], TCPS_ESTABLISHED]);
  });
  test('fourth: data that come with it are taken', () => {
    const d = new Drill().connect();
    d.out();
    d.in('SA', { ack: 1, len: 10 });
    expect([d.sent(), d.read()]).toEqual([['A 1:0 ack 11'], 10]);
  });
  test('fourth: a SYN without acknowledgment: SYN-RECEIVED, <SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK> (simultaneous open)', () => {
    const d = new Drill().connect();
    d.out();
    d.in('S', { mss: 1000 });
    expect([d.sent(), d.tcb.state]).toEqual([['SA 0:0 ack 1'], TCPS_SYN_RECEIVED]);
    d.in('SA', { ack: 1 });
    expect(d.tcb.state).toBe(TCPS_ESTABLISHED);
  });
  test('fourth: simultaneous open, and the acknowledgment without SYN', () => {
    const d = new Drill().connect().in('S', { mss: 1000 }).in('A', { seq: 1, ack: 1 });
    expect(d.tcb.state).toBe(TCPS_ESTABLISHED);
  });
  test('fifth: neither SYN nor RST: dropped', () => {
    const d = new Drill().connect();
    d.out();
    d.in('A', { ack: 1 });
    expect([d.sent(), d.tcb.state]).toEqual([[], TCPS_SYN_SENT]);
  });
  test('the SYN is sent again after 1, 2, 4 ... seconds (3.8.1), and at last the connection times out', () => {
    const d = new Drill().connect();
    const at: number[] = [];
    for (let i = 0; i < 80; i++) at.push(...d.pass(1000).out().map((one) => one.atMs - 1000));
    expect(at).toEqual([0, 1000, 3000, 7000, 15_000, 31_000, 63_000]);
    expect([d.connections, d.read()]).toEqual([0, 'ETIMEDOUT']);
  });
});

/** States in which both ends know the numbers, and how to get there; `at`: our next number; `next`: the peer's. */
const STATES: [string, number, (d: Drill) => Drill, number, number][] = [
  ['ESTABLISHED', TCPS_ESTABLISHED, (d) => d.established(), 1, 1],
  ['FIN-WAIT-1', TCPS_FIN_WAIT_1, (d) => d.finWait1(), 2, 1],
  ['FIN-WAIT-2', TCPS_FIN_WAIT_2, (d) => d.finWait2(), 2, 1],
  ['CLOSE-WAIT', TCPS_CLOSE_WAIT, (d) => d.closeWait(), 1, 2],
  ['CLOSING', TCPS_CLOSING, (d) => d.closing(), 2, 2],
  ['LAST-ACK', TCPS_LAST_ACK, (d) => d.lastAck(), 2, 2],
];

describe.each(STATES)('3.10.7.4 in %s', (_name, state, enter, at, next) => {
  const drill = (): Drill => enter(new Drill());

  test('the state is reached', () => {
    expect(drill().tcb.state).toBe(state);
  });
  test('first: a segment before the window is answered with <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>', () => {
    const d = drill().in('A', { seq: next - 1, ack: at });
    expect([d.sent(), d.tcb.state]).toEqual([[`A ${at}:0 ack ${next}`], state]);
  });
  test('first: and one beyond it', () => {
    const d = drill().in('A', { seq: next + 100_000, ack: at, len: 1 });
    expect([d.sent(), d.tcb.state]).toEqual([[`A ${at}:0 ack ${next}`], state]);
  });
  test('first: a reset outside of the window is dropped', () => {
    const d = drill().in('R', { seq: next - 1 }).in('R', { seq: next + 100_000 });
    expect([d.sent(), d.tcb.state]).toEqual([[], state]);
  });
  test('second: a reset with the very next number ends the connection', () => {
    const d = drill().in('R', { seq: next });
    expect([d.sent(), d.connections]).toEqual([[], 0]);
  });
  test('second: a reset elsewhere in the window is challenged (RFC 5961 3.2)', () => {
    const d = drill().in('R', { seq: next + 1 });
    expect([d.sent(), d.tcb.state]).toEqual([[`A ${at}:0 ack ${next}`], state]);
  });
  test.each([[0], [1]])('fourth: a SYN, %d beyond the next number, is challenged (RFC 5961 4.2)', (off) => {
    const d = drill().in('S', { seq: next + off });
    expect([d.sent(), d.tcb.state]).toEqual([[`A ${at}:0 ack ${next}`], state]);
  });
  test('fifth: without an acknowledgment it is dropped', () => {
    const d = drill().in('', { seq: next, len: 5 });
    expect([d.sent(), d.tcb.state]).toEqual([[], state]);
  });
  test('fifth: an acknowledgment of what was not sent is answered, and the segment dropped', () => {
    const d = drill().in('A', { seq: next, ack: at + 1, len: 5 });
    expect([d.sent(), d.tcb.state]).toEqual([[`A ${at}:0 ack ${next}`], state]);
  });
  test('fifth: one that is older than any window is challenged (RFC 5961 5.2)', () => {
    const d = drill().in('A', { seq: next, ack: at - 70_000, len: 5 });
    expect([d.sent(), d.tcb.state]).toEqual([[`A ${at}:0 ack ${next}`], state]);
  });
});

describe('3.10.7.4 second, what a reset tells the program', () => {
  test('ESTABLISHED: the connection was reset', () => {
    const d = new Drill().established().in('R', { seq: 1 });
    expect(d.read()).toBe('ECONNRESET');
    expect(d.read()).toBe('eof');
  });
  test('SYN-RECEIVED of a passive open: back to LISTEN', () => {
    const d = new Drill().listen().in('S').in('R', { seq: 1 }).in('A', { seq: 1, ack: 1 });
    expect(d.sent().at(-1)).toBe('R 1:0');
    expect(d.connections).toBe(0);
  });
  test('SYN-RECEIVED of an active open: refused', () => {
    const d = new Drill().connect().in('S').in('R', { seq: 1 });
    expect([d.connections, d.read()]).toEqual([0, 'ECONNREFUSED']);
  });
});

describe('3.10.7.4 fifth, the acknowledgment', () => {
  test('SYN-RECEIVED: a good one establishes', () => {
    const d = new Drill().listen().in('S', { mss: 1000 });
    d.out();
    d.in('A', { seq: 1, ack: 1 });
    expect([d.sent(), d.tcb.state]).toEqual([[], TCPS_ESTABLISHED]);
  });
  test.each([[0], [2]])('SYN-RECEIVED: SEG.ACK of %d: <SEQ=SEG.ACK><CTL=RST>', (ack) => {
    const d = new Drill().listen().in('S', { mss: 1000 });
    d.out();
    d.in('A', { seq: 1, ack });
    expect([d.sent(), d.connections]).toEqual([[`R ${ack}:0`], 0]);
  });
  test('ESTABLISHED: what is acknowledged leaves the buffer, and the retransmission timer stops', () => {
    const d = new Drill().established();
    d.write(500);
    expect(d.sent()).toEqual(['PA 1:500 ack 1']);
    d.in('A', { seq: 1, ack: 501 });
    expect([d.tcb.inFlight, d.tcb.so!.snd.cc]).toEqual([0, 0]);
    expect(d.pass(60_000).sent()).toEqual([]);
  });
  test('ESTABLISHED: part of a segment', () => {
    const d = new Drill().established();
    d.write(500);
    d.in('A', { seq: 1, ack: 201 });
    expect(d.tcb.so!.snd.cc).toBe(300);
    d.out();
    d.pass(400);
    expect(d.sent()).toEqual(['PA 201:300 ack 1']);
  });
  test('ESTABLISHED: a duplicate is ignored', () => {
    const d = new Drill().established();
    d.write(500);
    d.in('A', { seq: 1, ack: 501 });
    d.out();
    d.in('A', { seq: 1, ack: 1 });
    expect([d.sent(), d.tcb.sndUna - d.iss!]).toEqual([[], 501]);
  });
  test('the window moves with the newest segment: SND.WL1 and SND.WL2', () => {
    const d = new Drill().established();
    d.in('A', { seq: 1, ack: 1, win: 3000 });
    expect(d.tcb.sndWnd).toBe(3000);
    d.in('A', { seq: 1, ack: 1, len: 10, win: 4000 });
    d.in('A', { seq: 1, ack: 1, win: 5000 });
    expect(d.tcb.sndWnd).toBe(4000);
  });
  test('FIN-WAIT-1: of our FIN: FIN-WAIT-2', () => {
    expect(new Drill().finWait1().in('A', { seq: 1, ack: 2 }).tcb.state).toBe(TCPS_FIN_WAIT_2);
  });
  test('CLOSING: of our FIN: TIME-WAIT', () => {
    expect(new Drill().closing().in('A', { seq: 2, ack: 2 }).tcb.state).toBe(TCPS_TIME_WAIT);
  });
  test('LAST-ACK: of our FIN: the connection is gone', () => {
    const d = new Drill().lastAck().in('A', { seq: 2, ack: 2 });
    expect([d.sent(), d.connections]).toEqual([[], 0]);
  });
});

describe('3.10.7.4 sixth, urgent data', () => {
  test('the program hears of it, and takes the byte out of line', () => {
    const d = new Drill().established().in('AU', { seq: 1, ack: 1, len: 5, urp: 3 });
    expect(d.read()).toBe(2);
    const oob = new Uint8Array(1);
    expect([d.p.sys.recvfrom(d.fd, oob, 1), oob[0]]).toEqual([1, 3]);
    expect(d.read()).toBe(2);
  });
  test('a pointer beyond the data waits for them', () => {
    const d = new Drill().established().in('AU', { seq: 1, ack: 1, len: 5, urp: 8 });
    expect(d.read()).toBe(5);
    expect(code(() => d.p.sys.recvfrom(d.fd, new Uint8Array(1), 1))).toBe('EAGAIN');
    d.in('AU', { seq: 6, ack: 1, len: 5, urp: 3 });
    expect(d.p.sys.recvfrom(d.fd, new Uint8Array(1), 1)).toBe(1);
  });
  test('ours is announced with a pointer behind the byte', () => {
    const d = new Drill().established();
    d.p.sys.sendto(d.fd, Uint8Array.of(7), 1);
    const [one] = d.out();
    expect([one!.text, one!.urp]).toEqual(['PAU 1:1 ack 1', 1]);
  });
});

describe('3.10.7.4 seventh, the segment text', () => {
  test('in order: it is delivered, and acknowledged in a while', () => {
    const d = new Drill().established().in('PA', { seq: 1, ack: 1, len: 100 });
    expect([d.sent(), d.read()]).toEqual([[], 100]);
    expect(d.pass(500).sent()).toEqual(['A 1:0 ack 101']);
  });
  test('every second full segment is acknowledged at once (3.8.6.3)', () => {
    const d = new Drill().established().in('A', { seq: 1, ack: 1, len: 1000 }).in('A', { seq: 1001, ack: 1, len: 1000 });
    expect(d.sent()).toEqual(['A 1:0 ack 2001']);
  });
  test('out of order: it waits, and is acknowledged at once', () => {
    const d = new Drill().established().in('A', { seq: 101, ack: 1, len: 100 });
    expect([d.sent(), d.read()]).toEqual([['A 1:0 ack 1'], 'EAGAIN']);
    d.in('A', { seq: 1, ack: 1, len: 100 });
    expect([d.sent(), d.read()]).toEqual([['A 1:0 ack 201'], 200]);
  });
  test('what was there before comes off the front', () => {
    const d = new Drill().established().in('A', { seq: 1, ack: 1, len: 100 }).in('A', { seq: 51, ack: 1, len: 100 });
    expect([d.sent(), d.read()]).toEqual([['A 1:0 ack 151'], 150]);
  });
  test('what is beyond the window off the end', () => {
    const d = new Drill().established();
    const window = d.tcb.rcvAdv - d.tcb.rcvNxt;
    d.in('A', { seq: window - 99, ack: 1, len: 200 });
    d.out();
    expect(d.tcb.reassHead!.pktlen).toBe(100);
  });
  test('the bytes are those that were sent, however they overlap', () => {
    const d = new Drill().established();
    for (const [seq, len] of [[301, 100], [201, 150], [101, 50], [120, 100], [1, 400]] as const) d.in('A', { seq, ack: 1, len });
    const b = new Uint8Array(500);
    expect(d.p.sys.read(d.fd, b)).toBe(400);
    expect([...b.subarray(0, 400)].every((byte, i) => byte === ((i + 1) & 255))).toBe(true);
  });
  test('CLOSE-WAIT and later: ignored', () => {
    const d = new Drill().closeWait().in('A', { seq: 2, ack: 1, len: 10 });
    expect([d.sent(), d.read()]).toEqual([['A 1:0 ack 2'], 'eof']);
  });
  test('to a connection that nobody has open: a reset (3.6.1, MAY-1)', () => {
    const d = new Drill().finWait2();
    d.p.sys.close(d.fd);
    d.in('A', { seq: 1, ack: 2, len: 10 });
    expect([d.sent(), d.connections]).toEqual([['RA 2:0 ack 1'], 0]);
  });
});

describe('3.10.7.4 eighth, the FIN', () => {
  test('ESTABLISHED: CLOSE-WAIT, acknowledged at once', () => {
    const d = new Drill().established().in('FA', { seq: 1, ack: 1, len: 10 });
    expect([d.sent(), d.tcb.state, d.read(), d.read()]).toEqual([['A 1:0 ack 12'], TCPS_CLOSE_WAIT, 10, 'eof']);
  });
  test('before the data that it follows it waits', () => {
    const d = new Drill().established().in('FA', { seq: 11, ack: 1 });
    expect([d.sent(), d.tcb.state]).toEqual([['A 1:0 ack 1'], TCPS_ESTABLISHED]);
    d.in('A', { seq: 1, ack: 1, len: 10 });
    expect([d.sent(), d.tcb.state]).toEqual([['A 1:0 ack 12'], TCPS_CLOSE_WAIT]);
  });
  test('FIN-WAIT-1, ours not acknowledged: CLOSING', () => {
    const d = new Drill().finWait1().in('FA', { seq: 1, ack: 1 });
    expect([d.sent(), d.tcb.state]).toEqual([['A 2:0 ack 2'], TCPS_CLOSING]);
  });
  test('FIN-WAIT-1, ours acknowledged: TIME-WAIT', () => {
    const d = new Drill().finWait1().in('FA', { seq: 1, ack: 2 });
    expect([d.sent(), d.tcb.state]).toEqual([['A 2:0 ack 2'], TCPS_TIME_WAIT]);
  });
  test('FIN-WAIT-2: TIME-WAIT', () => {
    const d = new Drill().finWait2().in('FA', { seq: 1, ack: 2 });
    expect([d.sent(), d.tcb.state]).toEqual([['A 2:0 ack 2'], TCPS_TIME_WAIT]);
  });
});

describe('TIME-WAIT', () => {
  test('lasts two maximum segment lifetimes (3.4.2)', () => {
    const d = new Drill().timeWait();
    expect(d.pass(59_000).connections).toBe(1);
    expect(d.pass(2000).connections).toBe(0);
  });
  test('the FIN again: acknowledged again, and the time begins anew', () => {
    const d = new Drill().timeWait().pass(50_000).in('FA', { seq: 1, ack: 2 });
    expect(d.sent()).toEqual(['A 2:0 ack 2']);
    expect(d.pass(59_000).connections).toBe(1);
    expect(d.pass(2000).connections).toBe(0);
  });
  test('a reset with the very next number ends it', () => {
    expect(new Drill().timeWait().in('R', { seq: 2 }).connections).toBe(0);
  });
  test('a reset elsewhere does not', () => {
    expect(new Drill().timeWait().in('R', { seq: 3 }).connections).toBe(1);
  });
  test('an old SYN is answered with where we are', () => {
    const d = new Drill().timeWait().in('S', { seq: -500 });
    expect([d.sent(), d.connections]).toEqual([['A 2:0 ack 2'], 1]);
  });
  test('a SYN beyond the old numbers begins a new connection, which begins beyond ours (3.6.1, MAY-2)', () => {
    const d = new Drill().timeWait();
    const old = d.iss!;
    d.in('S', { seq: 1000 });
    expect(d.sent()).toEqual(['SA 0:0 ack 1001']);
    expect((d.iss! - old) | 0).toBeGreaterThan(0);
    expect(d.connections).toBe(0);
  });
});

test('TIME-WAIT: there are only so many', () => {
  const d = new Drill({ conf: { timeWaitMax: 0 } }).timeWait();
  expect([d.inet.tcp.timeWaits, d.pass(2).connections, d.inet.tcp.timeWaits]).toEqual([1, 0, 0]);
});

describe('closing (3.6, 3.10.4)', () => {
  test('ESTABLISHED: FIN-WAIT-1, behind the data', () => {
    const d = new Drill().established();
    d.write(100);
    d.p.sys.shutdown(d.fd, SHUT_WR);
    expect([d.sent(), d.tcb.state]).toEqual([['PA 1:100 ack 1', 'FA 101:0 ack 1'], TCPS_FIN_WAIT_1]);
  });
  test('CLOSE-WAIT: LAST-ACK', () => {
    const d = new Drill().closeWait();
    d.p.sys.close(d.fd);
    expect([d.sent(), d.tcb.state]).toEqual([['FA 1:0 ack 2'], TCPS_LAST_ACK]);
  });
  test('with unread data: a reset (RFC 2525 2.17)', () => {
    const d = new Drill().established().in('A', { seq: 1, ack: 1, len: 10 });
    d.p.sys.close(d.fd);
    expect([d.sent(), d.connections]).toEqual([['RA 1:0 ack 11'], 0]);
  });
  test('a FIN that is lost is sent again', () => {
    const d = new Drill().finWait1().pass(1500);
    expect(d.sent()[0]).toBe('FA 1:0 ack 1');
  });
  test('FIN-WAIT-2 of a program that has ended lasts a minute', () => {
    const d = new Drill().finWait2();
    d.p.sys.close(d.fd);
    expect(d.pass(59_000).connections).toBe(1);
    expect(d.pass(2000).connections).toBe(0);
  });
  test('a listener that closes forgets who was about to connect', () => {
    const d = new Drill().listen().in('S');
    d.p.sys.close(d.listener);
    d.out();
    d.in('A', { seq: 1, ack: 1 });
    expect(d.sent()).toEqual(['R 1:0']);
  });
});
