/** Addresses of interfaces by ioctl(2) (netintro(4), inet(4)): those of AF_INET. */
import { getI32be } from '@anykernel/lib-bytes';
import {
  AF_INET,
  ERR,
  IFF_BROADCAST,
  IFF_POINTOPOINT,
  IFF_UP,
  ifreqName,
  SIOCAIFADDR,
  SIOCDIFADDR,
  SIOCGIFADDR,
  SIOCGIFALIAS,
  SIOCGIFBRDADDR,
  SIOCGIFDSTADDR,
  SIOCGIFNETMASK,
  SIOCSIFADDR,
  SIOCSIFBRDADDR,
  SIOCSIFDSTADDR,
  SIOCSIFNETMASK,
  sockaddrIn,
} from '@anykernel/lib-sys';
import { Ifaddr, type Ifnet, Nexthop, wordMask } from '@anykernel/net';
import type { Lwp } from '@anykernel/rumpkern';
import type { Socket } from '@anykernel/rumpnet';
import type { Ip } from './ip.js';

const PRIVILEGED: ReadonlySet<number> = new Set([SIOCSIFADDR, SIOCAIFADDR, SIOCDIFADDR, SIOCSIFBRDADDR, SIOCSIFDSTADDR, SIOCSIFNETMASK]);

/** EFAULT, ENXIO: no such interface. EPERM. EADDRNOTAVAIL: it has no such address. EINVAL. ENOTTY: not a command of addresses. */
export function inControl(ip: Ip, _so: Socket, cmd: number, data: Uint8Array | undefined, l: Lwp): number {
  if (data === undefined || data.length < 64) throw ERR.EFAULT;
  if (PRIVILEGED.has(cmd) && !l.proc.cred.isRoot) throw ERR.EPERM;
  const ifp = ip.inet.net.ifByName(ifreqName(data));
  if (ifp === undefined) throw ERR.ENXIO;
  switch (cmd) {
    case SIOCAIFADDR:
      alias(ip, ifp, data);
      return 0;
    case SIOCDIFADDR:
      ip.inet.net.addrDel(find(ifp, addrAt(data, 16)) ?? refuse());
      return 0;
    case SIOCSIFADDR:
      setAddress(ip, ifp, addrAt(data, 16));
      return 0;
    case SIOCSIFNETMASK:
    case SIOCSIFBRDADDR:
    case SIOCSIFDSTADDR:
      change(ip, ifp, cmd, data);
      return 0;
    case SIOCGIFALIAS:
      getAlias(ifp, data);
      return 0;
    default:
      return getOne(ifp, cmd, data);
  }
}

function refuse(): never {
  throw ERR.EADDRNOTAVAIL;
}

/** The address of the sockaddr_in at `off`. EINVAL, EAFNOSUPPORT. */
function addrAt(data: Uint8Array, off: number): number {
  if (data[off + 1] !== AF_INET) throw ERR.EAFNOSUPPORT;
  return getI32be(data, off + 4);
}

/** The same, or undefined where there is no sockaddr. */
function maybeAddrAt(data: Uint8Array, off: number): number | undefined {
  return data[off] === 0 || data[off + 1] !== AF_INET ? undefined : getI32be(data, off + 4);
}

function find(ifp: Ifnet, addr: number): Ifaddr | undefined {
  return ifp.addrs.find((ia) => ia.family === AF_INET && ia.addr.w0 === addr);
}

function first(ifp: Ifnet): Ifaddr {
  return ifp.addrs.find((ia) => ia.family === AF_INET) ?? refuse();
}

/** Bits of a mask. EINVAL: it has holes. */
function prefixLenOf(mask: number): number {
  const len = Math.clz32(~mask);
  if (wordMask(len) !== mask) throw ERR.EINVAL;
  return len;
}

/** What an address without a mask had, before there were masks. */
function classLen(addr: number): number {
  const top = addr >>> 24;
  return top < 128 ? 8 : top < 192 ? 16 : 24;
}

function nexthop(addr: number): Nexthop {
  return new Nexthop().set(AF_INET, addr, 0, 0, 0);
}

/** Whether it can be an address of somebody. */
function isAddress(addr: number): boolean {
  return addr !== 0 && addr !== -1 && (addr & 0xf000_0000) !== (0xe000_0000 | 0);
}

