/**
 * Addresses that come by themselves (RFC 4862): of link-local scope, of prefixes that routers advertise, temporary ones beside them (RFC 8981), and the end of
 * every address's lifetimes. Interface identifiers are made of link addresses (RFC 4291, appendix A), or stable and meaningless (RFC 7217).
 */
import { AF_INET6, IFF_LOOPBACK } from '@anykernel/lib-sys';
import type { NdPrefix } from '@anykernel/lib-wire';
import { IFA_AUTOCONF, IFA_DEPRECATED, IFA_DUPLICATED, IFA_TEMPORARY, Ifaddr, type Ifnet, type Nexthop } from '@anykernel/net';
import { Callout } from '@anykernel/rumpkern';
import { address, isLinkLocal, isLoopbackAddr, zoneOf } from '../addr.js';
import { speaksNd } from '../if6.js';
import type { Nd } from './nd.js';

const INFINITE = 0xffff_ffff;
const SEC = 1e9;
/** RFC 4862 5.5.3 (e): an advertisement does not make an address's life shorter than this. */
const TWO_HOURS = 7200;
/** RFC 7217 5, IDGEN_RETRIES; RFC 8981 3.8, TEMP_IDGEN_RETRIES. */
const RETRIES = 3;
/** RFC 8981 3.8: how long before its end the next one is made. */
const REGEN_ADVANCE = 5;
/** Addresses that routers can give one interface. */
const ADDRESSES_MAX = 16;

/** What is known of an address that came by itself. */
interface Auto {
  readonly prefix: Nexthop;
  readonly info: NdPrefix;
  /** How often another identifier was tried. */
  readonly tries: number;
  /** A temporary one is preferred and valid no longer than this, whatever routers say. */
  readonly preferredMax: number;
  readonly validMax: number;
  /** A temporary one has its successor. */
  renewed: boolean;
}

export class Slaac {
  readonly #nd: Nd;
  readonly #autos = new Map<Ifaddr, Auto>();
  readonly #sweep: Callout;
  readonly #words = new Int32Array(10);

  constructor(nd: Nd) {
    this.#nd = nd;
    this.#sweep = new Callout(nd.ip6.k, () => this.#expire());
  }

  // -- identifiers

