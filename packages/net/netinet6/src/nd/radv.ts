/**
 * Router advertisements that we send (RFC 4861 6.2): on interfaces which somebody has named, with the prefixes of their addresses.
 */
import { AF_INET6 } from '@anykernel/lib-sys';
import { ND_ROUTER_ADVERT, ND_ROUTER_ADVERT_LEN, type NdPrefix, emitRouterAdvert } from '@anykernel/lib-wire';
import { IFA_AUTOCONF, type Ifaddr, type Ifnet, type Nexthop, bytesOf } from '@anykernel/net';
import { Callout } from '@anykernel/rumpkern';
import { ALL_NODES, ALL_ROUTERS, address, isLinkLocal, isUnspecified, linkGroup } from '../addr.js';
import { speaksNd } from '../if6.js';
import { usable } from '../select.js';
import type { Nd, NdMessage } from './nd.js';

/** RFC 4861 6.2.1 and 10: milliseconds, seconds. */
const INTERVAL_MIN_MS = 200_000;
const INTERVAL_MAX_MS = 600_000;
const INITIAL_INTERVAL_MS = 16_000;
const INITIAL_COUNT = 3;
const ANSWER_DELAY_MS = 500;
const BETWEEN_MS = 3000;
const MS = 1e6;

/** What an interface advertises. */
export interface RadvConf {
  /** Seconds for which this is a default router; 0: it is none. */
  lifetime: number;
  /** 0: not said. */
  hopLimit: number;
  reachableMs: number;
  retransMs: number;
  managed: boolean;
  other: boolean;
  /** RFC 4191: 1 high, 0 medium, -1 low. */
  preference: number;
  /** Of the link; 0: not said. */
  mtu: number;
  /** undefined: those of the interface's addresses. */
  prefixes: readonly NdPrefix[] | undefined;
  /** Lifetimes of the interface's prefixes, seconds. */
  valid: number;
  preferred: number;
  /** Name servers (RFC 8106). */
  dns: readonly Uint8Array[];
}

interface Advertiser {
  readonly conf: RadvConf;
  readonly callout: Callout;
  sent: number;
  /** When the last one went, monotonic ns. */
  lastAt: number;
}

export class Radv {
  readonly #nd: Nd;
  readonly #advertisers = new Map<Ifnet, Advertiser>();

  constructor(nd: Nd) {
    this.#nd = nd;
  }

  get interfaces(): readonly Ifnet[] {
    return [...this.#advertisers.keys()];
  }

  /** An interface advertises from now on; what is not said has the values of RFC 4861 6.2.1. */
  start(ifp: Ifnet, conf: Partial<RadvConf> = {}): void {
    const { ip6 } = this.#nd;
    this.stop(ifp, false);
    const whole: RadvConf = {
      lifetime: 1800, hopLimit: ip6.conf.hlim, reachableMs: 0, retransMs: 0, managed: false, other: false, preference: 0, mtu: 0, prefixes: undefined,
      valid: 2_592_000, preferred: 604_800, dns: [], ...conf,
    };
    const one: Advertiser = { conf: whole, callout: new Callout(ip6.k, () => this.#turn(ifp, one)), sent: 0, lastAt: -Infinity };
    this.#advertisers.set(ifp, one);
    ip6.groups.join(ifp, linkGroup(ALL_ROUTERS, ifp.index));
    one.callout.schedule(ip6.inet.rand.below(ANSWER_DELAY_MS) * MS);
  }

  /** It does not any more; `tell`: hosts hear of it (RFC 4861 6.2.5). */
  stop(ifp: Ifnet, tell = true): void {
    const one = this.#advertisers.get(ifp);
    if (one === undefined) return;
    one.callout.stop();
    this.#advertisers.delete(ifp);
    if (tell) this.#send(ifp, { ...one.conf, lifetime: 0 }, linkGroup(ALL_NODES, ifp.index));
    this.#nd.ip6.groups.leave(ifp, linkGroup(ALL_ROUTERS, ifp.index));
  }

  stopAll(): void {
    for (const ifp of [...this.#advertisers.keys()]) this.stop(ifp, false);
  }

  #turn(ifp: Ifnet, one: Advertiser): void {
    this.#send(ifp, one.conf, linkGroup(ALL_NODES, ifp.index));
    one.lastAt = this.#nd.ip6.k.mono();
    one.sent++;
    const wait = INTERVAL_MIN_MS + this.#nd.ip6.inet.rand.below(INTERVAL_MAX_MS - INTERVAL_MIN_MS);
    one.callout.schedule((one.sent < INITIAL_COUNT ? Math.min(wait, INITIAL_INTERVAL_MS) : wait) * MS);
  }

  /** A host asks (RFC 4861 6.1.1, 6.2.6): it is answered soon, with all that ask at the same time. False: it is not as it must be. */
  solicited(msg: NdMessage): boolean {
    const { flow, ifp, options } = msg;
    const nobody = isUnspecified(flow.f0, flow.f1, flow.f2, flow.f3);
    if (nobody && options.sourceLink !== undefined) return false;
    const one = this.#advertisers.get(ifp);
    if (one === undefined) return true;
    if (options.sourceLink !== undefined) {
      const n = this.#nd.learn(ifp, address(flow.f0, flow.f1, flow.f2, flow.f3), options.sourceLink);
      if (n !== undefined) n.router = false;
    }
    const { k, inet } = this.#nd.ip6;
    const soonest = Math.max(k.mono() + inet.rand.below(ANSWER_DELAY_MS) * MS, one.lastAt + BETWEEN_MS * MS);
    if (one.callout.at > soonest) one.callout.scheduleAt(soonest);
    return true;
  }

  #send(ifp: Ifnet, conf: RadvConf, dst: Nexthop): void {
    const src = this.#nd.ip6.linkLocal(ifp);
    if (src === undefined || !ifp.up || !speaksNd(ifp)) return;
    const flags = (conf.managed ? 0x80 : 0) | (conf.other ? 0x40 : 0) | ((conf.preference & 3) << 3);
    const options = {
      sourceLink: ifp.lladdr,
      prefixes: conf.prefixes ?? this.#prefixesOf(ifp, conf),
      ...(conf.mtu === 0 ? {} : { mtu: conf.mtu }),
      ...(conf.dns.length === 0 ? {} : { dns: { lifetime: 3 * (INTERVAL_MAX_MS / 1000), servers: conf.dns } }),
    };
    this.#nd.send(ifp, ND_ROUTER_ADVERT, ND_ROUTER_ADVERT_LEN, src.addr, dst, options, (b, off) => void emitRouterAdvert({ ...conf, flags }, b, off));
  }

  /** One for each network that an address by hand lies in. */
  #prefixesOf(ifp: Ifnet, conf: RadvConf): NdPrefix[] {
    const seen: Ifaddr[] = [];
    for (const ia of ifp.addrs) {
      if (ia.family !== AF_INET6 || !usable(ia) || isLinkLocal(ia.addr.w0) || (ia.flags & IFA_AUTOCONF) !== 0 || ia.prefixLen === 128) continue;
      const { prefix } = ia;
      if (!seen.some((one) => one.prefixLen === ia.prefixLen && one.prefix.equals(prefix.w0, prefix.w1, prefix.w2, prefix.w3))) seen.push(ia);
    }
    return seen.map((ia) => ({ prefix: bytesOf(ia.prefix), len: ia.prefixLen, onLink: true, auto: true, valid: conf.valid, preferred: conf.preferred }));
  }
}
