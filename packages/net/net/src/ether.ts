/**
 * Ethernet: frames round the packets of the network layers (IEEE 802.3 with Ethernet II types).
 *
 * A frame: destination 0[6], source 6[6], type 12 (big-endian); then the payload.
 */
import { getU16be, putU16be } from '@anykernel/lib-bytes';
import { ETHERTYPE_IP, ETHERTYPE_IPV6, ETHER_ADDR_LEN, ETHER_HDR_LEN, etherIsBroadcast } from '@anykernel/lib-wire';
import {
  AF_INET, AF_INET6, ERR, IFCAP_CSUM_TCPv4_Tx, IFCAP_CSUM_TCPv6_Tx, IFCAP_TSOv4, IFCAP_TSOv6, IFF_BROADCAST, IFF_MULTICAST, IFF_PROMISC, IFF_SIMPLEX,
  IFT_ETHER, linkText,
} from '@anykernel/lib-sys';
import type { Kernel } from '@anykernel/rumpkern';
import { CSUM_PARTIAL, GSO_NONE, GSO_TCPV4, M_BCAST, M_MCAST, type Mbuf } from '@anykernel/rumpnet';
import { type IfDriver, Ifnet } from './ifnet.js';
import type { Net } from './netstate.js';
import type { Nexthop } from './nexthop.js';
import { completeChecksum, segment } from './offload.js';

export const ETHERMTU = 1500;

export interface EtherInit {
  readonly lladdr: Uint8Array;
  readonly mtu?: number;
  readonly mtuMax?: number;
  readonly baudrate?: number;
  /** IFCAP_*. */
  readonly capabilities?: number;
}

/** An Ethernet interface, for net.ifattach(). */
export function etherIf(k: Kernel, net: Net, name: string, driver: IfDriver, init: EtherInit): Ifnet {
  const ifp = new Ifnet(k, name, driver, {
    type: IFT_ETHER,
    flags: IFF_BROADCAST | IFF_SIMPLEX | IFF_MULTICAST,
    mtu: init.mtu ?? ETHERMTU,
    baudrate: init.baudrate ?? 0,
    hdrlen: ETHER_HDR_LEN,
    lladdr: init.lladdr,
    capabilities: init.capabilities ?? 0,
  });
  ifp.mtuMax = init.mtuMax ?? ifp.mtu;
  ifp.output = (self, m, nh) => etherOutput(net, self, m, nh);
  ifp.receive = (self, m) => etherInput(net, self, m);
  return ifp;
}

/** Where a multicast address of the network goes (RFC 1112 6.4, RFC 2464 7). */
export function etherMulticast(nh: Nexthop): Uint8Array {
  if (nh.family === AF_INET) return Uint8Array.of(0x01, 0x00, 0x5e, (nh.w0 >>> 16) & 0x7f, nh.w0 >>> 8, nh.w0);
  return Uint8Array.of(0x33, 0x33, nh.w3 >>> 24, nh.w3 >>> 16, nh.w3 >>> 8, nh.w3);
}

const BROADCAST = new Uint8Array(6).fill(0xff);

/** Sends a packet of a family: finds the link address, and puts the header in front. */
function etherOutput(net: Net, ifp: Ifnet, m: Mbuf, nh: Nexthop): number {
  if (!ifp.up) {
    ifp.mbufs.free(m);
    return ERR.ENETDOWN.errno;
  }
  let dst: Uint8Array | undefined;
  if ((m.flags & M_BCAST) !== 0) dst = BROADCAST;
  else if ((m.flags & M_MCAST) !== 0) dst = etherMulticast(nh);
  else {
    const resolver = net.resolvers.get(nh.family);
    if (resolver === undefined) {
      ifp.mbufs.free(m);
      return ERR.EAFNOSUPPORT.errno;
    }
    dst = resolver(ifp, m, nh);
    if (dst === undefined) return 0;
  }
  return etherSend(ifp, m, dst, nh.family === AF_INET ? ETHERTYPE_IP : ETHERTYPE_IPV6);
}

