/** Raw sockets of IPv6 (RFC 3542 3, icmp6(4)): packets of a protocol without the IPv6 header; checksums are the kernel's where a program says where they stand. */
import { putU16be } from '@anykernel/lib-bytes';
import { AF_UNSPEC, ERR, IPPROTO_ICMPV6, SO_DONTROUTE, errnoByNumber } from '@anykernel/lib-sys';
import { sumFinish, sumFold } from '@anykernel/lib-wire';
import { sumChain } from '@anykernel/net';
import { Flow, INP_CONNECTED, Inpcb, PcbTable, SendArgs, inpcbOf, localAny, pcbDisconnect, sameForeign, sameLocal, setForeign, setLocal } from '@anykernel/netinet';
import {
  CSUM_VALID, type Mbuf, SS_ISCONNECTED, type Socket, type Usrreqs, prUnsupported, socantsendmore, sofree, soisconnected, soisdisconnected, soreserve, sorwakeup,
} from '@anykernel/rumpnet';
import type { Ip6 } from '../ip6.js';
import { options6Of } from '../options6.js';
import { leaveAll6 } from './members.js';

const SPACE = 8192;
const NAME_LEN = 28;

export class RawIp6 {
  readonly table: PcbTable = new PcbTable(0);
  readonly #how = new SendArgs();
  readonly #out: Flow;
  readonly #name = new Uint8Array(NAME_LEN);

  constructor(readonly ip6: Ip6) {
    this.#out = new Flow(ip6);
  }

  /** Gives a copy of what is at `off` of a packet to each socket that wants it. Returns whether one did. */
  input(m: Mbuf, off: number, protocol: number, flow: Flow): boolean {
    const { mbufs } = this.ip6;
    let took = false;
    for (let inp = this.table.first; inp !== undefined; inp = inp.anext) {
      if (!this.#wants(inp, m, off, protocol, flow)) continue;
      const copy = mbufs.copym(m, off, m.pktlen - off);
      if (copy === undefined) return took;
      took = true;
      this.#deliver(inp, copy, flow);
    }
    return took;
  }

  #wants(inp: Inpcb, m: Mbuf, off: number, protocol: number, flow: Flow): boolean {
    const options = options6Of(inp);
    if (options.protocol !== 0 && options.protocol !== protocol) return false;
    if (!localAny(inp) && !sameLocal(inp, flow)) return false;
    if ((inp.flags & INP_CONNECTED) !== 0 && !sameForeign(inp, flow)) return false;
    // All nodes are everybody's group: neighbour discovery in programs needs it.
    if (flow.toMany && protocol !== IPPROTO_ICMPV6 && !this.ip6.wantsGroup(inp, flow)) return false;
    if (m.pktlen <= off) return protocol !== IPPROTO_ICMPV6;
    if (protocol === IPPROTO_ICMPV6) {
      const type = m.buf[m.off + off];
      if (options.filter !== undefined && (options.filter[type >> 5] & (1 << (type & 31))) === 0) return false;
      return this.#sumGood(m, off, flow, protocol);
    }
    return options.checksumAt < 0 || this.#sumGood(m, off, flow, protocol);
  }

  #sumGood(m: Mbuf, off: number, flow: Flow, protocol: number): boolean {
    const len = m.pktlen - off;
    return m.csum === CSUM_VALID || sumFold(sumChain(m, off, len) + this.ip6.pseudo(flow, protocol, len)) === 0xffff;
  }

  #deliver(inp: Inpcb, m: Mbuf, flow: Flow): void {
    const so = inp.so as Socket;
    const control = this.ip6.ancillary(inp, flow);
    flow.fport = 0;
    this.ip6.nameInto(flow, this.#name);
    if (so.rcv.appendaddr(this.#name, m, control)) {
      sorwakeup(so);
      return;
    }
    this.ip6.mbufs.free(m);
    if (control !== undefined) this.ip6.mbufs.free(control);
  }

  /** Sends a packet of the socket's protocol. Owns `packet`, unless it throws. Returns an errno, 0: taken. */
  send(so: Socket, inp: Inpcb, nam: Uint8Array | undefined, packet: Mbuf, control: Mbuf | undefined): number {
    const { ip6 } = this;
    const out = this.#out;
    out.copyEnds(inp);
    if (nam !== undefined) {
      if ((inp.flags & INP_CONNECTED) !== 0) throw ERR.EISCONN;
      const a = ip6.inet.parseName(inp, nam);
      out.f0 = a.w0;
      out.f1 = a.w1;
      out.f2 = a.w2;
      out.f3 = a.w3;
    } else if ((inp.flags & INP_CONNECTED) === 0) throw ERR.ENOTCONN;
    const how = this.#how;
    const options = options6Of(inp);
    ip6.sendOptions(inp, how, out, control);
    how.dontRoute = (so.options & SO_DONTROUTE) !== 0;
    how.protocol = options.protocol;
    how.dontFragment = false;
    if (packet.pktlen > 65_535) throw ERR.EMSGSIZE;
    if (localAny(out)) ip6.selectSource(out, inp);
    const at = options.protocol === IPPROTO_ICMPV6 ? 2 : options.checksumAt;
    const m = at < 0 ? packet : this.#summed(packet, at, out, options.protocol);
    return m === undefined ? ERR.ENOBUFS.errno : ip6.output(m, out, undefined, how);
  }

  /** The checksum in its place. EINVAL: the packet ends before it. */
  #summed(packet: Mbuf, at: number, out: Flow, protocol: number): Mbuf | undefined {
    if (packet.pktlen < at + 2) throw ERR.EINVAL;
    const m = this.ip6.mbufs.own(packet, at + 2);
    if (m === undefined) return undefined;
    putU16be(m.buf, m.off + at, 0);
    const sum = sumFinish(sumChain(m, 0, m.pktlen) + this.ip6.pseudo(out, protocol, m.pktlen));
    putU16be(m.buf, m.off + at, sum === 0 && protocol !== IPPROTO_ICMPV6 ? 0xffff : sum);
    return m;
  }
}

