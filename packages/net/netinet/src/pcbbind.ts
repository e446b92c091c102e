/**
 * Binding and connecting control blocks: who may have which local address and port (SO_REUSEADDR, SO_REUSEPORT), and the ports that the kernel chooses.
 */
import { ERR, IPPORT_RESERVED, SO_REUSEADDR, SO_REUSEPORT } from '@anykernel/lib-sys';
import type { Lwp } from '@anykernel/rumpkern';
import type { Addr } from './family.js';
import { localAny, sameLocal } from './flow.js';
import type { Inet } from './inet.js';
import { INP_BINDANY, INP_CONNECTED, INP_HIGHPORT, INP_LOWPORT, INP_SHAREPORT, type Inpcb } from './inpcb.js';
import { PORT_ALGOS } from './portalgo.js';

/**
 * bind(2): takes the address and the port of `a`; port 0: the kernel chooses one. EADDRNOTAVAIL: the address is not ours. EACCES: a reserved port, and
 * not the superuser. EADDRINUSE: somebody has it. EAGAIN: all ports are taken.
 */
export function pcbBind(inet: Inet, inp: Inpcb, a: Addr, l: Lwp): void {
  const { family } = inp;
  const any = (a.w0 | a.w1 | a.w2 | a.w3) === 0;
  const group = !any && family.isMulticast(a.w0, a.w1, a.w2, a.w3);
  if (
    !any &&
    !group &&
    (inp.flags & INP_BINDANY) === 0 &&
    !family.isOurs(a.w0, a.w1, a.w2, a.w3) &&
    !family.isBroadcast(a.w0, a.w1, a.w2, a.w3)
  ) {
    throw ERR.EADDRNOTAVAIL;
  }
  if (a.port !== 0 && a.port < IPPORT_RESERVED && !l.proc.cred.isRoot) throw ERR.EACCES;
  setLocal(inp, a.w0, a.w1, a.w2, a.w3);
  inp.scope = a.scope;
  try {
    if (a.port === 0) {
      pcbSetPort(inet, inp);
      return;
    }
    if (conflicts(inp, a.port, group)) throw ERR.EADDRINUSE;
    inp.table.bind(inp, a.port);
  } catch (e) {
    setLocal(inp, 0, 0, 0, 0);
    throw e;
  }
}

export function setLocal(inp: Inpcb, w0: number, w1: number, w2: number, w3: number): void {
  inp.l0 = w0;
  inp.l1 = w1;
  inp.l2 = w2;
  inp.l3 = w3;
}

export function setForeign(inp: Inpcb, a: Addr): void {
  inp.f0 = a.w0;
  inp.f1 = a.w1;
  inp.f2 = a.w2;
  inp.f3 = a.w3;
  inp.fport = a.port;
  inp.rt = undefined;
}

/**
 * Whether somebody stands in the way. Without an option everybody does whose address overlaps. SO_REUSEADDR passes over connections and over those of
 * the same user with another address, if one of the two is unspecified; SO_REUSEPORT, where both have it (and are of one user), over everybody.
 */
function conflicts(inp: Inpcb, number: number, group: boolean): boolean {
  const port = inp.table.ports.get(number);
  if (port === undefined) return false;
  const so = inp.so;
  const options = so === undefined ? 0 : so.options;
  const reuseAddr = (options & (SO_REUSEADDR | SO_REUSEPORT)) !== 0;
  for (let other = port.first; other !== undefined; other = other.pnext) {
    if ((other.takes & inp.takes) === 0) continue;
    const exact = sameLocal(other, inp);
    if (!exact && !localAny(other) && !localAny(inp)) continue;
    if (reuseAddr && ((other.flags & INP_CONNECTED) !== 0 || (!exact && sameUser(inp, other)))) continue;
    if (sharesPort(options, group, inp, other)) continue;
    return true;
  }
  return false;
}

function sharesPort(options: number, group: boolean, inp: Inpcb, other: Inpcb): boolean {
  const wanted = group ? SO_REUSEADDR | SO_REUSEPORT : SO_REUSEPORT;
  if (other.so === undefined || inp.so === undefined) return false;
  if ((options & wanted) === 0 || (other.so.options & wanted) === 0) return false;
  return group || sameUser(inp, other);
}

/** Nobody takes packets away from another user's socket, but the superuser. */
function sameUser(inp: Inpcb, other: Inpcb): boolean {
  if (inp.so === undefined || other.so === undefined) return false;
  return inp.so.cred.isRoot || inp.so.cred.euid === other.so.cred.euid;
}

/** Gives an unbound block a port of the kernel's choice, which nobody else has. EAGAIN: there is none. */
export function pcbSetPort(inet: Inet, inp: Inpcb): void {
  const { table } = inp;
  const port = choose(inet, inp, (number) => !table.ports.has(number));
  if (port === 0) throw ERR.EAGAIN;
  table.bind(inp, port);
}

/**
 * Gives a block that connects a port: one that nobody has, or that others have who were connected by the kernel's choice, too, to somebody else.
 * `stale`: a connection with these ends that may give way. EADDRNOTAVAIL: there is none.
 */
export function pcbSetConnectPort(inet: Inet, inp: Inpcb, stale: (other: Inpcb) => boolean): void {
  const { table } = inp;
  const { ports } = table;
  const port = choose(inet, inp, (number) => {
    const used = ports.get(number);
    if (used === undefined) return true;
    if (used.unconnected !== undefined || used.first === undefined || (used.first.flags & INP_SHAREPORT) === 0) return false;
    inp.lport = number;
    const other = table.lookup(inp);
    inp.lport = 0;
    return other === undefined || stale(other);
  });
  if (port === 0) throw ERR.EADDRNOTAVAIL;
  inp.flags |= INP_SHAREPORT;
  table.bind(inp, port);
}

function choose(inet: Inet, inp: Inpcb, free: (port: number) => boolean): number {
  const { conf } = inet;
  const low = (inp.flags & INP_LOWPORT) !== 0;
  const [a, b] = low ? [conf.lowportmin, conf.lowportmax] : [conf.anonportmin, conf.anonportmax];
  if (low && inp.so !== undefined && !inp.so.cred.isRoot) throw ERR.EACCES;
  const algo = inp.portAlgo >= 0 ? PORT_ALGOS[inp.portAlgo]! : conf.portAlgo;
  return inet.ports.choose(algo, inp, a < b ? a : b, a < b ? b : a, free);
}

/** Flags of IP_PORTRANGE. */
export const PORT_RANGE_FLAGS: number = INP_LOWPORT | INP_HIGHPORT;

/** The peer is taken away; the local address stays. */
export function pcbDisconnect(inp: Inpcb): void {
  inp.table.disconnect(inp);
  inp.f0 = inp.f1 = inp.f2 = inp.f3 = inp.fport = 0;
  inp.rt = undefined;
}
