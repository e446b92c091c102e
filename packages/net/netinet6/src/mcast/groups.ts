/** Multicast groups of interfaces: who belongs to each and hears which sources, and so what an interface listens to. */
import { etherMulticast, type Ifnet, multicastAdd, multicastDel, type Nexthop } from '@anykernel/net';
import { type SourceFilter, anySource, merged, noSource } from '@anykernel/netinet';
import { ALL_NODES, ALL_ROUTERS, SCOPE_LINK } from '../addr.js';
import { hasGroups } from '../if6.js';
import type { Ip6 } from '../ip6.js';

/** Sources by sourceKey(). */
export type SourceFilter6 = SourceFilter<string>;

interface Group {
  readonly addr: Nexthop;
  readonly members: SourceFilter6[];
  filter: SourceFilter6;
}

export class IfGroups6 {
  readonly #ip6: Ip6;
  readonly #groups = new Map<Ifnet, Group[]>();
  /** Of the kernel's own memberships. */
  readonly #any: SourceFilter6 = anySource();

  constructor(ip6: Ip6) {
    this.#ip6 = ip6;
  }

  #find(ifp: Ifnet, w0: number, w1: number, w2: number, w3: number): Group | undefined {
    const groups = this.#groups.get(ifp);
    if (groups === undefined) return undefined;
    for (let i = 0; i < groups.length; i++) if (groups[i].addr.equals(w0, w1, w2, w3)) return groups[i];
    return undefined;
  }

  /** Whether packets for a group, in its zone, are taken from an interface: all nodes, all routers, or one that somebody has joined. */
  member(ifp: Ifnet, w0: number, w1: number, w2: number, w3: number): boolean {
    if (w1 === 0 && w2 === 0 && hasGroups(ifp) && ((w0 >>> 16) & 0xff) <= SCOPE_LINK) {
      if (w3 === ALL_NODES || (w3 === ALL_ROUTERS && this.#ip6.conf.forwarding)) return true;
    }
    return this.#find(ifp, w0, w1, w2, w3) !== undefined;
  }

  /** On whatever interface. */
  anyMember(w0: number, w1: number, w2: number, w3: number): boolean {
    if (w1 === 0 && w2 === 0 && w3 === ALL_NODES) return true;
    for (const ifp of this.#groups.keys()) if (this.#find(ifp, w0, w1, w2, w3) !== undefined) return true;
    return false;
  }

  /** Groups of an interface, in their zones. */
  of(ifp: Ifnet): readonly Nexthop[] {
    return (this.#groups.get(ifp) ?? []).map((group) => group.addr);
  }

  /** Which sources of a group an interface listens to. */
  filterOf(ifp: Ifnet, addr: Nexthop): SourceFilter6 {
    return this.#find(ifp, addr.w0, addr.w1, addr.w2, addr.w3)?.filter ?? noSource();
  }

  /** Somebody joins, who hears the sources of `filter`; he says by changed() when it is another. */
  join(ifp: Ifnet, addr: Nexthop, filter: SourceFilter6 = this.#any): void {
    let groups = this.#groups.get(ifp);
    if (groups === undefined) this.#groups.set(ifp, (groups = []));
    const known = this.#find(ifp, addr.w0, addr.w1, addr.w2, addr.w3);
    if (known === undefined) {
      groups.push({ addr, members: [filter], filter: noSource() });
      if (ifp.lladdr.length === 6) multicastAdd(ifp, etherMulticast(addr));
    } else known.members.push(filter);
    this.changed(ifp, addr);
  }

  /** A member hears other sources than before. */
  changed(ifp: Ifnet, addr: Nexthop): void {
    const known = this.#find(ifp, addr.w0, addr.w1, addr.w2, addr.w3);
    if (known === undefined) return;
    const before = known.filter;
    known.filter = merged(known.members);
    this.#ip6.mld.changed(ifp, known.addr, before, known.filter);
  }

  leave(ifp: Ifnet, addr: Nexthop, filter: SourceFilter6 = this.#any): void {
    const group = this.#find(ifp, addr.w0, addr.w1, addr.w2, addr.w3);
    const groups = this.#groups.get(ifp);
    const at = group === undefined ? -1 : group.members.indexOf(filter);
    if (group === undefined || groups === undefined || at < 0) return;
    group.members.splice(at, 1);
    if (group.members.length > 0) {
      this.changed(ifp, addr);
      return;
    }
    groups.splice(groups.indexOf(group), 1);
    if (groups.length === 0) this.#groups.delete(ifp);
    if (ifp.lladdr.length === 6) multicastDel(ifp, etherMulticast(addr));
    this.#ip6.mld.changed(ifp, addr, group.filter, noSource());
  }

  /** The interface is gone. */
  detach(ifp: Ifnet): void {
    this.#groups.delete(ifp);
    this.#ip6.mld.detach(ifp);
  }

  clear(): void {
    this.#groups.clear();
  }
}
