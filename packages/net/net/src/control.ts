/**
 * The interface ioctls (netintro(4)): what is common to all interfaces here, what is a family's own in its protocols, and the rest in drivers.
 *
 * Where NetBSD's record has the address of more data, that data follows the record in the same bytes.
 */
import { getU16le, getU32le, putU16le, putU32le, putU64le } from '@anykernel/lib-bytes';
import {
  AF_INET, AF_LINK, ERR, IFCAPREQ_LEN, IFCONF_LEN, IFDATAREQ_LEN, IFDRV_LEN, IFF_CANTCHANGE, IFNAMSIZ, IFREQ_LEN, IOCPARM_LEN, SIOCADDMULTI, SIOCDELMULTI,
  SIOCGIFCAP, SIOCGIFDATA, SIOCGIFFLAGS, SIOCGIFINDEX, SIOCGIFMETRIC, SIOCGIFMTU, SIOCIFCREATE, SIOCIFDESTROY, SIOCSIFCAP, SIOCSIFFLAGS,
  SIOCSIFMETRIC, SIOCSIFMTU, SIOCZIFDATA, _IOWR, ifreqName, parseSockaddrDl, sockaddrDl, sockaddrIn, sockaddrIn6,
} from '@anykernel/lib-sys';
import type { Lwp } from '@anykernel/rumpkern';
import { multicastAdd, multicastDel } from './ether.js';
import { emitIfData } from './ifdata.js';
import type { Ifnet } from './ifnet.js';
import type { Net } from './netstate.js';
import { bytesOf } from './nexthop.js';

/** All addresses: struct ifconf, and room for as many struct ifreq behind it. */
export const SIOCGIFCONF: number = _IOWR('i', 38, IFCONF_LEN);
/** The kinds of interfaces that can be created: struct if_clonereq (total 0, count 4), and 16 bytes for each name behind its 16 bytes. */
export const SIOCIFGCLONERS: number = _IOWR('i', 120, 16);

/** Commands that change something: the superuser's. */
const PRIVILEGED: ReadonlySet<number> = new Set([
  SIOCSIFFLAGS, SIOCSIFMETRIC, SIOCSIFMTU, SIOCSIFCAP, SIOCIFCREATE, SIOCIFDESTROY, SIOCADDMULTI, SIOCDELMULTI, SIOCZIFDATA,
]);

/**
 * One ioctl of group `i`. `family` asks the socket's protocol for what is its own.
 *
 * EFAULT: no data, or less than the command's. EPERM. ENXIO: no such interface. Then what the command, the protocol or the driver says.
 */
export function ifioctl(net: Net, cmd: number, data: Uint8Array | undefined, l: Lwp, family: (ifp: Ifnet) => number): number {
  if (data === undefined || data.length < IOCPARM_LEN(cmd)) throw ERR.EFAULT;
  if (PRIVILEGED.has(cmd) && !l.proc.cred.isRoot) throw ERR.EPERM;
  if (cmd === SIOCGIFCONF) return ifconf(net, data);
  if (cmd === SIOCIFGCLONERS) return cloners(net, data);
  const name = ifreqName(data);
  if (cmd === SIOCIFCREATE) {
    net.create(name);
    return 0;
  }
  if (cmd === SIOCIFDESTROY) {
    net.destroy(name);
    return 0;
  }
  const ifp = net.ifByName(name);
  if (ifp === undefined) throw ERR.ENXIO;
  return general(net, ifp, cmd, data) ?? driverOrFamily(ifp, cmd, data, l, family);
}

/** undefined: not a command for all interfaces. */
function general(net: Net, ifp: Ifnet, cmd: number, data: Uint8Array): number | undefined {
  switch (cmd) {
    case SIOCGIFFLAGS:
      putU16le(data, 16, ifp.flags);
      return 0;
    case SIOCSIFFLAGS:
      net.setFlags(ifp, (ifp.flags & IFF_CANTCHANGE) | (getU16le(data, 16) & ~IFF_CANTCHANGE));
      return 0;
    case SIOCGIFMETRIC:
      putU32le(data, 16, ifp.metric);
      return 0;
    case SIOCSIFMETRIC:
      ifp.metric = getU32le(data, 16);
      return 0;
    case SIOCGIFMTU:
      putU32le(data, 16, ifp.mtu);
      return 0;
    case SIOCSIFMTU:
      net.setMtu(ifp, getU32le(data, 16));
      return 0;
    case SIOCGIFINDEX:
      putU32le(data, 16, ifp.index);
      return 0;
    case SIOCGIFCAP:
    case SIOCSIFCAP:
      return capabilities(ifp, cmd, data);
    case SIOCGIFDATA:
    case SIOCZIFDATA:
      if (data.length < IFDATAREQ_LEN) throw ERR.EFAULT;
      emitIfData(ifp, data, IFNAMSIZ);
      if (cmd === SIOCZIFDATA) zeroCounters(ifp);
      return 0;
    default:
      return linkMulticast(ifp, cmd, data);
  }
}

