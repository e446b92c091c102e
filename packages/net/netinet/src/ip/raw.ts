/** Raw sockets of IPv4 (ip(4)): packets of a protocol, with their header when received, and with IP_HDRINCL when sent. */
import { getI32be, getU16be, putU16be } from '@anykernel/lib-bytes';
import { AF_UNSPEC, ERR, errnoByNumber, IPPROTO_RAW, SO_BROADCAST, SO_DONTROUTE } from '@anykernel/lib-sys';
import { IP_HDR_LEN, IP_MAXPACKET, inCksum } from '@anykernel/lib-wire';
import {
  type Mbuf,
  prUnsupported,
  type Socket,
  SS_ISCONNECTED,
  socantsendmore,
  sofree,
  soisconnected,
  soisdisconnected,
  soreserve,
  sorwakeup,
  type Usrreqs,
} from '@anykernel/rumpnet';
import { SendArgs } from '../family.js';
import { Flow, localAny, V4MAPPED } from '../flow.js';
import type { Inet } from '../inet.js';
import { INP_CONNECTED, INP_HDRINCL, Inpcb } from '../inpcb.js';
import { pcbDisconnect, setForeign, setLocal } from '../pcbbind.js';
import { PcbTable } from '../pcbtable.js';
import { inpcbOf } from '../udp/usrreqs.js';
import { leaveAll } from './groups.js';
import type { Ip } from './ip.js';
import { sendPacket } from './output.js';

const SPACE = 8192;

export class RawIp {
  readonly table: PcbTable;
  readonly #how = new SendArgs();
  readonly #out: Flow;
  readonly #name = new Uint8Array(16);

  constructor(readonly inet: Inet) {
    this.table = new PcbTable(0);
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
      this.#deliver(inp, copy, flow);
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

  #deliver(inp: Inpcb, m: Mbuf, flow: Flow): void {
    const so = inp.so as Socket;
    const control = flow.family.ancillary(inp, flow);
    flow.fport = 0;
    flow.family.nameInto(flow, this.#name);
    if (so.rcv.appendaddr(this.#name, m, control)) {
      sorwakeup(so);
      return;
    }
    this.inet.mbufs.free(m);
    if (control !== undefined) this.inet.mbufs.free(control);
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

/** The user requests of raw sockets. */
export function rawUsrreqs(raw: RawIp): Usrreqs {
  const { inet } = raw;
  const { ip } = inet;
  return {
    ...prUnsupported,
    attach(so, proto, l) {
      // RFC 1122 has nothing on it: whoever writes headers can say that he is somebody else.
      if (l !== undefined && !l.proc.cred.isRoot) throw ERR.EACCES;
      if (proto < 0 || proto > 255) throw ERR.EPROTONOSUPPORT;
      if (so.snd.hiwat === 0) soreserve(so, SPACE, SPACE);
      const inp = new Inpcb(raw.table, so, ip.af, ip);
      inp.scope = proto;
      if (proto === IPPROTO_RAW) inp.flags |= INP_HDRINCL;
      so.pcb = inp;
      raw.table.add(inp);
    },
    detach: (so) => end(raw, so),
    abort: (so) => end(raw, so),
    bind(so, nam) {
      const inp = inpcbOf(so);
      const a = inet.parseName(inp, nam);
      if (a.w3 !== 0 && !ip.isOurs(a.w0, a.w1, a.w2, a.w3)) throw ERR.EADDRNOTAVAIL;
      setLocal(inp, a.w0, a.w1, a.w2, a.w3);
    },
    connect(so, nam) {
      const inp = inpcbOf(so);
      if (nam[1] === AF_UNSPEC) {
        pcbDisconnect(inp);
        so.state &= ~SS_ISCONNECTED;
        return;
      }
      const a = inet.parseName(inp, nam);
      if (a.w3 === 0) throw ERR.EADDRNOTAVAIL;
      pcbDisconnect(inp);
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
    ioctl: (so, cmd, data, l) => inet.control(ip, so, cmd, data, l),
  };
}

function rawSend(raw: RawIp, so: Socket, m: Mbuf, nam: Uint8Array | undefined, control: Mbuf | undefined): void {
  const { mbufs } = raw.inet;
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

function end(raw: RawIp, so: Socket): void {
  const inp = so.pcb as Inpcb | undefined;
  if (inp === undefined) return;
  leaveAll(raw.inet.ip, inp);
  raw.table.remove(inp);
  inp.so = undefined;
  soisdisconnected(so);
  so.pcb = undefined;
  sofree(so);
}
