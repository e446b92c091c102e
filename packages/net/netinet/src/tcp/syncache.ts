/**
 * The SYN cache: connections that are being opened from outside, in little memory, until the peer has shown that he is there; and SYN cookies, which
 * need none at all, when the cache is full (RFC 4987 3.4, 3.6; RFC 9293 3.10.7.2 and SYN-RECEIVED).
 */

import { seqGt, seqLt, TCP_MAX_WINSHIFT, type TcpOptions, TH_ACK, TH_CWR, TH_ECE, TH_SYN } from '@anykernel/lib-wire';
import { Callout } from '@anykernel/rumpkern';
import { type Mbuf, type Socket, sonewconn } from '@anykernel/rumpnet';
import type { Ends, Flow } from '../flow.js';
import type { Inpcb } from '../inpcb.js';
import { hashEnds } from '../pcbtable.js';
import { cookieGet, cookieMake, cookieTs } from './cookie.js';
import type { Extras } from './extras.js';
import { windowShift } from './handshake.js';
import { mssOfRoute } from './mss.js';
import { respondSyn } from './segment.js';
import { copyEnds, inherit, SC_ECN, SC_SACK, SC_SCALE, SC_TSTMP, SC_UNREACH, Synent, SynQueue, takeEntry } from './synent.js';
import type { Tcp } from './tcp.js';
import { type Tcpcb, TF_NOOPT } from './tcpcb.js';
import { fastOpenAccept } from './tfo.js';

const BUCKETS = 1024;
const FIRST_MS = 1000;
const COOKIE_SEC = 128;
/** Answers sent again before an error about one counts. */
const UNREACH_SHIFT = 3;
const NS_PER_MS = 1_000_000;

export class Syncache {
  readonly #tcp: Tcp;
  #buckets: (Synent | undefined)[] = [];
  readonly #queues: SynQueue[] = [];
  readonly #callout: Callout;
  readonly #seed: number;
  count = 0;
  /** What expand() refused is not to be answered with a reset. */
  refused = false;
  /** When the last cookie was sent: where it is long ago, none are looked at. */
  cookieSec = -Infinity;

  constructor(tcp: Tcp) {
    this.#tcp = tcp;
    this.#seed = tcp.inet.rand.word();
    this.#callout = new Callout(tcp.k, () => this.#expire());
  }

  // -- SYNs

  /** A SYN for a listener: an entry is made, and the SYN answered. Returns whether it kept `m`: fast open takes the data at once. */
  add(inp: Inpcb, m: Mbuf, flow: Flow): boolean {
    const tcp = this.#tcp;
    const known = this.#find(flow);
    if (known !== undefined && known.irs === tcp.th.seq) {
      this.#again(known);
      return false;
    }
    // RFC 9293 3.10.7.4: nothing is established yet, and the peer has begun anew, with options of its own.
    if (known !== undefined) this.#remove(known);
    const so = inp.so!;
    const lp = inp.ppcb as Tcpcb;
    const ours = (so.q?.len ?? 0) + (so.q0?.len ?? 0);
    if (so.q === undefined || ours > (3 * so.qlimit) / 2) {
      tcp.stats.scOverflowed++;
      return false;
    }
    const e = this.#entry(inp, lp, so, flow);
    if (lp.extras !== undefined && lp.extras.tfoQueue > 0 && tcp.opt.tfoLen >= 0 && (tcp.conf.fastopen & 2) !== 0) {
      return this.#fastOpen(e, lp, lp.extras, m, flow);
    }
    this.#answer(e, flow, undefined);
    return false;
  }