/** Groups of the link layer; those of a family are the family's. */
function linkMulticast(ifp: Ifnet, cmd: number, data: Uint8Array): number | undefined {
  if ((cmd !== SIOCADDMULTI && cmd !== SIOCDELMULTI) || data[17] !== AF_LINK) return undefined;
  const sdl = parseSockaddrDl(data.subarray(16, 16 + data[16]));
  if (sdl === undefined || sdl.addr.length !== ifp.lladdr.length || sdl.addr.length === 0 || (sdl.addr[0] & 1) === 0) throw ERR.EINVAL;
  if (cmd === SIOCADDMULTI) multicastAdd(ifp, sdl.addr);
  else multicastDel(ifp, sdl.addr);
  return 0;
}

function capabilities(ifp: Ifnet, cmd: number, data: Uint8Array): number {
  if (data.length < IFCAPREQ_LEN) throw ERR.EFAULT;
  if (cmd === SIOCSIFCAP) {
    const wanted = getU32le(data, 24);
    if ((wanted & ~ifp.capabilities) !== 0) throw ERR.EINVAL;
    ifp.capenable = wanted;
    ifp.driver.enable?.(ifp);
    return 0;
  }
  putU64le(data, 16, ifp.capabilities);
  putU64le(data, 24, ifp.capenable);
  return 0;
}

/** Link strings are drivers'; the rest is the family's first, and the driver's when the family does not know it. */
function driverOrFamily(ifp: Ifnet, cmd: number, data: Uint8Array, l: Lwp, family: (ifp: Ifnet) => number): number {
  if (IOCPARM_LEN(cmd) === IFDRV_LEN) {
    if (ifp.driver.ioctl === undefined) throw ERR.ENOTTY;
    if (!l.proc.cred.isRoot) throw ERR.EPERM;
    return ifp.driver.ioctl(ifp, cmd, data);
  }
  try {
    return family(ifp);
  } catch (e) {
    if ((e !== ERR.ENOTTY && e !== ERR.EOPNOTSUPP) || ifp.driver.ioctl === undefined) throw e;
    return ifp.driver.ioctl(ifp, cmd, data);
  }
}

function zeroCounters(ifp: Ifnet): void {
  ifp.ipackets = ifp.ierrors = ifp.opackets = ifp.oerrors = 0;
  ifp.ibytes = ifp.obytes = ifp.imcasts = ifp.omcasts = ifp.iqdrops = ifp.noproto = 0;
}

/** Fills struct ifreq after struct ifreq, the link address of each interface first; the length says how many bytes there are. */
function ifconf(net: Net, data: Uint8Array): number {
  let at = IFCONF_LEN;
  let total = 0;
  for (const ifp of net.ifs) {
    const link = sockaddrDl(ifp.index, ifp.type, ifp.name, ifp.lladdr);
    const all = [link, ...ifp.addrs.map((ia) => (ia.family === AF_INET ? sockaddrIn(ia.addr.w0 >>> 0) : sockaddrIn6(bytesOf(ia.addr))))];
    for (const sa of all) {
      total += IFREQ_LEN;
      if (at + IFREQ_LEN > data.length) continue;
      data.fill(0, at, at + IFREQ_LEN);
      for (let i = 0; i < ifp.name.length; i++) data[at + i] = ifp.name.charCodeAt(i);
      data.set(sa, at + IFNAMSIZ);
      at += IFREQ_LEN;
    }
  }
  putU32le(data, 0, data.length > IFCONF_LEN ? at - IFCONF_LEN : total);
  return 0;
}

function cloners(net: Net, data: Uint8Array): number {
  const names = net.cloners;
  putU32le(data, 0, names.length);
  const room = Math.min(names.length, Math.floor((data.length - 16) / IFNAMSIZ));
  putU32le(data, 4, room);
  data.fill(0, 16, 16 + room * IFNAMSIZ);
  for (let n = 0; n < room; n++) for (let i = 0; i < names[n].length; i++) data[16 + n * IFNAMSIZ + i] = names[n].charCodeAt(i);
  return 0;
}
