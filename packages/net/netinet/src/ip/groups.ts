/**
 * Multicast groups (RFC 1112): which sockets belong to which groups on which interfaces, and so which groups an interface listens to.
 */
import { AF_INET, ERR, IFF_MULTICAST, IP_MAX_MEMBERSHIPS } from '@anykernel/lib-sys';
import { etherMulticast, type Ifnet, multicastAdd, multicastDel, Nexthop } from '@anykernel/net';
import type { Flow } from '../flow.js';
import type { Inpcb } from '../inpcb.js';
import type { Ip } from './ip.js';
import { anySource, changeSource, hears, hearsNothing, merged, noSource, replaceSources, type SourceChange, type SourceFilter } from './srcfilter.js';

/** All hosts belong to it, and nobody reports it. */
const ALLHOSTS = 0xe000_0001 | 0;

interface Membership {
  readonly group: number;
  readonly ifp: Ifnet;
  /** The sources that the socket hears. */
  readonly filter: SourceFilter<number>;
}

/** The group options of a socket. */
export class Groups {
  /** The interface that packets for groups go by; 0: the route says. */
  ifindex = 0;
  ttl = 1;
  loop = true;
  readonly memberships: Membership[] = [];
}

/** A group of an interface: what its members want, and so what the interface listens to. */
interface Group {
  readonly members: Set<SourceFilter<number>>;
  filter: SourceFilter<number>;
}

/** What the interfaces listen to. */
export class IfGroups {
  readonly #ip: Ip;
  readonly #groups = new Map<Ifnet, Map<number, Group>>();
  /** Who reports memberships to routers (IGMP): told when an interface listens to other sources of a group than before. */
  report: ((ifp: Ifnet, group: number, before: SourceFilter<number>, after: SourceFilter<number>) => void) | undefined = undefined;

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

  /** Which sources of a group an interface listens to. */
  filterOf(ifp: Ifnet, group: number): SourceFilter<number> {
    return this.#groups.get(ifp)?.get(group)?.filter ?? noSource();
  }

  /** Somebody joins, who hears the sources of `filter`; he says by changed() when it is another. */
  join(ifp: Ifnet, group: number, filter: SourceFilter<number>): void {
    let groups = this.#groups.get(ifp);
    if (groups === undefined) this.#groups.set(ifp, (groups = new Map()));
    const known = groups.get(group);
    if (known === undefined) {
      groups.set(group, { members: new Set([filter]), filter: noSource() });
      if (ifp.lladdr.length === 6) multicastAdd(ifp, etherMulticast(new Nexthop().set(AF_INET, group, 0, 0, 0)));
    } else known.members.add(filter);
    this.changed(ifp, group);
  }

  /** A member hears other sources than before. */
  changed(ifp: Ifnet, group: number): void {
    const known = this.#groups.get(ifp)?.get(group);
    if (known === undefined) return;
    const before = known.filter;
    known.filter = merged(known.members);
    this.report?.(ifp, group, before, known.filter);
  }

