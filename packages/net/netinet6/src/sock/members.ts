/** Memberships of sockets in groups (RFC 3493 5.2). */
import { ERR, IP_MAX_MEMBERSHIPS } from '@anykernel/lib-sys';
import type { Ifnet, Nexthop } from '@anykernel/net';
import { type Flow, type Inpcb, type SourceChange, anySource, changeSource, hears, hearsNothing, noSource, replaceSources } from '@anykernel/netinet';
import { bare, inZone, isMulticast, sourceKey } from '../addr.js';
import { hasGroups } from '../if6.js';
import type { Ip6 } from '../ip6.js';
import type { SourceFilter6 } from '../mcast/groups.js';
import { type Membership6, Options6, options6Of } from '../options6.js';

/** RFC 4607 1: these groups are of single sources: ff3x::/96. */
function isSourceSpecific(group: Nexthop): boolean {
  return (bare(group.w0) & 0xfff0_ffff) === (0xff30_0000 | 0) && group.w1 === 0 && group.w2 === 0;
}

function membership(options: Options6, ifp: Ifnet | undefined, group: Nexthop): Membership6 | undefined {
  return options.memberships.find(
    (one) => (ifp === undefined || one.ifp === ifp) && one.group.equals(inZone(group.w0, one.ifp.index), group.w1, group.w2, group.w3),
  );
}

/** The interface's index is in `group` afterwards. EINVAL: not a group. EADDRNOTAVAIL: no such interface, or one without groups. ETOOMANYREFS. */
function newMembership(ip6: Ip6, options: Options6, group: Nexthop, ifindex: number, filter: SourceFilter6): Membership6 {
  const ifp = interfaceFor(ip6, options, group, ifindex);
  if (ifp === undefined || !hasGroups(ifp)) throw ERR.EADDRNOTAVAIL;
  if (options.memberships.length >= IP_MAX_MEMBERSHIPS) throw ERR.ETOOMANYREFS;
  group.w0 = inZone(group.w0, ifp.index);
  const one = { group, ifp, filter };
  options.memberships.push(one);
  return one;
}

/** EINVAL: not a group, or one of single sources (RFC 4604 2.2.1). EADDRNOTAVAIL: no such interface, or one without groups. EADDRINUSE: it is a member. ETOOMANYREFS. */
export function joinGroup6(ip6: Ip6, inp: Inpcb, group: Nexthop, ifindex: number): void {
  if (!isMulticast(group.w0) || isSourceSpecific(group)) throw ERR.EINVAL;
  const options = options6Of(inp);
  const ifp = interfaceFor(ip6, options, group, ifindex);
  if (ifp !== undefined && membership(options, ifp, group) !== undefined) throw ERR.EADDRINUSE;
  const one = newMembership(ip6, options, group, ifindex, anySource());
  ip6.groups.join(one.ifp, one.group, one.filter);
}

/** A socket hears a source of a group, or no longer (RFC 3678 5.1). EINVAL, EADDRNOTAVAIL, ETOOMANYREFS, ENOBUFS. */
export function changeGroupSource6(ip6: Ip6, inp: Inpcb, change: SourceChange, group: Nexthop, source: Nexthop, ifindex: number): void {
  if (!isMulticast(group.w0)) throw ERR.EINVAL;
  const options = options6Of(inp);
  const ifp = ifindex === 0 ? undefined : interfaceFor(ip6, options, group, ifindex);
  const known = membership(options, ifp, group);
  if (known === undefined && change !== 'join') throw ERR.EADDRNOTAVAIL;
  const one = known ?? newMembership(ip6, options, group, ifindex, noSource());
  changeSource(one.filter, change, sourceKey(source.w0, source.w1, source.w2, source.w3));
  if (known === undefined) ip6.groups.join(one.ifp, one.group, one.filter);
  else if (hearsNothing(one.filter)) leaveGroup6(ip6, inp, group, one.ifp.index);
  else ip6.groups.changed(one.ifp, one.group);
}

/**
 * A socket hears these sources of a group from now on, whatever it heard before; with none of them it is no member any more (RFC 3810 2, RFC 3678 5.2.1).
 * EINVAL: not a group, or one of single sources, and all are meant. EADDRNOTAVAIL: no such interface. ETOOMANYREFS.
 */
export function setGroupSources6(ip6: Ip6, inp: Inpcb, group: Nexthop, ifindex: number, to: SourceFilter6): void {
  if (!isMulticast(group.w0) || (to.exclude && isSourceSpecific(group))) throw ERR.EINVAL;
  const options = options6Of(inp);
  const ifp = interfaceFor(ip6, options, group, ifindex);
  if (ifp === undefined) throw ERR.EADDRNOTAVAIL;
  const known = membership(options, ifp, group);
  if (hearsNothing(to)) {
    if (known !== undefined) leaveGroup6(ip6, inp, group, ifp.index);
    return;
  }
  const one = known ?? newMembership(ip6, options, group, ifp.index, noSource());
  replaceSources(one.filter, to);
  if (known === undefined) ip6.groups.join(one.ifp, one.group, one.filter);
  else ip6.groups.changed(one.ifp, one.group);
}

/** What a socket hears of a group. EADDRNOTAVAIL: it is not a member. */
export function groupSources6(ip6: Ip6, inp: Inpcb, group: Nexthop, ifindex: number): SourceFilter6 {
  const options = options6Of(inp);
  const one = membership(options, ifindex === 0 ? undefined : ip6.inet.net.ifByIndex(ifindex), group);
  if (one === undefined || (ifindex !== 0 && one.ifp.index !== ifindex)) throw ERR.EADDRNOTAVAIL;
  return one.filter;
}

function interfaceFor(ip6: Ip6, options: Options6, group: Nexthop, ifindex: number): Ifnet | undefined {
  return ifindex !== 0 ? ip6.inet.net.ifByIndex(ifindex) : ip6.multicastIf(group.w0, options, 0);
}

/** EADDRNOTAVAIL: it is not a member. */
export function leaveGroup6(ip6: Ip6, inp: Inpcb, group: Nexthop, ifindex: number): void {
  const { memberships } = options6Of(inp);
  const at = memberships.findIndex(
    ({ ifp, group: have }) => (ifindex === 0 || ifp.index === ifindex) && have.equals(inZone(group.w0, ifp.index), group.w1, group.w2, group.w3),
  );
  if (at < 0) throw ERR.EADDRNOTAVAIL;
  const [one] = memberships.splice(at, 1);
  ip6.groups.leave(one.ifp, one.group, one.filter);
}

/** The socket is closed. */
export function leaveAll6(ip6: Ip6, inp: Inpcb): void {
  if (!(inp.options6 instanceof Options6)) return;
  for (const one of inp.options6.memberships.splice(0)) ip6.groups.leave(one.ifp, one.group, one.filter);
}

/** Whether a socket takes a packet for many: where it belongs to the group on that interface, or the packet never left the host, and hears its source. */
export function socketWants6(inp: Inpcb, flow: Flow): boolean {
  if (!isMulticast(flow.l0)) return true;
  if (!(inp.options6 instanceof Options6)) return false;
  return inp.options6.memberships.some(
    ({ ifp, group, filter }) =>
      (ifp.index === flow.rcvif || flow.rcvif === 1) &&
      group.equals(flow.l0, flow.l1, flow.l2, flow.l3) &&
      (filter.sources.size === 0 ? filter.exclude : hears(filter, sourceKey(flow.f0, flow.f1, flow.f2, flow.f3))),
  );
}
