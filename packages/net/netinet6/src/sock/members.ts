/** Memberships of sockets in groups (RFC 3493 5.2). */
import { ERR, IP_MAX_MEMBERSHIPS } from '@anykernel/lib-sys';
import type { Ifnet, Nexthop } from '@anykernel/net';
import type { Flow, Inpcb } from '@anykernel/netinet';
import { inZone, isMulticast } from '../addr.js';
import { hasGroups } from '../if6.js';
import type { Ip6 } from '../ip6.js';
import { Options6, options6Of } from '../options6.js';

/** EINVAL: not a group. EADDRNOTAVAIL: no such interface, or one without groups. EADDRINUSE: it is a member. ETOOMANYREFS. */
export function joinGroup6(ip6: Ip6, inp: Inpcb, group: Nexthop, ifindex: number): void {
  if (!isMulticast(group.w0)) throw ERR.EINVAL;
  const options = options6Of(inp);
  const ifp = interfaceFor(ip6, options, group, ifindex);
  if (ifp === undefined || !hasGroups(ifp)) throw ERR.EADDRNOTAVAIL;
  group.w0 = inZone(group.w0, ifp.index);
  if (options.memberships.some((one) => one.ifp === ifp && one.group.equals(group.w0, group.w1, group.w2, group.w3))) throw ERR.EADDRINUSE;
  if (options.memberships.length >= IP_MAX_MEMBERSHIPS) throw ERR.ETOOMANYREFS;
  options.memberships.push({ group, ifp });
  ip6.groups.join(ifp, group);
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
  ip6.groups.leave(one.ifp, one.group);
}

/** The socket is closed. */
export function leaveAll6(ip6: Ip6, inp: Inpcb): void {
  if (!(inp.options6 instanceof Options6)) return;
  for (const one of inp.options6.memberships.splice(0)) ip6.groups.leave(one.ifp, one.group);
}

/** Whether a socket takes a packet for many: where it belongs to the group on that interface, or the packet never left the host. */
export function socketWants6(inp: Inpcb, flow: Flow): boolean {
  if (!isMulticast(flow.l0)) return true;
  if (!(inp.options6 instanceof Options6)) return false;
  return inp.options6.memberships.some(
    ({ ifp, group }) => (ifp.index === flow.rcvif || flow.rcvif === 1) && group.equals(flow.l0, flow.l1, flow.l2, flow.l3),
  );
}
