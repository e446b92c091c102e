/**
 * Multicast groups (RFC 1112): which sockets belong to which groups on which interfaces, and so which groups an interface listens to.
 */
import { AF_INET, ERR, IFF_MULTICAST, IP_MAX_MEMBERSHIPS } from '@anykernel/lib-sys';
import { etherMulticast, type Ifnet, multicastAdd, multicastDel, Nexthop } from '@anykernel/net';
import type { Flow } from '../flow.js';
import type { Inpcb } from '../inpcb.js';
import type { Ip } from './ip.js';

/** All hosts belong to it, and nobody reports it. */
const ALLHOSTS = 0xe000_0001 | 0;

interface Membership {
  readonly group: number;
  readonly ifp: Ifnet;
}

/** The group options of a socket. */
export class Groups {
  /** The interface that packets for groups go by; 0: the route says. */
  ifindex = 0;
  ttl = 1;
  loop = true;
  readonly memberships: Membership[] = [];
}

/** What the interfaces listen to. */
export class IfGroups {
  readonly #ip: Ip;
  /** By interface: groups, and how many sockets asked for each. */
  readonly #groups = new Map<Ifnet, Map<number, number>>();
  /** Who reports memberships to routers (IGMP): told when the first joins, and the last leaves. */
  report: ((ifp: Ifnet, group: number, joined: boolean) => void) | undefined = undefined;

  constructor(ip: Ip) {
    this.#ip = ip;
  }

  member(ifp: Ifnet, group: number): boolean {
    return group === ALLHOSTS ? (ifp.flags & IFF_MULTICAST) !== 0 : this.#groups.get(ifp)?.has(group) === true;
  }

  /** On whatever interface. */
  anyMember(group: number): boolean {
    for (const groups of this.#groups.values()) if (groups.has(group)) return true;
    return false;
  }

  /** Groups of an interface. */
  of(ifp: Ifnet): readonly number[] {
    return [...(this.#groups.get(ifp)?.keys() ?? [])];
  }

  join(ifp: Ifnet, group: number): void {
    let groups = this.#groups.get(ifp);
    if (groups === undefined) this.#groups.set(ifp, (groups = new Map()));
    const users = groups.get(group) ?? 0;
    groups.set(group, users + 1);
    if (users > 0) return;
    if (ifp.lladdr.length === 6) multicastAdd(ifp, etherMulticast(new Nexthop().set(AF_INET, group, 0, 0, 0)));
    this.report?.(ifp, group, true);
  }

  leave(ifp: Ifnet, group: number): void {
    const groups = this.#groups.get(ifp);
    const users = groups?.get(group);
    if (groups === undefined || users === undefined) return;
    if (users > 1) {
      groups.set(group, users - 1);
      return;
    }
    groups.delete(group);
    if (groups.size === 0) this.#groups.delete(ifp);
    if (this.#ip.inet.net.ifByIndex(ifp.index) !== ifp) return;
    if (ifp.lladdr.length === 6) multicastDel(ifp, etherMulticast(new Nexthop().set(AF_INET, group, 0, 0, 0)));
    this.report?.(ifp, group, false);
  }

  clear(): void {
    this.#groups.clear();
  }
}

export function groupsOf(inp: Inpcb): Groups {
  return (inp.groups ??= new Groups());
}

/** A socket joins. EINVAL: not a group. EADDRNOTAVAIL: no such interface. EADDRINUSE: it is a member. ETOOMANYREFS. */
export function joinGroup(ip: Ip, inp: Inpcb, group: number, ifp: Ifnet | undefined): void {
  if ((group & 0xf000_0000) !== (0xe000_0000 | 0)) throw ERR.EINVAL;
  if (ifp === undefined || (ifp.flags & IFF_MULTICAST) === 0) throw ERR.EADDRNOTAVAIL;
  const groups = groupsOf(inp);
  if (groups.memberships.some((one) => one.group === group && one.ifp === ifp)) throw ERR.EADDRINUSE;
  if (groups.memberships.length >= IP_MAX_MEMBERSHIPS) throw ERR.ETOOMANYREFS;
  groups.memberships.push({ group, ifp });
  ip.groups.join(ifp, group);
}

/** EADDRNOTAVAIL: it is not a member. */
export function leaveGroup(ip: Ip, inp: Inpcb, group: number, ifp: Ifnet | undefined): void {
  const groups = groupsOf(inp);
  const at = groups.memberships.findIndex((one) => one.group === group && (ifp === undefined || one.ifp === ifp));
  if (at < 0) throw ERR.EADDRNOTAVAIL;
  const [one] = groups.memberships.splice(at, 1);
  ip.groups.leave(one!.ifp, group);
}

/** The socket is closed. */
export function leaveAll(ip: Ip, inp: Inpcb): void {
  if (inp.groups === undefined) return;
  for (const one of inp.groups.memberships.splice(0)) ip.groups.leave(one.ifp, one.group);
}

/** Whether a socket takes a packet for many: for a group, where it belongs to it on that interface (or the packet never left the host). */
export function socketWants(inp: Inpcb, flow: Flow): boolean {
  if ((flow.l3 & 0xf000_0000) !== (0xe000_0000 | 0)) return true;
  const groups = inp.groups;
  if (groups === undefined) return false;
  return groups.memberships.some((one) => one.group === flow.l3 && (one.ifp.index === flow.rcvif || flow.rcvif === 1));
}
