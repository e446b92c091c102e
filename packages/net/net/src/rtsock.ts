/**
 * The routing socket, PF_ROUTE: routes are added, changed, deleted and asked for by messages, and everybody who listens hears of what changes.
 */
import {
  AF_LINK, ERR, Errno, IFAN_ARRIVAL, IFAN_DEPARTURE, PF_ROUTE, RTA_DST, RTA_GATEWAY, RTA_IFA, RTA_IFP, RTA_NETMASK, RTF_DONE, RTF_GATEWAY, RTF_HOST, RTF_LLDATA, RTF_UP,
  RTM_ADD, RTM_CHANGE, RTM_CHGADDR, RTM_DELADDR, RTM_DELETE, RTM_GET, RTM_LOCK, RTM_NEWADDR, RTM_VERSION, RTV_EXPIRE, RTV_HOPCOUNT, RTV_MTU, RTV_RTT,
  RTV_RTTVAR, RTV_SSTHRESH, SOCK_RAW, SO_USELOOPBACK, parseSockaddrDl,
} from '@anykernel/lib-sys';
import type { Lwp } from '@anykernel/rumpkern';
import { type Domain, type Mbuf, PR_ADDR, PR_ATOMIC, type Rumpnet, type Socket, prUnsupported, soisconnected, sofree, soreserve, sorwakeup } from '@anykernel/rumpnet';
import type { Ifaddr } from './ifaddr.js';
import type { Ifnet } from './ifnet.js';
import type { AddrEvent, IfEvent, Net } from './netstate.js';
import { type Nexthop, addrBits, prefixOf } from './nexthop.js';
import { Rtentry } from './rtentry.js';
import { neighbourAct } from './rtneighbour.js';
import {
  type RtMessage, addressIn, emitAddress, emitAnnounce, emitError, emitIfInfo, emitNeighbour, emitRoute, maskLength, parseRtMessage,
} from './rtmsg.js';

const SNDBUF = 8192;
const RCVBUF = 65_536;
/** Where messages come from: a sockaddr of the family, and nothing else. */
const ROUTE_ADDR = Uint8Array.of(2, PF_ROUTE);

/** The domain, and who listens. */
export class Rtsock {
  readonly domain: Domain;
  readonly #net: Net;
  readonly #rumpnet: Rumpnet;
  /** Sockets, each with the family that it wants to hear of; 0: all. */
  readonly #sockets = new Map<Socket, number>();
  readonly #detach: (() => void)[];

