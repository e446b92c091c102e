/**
 * UDP (RFC 768, RFC 1122 4.1) for both families: datagrams that come in, and to which sockets they go.
 */

import { getU16be } from '@anykernel/lib-bytes';
import { type Errno, IPPROTO_UDP } from '@anykernel/lib-sys';
import { UDP_HDR_LEN, UdpHeader } from '@anykernel/lib-wire';
import { CSUM_NONE, type Mbuf, type Mbufs, type Socket, SS_CANTRCVMORE, soerror, sorwakeup } from '@anykernel/rumpnet';
import { SendArgs } from '../family.js';
import { type Ends, Flow, localAny, sameForeign, sameLocal } from '../flow.js';
import type { Inet } from '../inet.js';
import { INP_CONNECTED, type Inpcb } from '../inpcb.js';
import { PcbTable } from '../pcbtable.js';
import { sumGood } from '../tcp/input.js';

/** Settings, by sysctl net.inet.udp. */
export class UdpConf {
  /** Checksums are sent, with IPv4. */
  checksum = true;
  sendspace = 9216;
  recvspace = 41_600;
}

export interface UdpStats {
  ipackets: number;
  hdrops: number;
  badsum: number;
  badlen: number;
  noport: number;
  noportbcast: number;
  fullsock: number;
  opackets: number;
}

/** The longest name of a sender. */
const NAME_MAX = 28;

export class Udp {
  readonly mbufs: Mbufs;
  readonly conf: UdpConf = new UdpConf();
  readonly stats: UdpStats = { ipackets: 0, hdrops: 0, badsum: 0, badlen: 0, noport: 0, noportbcast: 0, fullsock: 0, opackets: 0 };
  readonly table: PcbTable;
  readonly how: SendArgs = new SendArgs();
  /** Ends of a datagram that goes to somebody for once. */
  readonly out: Flow;
  readonly #uh: UdpHeader = new UdpHeader();
  /** The name of a sender, and the bytes of it that a sockaddr_in has. */
  readonly #name = new Uint8Array(NAME_MAX);
  readonly #name16 = this.#name.subarray(0, 16);

  constructor(readonly inet: Inet) {
    this.mbufs = inet.mbufs;
    this.table = new PcbTable(inet.rand.word());
    this.out = new Flow(inet.ip);
  }

  /** A datagram: `m` starts at its UDP header. Owns `m`. */
  input(packet: Mbuf, flow: Flow): void {
    const { stats, mbufs } = this;
    const uh = this.#uh;
    stats.ipackets++;
    const m = packet.len >= UDP_HDR_LEN ? packet : mbufs.pullup(packet, UDP_HDR_LEN);
    if (m === undefined) {
      stats.hdrops++;
      return;
    }
    if (!this.#header(m)) {
      stats.badlen++;
      mbufs.free(m);
      return;
    }
    if (uh.len < m.pktlen) mbufs.trim(m, uh.len);
    if (m.csum === CSUM_NONE && !this.#sumGood(m, flow)) {
      stats.badsum++;
      mbufs.free(m);
      return;
    }
    flow.lport = uh.dport;
    flow.fport = uh.sport;
    if (flow.toMany) this.#toMany(m, flow);
    else this.#toOne(m, flow);
  }

  /** Reads the header. False: its length does not fit. */
  #header(m: Mbuf): boolean {
    const { buf, off } = m;
    const uh = this.#uh;
    uh.sport = getU16be(buf, off);
    uh.dport = getU16be(buf, off + 2);
    uh.len = getU16be(buf, off + 4);
    uh.checksum = getU16be(buf, off + 6);
    return uh.len >= UDP_HDR_LEN && uh.len <= m.pktlen;
  }

  /** No checksum is right with IPv4, and wrong with IPv6 (RFC 8200 8.1). */
  #sumGood(m: Mbuf, flow: Flow): boolean {
    if (this.#uh.checksum === 0) return flow.family.hdrLen === 20;
    return sumGood(flow.family, flow, m, IPPROTO_UDP);
  }

  #toOne(m: Mbuf, flow: Flow): void {
    const inp = this.table.lookup(flow) ?? this.table.lookupBound(flow, flow.family.bit);
    if (inp === undefined || inp.minTtl > flow.ttl) {
      this.stats.noport++;
      if (inp === undefined) flow.family.unreachable(m, flow, 'port');
      else this.mbufs.free(m);
      return;
    }
    this.mbufs.adj(m, UDP_HDR_LEN);
    this.#deliver(inp, m, flow);
  }

  /** To every socket that wants it (RFC 1122 4.1.3.5). */
  #toMany(m: Mbuf, flow: Flow): void {
    const { mbufs } = this;
    const port = this.table.ports.get(flow.lport);
    mbufs.adj(m, UDP_HDR_LEN);
    let last: Inpcb | undefined;
    for (let inp = port?.first; inp !== undefined; inp = inp.pnext) {
      if (!this.#wants(inp, flow)) continue;
      if (last !== undefined) {
        const copy = mbufs.copym(m, 0, m.pktlen);
        if (copy !== undefined) this.#deliver(last, copy, flow);
      }
      last = inp;
    }
    if (last === undefined) {
      this.stats.noportbcast++;
      mbufs.free(m);
      return;
    }
    this.#deliver(last, m, flow);
  }

  #wants(inp: Inpcb, flow: Flow): boolean {
    if ((inp.takes & flow.family.bit) === 0 || inp.minTtl > flow.ttl) return false;
    if (!localAny(inp) && !sameLocal(inp, flow)) return false;
    if ((inp.flags & INP_CONNECTED) !== 0 && (inp.fport !== flow.fport || !sameForeign(inp, flow))) return false;
    return flow.family.wantsGroup(inp, flow);
  }

  #deliver(inp: Inpcb, m: Mbuf, flow: Flow): void {
    const so = inp.so as Socket;
    if ((so.state & SS_CANTRCVMORE) !== 0) {
      this.mbufs.free(m);
      return;
    }
    // Names and ancillary data are of the socket's family, also where the datagram came by the other.
    const names = inp.af === flow.family.af ? flow.family : this.inet.family(inp.af);
    const control = names.ancillary(inp, flow);
    const len = names.nameInto(flow, this.#name);
    if (so.rcv.appendaddr(len === 16 ? this.#name16 : this.#name, m, control)) {
      sorwakeup(so);
      return;
    }
    this.stats.fullsock++;
    this.mbufs.free(m);
    if (control !== undefined) this.mbufs.free(control);
  }

  /** The network reports an error about a datagram of ours: a connected socket hears of it. */
  unreachable(ends: Ends, error: Errno): void {
    const inp = this.table.lookup(ends);
    if (inp?.so !== undefined) soerror(inp.so, error);
  }
}
