/**
 * Duplicate address detection (RFC 4862 5.4): an address is tentative until so many solicitations have had no answer. Solicitations have a nonce, so that one
 * that a link sends back is not taken for a stranger's (RFC 7527). Also the groups that an address belongs to (RFC 4291 2.7.1).
 */
import { RTF_HOST, RTF_LOCAL, RTF_UP } from '@anykernel/lib-sys';
import type { NdOptions } from '@anykernel/lib-wire';
import { IFA_ANYCAST, IFA_DUPLICATED, IFA_TENTATIVE, type Ifaddr, type Ifnet, type Nexthop, Rtentry } from '@anykernel/net';
import { Callout } from '@anykernel/rumpkern';
import { isLinkLocal, solicitedNode } from '../addr.js';
import { hasGroups, speaksNd } from '../if6.js';
import type { Nd } from './nd.js';

/** RFC 4861 10, MAX_RTR_SOLICITATION_DELAY, and the time between solicitations: milliseconds. */
const DELAY_MS = 1000;
const NONCE_LEN = 6;
const MS = 1e6;

/** One address that is looked at. */
interface Claim {
  readonly callout: Callout;
  left: number;
  readonly nonce: Uint8Array;
}

export class Dad {
  readonly #nd: Nd;
  readonly #claims = new Map<Ifaddr, Claim>();
  /** Addresses whose group has been joined. */
  readonly #joined = new Set<Ifaddr>();

  constructor(nd: Nd) {
    this.#nd = nd;
  }

  /** An address has come or gone, or its interface is up. */
  addressEvent(ia: Ifaddr, event: 'add' | 'delete' | 'up'): void {
    this.#drop(ia);
    if (event === 'delete') this.#leave(ia);
    else this.#begin(ia);
  }

  #begin(ia: Ifaddr): void {
    const { ip6 } = this.#nd;
    const { ifp } = ia;
    if (hasGroups(ifp) && !this.#joined.has(ia)) {
      this.#joined.add(ia);
      ip6.groups.join(ifp, solicitedNode(ia.addr, ifp.index));
    }
    const count = ip6.conf.dadCount;
    if (!speaksNd(ifp) || count === 0 || (ia.flags & IFA_ANYCAST) !== 0) return;
    if ((ia.flags & IFA_DUPLICATED) !== 0) this.#localRoute(ia, true);
    ia.flags = (ia.flags & ~IFA_DUPLICATED) | IFA_TENTATIVE;
    ip6.inet.net.addrChanged(ia);
    if (!ifp.up) return;
    const claim: Claim = { callout: new Callout(ip6.k, () => this.#next(ia, claim)), left: count, nonce: ip6.inet.rand.bytes(NONCE_LEN) };
    this.#claims.set(ia, claim);
    claim.callout.schedule(ip6.inet.rand.below(DELAY_MS) * MS);
  }

  /** The next solicitation, or the end of it. */
  #next(ia: Ifaddr, claim: Claim): void {
    const nd = this.#nd;
    if (claim.left > 0) {
      claim.left--;
      nd.sendSolicit(ia.ifp, ia.addr, undefined, solicitedNode(ia.addr, ia.ifp.index), { nonce: claim.nonce });
      claim.callout.schedule(nd.ip6.if6(ia.ifp).retransMs * MS);
      return;
    }
    this.#claims.delete(ia);
    ia.flags &= ~IFA_TENTATIVE;
    nd.ip6.inet.net.addrChanged(ia);
    if (!isLinkLocal(ia.addr.w0)) return;
    nd.ip6.mld.ready(ia.ifp);
    nd.routers.solicit(ia.ifp);
  }

  /** A solicitation: whether it is about an address that is tentative, and so is not answered. */
  heard(ifp: Ifnet, target: Nexthop, nobody: boolean, options: NdOptions): boolean {
    const ia = this.#find(ifp, target);
    if (ia === undefined) return false;
    const claim = this.#claims.get(ia);
    const { nonce } = options;
    const own = claim !== undefined && nonce !== undefined && nonce.length === claim.nonce.length && nonce.every((byte, i) => byte === claim.nonce[i]);
    // RFC 4862 5.4.3: from an address it is resolution, which is left unanswered; from nobody it is somebody who wants the same.
    if (nobody && !own) this.#conflict(ia, undefined);
    return true;
  }

  /** An advertisement: whether it is about an address of ours (RFC 4862 5.4.4). */
  claimed(ifp: Ifnet, target: Nexthop, link: Uint8Array | undefined): boolean {
    const ia = this.#find(ifp, target);
    if (ia !== undefined) {
      this.#conflict(ia, link);
      return true;
    }
    const ours = this.#nd.ip6.ours.find(target.w0, target.w1, target.w2, target.w3);
    if (ours === undefined || ours.ifp !== ifp) return false;
    this.#nd.ip6.icmp.stats.dadConflicts++;
    this.#nd.log.say(() => `nd: ${this.#nd.text(target)} on ${ifp.name} is in use by ${this.#nd.linkName(link)}`);
    return true;
  }

  /** The tentative address of an interface. */
  #find(ifp: Ifnet, target: Nexthop): Ifaddr | undefined {
    for (const ia of this.#claims.keys()) if (ia.ifp === ifp && ia.addr.equals(target.w0, target.w1, target.w2, target.w3)) return ia;
    return undefined;
  }

  #conflict(ia: Ifaddr, link: Uint8Array | undefined): void {
    const nd = this.#nd;
    nd.ip6.icmp.stats.dadConflicts++;
    nd.log.say(() => `nd: ${nd.text(ia.addr)} on ${ia.ifp.name} is in use by ${nd.linkName(link)}: it is not used`);
    this.#drop(ia);
    ia.flags = (ia.flags & ~IFA_TENTATIVE) | IFA_DUPLICATED;
    this.#localRoute(ia, false);
    nd.ip6.inet.net.addrChanged(ia);
    nd.slaac.duplicated(ia);
  }

  /** What is somebody else's address is reached on the link, not here. */
  #localRoute(ia: Ifaddr, here: boolean): void {
    const { net } = this.#nd.ip6.inet;
    const rt = this.#nd.ip6.rtable.exact(ia.addr, 128);
    if (!here && rt !== undefined && rt.ifa === ia) net.rtDelete(rt);
    if (here && rt === undefined) net.rtAdd(new Rtentry(ia.addr, 128, undefined, net.lo0, ia, RTF_UP | RTF_HOST | RTF_LOCAL));
  }

  #drop(ia: Ifaddr): void {
    this.#claims.get(ia)?.callout.stop();
    this.#claims.delete(ia);
  }

  #leave(ia: Ifaddr): void {
    if (this.#joined.delete(ia)) this.#nd.ip6.groups.leave(ia.ifp, solicitedNode(ia.addr, ia.ifp.index));
  }

  down(ifp: Ifnet): void {
    for (const ia of [...this.#claims.keys()]) if (ia.ifp === ifp) this.#drop(ia);
  }

  stop(): void {
    for (const claim of this.#claims.values()) claim.callout.stop();
    this.#claims.clear();
    this.#joined.clear();
  }
}
