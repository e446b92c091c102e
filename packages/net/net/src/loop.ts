/** The loopback interface, lo0: what is sent comes in again, as it is: nothing is summed, cut into segments, or copied. */
import type { Kernel } from '@anykernel/rumpkern';
import { CSUM_VALID, type Mbuf, M_LOOP } from '@anykernel/rumpnet';
import {
  ERR, IFCAP_CSUM_TCPv4_Rx, IFCAP_CSUM_TCPv4_Tx, IFCAP_CSUM_TCPv6_Rx, IFCAP_CSUM_TCPv6_Tx, IFCAP_CSUM_UDPv4_Rx, IFCAP_CSUM_UDPv4_Tx,
  IFCAP_CSUM_UDPv6_Rx, IFCAP_CSUM_UDPv6_Tx, IFCAP_TSOv4, IFCAP_TSOv6, IFF_LOOPBACK, IFF_MULTICAST, IFF_RUNNING, IFT_LOOP,
} from '@anykernel/lib-sys';
import { Ifnet } from './ifnet.js';
import type { Net } from './netstate.js';
import type { Nexthop } from './nexthop.js';

export const LOMTU = 33_648;

const LOCAPS =
  IFCAP_CSUM_TCPv4_Rx | IFCAP_CSUM_TCPv4_Tx | IFCAP_CSUM_UDPv4_Rx | IFCAP_CSUM_UDPv4_Tx | IFCAP_CSUM_TCPv6_Rx | IFCAP_CSUM_TCPv6_Tx |
  IFCAP_CSUM_UDPv6_Rx | IFCAP_CSUM_UDPv6_Tx | IFCAP_TSOv4 | IFCAP_TSOv6;

/** A loopback interface. */
export function loopCreate(k: Kernel, net: Net, unit: number): Ifnet {
  const ifp = new Ifnet(k, `lo${unit}`, { start: (self) => self.flush() }, {
    type: IFT_LOOP, flags: IFF_LOOPBACK | IFF_MULTICAST | IFF_RUNNING, mtu: LOMTU, capabilities: LOCAPS,
  });
  ifp.mtuMax = 65_535;
  ifp.output = (self: Ifnet, m: Mbuf, nh: Nexthop): number => {
    if (!self.up) {
      self.mbufs.free(m);
      return ERR.ENETDOWN.errno;
    }
    self.opackets++;
    self.obytes += m.pktlen;
    if (self.taps.length > 0) self.tap(m, true);
    m.flags |= M_LOOP;
    m.csum = CSUM_VALID;
    m.rcvif = self.index;
    self.ipackets++;
    self.ibytes += m.pktlen;
    if (net.enqueue(nh.family, m, self)) return 0;
    self.iqdrops++;
    return ERR.ENOBUFS.errno;
  };
  return ifp;
}
