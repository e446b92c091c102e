/** Which of our addresses a packet comes from (RFC 6724 5), and in which order destinations are tried (RFC 6724 6). */
import { AF_INET6, IFF_LOOPBACK, RTF_LOCAL } from '@anykernel/lib-sys';
import { IFA_DEPRECATED, IFA_DUPLICATED, IFA_TEMPORARY, IFA_TENTATIVE, type Ifaddr, type Ifnet, type Nexthop, type Rtentry } from '@anykernel/net';
import { SCOPE_LINK, isMulticast, scopeOf, zoneOf } from './addr.js';
import type { Ip6 } from './ip6.js';
import { Policies } from './policy.js';

/** Bits at the start that two addresses have in common. */
export function commonPrefix(a: Nexthop, b: Nexthop): number {
  const differ = [a.w0 ^ b.w0, a.w1 ^ b.w1, a.w2 ^ b.w2, a.w3 ^ b.w3];
  for (let i = 0; i < 4; i++) if (differ[i] !== 0) return 32 * i + Math.clz32(differ[i]);
  return 128;
}

/** Whether an address may be a source. */
export function usable(ia: Ifaddr): boolean {
  return ia.family === AF_INET6 && (ia.flags & (IFA_TENTATIVE | IFA_DUPLICATED)) === 0;
}

/** The source for `dst` by a route or an interface; undefined: there is none. */
export function selectSource6(ip6: Ip6, dst: Nexthop, ifp: Ifnet, rt: Rtentry | undefined, preferTemp: boolean): Ifaddr | undefined {
  const local = rt !== undefined && (rt.flags & RTF_LOCAL) !== 0;
  const zone = zoneOf(dst.w0);
  let best: Ifaddr | undefined;
  // RFC 6724 4: of the outgoing interface; of all where the destination is here, or the interface has none of that scope.
  if (!local) best = bestOf(ip6, ifp.addrs, dst, ifp, preferTemp);
  const wide = scopeOf(dst.w0, dst.w1, dst.w2, dst.w3) > SCOPE_LINK;
  const narrow = best !== undefined && scopeOf(best.addr.w0, best.addr.w1, best.addr.w2, best.addr.w3) <= SCOPE_LINK && wide && !isMulticast(dst.w0);
  if (best !== undefined && !narrow) return best;
  for (const other of ip6.inet.net.ifs) {
    if (!local && zone !== 0 && other.index !== zone) continue;
    const ia = bestOf(ip6, local ? other.addrs : other.addrs.filter((one) => zoneOf(one.addr.w0) === 0 && (other.flags & IFF_LOOPBACK) === 0), dst, ifp, preferTemp);
    if (ia !== undefined && (best === undefined || better(ip6, ia, best, dst, ifp, preferTemp))) best = ia;
  }
  return best;
}

function bestOf(ip6: Ip6, addrs: readonly Ifaddr[], dst: Nexthop, ifp: Ifnet, preferTemp: boolean): Ifaddr | undefined {
  let best: Ifaddr | undefined;
  for (const ia of addrs) if (usable(ia) && (best === undefined || better(ip6, ia, best, dst, ifp, preferTemp))) best = ia;
  return best;
}

/** Whether `a` is to be taken rather than `b`, which came first (RFC 6724 5). */
function better(ip6: Ip6, a: Ifaddr, b: Ifaddr, dst: Nexthop, ifp: Ifnet, preferTemp: boolean): boolean {
  const same = (ia: Ifaddr): boolean => ia.addr.equals(dst.w0, dst.w1, dst.w2, dst.w3);
  // Rule 1.
  if (same(a) !== same(b)) return same(a);
  // Rule 2: the smallest scope that is large enough.
  const sa = scopeOf(a.addr.w0, a.addr.w1, a.addr.w2, a.addr.w3);
  const sb = scopeOf(b.addr.w0, b.addr.w1, b.addr.w2, b.addr.w3);
  if (sa !== sb) {
    const sd = scopeOf(dst.w0, dst.w1, dst.w2, dst.w3);
    return sa < sb ? sa >= sd : sb < sd;
  }
  // Rule 3.
  const deprecated = (a.flags ^ b.flags) & IFA_DEPRECATED;
  if (deprecated !== 0) return (a.flags & IFA_DEPRECATED) === 0;
  // Rule 5.
  if ((a.ifp === ifp) !== (b.ifp === ifp)) return a.ifp === ifp;
  // Rule 6.
  const { policies } = ip6;
  const { label } = policies.of(dst);
  const la = policies.of(a.addr).label === label;
  if (la !== (policies.of(b.addr).label === label)) return la;
  // Rule 7.
  if (((a.flags ^ b.flags) & IFA_TEMPORARY) !== 0) return ((a.flags & IFA_TEMPORARY) !== 0) === preferTemp;
  // Rule 8.
  return Math.min(commonPrefix(a.addr, dst), a.prefixLen) > Math.min(commonPrefix(b.addr, dst), b.prefixLen);
}

/**
 * Destinations in the order in which they are to be tried (RFC 6724 6); `sourceOf`: the source that each would have, undefined: it cannot be reached;
 * `policies`: a kernel's table, otherwise that of the standard.
 */
export function sortDestinations(dsts: readonly Nexthop[], sourceOf: (dst: Nexthop) => Ifaddr | undefined, policies: Policies = new Policies()): Nexthop[] {
  const all = dsts.map((dst) => ({ dst, src: sourceOf(dst) }));
  return all.sort((a, b) => compare(policies, a, b)).map(({ dst }) => dst);
}

interface Candidate {
  readonly dst: Nexthop;
  readonly src: Ifaddr | undefined;
}

function compare(policies: Policies, a: Candidate, b: Candidate): number {
  if (a.src === undefined || b.src === undefined) return Number(a.src === undefined) - Number(b.src === undefined);
  const scope = (nh: Nexthop): number => scopeOf(nh.w0, nh.w1, nh.w2, nh.w3);
  const rules = [
    Number(scope(a.dst) !== scope(a.src.addr)) - Number(scope(b.dst) !== scope(b.src.addr)),
    (a.src.flags & IFA_DEPRECATED) - (b.src.flags & IFA_DEPRECATED),
    Number(policies.of(a.dst).label !== policies.of(a.src.addr).label) - Number(policies.of(b.dst).label !== policies.of(b.src.addr).label),
    policies.of(b.dst).precedence - policies.of(a.dst).precedence,
    scope(a.dst) - scope(b.dst),
    Math.min(commonPrefix(b.dst, b.src.addr), b.src.prefixLen) - Math.min(commonPrefix(a.dst, a.src.addr), a.src.prefixLen),
  ];
  return rules.find((order) => order !== 0) ?? 0;
}