/** The user requests of raw sockets. */
export function rawUsrreqs6(raw: RawIp6): Usrreqs {
  const { ip6 } = raw;
  const { inet } = ip6;
  return {
    ...prUnsupported,
    attach(so, proto, l) {
      if (l !== undefined && !l.proc.cred.isRoot) throw ERR.EACCES;
      if (proto < 0 || proto > 255) throw ERR.EPROTONOSUPPORT;
      if (so.snd.hiwat === 0) soreserve(so, SPACE, SPACE);
      const inp = new Inpcb(raw.table, so, ip6.af, ip6);
      options6Of(inp).protocol = proto;
      so.pcb = inp;
      raw.table.add(inp);
    },
    detach: (so) => end(raw, so),
    abort: (so) => end(raw, so),
    bind(so, nam) {
      const inp = inpcbOf(so);
      const a = inet.parseName(inp, nam);
      const any = (a.w0 | a.w1 | a.w2 | a.w3) === 0;
      if (!any && !ip6.isMulticast(a.w0, a.w1, a.w2, a.w3) && !ip6.isOurs(a.w0, a.w1, a.w2, a.w3)) throw ERR.EADDRNOTAVAIL;
      setLocal(inp, a.w0, a.w1, a.w2, a.w3);
    },
    connect(so, nam) {
      const inp = inpcbOf(so);
      pcbDisconnect(inp);
      so.state &= ~SS_ISCONNECTED;
      if (nam[1] === AF_UNSPEC) return;
      const a = inet.parseName(inp, nam);
      if ((a.w0 | a.w1 | a.w2 | a.w3) === 0) throw ERR.EADDRNOTAVAIL;
      a.port = 0;
      setForeign(inp, a);
      inp.table.connect(inp);
      soisconnected(so);
    },
    disconnect(so) {
      pcbDisconnect(inpcbOf(so));
      so.state &= ~SS_ISCONNECTED;
    },
    shutdown: socantsendmore,
    sockaddr: (so) => inet.localName(inpcbOf(so)),
    peeraddr(so) {
      const inp = inpcbOf(so);
      if ((inp.flags & INP_CONNECTED) === 0) throw ERR.ENOTCONN;
      return inet.peerName(inp);
    },
    send: (so, m, nam, control) => rawSend(raw, so, m, nam, control),
    ioctl: (so, cmd, data, l) => inet.control(ip6, so, cmd, data, l),
  };
}

function rawSend(raw: RawIp6, so: Socket, m: Mbuf, nam: Uint8Array | undefined, control: Mbuf | undefined): void {
  const { mbufs } = raw.ip6;
  let errno = 0;
  try {
    errno = raw.send(so, inpcbOf(so), nam, m, control);
  } catch (e) {
    mbufs.free(m);
    throw e;
  } finally {
    if (control !== undefined) mbufs.free(control);
  }
  if (errno !== 0) throw errnoByNumber(errno) ?? ERR.EIO;
}

function end(raw: RawIp6, so: Socket): void {
  const inp = so.pcb as Inpcb | undefined;
  if (inp === undefined) return;
  leaveAll6(raw.ip6, inp);
  raw.table.remove(inp);
  inp.so = undefined;
  soisdisconnected(so);
  so.pcb = undefined;
  sofree(so);
}
