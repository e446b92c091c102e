/** What IPv6 knows of one interface. */
import { IFF_LOOPBACK, IFF_MULTICAST, IFF_NOARP, IFT_ETHER } from '@anykernel/lib-sys';
import type { Ifnet } from '@anykernel/net';

export class If6 {
  /** What a router says of the link (RFC 4861 6.3.4): the MTU and the hop limit; 0: nothing. */
  linkMtu = 0;
  hopLimit = 0;
  /** Times of neighbours on it (RFC 4861 6.3.2), milliseconds: what they are spread round, for how long an answer is good, between questions. */
  baseReachableMs = 30_000;
  reachableMs = 30_000;
  retransMs = 1000;
  /** Router advertisements are believed. */
  acceptRtadv = true;
  /** An address of link-local scope comes by itself when the interface is up. */
  autoLinklocal = true;
  /** Its own link-local address is somebody else's, too: it does not speak IPv6 (RFC 4862 5.4.5). */
  disabled = false;

  constructor(readonly ifp: Ifnet) {}
}

/** Whether neighbours are found by neighbour discovery. */
export function speaksNd(ifp: Ifnet): boolean {
  return ifp.type === IFT_ETHER && (ifp.flags & (IFF_NOARP | IFF_LOOPBACK)) === 0;
}

export function isLoopback(ifp: Ifnet): boolean {
  return (ifp.flags & IFF_LOOPBACK) !== 0;
}

export function hasGroups(ifp: Ifnet): boolean {
  return (ifp.flags & IFF_MULTICAST) !== 0;
}
