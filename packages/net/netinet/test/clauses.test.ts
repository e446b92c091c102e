/** RFC 9293 3.10.7.4, the rest of it: SYN-RECEIVED, a closed window, and what each state does with text, urgent data and a FIN; RFC 6675 4, NextSeg. */
import {
  TCPS_CLOSE_WAIT, TCPS_CLOSING, TCPS_ESTABLISHED, TCPS_FIN_WAIT_1, TCPS_FIN_WAIT_2, TCPS_LAST_ACK, TCPS_SYN_SENT, TCPS_TIME_WAIT,
} from '@anykernel/lib-sys';
import { Drill, code } from './drill.js';

describe('3.10.7.3 SYN-SENT', () => {
  test.each(['F', 'FA', 'U', 'PA'])('fifth: %s without SYN and RST is dropped', (flags) => {
    const d = new Drill().connect();
    d.out();
    d.in(flags, { seq: 1, ack: 1, len: 5 });
    expect([d.sent(), d.tcb.state]).toEqual([[], TCPS_SYN_SENT]);
  });
});

/** A SYN has come in, and is answered. */
function synReceived(): Drill {
  const d = new Drill().listen().in('S', { mss: 1000 });
  d.out();
  return d;
}

describe('3.10.7.4 in SYN-RECEIVED', () => {
  test('first: a reset outside of the window is dropped', () => {
    const d = synReceived().in('R', { seq: 200_000 });
    expect(d.sent()).toEqual([]);
    expect(d.in('A', { seq: 1, ack: 1 }).accept().tcb.state).toBe(TCPS_ESTABLISHED);
  });
  test('second: a reset elsewhere in the window does not end it (RFC 5961 3.2)', () => {
    const d = synReceived().in('R', { seq: 5 });
    d.out();
    expect(d.in('A', { seq: 1, ack: 1 }).accept().tcb.state).toBe(TCPS_ESTABLISHED);
  });
  test('fourth: the SYN again is answered with SYN and ACK again, of the same number', () => {
    const d = synReceived().in('S', { mss: 1000 });
    expect(d.sent()).toEqual(['SA 0:0 ack 1']);
    expect(d.in('A', { seq: 1, ack: 1 }).accept().tcb.state).toBe(TCPS_ESTABLISHED);
  });
  test('fifth: without an acknowledgment it is dropped', () => {
    const d = synReceived().in('', { seq: 1, len: 5 });
    expect([d.sent(), d.connections]).toEqual([[], 0]);
  });
  test('seventh: text that comes with the acknowledgment is taken', () => {
    const d = synReceived().in('PA', { seq: 1, ack: 1, len: 10 }).accept();
    expect([d.read(), d.tcb.state]).toEqual([10, TCPS_ESTABLISHED]);
  });
  test('eighth: a FIN that comes with it leads to CLOSE-WAIT', () => {
    const d = synReceived().in('FA', { seq: 1, ack: 1, len: 10 }).accept();
    expect([d.read(), d.read(), d.tcb.state]).toEqual([10, 'eof', TCPS_CLOSE_WAIT]);
  });
});

/** The peer has filled the window: its next number is `next`. */
function closedWindow(): { d: Drill; next: number } {
  const d = new Drill().established();
  let next = 1;
  for (let i = 0; i < 200; i++) {
    const room = (d.tcb.rcvAdv - d.tcb.rcvNxt) | 0;
    if (room <= 0) break;
    const len = Math.min(1000, room);
    d.in('A', { seq: next, ack: 1, len });
    next += len;
    d.pass(100);
  }
  d.out();
  return { d, next };
}

describe('3.10.7.4 first, with a window of zero', () => {
  test('text is not taken, and answered with <ACK=RCV.NXT>', () => {
    const { d, next } = closedWindow();
    d.in('A', { seq: next, ack: 1, len: 5 });
    const [one] = d.out();
    expect([one?.text, one?.win, (d.tcb.rcvNxt - d.tcb.irs) | 0]).toEqual([`A 1:0 ack ${next}`, 0, next]);
  });
  test('a segment without text is acceptable at the very next number alone', () => {
    const { d, next } = closedWindow();
    d.write(100);
    d.in('A', { seq: next, ack: 101 });
    expect([d.tcb.so!.snd.cc, d.sent()]).toEqual([0, ['PA 1:100 ack ' + next]]);
    d.in('A', { seq: next + 1, ack: 101 });
    expect(d.sent()).toEqual([`A 101:0 ack ${next}`]);
  });
  test('acknowledgments count, and resets end it (MUST-66)', () => {
    const { d, next } = closedWindow();
    d.in('R', { seq: next });
    expect(d.connections).toBe(0);
  });
});

