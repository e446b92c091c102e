/** Redirects (RFC 4861 8): a router says that another next hop is better, or that somebody is a neighbour. */
import { AF_INET6, RTF_DYNAMIC, RTF_GATEWAY, RTF_HOST, RTF_UP } from '@anykernel/lib-sys';
import { IP6_HDR_LEN, IP6_MIN_MTU, ND_REDIRECT, ND_REDIRECT_LEN } from '@anykernel/lib-wire';
import { type Ifnet, type Nexthop, Rtentry, nexthopOf } from '@anykernel/net';
import { Callout } from '@anykernel/rumpkern';
import type { Mbuf } from '@anykernel/rumpnet';
import { inZone, isLinkLocal, isMulticast, wireBytes } from '../addr.js';
import type { Nd, NdMessage } from './nd.js';

/** Routes that redirects have made. */
const ROUTES_MAX = 1024;

export class Redirects {
  readonly #nd: Nd;
  readonly #routes = new Map<Rtentry, Callout>();

  constructor(nd: Nd) {
    this.#nd = nd;
  }

  /** RFC 4861 8.1, 8.3. False: it is not as it must be. */
  input(msg: NdMessage): boolean {
    const { ip6 } = this.#nd;
    const { flow, ifp, options } = msg;
    const target = this.#nd.targetOf(msg);
    const dst = nexthopOf(AF_INET6, msg.b.subarray(msg.off + 24, msg.off + 40));
    dst.w0 = inZone(dst.w0, ifp.index);
    const straight = target.equals(dst.w0, dst.w1, dst.w2, dst.w3);
    if (!isLinkLocal(flow.f0) || isMulticast(dst.w0) || (!isLinkLocal(target.w0) && !straight)) return false;
    const rt = ip6.rtable.lookup(dst.w0, dst.w1, dst.w2, dst.w3);
    // Only the router that we use for it may say so.
    if (rt?.gateway === undefined || rt.ifp !== ifp || !rt.gateway.equals(flow.f0, flow.f1, flow.f2, flow.f3)) return false;
    if (!ip6.icmp.conf.rediraccept || ip6.conf.forwarding) return true;
    if (options.targetLink !== undefined) {
      const n = this.#nd.learn(ifp, target, options.targetLink);
      if (n !== undefined && !straight) n.router = true;
    }
    ip6.icmp.stats.redirects++;
    this.#route(rt, dst, straight ? undefined : target, ifp);
    return true;
  }

  #route(rt: Rtentry, dst: Nexthop, gateway: Nexthop | undefined, ifp: Ifnet): void {
    const { ip6 } = this.#nd;
    const { net } = ip6.inet;
    if (rt.prefixLen === 128) this.#drop(rt);
    if (this.#routes.size >= ROUTES_MAX || ip6.rtable.exact(dst, 128) !== undefined) return;
    const host = new Rtentry(dst, 128, gateway, ifp, rt.ifa, RTF_UP | RTF_HOST | RTF_DYNAMIC | (gateway === undefined ? 0 : RTF_GATEWAY));
    const callout = new Callout(ip6.k, () => this.#drop(host));
    host.expireAt = ip6.k.mono() + ip6.icmp.conf.redirtimeoutMs * 1e6;
    callout.scheduleAt(host.expireAt);
    this.#routes.set(host, callout);
    net.rtAdd(host);
  }

  #drop(rt: Rtentry): void {
    this.#routes.get(rt)?.stop();
    if (this.#routes.delete(rt) && this.#nd.ip6.rtable.exact(rt.dst, rt.prefixLen) === rt) this.#nd.ip6.inet.net.rtDelete(rt);
  }

  /** Tells a neighbour (RFC 4861 8.2); `m`: the packet that it sent to us, which is only looked at. */
  send(ifp: Ifnet, to: Nexthop, target: Nexthop, dst: Nexthop, m: Mbuf): void {
    const { ip6, neighbours } = this.#nd;
    const src = ip6.linkLocal(ifp);
    if (src === undefined || !ip6.icmp.mayRedirect()) return;
    const room = IP6_MIN_MTU - IP6_HDR_LEN - ND_REDIRECT_LEN - 16;
    const redirected = new Uint8Array(Math.min(m.pktlen, room) & ~7);
    ip6.mbufs.copydata(m, 0, redirected.length, redirected);
    const link = neighbours.find(ifp, target)?.lladdr;
    // RFC 4861 4.5: a neighbour is its own target.
    const options = { redirected, ...(link === undefined ? {} : { targetLink: link }) };
    this.#nd.send(ifp, ND_REDIRECT, ND_REDIRECT_LEN, src.addr, to, options, (b, off) => {
      b.set(wireBytes(target), off + 8);
      b.set(wireBytes(dst), off + 24);
    });
  }

  stop(): void {
    for (const callout of this.#routes.values()) callout.stop();
    this.#routes.clear();
  }
}