/** Gives an interface an address. EINVAL: a group, or everybody. */
export function addAddress(ip: Ip, ifp: Ifnet, addr: number, prefixLen: number, other: number | undefined): Ifaddr {
  if (!isAddress(addr)) throw ERR.EINVAL;
  const pointToPoint = (ifp.flags & IFF_POINTOPOINT) !== 0;
  const dest = pointToPoint && other !== undefined && other !== 0 ? nexthop(other) : undefined;
  let broadcast: Nexthop | undefined;
  if ((ifp.flags & IFF_BROADCAST) !== 0)
    broadcast = nexthop(other !== undefined && other !== 0 ? other : (addr & wordMask(prefixLen)) | ~wordMask(prefixLen));
  const ia = new Ifaddr(ifp, nexthop(addr), prefixLen, dest, broadcast);
  ip.inet.net.addrAdd(ia);
  return ia;
}

/** struct ifaliasreq: address 16, broadcast or other end 32, mask 48. The interface comes up. */
function alias(ip: Ip, ifp: Ifnet, data: Uint8Array): void {
  const addr = addrAt(data, 16);
  const other = maybeAddrAt(data, 32);
  // A mask's sockaddr may come without its family.
  const mask = data[48] === 0 ? undefined : getI32be(data, 52);
  const prefixLen = mask === undefined ? classLen(addr) : prefixLenOf(mask);
  const before = find(ifp, addr);
  if (before !== undefined) ip.inet.net.addrDel(before);
  addAddress(ip, ifp, addr, prefixLen, other);
  up(ip, ifp);
}

function up(ip: Ip, ifp: Ifnet): void {
  if ((ifp.flags & IFF_UP) === 0) ip.inet.net.setFlags(ifp, ifp.flags | IFF_UP);
}

/** The first address is replaced. */
function setAddress(ip: Ip, ifp: Ifnet, addr: number): void {
  if (!isAddress(addr)) throw ERR.EINVAL;
  const before = ifp.addrs.find((ia) => ia.family === AF_INET);
  if (find(ifp, addr) !== undefined && find(ifp, addr) !== before) throw ERR.EEXIST;
  if (before !== undefined) ip.inet.net.addrDel(before);
  addAddress(ip, ifp, addr, classLen(addr), undefined);
  up(ip, ifp);
}

/** The mask, the broadcast address, or the other end, of the first address. */
function change(ip: Ip, ifp: Ifnet, cmd: number, data: Uint8Array): void {
  const ia = first(ifp);
  const value = cmd === SIOCSIFNETMASK ? getI32be(data, 20) : addrAt(data, 16);
  if (cmd === SIOCSIFBRDADDR) {
    if ((ifp.flags & IFF_BROADCAST) === 0) throw ERR.EINVAL;
    ia.broadcast = nexthop(value);
    ip.inet.net.addrChanged(ia);
    return;
  }
  if (cmd === SIOCSIFDSTADDR && (ifp.flags & IFF_POINTOPOINT) === 0) throw ERR.EINVAL;
  const prefixLen = cmd === SIOCSIFNETMASK ? prefixLenOf(value) : ia.prefixLen;
  const other = cmd === SIOCSIFDSTADDR ? value : ia.dest?.w0;
  ip.inet.net.addrDel(ia);
  addAddress(ip, ifp, ia.addr.w0, prefixLen, other);
}

function getOne(ifp: Ifnet, cmd: number, data: Uint8Array): number {
  switch (cmd) {
    case SIOCGIFADDR:
      data.set(sockaddrIn(wanted(ifp, data).addr.w0 >>> 0), 16);
      return 0;
    case SIOCGIFNETMASK:
      data.set(sockaddrIn(wordMask(wanted(ifp, data).prefixLen) >>> 0), 16);
      return 0;
    case SIOCGIFBRDADDR: {
      const { broadcast } = wanted(ifp, data);
      if (broadcast === undefined) throw ERR.EINVAL;
      data.set(sockaddrIn(broadcast.w0 >>> 0), 16);
      return 0;
    }
    case SIOCGIFDSTADDR: {
      const { dest } = wanted(ifp, data);
      if (dest === undefined) throw ERR.EINVAL;
      data.set(sockaddrIn(dest.w0 >>> 0), 16);
      return 0;
    }
    default:
      throw ERR.ENOTTY;
  }
}

/** The address that the request names, or the first. */
function wanted(ifp: Ifnet, data: Uint8Array): Ifaddr {
  const named = maybeAddrAt(data, 16);
  return (named === undefined || named === 0 ? undefined : find(ifp, named)) ?? first(ifp);
}

function getAlias(ifp: Ifnet, data: Uint8Array): void {
  const ia = wanted(ifp, data);
  const other = ia.dest ?? ia.broadcast;
  data.set(sockaddrIn(ia.addr.w0 >>> 0), 16);
  data.fill(0, 32, 48);
  if (other !== undefined) data.set(sockaddrIn(other.w0 >>> 0), 32);
  data.set(sockaddrIn(wordMask(ia.prefixLen) >>> 0), 48);
}
