/** Raw sockets of IPv6 (RFC 3542 3, icmp6(4)): packets of a protocol without the IPv6 header; checksums are the kernel's where a program says where they stand. */
import { putU16be } from '@anykernel/lib-bytes';
import { ERR, IPPROTO_ICMPV6, SO_DONTROUTE } from '@anykernel/lib-sys';
import { sumFinish, sumFold } from '@anykernel/lib-wire';
import { sumChain } from '@anykernel/net';
import {
  type Addr, Flow, INP_CONNECTED, type Inet, type Inpcb, PcbTable, type RawSockets, SendArgs, localAny, rawDeliver, sameForeign, sameLocal,
} from '@anykernel/netinet';
import { CSUM_VALID, type Mbuf, type Socket } from '@anykernel/rumpnet';
import type { Ip6 } from '../ip6.js';
import { options6Of } from '../options6.js';
import { leaveAll6 } from './members.js';

const NAME_LEN = 28;

export class RawIp6 implements RawSockets {
  readonly inet: Inet;
  readonly table: PcbTable = new PcbTable(0);
  readonly #how = new SendArgs();
  readonly #out: Flow;
  readonly #name = new Uint8Array(NAME_LEN);

  constructor(readonly family: Ip6) {
    this.inet = family.inet;
    this.#out = new Flow(family);
  }

  /** Gives a copy of what is at `off` of a packet to each socket that wants it. Returns whether one did. */
  input(m: Mbuf, off: number, protocol: number, flow: Flow): boolean {
    const { mbufs } = this.inet;
    let took = false;
    for (let inp = this.table.first; inp !== undefined; inp = inp.anext) {
      if (!this.#wants(inp, m, off, protocol, flow)) continue;
      const copy = mbufs.copym(m, off, m.pktlen - off);
      if (copy === undefined) return took;
      took = true;
      rawDeliver(this, inp, copy, flow, this.#name);
    }
    return took;
  }

  #wants(inp: Inpcb, m: Mbuf, off: number, protocol: number, flow: Flow): boolean {
    const options = options6Of(inp);
    if (options.protocol !== 0 && options.protocol !== protocol) return false;
    if (!localAny(inp) && !sameLocal(inp, flow)) return false;
    if ((inp.flags & INP_CONNECTED) !== 0 && !sameForeign(inp, flow)) return false;
    // All nodes are everybody's group: neighbour discovery in programs needs it.
    if (flow.toMany && protocol !== IPPROTO_ICMPV6 && !this.family.wantsGroup(inp, flow)) return false;
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
    return m.csum === CSUM_VALID || sumFold(sumChain(m, off, len) + this.family.pseudo(flow, protocol, len)) === 0xffff;
  }

  made(inp: Inpcb, protocol: number): void {
    options6Of(inp).protocol = protocol;
  }

  mayBind(a: Addr): boolean {
    return this.family.isMulticast(a.w0, a.w1, a.w2, a.w3) || this.family.isOurs(a.w0, a.w1, a.w2, a.w3);
  }

  leave(inp: Inpcb): void {
    leaveAll6(this.family, inp);
  }

  /** Sends a packet of the socket's protocol. Owns `packet`, unless it throws. Returns an errno, 0: taken. */
  send(so: Socket, inp: Inpcb, nam: Uint8Array | undefined, packet: Mbuf, control: Mbuf | undefined): number {
    const ip6 = this.family;
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
    const m = this.family.mbufs.own(packet, at + 2);
    if (m === undefined) return undefined;
    putU16be(m.buf, m.off + at, 0);
    const sum = sumFinish(sumChain(m, 0, m.pktlen) + this.family.pseudo(out, protocol, m.pktlen));
    putU16be(m.buf, m.off + at, sum === 0 && protocol !== IPPROTO_ICMPV6 ? 0xffff : sum);
    return m;
  }
}
