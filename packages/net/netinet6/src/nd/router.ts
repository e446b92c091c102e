/**
 * Routers, as a host sees them (RFC 4861 6.3): solicitations, what advertisements say of the link, the list of default routers with their preferences
 * (RFC 4191), and prefixes that are on the link. Addresses that prefixes give are slaac.ts's.
 */
import { AF_INET6, RTF_CONNECTED, RTF_GATEWAY, RTF_UP } from '@anykernel/lib-sys';
import { IP6_MIN_MTU, ND_ROUTER_SOLICIT, ND_ROUTER_SOLICIT_LEN, type NdPrefix, type RouterAdvert, parseRouterAdvert } from '@anykernel/lib-wire';
import { type Ifnet, type Neighbour, type Nexthop, Rtentry, nexthopOf, prefixOf } from '@anykernel/net';
import { Callout } from '@anykernel/rumpkern';
import { ALL_ROUTERS, address, isLinkLocal, isMulticast, linkGroup } from '../addr.js';
import { speaksNd } from '../if6.js';
import type { Nd, NdMessage } from './nd.js';

/** RFC 4861 10. */
const SOLICIT_INTERVAL_MS = 4000;
/** RFC 7559 2: the longest time between solicitations, and by how much each is spread. */
const SOLICIT_MAX_MS = 3_600_000;
const SOLICIT_SPREAD = 0.1;
const SOLICIT_DELAY_MS = 1000;
/** The largest times of neighbours that are believed. */
export const REACHABLE_MAX_MS = 3_600_000;
export const RETRANS_MAX_MS = 60_000;
const INFINITE = 0xffff_ffff;
const MS = 1e6;
const SEC = 1e9;

/** A router that may be the default. */
interface Router {
  readonly addr: Nexthop;
  readonly ifp: Ifnet;
  until: number;
  /** RFC 4191 2.1: 1 high, 0 medium, -1 low. */
  preference: number;
  /** It did not answer when it was needed. */
  failed: boolean;
}

/** A prefix that is on a link. */
interface OnLink {
  readonly rt: Rtentry;
  until: number;
}

export class Routers {
  readonly #nd: Nd;
  readonly #list: Router[] = [];
  readonly #prefixes: OnLink[] = [];
  readonly #solicits = new Map<Ifnet, { readonly callout: Callout; intervalMs: number }>();
  readonly #sweep: Callout;
  /** The default route, if it is of this list. */
  #route: Rtentry | undefined;

  constructor(nd: Nd) {
    this.#nd = nd;
    this.#sweep = new Callout(nd.ip6.k, () => this.#expire());
  }

  /** Routers that are known, the default first. */
  get list(): readonly { readonly addr: Nexthop; readonly ifp: Ifnet; readonly until: number }[] {
    return this.#list;
  }

  // -- solicitations

  /** Whether an interface listens to routers: a host's (RFC 4862 5.5.3). */
  listens(ifp: Ifnet): boolean {
    const { ip6 } = this.#nd;
    return speaksNd(ifp) && !ip6.conf.forwarding && ip6.conf.acceptRtadv && ip6.if6(ifp).acceptRtadv;
  }

