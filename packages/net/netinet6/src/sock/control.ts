/** Addresses of interfaces by ioctl(2): those of AF_INET6 (inet6(4)). */
import { getI32be, getU32le, putU32le, putU64le } from '@anykernel/lib-bytes';
import {
  AF_INET6, ERR, IFF_UP, IN6_ALIASREQ_LEN, IN6_IFF_ANYCAST, IN6_IFF_AUTOCONF, IN6_IFF_DEPRECATED, IN6_IFF_DUPLICATED, IN6_IFF_NODAD, IN6_IFF_TEMPORARY,
  IN6_IFF_TENTATIVE, IN6_NDIREQ_LEN, ND6_IFF_ACCEPT_RTADV, ND6_IFF_AUTO_LINKLOCAL, ND6_IFF_IFDISABLED, ND6_IFF_PERFORMNUD, ND6_INFINITE_LIFETIME,
  SIOCAIFADDR_IN6, SIOCDIFADDR_IN6, SIOCGIFADDR_IN6, SIOCGIFAFLAG_IN6, SIOCGIFALIFETIME_IN6, SIOCGIFDSTADDR_IN6, SIOCGIFINFO_IN6, SIOCGIFNETMASK_IN6,
  SIOCSIFINFO_FLAGS, SIOCSIFINFO_IN6, ifreqName,
} from '@anykernel/lib-sys';
import {
  IFA_ANYCAST, IFA_AUTOCONF, IFA_DEPRECATED, IFA_DUPLICATED, IFA_TEMPORARY, IFA_TENTATIVE, Ifaddr, type Ifnet, type Nexthop, wordMask,
} from '@anykernel/net';
import { V4MAPPED } from '@anykernel/netinet';
import type { Lwp } from '@anykernel/rumpkern';
import type { Socket } from '@anykernel/rumpnet';
import { IP6_MIN_MTU } from '@anykernel/lib-wire';
import { address, hasZone, inZone, isMulticast, isUnspecified } from '../addr.js';
import type { Ip6 } from '../ip6.js';
import { REACHABLE_MAX_MS, RETRANS_MAX_MS } from '../nd/router.js';

const PRIVILEGED: ReadonlySet<number> = new Set([SIOCAIFADDR_IN6, SIOCDIFADDR_IN6, SIOCSIFINFO_FLAGS, SIOCSIFINFO_IN6]);
const SEC = 1e9;

const FLAGS: readonly (readonly [number, number])[] = [
  [IFA_ANYCAST, IN6_IFF_ANYCAST],
  [IFA_TENTATIVE, IN6_IFF_TENTATIVE],
  [IFA_DUPLICATED, IN6_IFF_DUPLICATED],
  [IFA_DEPRECATED, IN6_IFF_DEPRECATED],
  [IFA_AUTOCONF, IN6_IFF_AUTOCONF],
  [IFA_TEMPORARY, IN6_IFF_TEMPORARY],
];

/** EFAULT, ENXIO: no such interface. EPERM. EADDRNOTAVAIL: it has no such address. EINVAL. ENOTTY: not a command of addresses. */
export function in6Control(ip6: Ip6, _so: Socket, cmd: number, data: Uint8Array | undefined, l: Lwp): number {
  if (data === undefined || data.length < (cmd === SIOCAIFADDR_IN6 ? IN6_ALIASREQ_LEN : 44)) throw ERR.EFAULT;
  if (PRIVILEGED.has(cmd) && !l.proc.cred.isRoot) throw ERR.EPERM;
  const ifp = ip6.inet.net.ifByName(ifreqName(data));
  if (ifp === undefined) throw ERR.ENXIO;
  switch (cmd) {
    case SIOCAIFADDR_IN6:
      alias(ip6, ifp, data);
      return 0;
    case SIOCDIFADDR_IN6:
      ip6.inet.net.addrDel(wanted(ifp, addressAt(ifp, data, 16)));
      return 0;
    case SIOCGIFINFO_IN6:
    case SIOCSIFINFO_IN6:
    case SIOCSIFINFO_FLAGS:
      return ndInfo(ip6, ifp, cmd, data);
    default:
      return getOne(ip6, ifp, cmd, data);
  }
}

/** The address of the sockaddr_in6 at `off`, in the zone of the interface. EAFNOSUPPORT. */
function addressAt(ifp: Ifnet, data: Uint8Array, off: number): Nexthop {
  if (data[off + 1] !== AF_INET6) throw ERR.EAFNOSUPPORT;
  const w0 = getI32be(data, off + 8);
  return address(hasZone(w0) ? inZone(w0, ifp.index) : w0, getI32be(data, off + 12), getI32be(data, off + 16), getI32be(data, off + 20));
}