  constructor(net: Net, rumpnet: Rumpnet) {
    this.#net = net;
    this.#rumpnet = rumpnet;
    this.domain = {
      family: PF_ROUTE,
      name: 'route',
      protosw: [{ type: SOCK_RAW, protocol: 0, flags: PR_ATOMIC | PR_ADDR, usrreqs: this.#usrreqs() }],
    };
    rumpnet.attachDomain(this.domain);
    const onIf = (ifp: Ifnet, event: IfEvent): void => this.#ifEvent(ifp, event);
    const onAddr = (ia: Ifaddr, event: AddrEvent): void => this.#addrEvent(ia, event);
    net.onIf.push(onIf);
    net.onAddr.push(onAddr);
    this.#detach = [() => net.onIf.splice(net.onIf.indexOf(onIf), 1), () => net.onAddr.splice(net.onAddr.indexOf(onAddr), 1)];
  }

  /** EBUSY: there are sockets. */
  release(): void {
    this.#rumpnet.detachDomain(this.domain);
    for (const detach of this.#detach) detach();
  }

  #usrreqs() {
    return {
      ...prUnsupported,
      attach: (so: Socket, family: number): void => {
        soreserve(so, SNDBUF, RCVBUF);
        so.pcb = this;
        so.options |= SO_USELOOPBACK;
        this.#sockets.set(so, family);
        soisconnected(so);
      },
      detach: (so: Socket): void => this.#gone(so),
      abort: (so: Socket): void => this.#gone(so),
      sockaddr: (): Uint8Array => ROUTE_ADDR.slice(),
      peeraddr: (): Uint8Array => ROUTE_ADDR.slice(),
      send: (so: Socket, m: Mbuf, _nam: unknown, control: Mbuf | undefined, _flags: number, l: Lwp): void => this.#send(so, m, control, l),
    };
  }

  #gone(so: Socket): void {
    this.#sockets.delete(so);
    so.pcb = undefined;
    sofree(so);
  }

  /** A message of the user's: what it asks is done, and the answer told to all. What failed is thrown, too. */
  #send(so: Socket, m: Mbuf, control: Mbuf | undefined, l: Lwp): void {
    const { mbufs } = this.#rumpnet;
    const bytes = mbufs.toBytes(m);
    mbufs.free(m);
    if (control !== undefined) mbufs.free(control);
    try {
      const msg = parseRtMessage(bytes);
      if (msg === undefined) throw bytes.length > 2 && bytes[2] !== RTM_VERSION ? ERR.EPROTONOSUPPORT : ERR.EINVAL;
      if (msg.type !== RTM_GET && !l.proc.cred.isRoot) throw ERR.EACCES;
      const reply = { type: msg.type, pid: l.proc.pid, seq: msg.seq, errno: 0, flags: RTF_DONE, wanted: [...msg.addrs.keys()].reduce((bits, bit) => bits | bit, 0) };
      const dst = addressIn(msg.addrs.get(RTA_DST));
      if (dst === undefined) throw ERR.EINVAL;
      const answer = (msg.flags & RTF_LLDATA) !== 0 ? emitNeighbour(neighbourAct(this.#net, msg, dst), reply) : emitRoute(this.#act(msg, dst), reply);
      this.#tell(answer, dst.family, so);
    } catch (e) {
      if (e instanceof Errno && bytes.length > 24) this.#tell(emitError(bytes, l.proc.pid, e.errno), 0, so);
      throw e;
    }
  }

  /** EINVAL, EEXIST, ESRCH, ENETUNREACH (no interface leads to the gateway), EOPNOTSUPP. Returns the route that it was about. */
  #act(msg: RtMessage, dst: Nexthop): Rtentry {
    const table = this.#net.rtable(dst.family);
    if (msg.type === RTM_GET && !msg.addrs.has(RTA_NETMASK)) {
      const rt = table.lookup(dst.w0, dst.w1, dst.w2, dst.w3);
      if (rt === undefined) throw ERR.ESRCH;
      return rt;
    }
    const len = prefixLength(msg, dst);
    const prefix = prefixOf(dst, len);
    const have = table.exact(prefix, len);
    if (msg.type === RTM_ADD) {
      if (have !== undefined) throw ERR.EEXIST;
      const rt = this.#make(msg, prefix, len);
      setMetrics(rt, msg);
      this.#net.rtAdd(rt);
      return rt;
    }
    if (have === undefined) throw ERR.ESRCH;
    switch (msg.type) {
      case RTM_GET:
        return have;
      case RTM_DELETE:
        this.#net.rtDelete(have);
        return have;
      case RTM_CHANGE:
        this.#change(have, msg);
        return have;
      case RTM_LOCK:
        have.locks = msg.locks;
        return have;
      default:
        throw ERR.EOPNOTSUPP;
    }
  }

  #make(msg: RtMessage, prefix: Nexthop, len: number): Rtentry {
    const { ifp, ifa, gateway } = this.#way(msg, prefix.family);
    const host = len === addrBits(prefix.family) ? RTF_HOST : 0;
    const flags = (msg.flags & ~(RTF_GATEWAY | RTF_HOST | RTF_DONE)) | RTF_UP | host | (gateway === undefined ? 0 : RTF_GATEWAY);
    return new Rtentry(prefix, len, gateway, ifp, ifa, flags);
  }

  /** Where a message's gateway is: an interface, and a router on it if it is one. */
  #way(msg: RtMessage, family: number): { ifp: Ifnet; ifa: Ifaddr | undefined; gateway: Nexthop | undefined } {
    const sa = msg.addrs.get(RTA_GATEWAY);
    if (sa === undefined) throw ERR.EINVAL;
    const asked = this.#interface(msg.addrs.get(RTA_IFP));
    const source = addressIn(msg.addrs.get(RTA_IFA));
    if (sa[1] === AF_LINK) {
      const ifp = asked ?? this.#interface(sa);
      if (ifp === undefined) throw ERR.ENETUNREACH;
      return { ifp, ifa: addressOn(ifp, family, source), gateway: undefined };
    }
    const gateway = addressIn(sa);
    if (gateway === undefined || gateway.family !== family) throw ERR.EINVAL;
    // Rejecting routes may have a gateway of our own, as 127.0.0.1.
    const via = this.#net.rtable(family).lookup(gateway.w0, gateway.w1, gateway.w2, gateway.w3);
    const ifp = asked ?? via?.ifp;
    if (ifp === undefined || (via !== undefined && via.gateway !== undefined && asked === undefined)) throw ERR.ENETUNREACH;
    const own = (msg.flags & RTF_GATEWAY) === 0 && this.#net.ifs.some((x) => x.addrs.some((ia) => sameAddress(ia, gateway)));
    return own
      ? { ifp: this.#ifOf(gateway) ?? ifp, ifa: addressOn(this.#ifOf(gateway) ?? ifp, family, gateway), gateway: undefined }
      : { ifp, ifa: addressOn(ifp, family, source) ?? via?.ifa, gateway };
  }

