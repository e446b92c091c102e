/** Raw sockets of IPv4 (ip(4)): packets of a protocol, with their header when received, and with IP_HDRINCL when sent. */
import { getI32be, getU16be, putU16be } from '@anykernel/lib-bytes';
import { ERR, IPPROTO_RAW, SO_BROADCAST, SO_DONTROUTE } from '@anykernel/lib-sys';
import { IP_HDR_LEN, IP_MAXPACKET, inCksum } from '@anykernel/lib-wire';
import type { Mbuf, Socket } from '@anykernel/rumpnet';
import { type Addr, SendArgs } from '../family.js';
import { Flow, localAny, V4MAPPED } from '../flow.js';
import type { Inet } from '../inet.js';
import { INP_CONNECTED, INP_HDRINCL, type Inpcb } from '../inpcb.js';
import { PcbTable } from '../pcbtable.js';
import { type RawSockets, rawDeliver } from '../rawcb.js';
import { leaveAll } from './groups.js';
import type { Ip } from './ip.js';
import { sendPacket } from './output.js';

export class RawIp implements RawSockets {
  readonly table: PcbTable = new PcbTable(0);
  readonly family: Ip;
  readonly #how = new SendArgs();
  readonly #out: Flow;
  readonly #name = new Uint8Array(16);

  constructor(readonly inet: Inet) {
    this.family = inet.ip;
    this.#out = new Flow(inet.ip);
  }

  /** Gives a copy of a packet, which starts at its IP header, to each socket that wants it. Returns whether one did. */
  input(m: Mbuf, protocol: number, flow: Flow): boolean {
    let took = false;
    for (let inp = this.table.first; inp !== undefined; inp = inp.anext) {
      if (!wants(inp, protocol, flow)) continue;
      const copy = this.inet.mbufs.copym(m, 0, m.pktlen);
      if (copy === undefined) return took;
      took = true;
      rawDeliver(this, inp, copy, flow, this.#name);
    }
    return took;
  }

  /** Whether packets of this protocol may come from a program that writes their headers. */
  sends(protocol: number): boolean {
    for (let inp = this.table.first; inp !== undefined; inp = inp.anext) {
      if ((inp.flags & INP_HDRINCL) !== 0 && (protocolOf(inp) === protocol || protocolOf(inp) === IPPROTO_RAW)) return true;
    }
    return false;
  }

  made(inp: Inpcb, protocol: number): void {
    inp.scope = protocol;
    if (protocol === IPPROTO_RAW) inp.flags |= INP_HDRINCL;
  }

  mayBind(a: Addr): boolean {
    return this.family.isOurs(a.w0, a.w1, a.w2, a.w3);
  }

  leave(inp: Inpcb): void {
    leaveAll(this.family, inp);
  }

  /** Sends a packet of the socket's protocol. Owns `m`, unless it throws. Returns an errno, 0: taken. */
  send(so: Socket, inp: Inpcb, nam: Uint8Array | undefined, packet: Mbuf, control: Mbuf | undefined): number {
    const { inet } = this;
    const out = this.#out;
    out.copyEnds(inp);
    if (nam !== undefined) {
      if ((inp.flags & INP_CONNECTED) !== 0) throw ERR.EISCONN;
      const a = inet.parseName(inp, nam);
      out.f2 = V4MAPPED;
      out.f3 = a.w3;
    } else if ((inp.flags & INP_CONNECTED) === 0) throw ERR.ENOTCONN;
    const how = this.#how;
    inet.ip.sendOptions(inp, how, out, control);
    how.broadcast = (so.options & SO_BROADCAST) !== 0;
    how.dontRoute = (so.options & SO_DONTROUTE) !== 0;
    how.protocol = protocolOf(inp);
    how.dontFragment = false;
    const errno = (inp.flags & INP_HDRINCL) !== 0 ? withHeader(inet.ip, packet, out) : this.#plain(packet, out, how, inp);
    return errno;
  }

  #plain(m: Mbuf, out: Flow, how: SendArgs, inp: Inpcb): number {
    if (m.pktlen + IP_HDR_LEN > IP_MAXPACKET) throw ERR.EMSGSIZE;
    if (localAny(out)) this.inet.ip.selectSource(out, inp);
    return this.inet.ip.output(m, out, undefined, how);
  }
}

/** The protocol that a raw socket was made for stands in its scope, which it has no other use for; 0: all. */
function protocolOf(inp: Inpcb): number {
  return inp.scope;
}

function wants(inp: Inpcb, protocol: number, flow: Flow): boolean {
  const own = protocolOf(inp);
  if (own !== 0 && own !== protocol) return false;
  if (inp.l3 !== 0 && inp.l3 !== flow.l3) return false;
  if ((inp.flags & INP_CONNECTED) !== 0 && inp.f3 !== flow.f3) return false;
  return inp.minTtl <= flow.ttl && flow.family.wantsGroup(inp, flow);
}

/** The program has written the header: what it leaves to us is filled in. */
function withHeader(ip: Ip, packet: Mbuf, out: Flow): number {
  const m = packet.pktlen < IP_HDR_LEN ? undefined : ip.mbufs.own(packet, Math.min(packet.pktlen, 60));
  if (m === undefined) {
    if (packet.pktlen < IP_HDR_LEN) throw ERR.EINVAL;
    return ERR.ENOBUFS.errno;
  }
  const { buf, off } = m;
  const hdrLen = (buf[off]! & 15) << 2;
  if (buf[off]! >>> 4 !== 4 || hdrLen < IP_HDR_LEN || hdrLen > m.pktlen || m.pktlen > IP_MAXPACKET) {
    ip.mbufs.free(m);
    return ERR.EINVAL.errno;
  }
  putU16be(buf, off + 2, m.pktlen);
  if (getU16be(buf, off + 4) === 0) putU16be(buf, off + 4, ip.nextId());
  const rt = ip.lookup(out.f3);
  if (rt === undefined || rt.closed) {
    ip.mbufs.free(m);
    return ERR.EHOSTUNREACH.errno;
  }
  if (getI32be(buf, off + 12) === 0) {
    const ia = ip.sourceFor(rt);
    if (ia !== undefined) for (let i = 0; i < 4; i++) buf[off + 12 + i] = ia.addr.w0 >>> (24 - 8 * i);
  }
  putU16be(buf, off + 10, 0);
  putU16be(buf, off + 10, inCksum(buf, off, hdrLen));
  return sendPacket(ip, m, rt.ifp, rt.gateway === undefined ? out.f3 : rt.gateway.w0, ip.mtuOf(rt, out.f3));
}