  leave(ifp: Ifnet, group: number, filter: SourceFilter<number>): void {
    const groups = this.#groups.get(ifp);
    const known = groups?.get(group);
    if (groups === undefined || known === undefined || !known.members.delete(filter)) return;
    if (known.members.size > 0) {
      this.changed(ifp, group);
      return;
    }
    groups.delete(group);
    if (groups.size === 0) this.#groups.delete(ifp);
    if (this.#ip.inet.net.ifByIndex(ifp.index) !== ifp) return;
    if (ifp.lladdr.length === 6) multicastDel(ifp, etherMulticast(new Nexthop().set(AF_INET, group, 0, 0, 0)));
    this.report?.(ifp, group, known.filter, noSource());
  }

  clear(): void {
    this.#groups.clear();
  }
}

export function groupsOf(inp: Inpcb): Groups {
  return (inp.groups ??= new Groups());
}

/** RFC 4607 1: these groups are of single sources. */
export function isSourceSpecific(group: number): boolean {
  return group >>> 24 === 232;
}

function membership(inp: Inpcb, group: number, ifp: Ifnet | undefined): Membership | undefined {
  return groupsOf(inp).memberships.find((one) => one.group === group && (ifp === undefined || one.ifp === ifp));
}

/** EINVAL: not a group. EADDRNOTAVAIL: no such interface. ETOOMANYREFS. */
function newMembership(inp: Inpcb, group: number, ifp: Ifnet | undefined, filter: SourceFilter<number>): Membership {
  if ((group & 0xf000_0000) !== (0xe000_0000 | 0)) throw ERR.EINVAL;
  if (ifp === undefined || (ifp.flags & IFF_MULTICAST) === 0) throw ERR.EADDRNOTAVAIL;
  const { memberships } = groupsOf(inp);
  if (memberships.length >= IP_MAX_MEMBERSHIPS) throw ERR.ETOOMANYREFS;
  const one = { group, ifp, filter };
  memberships.push(one);
  return one;
}

/** A socket joins. EINVAL: not a group, or one of single sources (RFC 4604 2.2.1). EADDRNOTAVAIL: no such interface. EADDRINUSE: it is a member. ETOOMANYREFS. */
export function joinGroup(ip: Ip, inp: Inpcb, group: number, ifp: Ifnet | undefined): void {
  if (isSourceSpecific(group)) throw ERR.EINVAL;
  if (ifp !== undefined && membership(inp, group, ifp) !== undefined) throw ERR.EADDRINUSE;
  const one = newMembership(inp, group, ifp, anySource());
  ip.groups.join(one.ifp, group, one.filter);
}

/** A socket hears a source of a group, or no longer (RFC 3678 4.1.1). EINVAL, EADDRNOTAVAIL, ETOOMANYREFS, ENOBUFS. */
export function changeGroupSource(ip: Ip, inp: Inpcb, change: SourceChange, group: number, source: number, ifp: Ifnet | undefined): void {
  const known = membership(inp, group, ifp);
  if (known === undefined && change !== 'join') throw (group & 0xf000_0000) === (0xe000_0000 | 0) ? ERR.EADDRNOTAVAIL : ERR.EINVAL;
  const one = known ?? newMembership(inp, group, ifp, noSource());
  changeSource(one.filter, change, source);
  if (known === undefined) ip.groups.join(one.ifp, group, one.filter);
  else if (hearsNothing(one.filter)) leaveGroup(ip, inp, group, one.ifp);
  else ip.groups.changed(one.ifp, group);
}

/**
 * A socket hears these sources of a group from now on, whatever it heard before; with none of them it is no member any more (RFC 3376 2, RFC 3678 4.2.1).
 * EINVAL: not a group, or one of single sources, and all are meant. EADDRNOTAVAIL: no such interface. ETOOMANYREFS.
 */
export function setGroupSources(ip: Ip, inp: Inpcb, group: number, ifp: Ifnet | undefined, to: SourceFilter<number>): void {
  if (to.exclude && isSourceSpecific(group)) throw ERR.EINVAL;
  const known = membership(inp, group, ifp);
  if (hearsNothing(to)) {
    if ((group & 0xf000_0000) !== (0xe000_0000 | 0)) throw ERR.EINVAL;
    if (known !== undefined) leaveGroup(ip, inp, group, known.ifp);
    return;
  }
  const one = known ?? newMembership(inp, group, ifp, noSource());
  replaceSources(one.filter, to);
  if (known === undefined) ip.groups.join(one.ifp, group, one.filter);
  else ip.groups.changed(one.ifp, group);
}

/** What a socket hears of a group. EADDRNOTAVAIL: it is not a member. */
export function groupSources(inp: Inpcb, group: number, ifp: Ifnet | undefined): SourceFilter<number> {
  const one = inp.groups === undefined ? undefined : membership(inp, group, ifp);
  if (one === undefined) throw ERR.EADDRNOTAVAIL;
  return one.filter;
}

/** EADDRNOTAVAIL: it is not a member. */
export function leaveGroup(ip: Ip, inp: Inpcb, group: number, ifp: Ifnet | undefined): void {
  const one = membership(inp, group, ifp);
  if (one === undefined) throw ERR.EADDRNOTAVAIL;
  const { memberships } = groupsOf(inp);
  memberships.splice(memberships.indexOf(one), 1);
  ip.groups.leave(one.ifp, group, one.filter);
}

/** The socket is closed. */
export function leaveAll(ip: Ip, inp: Inpcb): void {
  if (inp.groups === undefined) return;
  for (const one of inp.groups.memberships.splice(0)) ip.groups.leave(one.ifp, one.group, one.filter);
}

/** Whether a socket takes a packet for many: for a group, where it belongs to it on that interface (or the packet never left the host) and hears its source. */
export function socketWants(inp: Inpcb, flow: Flow): boolean {
  if ((flow.l3 & 0xf000_0000) !== (0xe000_0000 | 0)) return true;
  const groups = inp.groups;
  if (groups === undefined) return false;
  return groups.memberships.some((one) => one.group === flow.l3 && (one.ifp.index === flow.rcvif || flow.rcvif === 1) && hears(one.filter, flow.f3));
}