  /** The lower 64 bits of an address on an interface, by `tries`. */
  #identifier(ifp: Ifnet, prefix: Nexthop, tries: number): readonly [number, number] {
    return this.#nd.ip6.conf.useStable ? this.#stable(ifp, prefix, tries) : eui64(ifp.lladdr);
  }

  /** RFC 7217 5: a function of the prefix, the interface, the counter, and a secret of this kernel. */
  #stable(ifp: Ifnet, prefix: Nexthop, tries: number): readonly [number, number] {
    const words = this.#words.fill(0);
    words[0] = prefix.w0 & (isLinkLocal(prefix.w0) ? 0xffff_0000 : -1);
    words[1] = prefix.w1;
    words[2] = tries;
    for (let i = 0; i < 6; i++) words[3 + (i >> 2)] |= ifp.lladdr[i] << (8 * (i & 3));
    for (let i = 0; i < ifp.name.length && i < 16; i++) words[5 + (i >> 2)] |= ifp.name.charCodeAt(i) << (8 * (i & 3));
    const { secret } = this.#nd.ip6.inet;
    secret.hash(words, 9);
    return notReserved(secret.high, secret.low);
  }

  #random(): readonly [number, number] {
    const { rand } = this.#nd.ip6.inet;
    return notReserved(rand.word(), rand.word());
  }

  // -- link-local

  /** The interface is up: it has an address of link-local scope (RFC 4862 5.3). */
  linkLocal(ifp: Ifnet): void {
    const { ip6 } = this.#nd;
    const loopback = (ifp.flags & IFF_LOOPBACK) !== 0;
    if (!ip6.if6(ifp).autoLinklocal || (!loopback && !speaksNd(ifp)) || ifp.addrs.some((ia) => ia.family === AF_INET6 && isLinkLocal(ia.addr.w0))) return;
    const w0 = (0xfe80_0000 | ifp.index) | 0;
    const prefix = address(w0, 0, 0, 0);
    const [w2, w3] = loopback ? [0, 1] : this.#identifier(ifp, prefix, 0);
    const ia = new Ifaddr(ifp, address(w0, 0, w2, w3), 64);
    if (!loopback) this.#autos.set(ia, { prefix, info: ENDLESS, tries: 0, preferredMax: Infinity, validMax: Infinity, renewed: false });
    ip6.inet.net.addrAdd(ia);
    if (ifp === ip6.inet.net.lo0 && !ifp.addrs.some((one) => one.family === AF_INET6 && isLoopbackAddr(one.addr.w0, one.addr.w1, one.addr.w2, one.addr.w3))) {
      ip6.inet.net.addrAdd(new Ifaddr(ifp, address(0, 0, 0, 1), 128));
    }
  }

  // -- prefixes

  /** A prefix by which addresses are made (RFC 4862 5.5.3). */
  prefix(ifp: Ifnet, prefix: Nexthop, info: NdPrefix): void {
    if (info.preferred > info.valid || info.len !== 64) return;
    const mine = ifp.addrs.filter((ia) => ia.family === AF_INET6 && (ia.flags & IFA_AUTOCONF) !== 0 && this.#isOf(ia, prefix));
    for (const ia of mine) this.#prolong(ia, info);
    if (info.valid > 0 && this.#count(ifp) < ADDRESSES_MAX) this.#complete(ifp, prefix, info, mine);
    this.watch();
  }

  /** The addresses that an interface should have of a prefix, and of which it has `mine`. */
  #complete(ifp: Ifnet, prefix: Nexthop, info: NdPrefix, mine: readonly Ifaddr[]): void {
    const { ip6 } = this.#nd;
    if (!mine.some((ia) => (ia.flags & IFA_TEMPORARY) === 0)) this.#make(ifp, prefix, info, 0);
    if (ip6.conf.useTempaddr && info.preferred > REGEN_ADVANCE && !mine.some((ia) => (ia.flags & (IFA_TEMPORARY | IFA_DEPRECATED)) === IFA_TEMPORARY)) this.#temporary(ifp, prefix, info, 0);
  }

  #count(ifp: Ifnet): number {
    return ifp.addrs.filter((ia) => (ia.flags & IFA_AUTOCONF) !== 0).length;
  }

  #isOf(ia: Ifaddr, prefix: Nexthop): boolean {
    return ia.addr.w0 === prefix.w0 && ia.addr.w1 === prefix.w1;
  }

  /** RFC 4862 5.5.3 (e); so do temporary ones live, within their own limits (RFC 8981 3.4). */
  #prolong(ia: Ifaddr, info: NdPrefix): void {
    const now = this.#nd.ip6.k.mono();
    const auto = this.#autos.get(ia);
    const remaining = (ia.validUntil - now) / SEC;
    if (info.valid > TWO_HOURS || info.valid >= remaining) ia.validUntil = Math.min(until(now, info.valid), auto?.validMax ?? Infinity);
    else if (remaining > TWO_HOURS) ia.validUntil = now + TWO_HOURS * SEC;
    ia.preferredUntil = Math.min(until(now, info.preferred), auto?.preferredMax ?? Infinity);
    if (ia.preferredUntil > now && (ia.flags & IFA_DEPRECATED) !== 0) {
      ia.flags &= ~IFA_DEPRECATED;
      this.#nd.ip6.inet.net.addrChanged(ia);
    }
  }

  #make(ifp: Ifnet, prefix: Nexthop, info: NdPrefix, tries: number): void {
    const now = this.#nd.ip6.k.mono();
    const [w2, w3] = this.#identifier(ifp, prefix, tries);
    this.#add(ifp, w2, w3, IFA_AUTOCONF, { prefix, info, tries, preferredMax: Infinity, validMax: Infinity, renewed: false }, now);
  }

  /** RFC 8981 3.4: a random identifier, for a day or so, less a random part. */
  #temporary(ifp: Ifnet, prefix: Nexthop, info: NdPrefix, tries: number): void {
    const { ip6 } = this.#nd;
    const { conf } = ip6;
    const now = ip6.k.mono();
    const desync = ip6.inet.rand.below(Math.max(1, Math.floor(conf.tempPltime * 0.4)));
    const preferredSec = conf.tempPltime - desync;
    if (Math.min(info.preferred, preferredSec) <= REGEN_ADVANCE) return;
    const [w2, w3] = this.#random();
    const auto = { prefix, info, tries, preferredMax: now + preferredSec * SEC, validMax: now + conf.tempVltime * SEC, renewed: false };
    this.#add(ifp, w2, w3, IFA_AUTOCONF | IFA_TEMPORARY, auto, now);
  }

  #add(ifp: Ifnet, w2: number, w3: number, flags: number, auto: Auto, now: number): void {
    const { prefix, info } = auto;
    const addr = address(prefix.w0, prefix.w1, w2, w3);
    if (ifp.addrs.some((have) => have.family === AF_INET6 && have.addr.equals(addr.w0, addr.w1, addr.w2, addr.w3))) return;
    // RFC 5942 4: only a prefix that is said to be on the link is.
    const ia = new Ifaddr(ifp, addr, info.onLink ? info.len : 128);
    ia.flags = flags;
    ia.preferredUntil = Math.min(until(now, info.preferred), auto.preferredMax);
    ia.validUntil = Math.min(until(now, info.valid), auto.validMax);
    this.#autos.set(ia, auto);
    this.#nd.ip6.inet.net.addrAdd(ia);
  }

  /** Somebody has an address that came by itself: another identifier, or none (RFC 4862 5.4.5, RFC 7217 6, RFC 8981 3.4). */
  duplicated(ia: Ifaddr): void {
    const auto = this.#autos.get(ia);
    const { ip6 } = this.#nd;
    if (auto === undefined) return;
    const temporary = (ia.flags & IFA_TEMPORARY) !== 0;
    if ((!temporary && !ip6.conf.useStable) || auto.tries >= RETRIES) {
      // The link address itself is somebody else's.
      if (isLinkLocal(ia.addr.w0) && !ip6.conf.useStable) ip6.if6(ia.ifp).disabled = true;
      return;
    }
    this.#autos.delete(ia);
    ip6.inet.net.addrDel(ia);
    if (temporary) this.#temporary(ia.ifp, auto.prefix, auto.info, auto.tries + 1);
    else if (zoneOf(ia.addr.w0) === 0) this.#make(ia.ifp, auto.prefix, auto.info, auto.tries + 1);
    else {
      const [w2, w3] = this.#stable(ia.ifp, auto.prefix, auto.tries + 1);
      const next = new Ifaddr(ia.ifp, address(ia.addr.w0, 0, w2, w3), 64);
      this.#autos.set(next, { ...auto, tries: auto.tries + 1 });
      ip6.inet.net.addrAdd(next);
    }
  }

  // -- time

  /** Lifetimes have changed: the next end is looked for. */
  watch(): void {
    let next = Infinity;
    for (const ifp of this.#nd.ip6.inet.net.ifs) {
      for (const ia of ifp.addrs) {
        if (ia.family !== AF_INET6) continue;
        next = Math.min(next, ia.validUntil, (ia.flags & IFA_DEPRECATED) !== 0 ? Infinity : ia.preferredUntil, this.#renewAt(ia));
      }
    }
    if (next === Infinity) this.#sweep.stop();
    else this.#sweep.scheduleAt(next);
  }

  /** When the successor of a temporary address is made. */
  #renewAt(ia: Ifaddr): number {
    const auto = this.#autos.get(ia);
    const wanted = auto !== undefined && !auto.renewed && (ia.flags & (IFA_TEMPORARY | IFA_DEPRECATED | IFA_DUPLICATED)) === IFA_TEMPORARY;
    return wanted && this.#nd.ip6.conf.useTempaddr ? ia.preferredUntil - REGEN_ADVANCE * SEC : Infinity;
  }

  #expire(): void {
    const now = this.#nd.ip6.k.mono();
    for (const ifp of this.#nd.ip6.inet.net.ifs) for (const ia of [...ifp.addrs]) if (ia.family === AF_INET6) this.#look(ia, now);
    for (const ia of [...this.#autos.keys()]) if (!ia.ifp.addrs.includes(ia)) this.#autos.delete(ia);
    this.watch();
  }

  #look(ia: Ifaddr, now: number): void {
    const { net } = this.#nd.ip6.inet;
    if (ia.validUntil <= now) {
      this.#autos.delete(ia);
      net.addrDel(ia);
      return;
    }
    const auto = this.#autos.get(ia);
    if (auto !== undefined && this.#renewAt(ia) <= now) {
      auto.renewed = true;
      this.#temporary(ia.ifp, auto.prefix, { ...auto.info, preferred: secondsTo(this.#preferredOf(ia), now), valid: secondsTo(this.#validOf(ia), now) }, 0);
    }
    if (ia.preferredUntil > now || (ia.flags & IFA_DEPRECATED) !== 0) return;
    ia.flags |= IFA_DEPRECATED;
    net.addrChanged(ia);
  }

  /** How long the prefix of a temporary address is preferred and valid: as the address that it stands beside. */
  #preferredOf(ia: Ifaddr): number {
    return this.#beside(ia)?.preferredUntil ?? ia.preferredUntil;
  }

  #validOf(ia: Ifaddr): number {
    return this.#beside(ia)?.validUntil ?? ia.validUntil;
  }

  #beside(ia: Ifaddr): Ifaddr | undefined {
    return ia.ifp.addrs.find((one) => (one.flags & (IFA_AUTOCONF | IFA_TEMPORARY)) === IFA_AUTOCONF && this.#isOf(one, ia.addr));
  }

  stop(): void {
    this.#sweep.stop();
    this.#autos.clear();
  }
}

const ENDLESS: NdPrefix = { prefix: new Uint8Array(16), len: 64, onLink: true, auto: true, valid: INFINITE, preferred: INFINITE };

function until(now: number, seconds: number): number {
  return seconds === INFINITE ? Infinity : now + seconds * SEC;
}

function secondsTo(at: number, now: number): number {
  return at === Infinity ? INFINITE : Math.max(0, Math.floor((at - now) / SEC));
}

/** RFC 4291 appendix A, RFC 2464 4: the link address with ff:fe in the middle, and the universal bit turned round. */
export function eui64(link: Uint8Array): readonly [number, number] {
  return [((link[0] ^ 2) << 24) | (link[1] << 16) | (link[2] << 8) | 0xff, (0xfe << 24) | (link[3] << 16) | (link[4] << 8) | link[5]];
}

/** RFC 5453: identifiers that are kept for anycast, and zero, are nobody's. */
function notReserved(w2: number, w3: number): readonly [number, number] {
  const anycast = w2 === (0xfdff_ffff | 0) && (w3 & 0xffff_ff80) === (0xffff_ff80 | 0);
  return anycast || (w2 | w3) === 0 ? [w2 ^ 0x5555_5555, w3 ^ 1] : [w2, w3];
}