  #ifOf(addr: Nexthop): Ifnet | undefined {
    return this.#net.ifs.find((ifp) => ifp.addrs.some((ia) => sameAddress(ia, addr)));
  }

  #interface(sa: Uint8Array | undefined): Ifnet | undefined {
    const link = sa === undefined ? undefined : parseSockaddrDl(sa);
    if (link === undefined) return undefined;
    return link.name === '' ? this.#net.ifByIndex(link.index) : this.#net.ifByName(link.name);
  }

  #change(rt: Rtentry, msg: RtMessage): void {
    if (msg.addrs.has(RTA_GATEWAY)) {
      const { ifp, ifa, gateway } = this.#way(msg, rt.dst.family);
      rt.ifp = ifp;
      rt.ifa = ifa;
      rt.gateway = gateway;
      rt.flags = gateway === undefined ? rt.flags & ~RTF_GATEWAY : rt.flags | RTF_GATEWAY;
    }
    // What a message may change of the flags is what is not the kernel's own.
    const own = RTF_UP | RTF_HOST | RTF_GATEWAY;
    rt.flags = (rt.flags & own) | (msg.flags & ~(own | RTF_DONE));
    setMetrics(rt, msg);
    this.#net.rtChanged(rt);
  }

  // -- telling

  #ifEvent(ifp: Ifnet, event: IfEvent): void {
    if (event === 'attach') this.#tell(emitAnnounce(ifp, IFAN_ARRIVAL), 0);
    else if (event === 'detach') this.#tell(emitAnnounce(ifp, IFAN_DEPARTURE), 0);
    else this.#tell(emitIfInfo(ifp), 0);
  }

  #addrEvent(ia: Ifaddr, event: AddrEvent): void {
    this.#tell(emitAddress(event === 'add' ? RTM_NEWADDR : event === 'delete' ? RTM_DELADDR : RTM_CHGADDR, ia), ia.family);
  }

  /** Gives a message to all that want to hear of `family` (0: of everybody); to `from` only if it wants its own. Who has no room does not hear. */
  #tell(bytes: Uint8Array, family: number, from?: Socket): void {
    const { mbufs } = this.#rumpnet;
    for (const [so, wants] of this.#sockets) {
      if (wants !== 0 && family !== 0 && wants !== family) continue;
      if (so === from && (so.options & SO_USELOOPBACK) === 0) continue;
      const m = mbufs.tryGet(bytes.length, 0);
      if (m === undefined) return;
      mbufs.copyback(m, 0, bytes);
      if (so.rcv.appendaddr(ROUTE_ADDR, m, undefined)) sorwakeup(so);
      else mbufs.free(m);
    }
  }
}

/** The bits of the prefix that a message is about. EINVAL: its mask has holes. */
function prefixLength(msg: RtMessage, dst: Nexthop): number {
  const mask = msg.addrs.get(RTA_NETMASK);
  if (mask === undefined || (msg.flags & RTF_HOST) !== 0) return addrBits(dst.family);
  const len = maskLength(dst.family, mask);
  if (len === undefined) throw ERR.EINVAL;
  return len;
}

function sameAddress(ia: Ifaddr, addr: Nexthop): boolean {
  return ia.family === addr.family && ia.addr.equals(addr.w0, addr.w1, addr.w2, addr.w3);
}

/** The address that is asked for, or the interface's first of the family. */
function addressOn(ifp: Ifnet, family: number, asked: Nexthop | undefined): Ifaddr | undefined {
  const all = ifp.addrs.filter((ia) => ia.family === family);
  return (asked === undefined ? undefined : all.find((ia) => sameAddress(ia, asked))) ?? all[0];
}

function setMetrics(rt: Rtentry, msg: RtMessage): void {
  if ((msg.inits & RTV_MTU) !== 0) rt.mtu = msg.mtu;
  if ((msg.inits & RTV_HOPCOUNT) !== 0) rt.hopcount = msg.hopcount;
  if ((msg.inits & RTV_SSTHRESH) !== 0) rt.ssthresh = msg.ssthresh;
  if ((msg.inits & RTV_RTT) !== 0) rt.rttUs = msg.rttUs;
  if ((msg.inits & RTV_RTTVAR) !== 0) rt.rttvarUs = msg.rttvarUs;
  if ((msg.inits & RTV_EXPIRE) !== 0) rt.expireAt = msg.expire === 0 ? Infinity : msg.expire * 1e9;
}