describe('3.10.7.4 sixth to eighth, by state', () => {
  const RECEIVING: [string, (d: Drill) => Drill, number][] = [['FIN-WAIT-1', (d) => d.finWait1(), TCPS_FIN_WAIT_1], ['FIN-WAIT-2', (d) => d.finWait2(), TCPS_FIN_WAIT_2]];
  test.each(RECEIVING)('seventh: in %s text is delivered and acknowledged', (_name, enter, state) => {
    const d = enter(new Drill());
    const ack = state === TCPS_FIN_WAIT_1 ? 1 : 2;
    d.in('PA', { seq: 1, ack, len: 100 });
    expect([d.read(), d.tcb.state]).toEqual([100, state]);
    expect(d.pass(150).sent()).toContain('A 2:0 ack 101');
  });
  test.each(RECEIVING)('sixth: in %s urgent data are told to the program', (_name, enter, state) => {
    const d = enter(new Drill());
    d.in('AU', { seq: 1, ack: state === TCPS_FIN_WAIT_1 ? 1 : 2, len: 5, urp: 5 });
    expect(d.p.sys.recvfrom(d.fd, new Uint8Array(1), 1)).toBe(1);
  });

  const ENDED: [string, (d: Drill) => Drill, number, number][] = [
    ['CLOSE-WAIT', (d) => d.closeWait(), TCPS_CLOSE_WAIT, 1],
    ['CLOSING', (d) => d.closing(), TCPS_CLOSING, 1],
    ['LAST-ACK', (d) => d.lastAck(), TCPS_LAST_ACK, 1],
  ];
  test.each(ENDED)('sixth: in %s urgent data are ignored', (_name, enter, state, ack) => {
    const d = enter(new Drill());
    d.in('AU', { seq: 2, ack, len: 5, urp: 5 });
    expect(d.tcb.state).toBe(state);
    if (state === TCPS_CLOSE_WAIT) expect(['EAGAIN', 'EINVAL']).toContain(code(() => d.p.sys.recvfrom(d.fd, new Uint8Array(1), 1)));
  });
  test.each(ENDED)('eighth: in %s a FIN again changes nothing, and is acknowledged', (_name, enter, state, ack) => {
    const d = enter(new Drill());
    d.in('FA', { seq: 1, ack });
    const [one] = d.out();
    expect([one?.flags, one?.ack, d.tcb.state]).toEqual(['A', 2, state]);
  });
  test('eighth: a FIN with text in FIN-WAIT-2: the text is delivered, then the end', () => {
    const d = new Drill().finWait2().in('FA', { seq: 1, ack: 2, len: 10 });
    expect([d.sent(), d.read(), d.read(), d.tcb.state]).toEqual([['A 2:0 ack 12'], 10, 'eof', TCPS_TIME_WAIT]);
  });
  test('fifth: in TIME-WAIT an acknowledgment alone changes nothing', () => {
    const d = new Drill().timeWait().in('A', { seq: 2, ack: 2 });
    expect([d.sent(), d.tcb.state]).toEqual([[], TCPS_TIME_WAIT]);
  });
});

describe('RFC 6675', () => {
  /** Ten segments are on their way, RACK is off. */
  function ten(more = 0): Drill {
    const d = new Drill({ conf: { rack: false }, syn: { sackOk: true } }).established();
    d.write(10_000 + more);
    d.out();
    return d;
  }
  /** Numbers and lengths of what went out. */
  function again(d: Drill): string[] {
    return d.sent().map((text) => text.split(' ')[1]!);
  }
  test('2: acknowledgments that report nothing new are no duplicates', () => {
    const d = ten();
    for (let i = 0; i < 6; i++) d.in('A', { seq: 1, ack: 1, sack: [1001, 2001] });
    expect(d.sent()).toEqual([]);
  });
  test('5 (4.3), 4 NextSeg (1): holes are sent again in their order, and nothing that is known to have arrived', () => {
    const d = ten();
    for (const last of [6001, 7001, 8001]) d.in('A', { seq: 1, ack: 1, sack: [3001, last] });
    d.in('A', { seq: 1, ack: 1, sack: [3001, 9001] }).in('A', { seq: 1, ack: 1, sack: [3001, 10_001] });
    expect(again(d)).toEqual(['1:1000', '1001:1000', '2001:1000', '9001:1000']);
  });
  test('4 NextSeg (2): where there is no hole left new data go', () => {
    const d = ten(5000);
    for (const last of [5001, 6001, 7001, 8001, 9001, 10_001]) d.in('A', { seq: 1, ack: 1, sack: [1001, last] });
    const seqs = d.out().map((one) => one.seq);
    expect(seqs[0]).toBe(1);
    expect(seqs.some((seq) => seq > 10_000)).toBe(true);
  });
  test('4 NextSeg (3) and (4): with neither holes that count as lost nor new data the end is sent again, once, and other holes', () => {
    const d = ten();
    d.in('A', { seq: 1, ack: 1, sack: [1001, 7001] });
    expect(again(d)).toEqual(['1:1000', '9001:1000']);
    d.in('A', { seq: 1, ack: 1, sack: [1001, 7001, 8001, 10_001] });
    expect(again(d)).toEqual(['7001:1000']);
    d.in('A', { seq: 1001, ack: 1, sack: [1001, 7001, 8001, 10_001] });
    expect(again(d)).toEqual([]);
  });
  test('5 (3): for the first two, new data go (limited transmit, RFC 3042)', () => {
    const d = ten(5000);
    d.in('A', { seq: 1, ack: 1, sack: [1001, 2001] });
    expect(again(d)).toEqual(['10001:1000']);
    d.in('A', { seq: 1, ack: 1, sack: [1001, 3001] });
    expect(again(d)).toEqual(['11001:1000']);
  });
  test('5 (A): the acknowledgment of all that was out ends it, and the window is half', () => {
    const d = ten();
    for (const last of [4001, 5001, 6001]) d.in('A', { seq: 1, ack: 1, sack: [1001, last] });
    d.in('A', { seq: 1, ack: 10_001 });
    expect([d.tcb.so!.snd.cc, d.tcb.cwnd <= 6000, d.tcb.cwnd >= 1000]).toEqual([0, true, true]);
  });
});