function wanted(ifp: Ifnet, addr: Nexthop): Ifaddr {
  const ia = ifp.addrs.find((one) => one.family === AF_INET6 && one.addr.equals(addr.w0, addr.w1, addr.w2, addr.w3));
  if (ia === undefined) throw ERR.EADDRNOTAVAIL;
  return ia;
}

/** Bits of the mask in a sockaddr_in6. EINVAL: it has holes. */
function prefixLenAt(data: Uint8Array, off: number): number {
  let len = 0;
  let ended = false;
  for (let i = 0; i < 4; i++) {
    const word = getI32be(data, off + 8 + 4 * i);
    const bits = Math.clz32(~word);
    if ((ended && word !== 0) || wordMask(bits) !== word) throw ERR.EINVAL;
    len += bits;
    ended = bits < 32;
  }
  return len;
}

/** Gives an interface an address, or changes its lifetimes: monotonic ns. EINVAL: not an address for an interface. */
export function addAddress6(
  ip6: Ip6,
  ifp: Ifnet,
  addr: Nexthop,
  prefixLen: number,
  more: { readonly flags?: number; readonly dest?: Nexthop | undefined; readonly preferredUntil?: number; readonly validUntil?: number } = {},
): Ifaddr {
  const mapped = (addr.w0 | addr.w1) === 0 && addr.w2 === V4MAPPED;
  if (isMulticast(addr.w0) || isUnspecified(addr.w0, addr.w1, addr.w2, addr.w3) || mapped || prefixLen < 0 || prefixLen > 128) throw ERR.EINVAL;
  addr.w0 = inZone(addr.w0, ifp.index);
  const ia = new Ifaddr(ifp, addr, prefixLen, more.dest);
  ia.flags = more.flags ?? 0;
  ia.preferredUntil = more.preferredUntil ?? Infinity;
  ia.validUntil = more.validUntil ?? Infinity;
  ip6.inet.net.addrAdd(ia);
  return ia;
}

/** struct in6_aliasreq. The interface comes up. */
function alias(ip6: Ip6, ifp: Ifnet, data: Uint8Array): void {
  const addr = addressAt(ifp, data, 16);
  const dest = data[44] === 0 || data[45] !== AF_INET6 ? undefined : addressAt(ifp, data, 44);
  const prefixLen = data[72] === 0 ? 64 : prefixLenAt(data, 72);
  const given = getU32le(data, 100);
  // What duplicate address detection and time decide is not the program's to say.
  if ((given & ~(IN6_IFF_ANYCAST | IN6_IFF_NODAD | IN6_IFF_DEPRECATED | IN6_IFF_TENTATIVE)) !== 0) throw ERR.EINVAL;
  const valid = getU32le(data, 120);
  const preferred = getU32le(data, 124);
  if (valid !== 0 && preferred > valid) throw ERR.EINVAL;
  const before = ifp.addrs.find((one) => one.family === AF_INET6 && one.addr.equals(addr.w0, addr.w1, addr.w2, addr.w3));
  if (before !== undefined && before.prefixLen === prefixLen && dest === undefined) {
    prolong(ip6, before, valid, preferred);
    return;
  }
  if (before !== undefined) ip6.inet.net.addrDel(before);
  addAddress6(ip6, ifp, addr, prefixLen, {
    flags: (given & IN6_IFF_ANYCAST) !== 0 ? IFA_ANYCAST : 0,
    dest,
    preferredUntil: untilOf(ip6, preferred),
    validUntil: untilOf(ip6, valid),
  });
  if ((ifp.flags & IFF_UP) === 0) ip6.inet.net.setFlags(ifp, ifp.flags | IFF_UP);
}

function prolong(ip6: Ip6, ia: Ifaddr, valid: number, preferred: number): void {
  ia.preferredUntil = untilOf(ip6, preferred);
  ia.validUntil = untilOf(ip6, valid);
  ia.flags &= ~IFA_DEPRECATED;
  ip6.inet.net.addrChanged(ia);
  ip6.nd.slaac.watch();
}

/** Zero and the largest number of seconds are without end. */
function untilOf(ip6: Ip6, seconds: number): number {
  return seconds === 0 || seconds === ND6_INFINITE_LIFETIME ? Infinity : ip6.k.mono() + seconds * SEC;
}

