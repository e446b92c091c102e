/** What programs ask of UDP: the user requests of its sockets. */
import { putU16be } from '@anykernel/lib-bytes';
import { AF_INET, AF_UNSPEC, ERR, errnoByNumber, IPPROTO_UDP, SO_BROADCAST, SO_DONTROUTE } from '@anykernel/lib-sys';
import { UDP_HDR_LEN } from '@anykernel/lib-wire';
import {
  CSUM_PARTIAL,
  type Mbuf,
  prUnsupported,
  type Socket,
  SS_ISCONNECTED,
  socantsendmore,
  sofree,
  soisconnected,
  soisdisconnected,
  soreserve,
  type Usrreqs,
} from '@anykernel/rumpnet';
import type { Addr, Family } from '../family.js';
import { localAny } from '../flow.js';
import { INP_CONNECTED, Inpcb } from '../inpcb.js';
import { leaveAll } from '../ip/groups.js';
import { pcbBind, pcbDisconnect, pcbSetPort, setForeign, setLocal } from '../pcbbind.js';
import type { Udp } from './udp.js';

/** The longest datagram: what the length field holds. */
const DATAGRAM_MAX = 65_535;

export function inpcbOf(so: Socket): Inpcb {
  if (so.pcb === undefined) throw ERR.EINVAL;
  return so.pcb as Inpcb;
}

/** The user requests of UDP sockets of one family. */
export function udpUsrreqs(udp: Udp, family: Family): Usrreqs {
  const { inet } = udp;
  return {
    ...prUnsupported,
    attach(so) {
      if (so.snd.hiwat === 0 || so.rcv.hiwat === 0) soreserve(so, udp.conf.sendspace, udp.conf.recvspace);
      const inp = new Inpcb(udp.table, so, family.af, family);
      inp.takes = inet.takesOf(family);
      so.pcb = inp;
      udp.table.add(inp);
    },
    detach: (so) => end(udp, so),
    abort: (so) => end(udp, so),
    bind(so, nam, l) {
      const inp = inpcbOf(so);
      if (inp.lport !== 0) throw ERR.EINVAL;
      pcbBind(inet, inp, inet.parseName(inp, nam), l);
    },
    connect: (so, nam) => connect(udp, so, nam),
    disconnect: (so) => disconnect(so),
    shutdown: socantsendmore,
    sockaddr: (so) => inet.localName(inpcbOf(so)),
    peeraddr(so) {
      const inp = inpcbOf(so);
      if ((inp.flags & INP_CONNECTED) === 0) throw ERR.ENOTCONN;
      return inet.peerName(inp);
    },
    send(so, m, nam, control) {
      try {
        send(udp, so, m, nam, control);
      } finally {
        if (control !== undefined) udp.mbufs.free(control);
      }
    },
    ioctl: (so, cmd, data, l) => inet.control(family, so, cmd, data, l),
  };
}

function end(udp: Udp, so: Socket): void {
  const inp = so.pcb as Inpcb | undefined;
  if (inp === undefined) return;
  leaveAll(udp.inet.ip, inp);
  udp.table.remove(inp);
  inp.so = undefined;
  soisdisconnected(so);
  so.pcb = undefined;
  sofree(so);
}

/** From now on to and from one peer. AF_UNSPEC: to and from everybody again. */
function connect(udp: Udp, so: Socket, nam: Uint8Array): void {
  const { inet } = udp;
  const inp = inpcbOf(so);
  if (nam[1] === AF_UNSPEC) {
    if ((inp.flags & INP_CONNECTED) !== 0) disconnect(so);
    return;
  }
  const a = inet.parseName(inp, nam);
  if (a.port === 0) throw ERR.EADDRNOTAVAIL;
  const { family } = inp;
  inp.family = inet.familyFor(inp, a);
  inp.family.connectTarget(a);
  setForeign(inp, a);
  if (a.scope !== 0) inp.scope = a.scope;
  const unbound = localAny(inp);
  try {
    if (unbound) inp.family.selectSource(inp, inp);
    if (inp.lport === 0) pcbSetPort(inet, inp);
    if (inp.table.lookup(inp) !== undefined) throw ERR.EADDRINUSE;
  } catch (e) {
    pcbDisconnect(inp);
    inp.family = family;
    if (unbound) setLocal(inp, 0, 0, 0, 0);
    throw e;
  }
  inp.table.connect(inp);
  soisconnected(so);
}