  /** Asks for routers, until one answers (RFC 4861 6.3.7, RFC 7559). */
  solicit(ifp: Ifnet): void {
    if (!this.listens(ifp) || !ifp.up) return;
    this.#solicits.get(ifp)?.callout.stop();
    const one = { callout: new Callout(this.#nd.ip6.k, () => this.#ask(ifp)), intervalMs: 0 };
    this.#solicits.set(ifp, one);
    one.callout.schedule(this.#nd.ip6.inet.rand.below(SOLICIT_DELAY_MS) * MS);
  }

  #ask(ifp: Ifnet): void {
    const one = this.#solicits.get(ifp);
    const src = this.#nd.ip6.linkLocal(ifp)?.addr;
    if (one === undefined) return;
    if (!this.listens(ifp)) {
      this.#solicits.delete(ifp);
      return;
    }
    const options = src === undefined ? {} : { sourceLink: ifp.lladdr };
    this.#nd.send(ifp, ND_ROUTER_SOLICIT, ND_ROUTER_SOLICIT_LEN, src, linkGroup(ALL_ROUTERS, ifp.index), options, () => {});
    // RFC 7559 2: RT = 2 * RTprev + RAND * RTprev, RFC 3315 14.
    const spread = (this.#nd.ip6.inet.rand.below(2001) / 1000 - 1) * SOLICIT_SPREAD;
    const before = one.intervalMs;
    one.intervalMs = before === 0 ? SOLICIT_INTERVAL_MS * (1 + spread) : before * (2 + spread);
    if (one.intervalMs > SOLICIT_MAX_MS) one.intervalMs = SOLICIT_MAX_MS * (1 + spread);
    one.callout.schedule(Math.round(one.intervalMs * MS));
  }

  // -- advertisements

  /** RFC 4861 6.1.2, 6.3.4. False: it is not as it must be. */
  advertised(msg: NdMessage): boolean {
    const { flow, ifp, options } = msg;
    const ra = parseRouterAdvert(msg.b, msg.off, msg.end);
    if (ra === undefined || !isLinkLocal(flow.f0)) return false;
    if (!this.listens(ifp)) return true;
    const from = address(flow.f0, flow.f1, flow.f2, flow.f3);
    this.#stopAsking(ifp, ra);
    if (options.sourceLink !== undefined) {
      const n = this.#nd.learn(ifp, from, options.sourceLink);
      if (n !== undefined) n.router = true;
    }
    this.#ofLink(ifp, ra, options.mtu);
    this.#router(ifp, from, ra);
    for (const prefix of options.prefixes ?? []) this.#prefix(ifp, prefix);
    this.#next();
    return true;
  }

  #stopAsking(ifp: Ifnet, ra: RouterAdvert): void {
    if (ra.lifetime === 0) return;
    this.#solicits.get(ifp)?.callout.stop();
    this.#solicits.delete(ifp);
  }

  #ofLink(ifp: Ifnet, ra: RouterAdvert, mtu: number | undefined): void {
    const { ip6 } = this.#nd;
    const one = ip6.if6(ifp);
    if (ra.hopLimit !== 0) one.hopLimit = ra.hopLimit;
    // RFC 4861 6.2.1: more than an hour is none.
    if (ra.reachableMs !== 0 && ra.reachableMs <= REACHABLE_MAX_MS) this.#nd.setReachable(ifp, ra.reachableMs);
    if (ra.retransMs !== 0 && ra.retransMs <= RETRANS_MAX_MS) one.retransMs = ra.retransMs;
    if (mtu !== undefined && mtu >= IP6_MIN_MTU && mtu <= ifp.mtu && mtu !== one.linkMtu) {
      one.linkMtu = mtu;
      ip6.rtable.changed();
    }
  }

  #router(ifp: Ifnet, addr: Nexthop, ra: RouterAdvert): void {
    const known = this.#find(ifp, addr);
    if (ra.lifetime === 0) {
      if (known !== undefined) this.#remove(known);
      return;
    }
    const until = this.#nd.ip6.k.mono() + ra.lifetime * SEC;
    const bits = (ra.flags >> 3) & 3;
    const preference = bits === 1 ? 1 : bits === 3 ? -1 : 0;
    if (known !== undefined) {
      known.until = until;
      known.preference = preference;
      known.failed = false;
    } else if (this.#list.length < this.#nd.ip6.conf.maxRouters) this.#list.push({ addr, ifp, until, preference, failed: false });
    this.#choose();
  }

  #find(ifp: Ifnet, addr: Nexthop): Router | undefined {
    return this.#list.find((one) => one.ifp === ifp && one.addr.equals(addr.w0, addr.w1, addr.w2, addr.w3));
  }

