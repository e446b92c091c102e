/** What raw sockets of both families have in common: how they are made, bound and connected, hear packets, and end. What goes into their packets is the family's. */
import { AF_UNSPEC, ERR, errnoByNumber } from '@anykernel/lib-sys';
import {
  type Mbuf, prUnsupported, type Socket, SS_ISCONNECTED, socantsendmore, sofree, soisconnected, soisdisconnected, soreserve, sorwakeup, type Usrreqs,
} from '@anykernel/rumpnet';
import type { Addr, Family } from './family.js';
import type { Flow } from './flow.js';
import type { Inet } from './inet.js';
import { INP_CONNECTED, Inpcb } from './inpcb.js';
import { pcbDisconnect, setForeign, setLocal } from './pcbbind.js';
import type { PcbTable } from './pcbtable.js';
import { inpcbOf } from './udp/usrreqs.js';

const SPACE = 8192;

/** Raw sockets of one family. */
export interface RawSockets {
  readonly inet: Inet;
  readonly family: Family;
  readonly table: PcbTable;
  /** A socket was made for a protocol, 0 to 255. */
  made(inp: Inpcb, protocol: number): void;
  /** Whether a socket may have this local address. */
  mayBind(a: Addr): boolean;
  /** Sends a packet. Owns `m`, unless it throws. Returns an errno, 0: taken. */
  send(so: Socket, inp: Inpcb, nam: Uint8Array | undefined, m: Mbuf, control: Mbuf | undefined): number;
  /** A socket ends: it leaves its groups. */
  leave(inp: Inpcb): void;
}

/** Gives a packet to a socket, with its sender's name, made in `name`. Owns `m`. */
export function rawDeliver(raw: RawSockets, inp: Inpcb, m: Mbuf, flow: Flow, name: Uint8Array): void {
  const so = inp.so as Socket;
  const { family } = raw;
  const { mbufs } = raw.inet;
  const control = family.ancillary(inp, flow);
  flow.fport = 0;
  family.nameInto(flow, name);
  if (so.rcv.appendaddr(name, m, control)) {
    sorwakeup(so);
    return;
  }
  mbufs.free(m);
  if (control !== undefined) mbufs.free(control);
}

/** The user requests of raw sockets. */
export function rawRequests(raw: RawSockets): Usrreqs {
  const { inet, family, table } = raw;
  return {
    ...prUnsupported,
    attach(so, proto, l) {
      // Whoever writes headers can say that he is somebody else.
      if (l !== undefined && !l.proc.cred.isRoot) throw ERR.EACCES;
      if (proto < 0 || proto > 255) throw ERR.EPROTONOSUPPORT;
      if (so.snd.hiwat === 0) soreserve(so, SPACE, SPACE);
      const inp = new Inpcb(table, so, family.af, family);
      raw.made(inp, proto);
      so.pcb = inp;
      table.add(inp);
    },
    detach: (so) => end(raw, so),
    abort: (so) => end(raw, so),
    bind(so, nam) {
      const inp = inpcbOf(so);
      const a = inet.parseName(inp, nam);
      if (!isAny(a) && !raw.mayBind(a)) throw ERR.EADDRNOTAVAIL;
      setLocal(inp, a.w0, a.w1, a.w2, a.w3);
    },
    connect: (so, nam) => connect(raw, so, nam),
    disconnect,
    shutdown: socantsendmore,
    sockaddr: (so) => inet.localName(inpcbOf(so)),
    peeraddr(so) {
      const inp = inpcbOf(so);
      if ((inp.flags & INP_CONNECTED) === 0) throw ERR.ENOTCONN;
      return inet.peerName(inp);
    },
    send: (so, m, nam, control) => send(raw, so, m, nam, control),
    ioctl: (so, cmd, data, l) => inet.control(family, so, cmd, data, l),
  };
}

function isAny(a: Addr): boolean {
  return (a.w0 | a.w1 | a.w2 | a.w3) === 0;
}

function connect(raw: RawSockets, so: Socket, nam: Uint8Array): void {
  if (nam[1] === AF_UNSPEC) {
    disconnect(so);
    return;
  }
  const inp = inpcbOf(so);
  const a = raw.inet.parseName(inp, nam);
  if (isAny(a)) throw ERR.EADDRNOTAVAIL;
  pcbDisconnect(inp);
  a.port = 0;
  setForeign(inp, a);
  inp.table.connect(inp);
  soisconnected(so);
}

function disconnect(so: Socket): void {
  pcbDisconnect(inpcbOf(so));
  so.state &= ~SS_ISCONNECTED;
}

function send(raw: RawSockets, so: Socket, m: Mbuf, nam: Uint8Array | undefined, control: Mbuf | undefined): void {
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

function end(raw: RawSockets, so: Socket): void {
  const inp = so.pcb as Inpcb | undefined;
  if (inp === undefined) return;
  raw.leave(inp);
  raw.table.remove(inp);
  inp.so = undefined;
  soisdisconnected(so);
  so.pcb = undefined;
  sofree(so);
}
