/** Multicast groups of interfaces: how many users each has, and so what an interface listens to. */
import { etherMulticast, type Ifnet, multicastAdd, multicastDel, type Nexthop } from '@anykernel/net';
import { ALL_NODES, ALL_ROUTERS, SCOPE_LINK } from '../addr.js';
import { hasGroups } from '../if6.js';
import type { Ip6 } from '../ip6.js';

interface Group {
  readonly addr: Nexthop;
  users: number;
}

export class IfGroups6 {
  readonly #ip6: Ip6;
  readonly #groups = new Map<Ifnet, Group[]>();

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

  join(ifp: Ifnet, addr: Nexthop): void {
    let groups = this.#groups.get(ifp);
    if (groups === undefined) this.#groups.set(ifp, (groups = []));
    const known = this.#find(ifp, addr.w0, addr.w1, addr.w2, addr.w3);
    if (known !== undefined) {
      known.users++;
      return;
    }
    groups.push({ addr, users: 1 });
    if (ifp.lladdr.length === 6) multicastAdd(ifp, etherMulticast(addr));
    this.#ip6.mld.changed(ifp, addr, true);
  }

  leave(ifp: Ifnet, addr: Nexthop): void {
    const group = this.#find(ifp, addr.w0, addr.w1, addr.w2, addr.w3);
    const groups = this.#groups.get(ifp);
    if (group === undefined || groups === undefined || --group.users > 0) return;
    groups.splice(groups.indexOf(group), 1);
    if (groups.length === 0) this.#groups.delete(ifp);
    if (ifp.lladdr.length === 6) multicastDel(ifp, etherMulticast(addr));
    this.#ip6.mld.changed(ifp, addr, false);
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