function getOne(ip6: Ip6, ifp: Ifnet, cmd: number, data: Uint8Array): number {
  switch (cmd) {
    case SIOCGIFADDR_IN6:
    case SIOCGIFNETMASK_IN6:
    case SIOCGIFDSTADDR_IN6:
    case SIOCGIFAFLAG_IN6:
    case SIOCGIFALIFETIME_IN6:
      break;
    default:
      throw ERR.ENOTTY;
  }
  const ia = wanted(ifp, addressAt(ifp, data, 16));
  if (cmd === SIOCGIFAFLAG_IN6) putU32le(data, 16, flagsOf(ia));
  else if (cmd === SIOCGIFALIFETIME_IN6) putLifetime(ip6, ia, data);
  else if (cmd === SIOCGIFADDR_IN6) put(ip6, ia.addr, data);
  else if (cmd === SIOCGIFNETMASK_IN6) put(ip6, maskOf6(ia.prefixLen), data);
  else if (ia.dest === undefined) throw ERR.EADDRNOTAVAIL;
  else put(ip6, ia.dest, data);
  return 0;
}

function put(ip6: Ip6, nh: Nexthop, data: Uint8Array): void {
  data.set(ip6.sockaddr(nh.w0, nh.w1, nh.w2, nh.w3, 0), 16);
}

function maskOf6(len: number): Nexthop {
  return address(wordMask(len), wordMask(len - 32), wordMask(len - 64), wordMask(len - 96));
}

function flagsOf(ia: Ifaddr): number {
  let flags = 0;
  for (const [ours, theirs] of FLAGS) if ((ia.flags & ours) !== 0) flags |= theirs;
  return flags;
}

/** struct in6_addrlifetime; zero: without end. */
function putLifetime(ip6: Ip6, ia: Ifaddr, data: Uint8Array): void {
  const now = ip6.k.mono();
  const expire = (at: number): number => (at === Infinity ? 0 : Math.floor(at / SEC));
  const left = (at: number): number => (at === Infinity ? ND6_INFINITE_LIFETIME : Math.max(0, Math.floor((at - now) / SEC)));
  putU64le(data, 16, expire(ia.validUntil));
  putU64le(data, 24, expire(ia.preferredUntil));
  putU32le(data, 32, left(ia.validUntil));
  putU32le(data, 36, left(ia.preferredUntil));
}

/** What of struct in6_ndireq is not zero holds from now on: times of neighbours, the hop limit, the MTU of the link. EINVAL. */
function setNdInfo(ip6: Ip6, ifp: Ifnet, data: Uint8Array): void {
  const one = ip6.if6(ifp);
  const [mtu, base, retrans] = [16, 24, 32].map((off) => getU32le(data, off));
  if ((mtu !== 0 && (mtu < IP6_MIN_MTU || mtu > ifp.mtu)) || base > REACHABLE_MAX_MS || retrans > RETRANS_MAX_MS) throw ERR.EINVAL;
  if (base !== 0 && base !== one.baseReachableMs) ip6.nd.setReachable(ifp, base);
  if (retrans !== 0) one.retransMs = retrans;
  if (data[44] !== 0) one.hopLimit = data[44];
  if (mtu === 0) return;
  one.linkMtu = mtu === ifp.mtu ? 0 : mtu;
  ip6.rtable.changed();
}

/** struct in6_ndireq: link MTU 16, largest MTU 20, base of the reachable time 24, that time 28, time between questions 32, flags 36, hop limit 44. */
function ndInfo(ip6: Ip6, ifp: Ifnet, cmd: number, data: Uint8Array): number {
  if (data.length < IN6_NDIREQ_LEN) throw ERR.EFAULT;
  const one = ip6.if6(ifp);
  if (cmd === SIOCSIFINFO_FLAGS) {
    const flags = getU32le(data, 36);
    one.acceptRtadv = (flags & ND6_IFF_ACCEPT_RTADV) !== 0;
    one.autoLinklocal = (flags & ND6_IFF_AUTO_LINKLOCAL) !== 0;
    one.disabled = (flags & ND6_IFF_IFDISABLED) !== 0;
    if (one.acceptRtadv) ip6.nd.routers.solicit(ifp);
    return 0;
  }
  if (cmd === SIOCSIFINFO_IN6) setNdInfo(ip6, ifp, data);
  putU32le(data, 16, one.linkMtu !== 0 ? one.linkMtu : ifp.mtu);
  putU32le(data, 20, ifp.mtuMax);
  putU32le(data, 24, one.baseReachableMs);
  putU32le(data, 28, one.reachableMs);
  putU32le(data, 32, one.retransMs);
  putU32le(data, 36, ND6_IFF_PERFORMNUD | (one.acceptRtadv ? ND6_IFF_ACCEPT_RTADV : 0) | (one.autoLinklocal ? ND6_IFF_AUTO_LINKLOCAL : 0) | (one.disabled ? ND6_IFF_IFDISABLED : 0));
  putU32le(data, 40, 0);
  data[44] = one.hopLimit !== 0 ? one.hopLimit : ip6.conf.hlim;
  return 0;
}