function disconnect(so: Socket): void {
  const inp = inpcbOf(so);
  if ((inp.flags & INP_CONNECTED) === 0) throw ERR.ENOTCONN;
  pcbDisconnect(inp);
  setLocal(inp, 0, 0, 0, 0);
  so.state &= ~SS_ISCONNECTED;
}

// -- sending

function send(udp: Udp, so: Socket, m: Mbuf, nam: Uint8Array | undefined, control: Mbuf | undefined): void {
  const inp = so.pcb as Inpcb | undefined;
  if (inp === undefined) {
    udp.mbufs.free(m);
    throw ERR.EINVAL;
  }
  let errno: number;
  try {
    if (nam === undefined) {
      if ((inp.flags & INP_CONNECTED) === 0) throw ERR.EDESTADDRREQ;
      errno = output(udp, so, inp, inp, m, control);
    } else {
      if ((inp.flags & INP_CONNECTED) !== 0) throw ERR.EISCONN;
      errno = outputTo(udp, so, inp, udp.inet.parseName(inp, nam), m, control);
    }
  } catch (e) {
    udp.mbufs.free(m);
    throw e;
  }
  if (errno !== 0) throw errnoByNumber(errno) ?? ERR.EIO;
}

/** To somebody for once: the ends are those of the socket, as far as it has them. */
function outputTo(udp: Udp, so: Socket, inp: Inpcb, a: Addr, m: Mbuf, control: Mbuf | undefined): number {
  const { inet, out } = udp;
  if (a.port === 0) throw ERR.EADDRNOTAVAIL;
  const family = inet.familyFor(inp, a);
  family.connectTarget(a);
  out.family = family;
  out.f0 = a.w0;
  out.f1 = a.w1;
  out.f2 = a.w2;
  out.f3 = a.w3;
  out.fport = a.port;
  out.l0 = inp.l0;
  out.l1 = inp.l1;
  out.l2 = inp.l2;
  out.l3 = inp.l3;
  if (inp.lport === 0) pcbSetPort(inet, inp);
  out.lport = inp.lport;
  return output(udp, so, inp, out, m, control);
}

/** Owns `m` once it returns; an Errno is thrown while it is still the caller's. */
function output(udp: Udp, so: Socket, inp: Inpcb, ends: Inpcb | Udp['out'], m: Mbuf, control: Mbuf | undefined): number {
  const { how, mbufs } = udp;
  const { family } = ends;
  let from = ends;
  if (control !== undefined && ends === inp) {
    // What ancillary data say is for this datagram alone.
    from = udp.out;
    udp.out.copyEnds(ends);
    udp.out.family = family;
  }
  family.sendOptions(inp, how, from, control);
  if (localAny(from)) family.selectSource(from, inp);
  const len = m.pktlen + UDP_HDR_LEN;
  // The length field of IPv4 counts its header, that of IPv6 does not.
  if (len + (family.af === AF_INET ? family.hdrLen : 0) > DATAGRAM_MAX) throw ERR.EMSGSIZE;
  const lport = from.lport;
  const fport = from.fport;
  const packet = mbufs.prepend(m, UDP_HDR_LEN);
  if (packet === undefined) return ERR.ENOBUFS.errno;
  const { buf, off } = packet;
  putU16be(buf, off, lport);
  putU16be(buf, off + 2, fport);
  putU16be(buf, off + 4, len);
  putU16be(buf, off + 6, 0);
  if (udp.conf.checksum || family.hdrLen !== 20) {
    putU16be(buf, off + 6, family.pseudo(from, IPPROTO_UDP, len));
    packet.csum = CSUM_PARTIAL;
    packet.csumStart = 0;
    packet.csumOff = 6;
  }
  udp.stats.opackets++;
  how.protocol = IPPROTO_UDP;
  how.dontFragment = false;
  how.dontRoute = (so.options & SO_DONTROUTE) !== 0;
  how.broadcast = (so.options & SO_BROADCAST) !== 0;
  return family.output(packet, from, from === inp ? inp.route() : undefined, how);
}
