/**
 * Address conflicts (RFC 5227): whether an address that the interface gets is somebody else's already, and the defence of those it has.
 *
 * Probing is off by default (net.inet.ip.dad_count is 0): an address can be used at once, and is announced. With a count, the address is tentative until
 * so many probes have had no answer.
 */
import { inetText, linkText } from '@anykernel/lib-sys';
import type { ArpPacket } from '@anykernel/lib-wire';
import { IFA_DUPLICATED, IFA_TENTATIVE, type Ifaddr, type Ifnet } from '@anykernel/net';
import { Callout } from '@anykernel/rumpkern';
import type { Arp } from './arp.js';

/** RFC 5227 1.1, milliseconds. */
const PROBE_WAIT_MS = 1000;
const PROBE_MIN_MS = 1000;
const PROBE_MAX_MS = 2000;
const ANNOUNCE_WAIT_MS = 2000;
const ANNOUNCE_INTERVAL_MS = 2000;
const ANNOUNCE_NUM = 2;
const DEFEND_INTERVAL_MS = 10_000;
const MS = 1e6;

/** One address: how far it is. */
interface Claim {
  readonly callout: Callout;
  probes: number;
  announcements: number;
  /** When it was last defended, monotonic ms. */
  defendedAt: number;
}

export class Dad {
  /** Probes of a new address; 0: none. */
  count = 0;
  readonly #arp: Arp;
  readonly #claims = new Map<Ifaddr, Claim>();

  constructor(arp: Arp) {
    this.#arp = arp;
  }

  /** An address has come or gone, or its interface is up. */
  addressEvent(ia: Ifaddr, event: string): void {
    if (event === 'delete') this.#drop(ia);
    else if (event === 'add' || event === 'up') this.#begin(ia);
  }

  #begin(ia: Ifaddr): void {
    this.#drop(ia);
    if (!ia.ifp.up) return;
    const claim: Claim = { callout: new Callout(this.#arp.ip.k, () => this.#next(ia, claim)), probes: this.count, announcements: ANNOUNCE_NUM, defendedAt: -Infinity };
    this.#claims.set(ia, claim);
    ia.flags &= ~IFA_DUPLICATED;
    if (this.count === 0) {
      this.#next(ia, claim);
      return;
    }
    ia.flags |= IFA_TENTATIVE;
    this.#arp.ip.inet.net.addrChanged(ia);
    claim.callout.schedule(this.#arp.ip.inet.rand.below(PROBE_WAIT_MS) * MS);
  }

  /** The next probe or announcement. */
  #next(ia: Ifaddr, claim: Claim): void {
    if (claim.probes > 0) {
      claim.probes--;
      this.#arp.probe(ia);
      const wait = claim.probes === 0 ? ANNOUNCE_WAIT_MS : PROBE_MIN_MS + this.#arp.ip.inet.rand.below(PROBE_MAX_MS - PROBE_MIN_MS);
      claim.callout.schedule(wait * MS);
      return;
    }
    if ((ia.flags & IFA_TENTATIVE) !== 0) {
      ia.flags &= ~IFA_TENTATIVE;
      this.#arp.ip.inet.net.addrChanged(ia);
    }
    this.#arp.announce(ia);
    if (--claim.announcements > 0) claim.callout.schedule(ANNOUNCE_INTERVAL_MS * MS);
  }

  /** Looks whether a packet of somebody else's is about an address of ours. Returns whether it was, and is to be learnt nothing from. */
  heard(ifp: Ifnet, arp: ArpPacket): boolean {
    for (const ia of ifp.addrs) {
      const claim = this.#claims.get(ia);
      if (claim === undefined) continue;
      const addr = ia.addr.w0;
      const tentative = (ia.flags & IFA_TENTATIVE) !== 0;
      // RFC 5227 2.1.1: while probing, also another one's probe for the same address is a conflict.
      if ((arp.sender | 0) !== addr && !(tentative && arp.sender === 0 && (arp.target | 0) === addr)) continue;
      this.#conflict(ia, claim, arp, tentative);
      return true;
    }
    return false;
  }

  #conflict(ia: Ifaddr, claim: Claim, arp: ArpPacket, tentative: boolean): void {
    const { k } = this.#arp.ip;
    this.#arp.stats.conflicts++;
    this.#arp.log.say(() => `arp: ${inetText(ia.addr.w0 >>> 0)} on ${ia.ifp.name} is in use by ${linkText(arp.senderLink)}`);
    if (tentative) {
      claim.callout.stop();
      ia.flags = (ia.flags & ~IFA_TENTATIVE) | IFA_DUPLICATED;
      this.#arp.ip.inet.net.addrChanged(ia);
      return;
    }
    // RFC 5227 2.4 (c): it is kept, and defended, but not more often than this.
    const nowMs = k.mono() / MS;
    if ((ia.flags & IFA_DUPLICATED) !== 0 || nowMs - claim.defendedAt < DEFEND_INTERVAL_MS) return;
    claim.defendedAt = nowMs;
    this.#arp.announce(ia);
  }

  #drop(ia: Ifaddr): void {
    this.#claims.get(ia)?.callout.stop();
    this.#claims.delete(ia);
  }

  stop(): void {
    for (const claim of this.#claims.values()) claim.callout.stop();
    this.#claims.clear();
  }
}