  #fastOpen(e: Synent, lp: Tcpcb, extras: Extras, m: Mbuf, flow: Flow): boolean {
    const tcp = this.#tcp;
    const { opt } = tcp;
    const valid = opt.tfoLen > 0 && tcp.fastopen.valid(flow, m.buf, opt.tfoOff, opt.tfoLen);
    if (valid && extras.tfoPending < extras.tfoQueue) {
      const tp = this.#connection(e);
      if (tp !== undefined) {
        fastOpenAccept(tcp, lp, tp, m);
        return true;
      }
    }
    if (opt.tfoLen > 0 && !valid) tcp.stats.tfoBad++;
    const cookie = valid ? undefined : new Uint8Array(8);
    if (cookie !== undefined) {
      tcp.fastopen.make(flow, cookie, 0);
      tcp.stats.tfoCookieSent++;
    }
    this.#answer(e, flow, cookie);
    return false;
  }

  #answer(e: Synent, flow: Flow, cookie: Uint8Array | undefined): void {
    const tcp = this.#tcp;
    const full = this.count >= tcp.conf.syncacheLimit;
    if (tcp.conf.syncookies === 2 || (full && tcp.conf.syncookies === 1)) {
      if (full) tcp.stats.scOverflowed++;
      this.#sendCookie(e, flow);
      return;
    }
    if (full) {
      tcp.stats.scOverflowed++;
      this.#dropOldest();
    }
    this.#insert(e);
    this.#respond(e, cookie);
  }

  /** What the SYN asks for, and what of it we want, too. */
  #entry(inp: Inpcb, lp: Tcpcb, so: Socket, flow: Flow): Synent {
    const tcp = this.#tcp;
    const { th, opt, conf } = tcp;
    const e = new Synent(flow.family, inp);
    copyEnds(e, flow);
    e.irs = th.seq;
    e.iss = tcp.isn.make(flow, tcp.isnTicks());
    e.tsOffset = tcp.isn.tsOffset;
    e.peerMss = opt.mss;
    e.sentMs = tcp.nowMs;
    const { space } = so.rcv;
    e.win = space < 65_535 ? space : 65_535;
    if ((lp.flags & TF_NOOPT) !== 0) return e;
    if (conf.rfc1323 && conf.windowScale && opt.wscale >= 0) {
      e.flags |= SC_SCALE;
      e.sndScale = opt.wscale < TCP_MAX_WINSHIFT ? opt.wscale : TCP_MAX_WINSHIFT;
      e.rcvScale = windowShift(Math.max(so.rcv.hiwat, conf.recvbufAuto ? conf.recvbufMax : 0));
    }
    if (conf.rfc1323 && conf.timestamps && opt.hasTs) {
      e.flags |= SC_TSTMP;
      e.tsRecent = opt.tsVal;
    }
    if (conf.sack && opt.sackPermitted) e.flags |= SC_SACK;
    if (conf.ecn && (th.flags & (TH_ECE | TH_CWR)) === (TH_ECE | TH_CWR)) e.flags |= SC_ECN;
    return e;
  }

  /** The same SYN again. */
  #again(e: Synent): void {
    const tcp = this.#tcp;
    tcp.stats.scDupesyn++;
    if ((e.flags & SC_TSTMP) !== 0 && tcp.opt.hasTs) e.tsRecent = tcp.opt.tsVal;
    this.#respond(e, undefined);
  }

  #respond(e: Synent, cookie: Uint8Array | undefined): void {
    const tcp = this.#tcp;
    const opt = tcp.outOpt;
    fillOptions(tcp, e, opt);
    // RFC 3168 6.1.1: not in what is sent again.
    const ece = (e.flags & SC_ECN) !== 0 && e.shift === 0 ? TH_ECE : 0;
    respondSyn(tcp, e.family, e, e.iss, (e.irs + 1) | 0, TH_SYN | TH_ACK | ece, e.win, cookie, e.listener.tos, e.listener.ttl);
  }

  #sendCookie(e: Synent, flow: Flow): void {
    const tcp = this.#tcp;
    tcp.stats.scCookieSent++;
    this.cookieSec = tcp.nowSec;
    e.iss = cookieMake(tcp, flow, e.irs, e.peerMss);
    fillOptions(tcp, e, tcp.outOpt);
    if ((e.flags & SC_TSTMP) !== 0) tcp.outOpt.tsVal = cookieTs(tcp, e);
    else {
      // Without a timestamp to carry them, these cannot be remembered.
      tcp.outOpt.wscale = -1;
      tcp.outOpt.sackPermitted = false;
    }
    respondSyn(tcp, e.family, e, e.iss, (e.irs + 1) | 0, TH_SYN | TH_ACK, e.win, undefined, e.listener.tos, e.listener.ttl);
  }

  // -- answers

  /**
   * An acknowledgment for a listener: if it is that of our SYN, the connection, in SYN-RECEIVED and in the table; the segment is still to be looked at.
   * undefined: it is none; `refused`: and no reset is due.
   */
  expand(inp: Inpcb, flow: Flow): Tcpcb | undefined {
    const tcp = this.#tcp;
    const { th } = tcp;
    this.refused = false;
    const e = this.#find(flow);
    if (e === undefined) return this.#fromCookie(inp, flow);
    if (th.ack !== ((e.iss + 1) | 0)) return undefined;
    this.refused = true;
    const ahead = (th.seq - e.irs - 1) | 0;
    if (ahead < 0 || (ahead > 0 && ahead >= e.win)) {
      this.#respond(e, undefined);
      return undefined;
    }
    // RFC 7323 3.2, 5.3: one without a timestamp, or with an old one, is none; what it asks for would never be established.
    if ((e.flags & SC_TSTMP) !== 0 && (!tcp.opt.hasTs || seqLt(tcp.opt.tsVal, e.tsRecent))) return undefined;
    const tp = this.#connection(e);
    if (tp === undefined) {
      tcp.stats.scAborted++;
      return undefined;
    }
    this.#remove(e);
    tcp.stats.scCompleted++;
    tcp.stats.accepts++;
    return tp;
  }

  /** Whether somebody may come with a cookie: some were sent in the last two minutes. */
  get cookiesOut(): boolean {
    const tcp = this.#tcp;
    return tcp.conf.syncookies !== 0 && tcp.nowSec - this.cookieSec <= COOKIE_SEC;
  }

  #fromCookie(inp: Inpcb, flow: Flow): Tcpcb | undefined {
    const tcp = this.#tcp;
    const { th, opt, conf } = tcp;
    if (!this.cookiesOut) return undefined;
    const mss = cookieGet(tcp, flow, (th.seq - 1) | 0, (th.ack - 1) | 0);
    if (mss < 0) {
      tcp.stats.scCookieBad++;
      return undefined;
    }
    const e = new Synent(flow.family, inp);
    copyEnds(e, flow);
    e.irs = (th.seq - 1) | 0;
    e.iss = (th.ack - 1) | 0;
    e.peerMss = mss;
    e.shift = 1;
    e.sentMs = tcp.nowMs;
    const so = inp.so!;
    e.win = Math.min(so.rcv.space, 65_535);
    tcp.isn.make(flow, 0);
    e.tsOffset = tcp.isn.tsOffset;
    if (opt.hasTs && opt.tsEcr !== 0 && conf.timestamps) {
      const bits = (opt.tsEcr - e.tsOffset) & 63;
      e.flags = SC_TSTMP | ((bits & 16) !== 0 ? SC_SACK : 0);
      e.tsRecent = opt.tsVal;
      if ((bits & 15) !== 15) {
        e.flags |= SC_SCALE;
        e.sndScale = bits & 15;
        e.rcvScale = windowShift(Math.max(so.rcv.hiwat, conf.recvbufAuto ? conf.recvbufMax : 0));
      }
    }
    this.refused = true;
    const tp = this.#connection(e);
    if (tp === undefined) return undefined;
    tcp.stats.scCookieGood++;
    tcp.stats.accepts++;
    return tp;
  }

  /** A socket and its connection out of an entry. undefined: there is no room for one. */
  #connection(e: Synent): Tcpcb | undefined {
    const tcp = this.#tcp;
    const head = e.listener.so;
    if (head === undefined) return undefined;
    const so = sonewconn(head, false);
    if (so === undefined) return undefined;
    const tp = so.pcb as Tcpcb;
    const { inp } = tp;
    inherit(tp, e.listener.ppcb as Tcpcb);
    copyEnds(inp, e);
    inp.family = e.family;
    tcp.table.bind(inp, e.lport);
    tcp.table.connect(inp);
    takeEntry(tcp, tp, e);
    return tp;
  }

  /** A reset for ends that are being opened (RFC 5961 3.2): the exact number, or none. */
  reset(flow: Flow): void {
    const e = this.#find(flow);
    if (e === undefined || this.#tcp.th.seq !== ((e.irs + 1) | 0)) return;
    this.#remove(e);
    this.#tcp.stats.scReset++;
  }

  /** An ICMP error about our answer, which had sequence number `seq`: a soft one (RFC 1122 4.2.3.9), so after several answers, the second counts. */
  unreach(flow: Ends, seq: number): void {
    const e = this.#find(flow);
    if (e === undefined || seq !== e.iss || e.shift < UNREACH_SHIFT) return;
    if ((e.flags & SC_UNREACH) === 0) {
      e.flags |= SC_UNREACH;
      return;
    }
    this.#remove(e);
    this.#tcp.stats.scUnreach++;
  }

  /** The listener is closed. */
  forget(listener: Inpcb): void {
    if (this.count === 0) return;
    for (const queue of this.#queues) {
      for (let e = queue.first; e !== undefined; ) {
        const next: Synent | undefined = e.qnext;
        if (e.listener === listener) this.#remove(e);
        e = next;
      }
    }
  }

  clear(): void {
    this.#callout.stop();
    this.#buckets = [];
    this.#queues.length = 0;
    this.count = 0;
  }

  // -- the table and its times

  #find(flow: Ends): Synent | undefined {
    if (this.count === 0) return undefined;
    for (let e = this.#buckets[this.#bucketOf(flow)]; e !== undefined; e = e.hnext) if (sameEnds(e, flow)) return e;
    return undefined;
  }

  #bucketOf(e: Ends): number {
    return hashEnds(this.#seed, e) & (BUCKETS - 1);
  }

  #insert(e: Synent): void {
    if (this.#buckets.length === 0) this.#buckets = new Array<Synent | undefined>(BUCKETS).fill(undefined);
    const at = this.#bucketOf(e);
    e.hnext = this.#buckets[at];
    this.#buckets[at] = e;
    this.count++;
    this.#tcp.stats.scAdded++;
    this.#enqueue(e);
  }

  #enqueue(e: Synent): void {
    const wait = FIRST_MS << e.shift;
    e.dueMs = (this.#tcp.nowMs + wait) | 0;
    while (this.#queues.length <= e.shift) this.#queues.push(new SynQueue());
    this.#queues[e.shift]!.insert(e);
    if (!this.#callout.pending) this.#callout.schedule(wait * NS_PER_MS);
  }

  #remove(e: Synent): void {
    const at = this.#bucketOf(e);
    if (this.#buckets[at] === e) this.#buckets[at] = e.hnext;
    else {
      for (let p = this.#buckets[at]; p !== undefined; p = p.hnext) {
        if (p.hnext !== e) continue;
        p.hnext = e.hnext;
        break;
      }
    }
    e.hnext = undefined;
    this.#queues[e.shift]!.remove(e);
    this.count--;
  }

  #dropOldest(): void {
    let oldest: Synent | undefined;
    for (const queue of this.#queues) {
      const e = queue.first;
      if (e !== undefined && (oldest === undefined || seqLt(e.sentMs, oldest.sentMs))) oldest = e;
    }
    if (oldest !== undefined) this.#remove(oldest);
  }

  #expire(): void {
    const tcp = this.#tcp;
    tcp.tick();
    let wait = Infinity;
    for (let shift = 0; shift < this.#queues.length; shift++) {
      const queue = this.#queues[shift]!;
      for (let e = queue.first; e !== undefined; e = queue.first) {
        if (seqGt(e.dueMs, tcp.nowMs)) {
          wait = Math.min(wait, (e.dueMs - tcp.nowMs) | 0);
          break;
        }
        this.#due(e, queue);
      }
    }
    if (wait !== Infinity) this.#callout.schedule(wait * NS_PER_MS);
  }

  /** Its answer is sent again, or it has had its time. */
  #due(e: Synent, queue: SynQueue): void {
    const tcp = this.#tcp;
    if (e.shift >= tcp.conf.synRetries) {
      this.#remove(e);
      tcp.stats.scTimedout++;
      return;
    }
    queue.remove(e);
    e.shift++;
    this.#enqueue(e);
    tcp.stats.scRetransmitted++;
    this.#respond(e, undefined);
  }
}

function sameEnds(a: Ends, b: Ends): boolean {
  return (
    a.fport === b.fport &&
    a.lport === b.lport &&
    a.f3 === b.f3 &&
    a.l3 === b.l3 &&
    a.f2 === b.f2 &&
    a.f1 === b.f1 &&
    a.f0 === b.f0 &&
    a.l2 === b.l2 &&
    a.l1 === b.l1 &&
    a.l0 === b.l0
  );
}

function fillOptions(tcp: Tcp, e: Synent, opt: TcpOptions): void {
  opt.clear();
  opt.mss = mssOfRoute(tcp, e.family, e.family.route(e));
  if ((e.flags & SC_SCALE) !== 0) opt.wscale = e.rcvScale;
  opt.sackPermitted = (e.flags & SC_SACK) !== 0;
  if ((e.flags & SC_TSTMP) === 0) return;
  opt.hasTs = true;
  opt.tsVal = (tcp.nowMs + e.tsOffset) | 0;
  opt.tsEcr = e.tsRecent;
}