/** Sends a payload to a link address. Owns `m`; returns an errno, 0: taken. What the interface cannot do for it is done here. */
export function etherSend(ifp: Ifnet, m: Mbuf, dst: Uint8Array, type: number): number {
  const caps = ifp.capenable;
  if (m.gsoType !== GSO_NONE && (caps & (m.gsoType === GSO_TCPV4 ? IFCAP_TSOv4 : IFCAP_TSOv6)) === 0) return sendSegments(ifp, m, dst, type);
  let packet: Mbuf | undefined = m;
  if (m.csum === CSUM_PARTIAL && (caps & (type === ETHERTYPE_IP ? IFCAP_CSUM_TCPv4_Tx : IFCAP_CSUM_TCPv6_Tx)) === 0) packet = completeChecksum(ifp.mbufs, m);
  if (packet !== undefined) packet = ifp.mbufs.prepend(packet, ETHER_HDR_LEN);
  if (packet === undefined) {
    ifp.oerrors++;
    return ERR.ENOBUFS.errno;
  }
  const { buf, off } = packet;
  const src = ifp.lladdr;
  for (let i = 0; i < ETHER_ADDR_LEN; i++) {
    buf[off + i] = dst[i];
    buf[off + 6 + i] = src[i];
  }
  putU16be(buf, off + 12, type);
  if ((dst[0] & 1) !== 0) ifp.omcasts++;
  ifp.transmit(packet);
  return 0;
}

/** The interface takes single segments only. */
function sendSegments(ifp: Ifnet, m: Mbuf, dst: Uint8Array, type: number): number {
  // The link address may be somebody's scratch.
  const to = dst.slice();
  let error = 0;
  for (let one = segment(ifp.mbufs, m); one !== undefined; ) {
    const next: Mbuf | undefined = one.nextpkt;
    one.nextpkt = undefined;
    error ||= etherSend(ifp, one, to, type);
    one = next;
  }
  return error;
}

/** A frame from the wire. Owns `m`. */
function etherInput(net: Net, ifp: Ifnet, frame: Mbuf): void {
  const m = ifp.mbufs.pullup(frame, ETHER_HDR_LEN);
  if (m === undefined) {
    ifp.ierrors++;
    return;
  }
  const { buf, off } = m;
  if ((buf[off] & 1) !== 0) {
    m.flags |= etherIsBroadcast(buf, off) ? M_BCAST : M_MCAST;
    ifp.imcasts++;
  } else if (!isOurs(ifp.lladdr, buf, off)) {
    // Seen by taps alone.
    ifp.mbufs.free(m);
    return;
  }
  const type = getU16be(buf, off + 12);
  ifp.mbufs.adj(m, ETHER_HDR_LEN);
  if (type === ETHERTYPE_IP || type === ETHERTYPE_IPV6) {
    if (!net.enqueue(type === ETHERTYPE_IP ? AF_INET : AF_INET6, m, ifp)) ifp.iqdrops++;
    return;
  }
  const input = net.etherTypes.get(type);
  if (input !== undefined) {
    input(m, ifp);
    return;
  }
  ifp.noproto++;
  ifp.mbufs.free(m);
}

function isOurs(lladdr: Uint8Array, buf: Uint8Array, off: number): boolean {
  for (let i = 0; i < 6; i++) if (buf[off + i] !== lladdr[i]) return false;
  return true;
}

/** Listens to a multicast address of the link as well; counted. */
export function multicastAdd(ifp: Ifnet, addr: Uint8Array): void {
  const key = linkText(addr);
  const users = ifp.multicast.get(key) ?? 0;
  ifp.multicast.set(key, users + 1);
  if (users === 0) ifp.driver.filter?.(ifp);
}

/** One user less. ENXIO: nobody listened to it. */
export function multicastDel(ifp: Ifnet, addr: Uint8Array): void {
  const key = linkText(addr);
  const users = ifp.multicast.get(key);
  if (users === undefined) throw ERR.ENXIO;
  if (users > 1) ifp.multicast.set(key, users - 1);
  else {
    ifp.multicast.delete(key);
    ifp.driver.filter?.(ifp);
  }
}

/** Somebody wants every frame, or no longer. */
export function promiscuous(ifp: Ifnet, on: boolean): void {
  ifp.promisc += on ? 1 : -1;
  if (ifp.promisc === (on ? 1 : 0)) ifp.driver.filter?.(ifp);
}

/** Whether the driver is to take every frame. */
export function wantsAll(ifp: Ifnet): boolean {
  return ifp.promisc > 0 || (ifp.flags & IFF_PROMISC) !== 0;
}