  #remove(router: Router): void {
    this.#list.splice(this.#list.indexOf(router), 1);
    this.#choose();
  }

  /** RFC 4861 6.3.6, RFC 4191 3.2: one that answers, of the highest preference; the one in use stays if it is as good. */
  #choose(): void {
    const worth = (one: Router): number => (one.failed ? -10 : 0) + one.preference;
    let best: Router | undefined;
    for (const one of this.#list) if (best === undefined || worth(one) > worth(best)) best = one;
    const now = this.#list.find((one) => this.#route !== undefined && this.#route.gateway === one.addr);
    if (now !== undefined && best !== undefined && worth(now) === worth(best)) best = now;
    if (best !== undefined && best === now) return;
    this.#withdraw();
    const { rtable, inet } = this.#nd.ip6;
    const dst = address(0, 0, 0, 0);
    // A default route set by hand is left alone, and where everything is said to be on the link no router is asked (RFC 4861 5.2).
    if (best === undefined || rtable.exact(dst, 0) !== undefined) return;
    this.#route = new Rtentry(dst, 0, best.addr, best.ifp, this.#nd.ip6.linkLocal(best.ifp), RTF_UP | RTF_GATEWAY);
    inet.net.rtAdd(this.#route);
  }

  #withdraw(): void {
    const { rtable, inet } = this.#nd.ip6;
    const rt = this.#route;
    this.#route = undefined;
    if (rt !== undefined && rtable.exact(rt.dst, 0) === rt) inet.net.rtDelete(rt);
  }

  /** A neighbour does not answer: if it is the default router, another one is tried (RFC 4861 7.3.3). */
  failed(n: Neighbour): void {
    const router = this.#find(n.ifp, n.addr);
    if (router === undefined || router.failed) return;
    router.failed = true;
    this.#choose();
  }

  /** A neighbour says that it is no router any more (RFC 4861 7.2.5). */
  noRouter(n: Neighbour): void {
    const router = this.#find(n.ifp, n.addr);
    if (router !== undefined) this.#remove(router);
  }

  // -- prefixes

  #prefix(ifp: Ifnet, info: NdPrefix): void {
    const prefix = nexthopOf(AF_INET6, info.prefix);
    if (info.len > 128 || isLinkLocal(prefix.w0) || isMulticast(prefix.w0)) return;
    if (info.onLink) this.#onLink(ifp, prefixOf(prefix, info.len), info);
    if (info.auto) this.#nd.slaac.prefix(ifp, prefixOf(prefix, info.len), info);
  }

  /** Also of no length, which RFC 4861 4.6.2 allows: then everything is on the link. */
  #onLink(ifp: Ifnet, prefix: Nexthop, info: NdPrefix): void {
    const { ip6 } = this.#nd;
    const until = info.valid === INFINITE ? Infinity : ip6.k.mono() + info.valid * SEC;
    const known = this.#prefixes.find(({ rt }) => rt.ifp === ifp && rt.prefixLen === info.len && rt.dst.equals(prefix.w0, prefix.w1, prefix.w2, prefix.w3));
    if (known !== undefined) {
      known.until = until;
      return;
    }
    if (info.valid === 0 || this.#prefixes.length >= ip6.conf.maxPrefixes) return;
    const other = ip6.rtable.exact(prefix, info.len);
    if (other !== undefined && other !== this.#route) return;
    if (other !== undefined) this.#withdraw();
    const rt = new Rtentry(prefix, info.len, undefined, ifp, undefined, RTF_UP | RTF_CONNECTED);
    this.#prefixes.push({ rt, until });
    ip6.inet.net.rtAdd(rt);
  }

  // -- time

  #expire(): void {
    const now = this.#nd.ip6.k.mono();
    for (const one of [...this.#list]) if (one.until <= now) this.#remove(one);
    for (const one of [...this.#prefixes]) if (one.until <= now) this.#dropPrefix(one);
    this.#next();
  }

  #next(): void {
    let next = Infinity;
    for (const one of this.#list) next = Math.min(next, one.until);
    for (const one of this.#prefixes) next = Math.min(next, one.until);
    if (next !== Infinity) this.#sweep.scheduleAt(next);
  }

  #dropPrefix(one: OnLink): void {
    const { rt } = one;
    const { rtable, inet } = this.#nd.ip6;
    this.#prefixes.splice(this.#prefixes.indexOf(one), 1);
    if (rtable.exact(rt.dst, rt.prefixLen) !== rt) return;
    inet.net.rtDelete(rt);
    if (rt.prefixLen === 0) this.#choose();
    // An address of the interface that lies in it keeps it on the link.
    const ia = rt.ifp.addrs.find((have) => have.family === AF_INET6 && have.prefixLen === rt.prefixLen && have.prefix.equals(rt.dst.w0, rt.dst.w1, rt.dst.w2, rt.dst.w3));
    if (ia !== undefined && ia.prefixLen < 128) inet.net.rtAdd(new Rtentry(rt.dst, rt.prefixLen, undefined, rt.ifp, ia, RTF_UP | RTF_CONNECTED));
  }

  /** The interface is down, or its routers are not believed any more. */
  down(ifp: Ifnet): void {
    this.#solicits.get(ifp)?.callout.stop();
    this.#solicits.delete(ifp);
    for (const one of [...this.#list]) if (one.ifp === ifp) this.#remove(one);
    for (const one of [...this.#prefixes]) if (one.rt.ifp === ifp) this.#dropPrefix(one);
  }

  stop(): void {
    for (const one of this.#solicits.values()) one.callout.stop();
    this.#solicits.clear();
    this.#list.length = this.#prefixes.length = 0;
    this.#route = undefined;
    this.#sweep.stop();
  }
}
