/**
 * Network interfaces: flags, types, capabilities, and the interface ioctls with the layouts of their records (netintro(4)).
 *
 * struct ifreq, 144 bytes: name 0[16], then a sockaddr, flags (16 bits), a metric or an MTU (32 bits) at 16.
 * struct ifaliasreq, 64 bytes: name 0[16], address 16[16], destination or broadcast 32[16], mask 48[16].
 */
import { _IOR, _IOW, _IOWR } from './ioctl.js';

export const IFNAMSIZ = 16;

export const IFF_UP = 0x0001;
export const IFF_BROADCAST = 0x0002;
export const IFF_DEBUG = 0x0004;
export const IFF_LOOPBACK = 0x0008;
export const IFF_POINTOPOINT = 0x0010;
export const IFF_RUNNING = 0x0040;
export const IFF_NOARP = 0x0080;
export const IFF_PROMISC = 0x0100;
export const IFF_ALLMULTI = 0x0200;
/** Transmission is in progress. */
export const IFF_OACTIVE = 0x0400;
/** It cannot hear its own packets. */
export const IFF_SIMPLEX = 0x0800;
export const IFF_LINK0 = 0x1000;
export const IFF_LINK1 = 0x2000;
export const IFF_LINK2 = 0x4000;
export const IFF_MULTICAST = 0x8000;
/** Flags that SIOCSIFFLAGS leaves as they are. */
export const IFF_CANTCHANGE: number =
  IFF_BROADCAST | IFF_POINTOPOINT | IFF_RUNNING | IFF_OACTIVE | IFF_SIMPLEX | IFF_MULTICAST | IFF_ALLMULTI | IFF_LOOPBACK;

export const IFT_OTHER = 1;
export const IFT_ETHER = 6;
export const IFT_PPP = 23;
export const IFT_LOOP = 24;
export const IFT_TUNNEL = 131;
export const IFT_L2VLAN = 135;
export const IFT_BRIDGE = 209;

export const LINK_STATE_UNKNOWN = 0;
export const LINK_STATE_DOWN = 1;
export const LINK_STATE_UP = 2;

export const IFCAP_TSOv4 = 0x0_0080;
export const IFCAP_CSUM_IPv4_Rx = 0x0_0100;
export const IFCAP_CSUM_IPv4_Tx = 0x0_0200;
export const IFCAP_CSUM_TCPv4_Rx = 0x0_0400;
export const IFCAP_CSUM_TCPv4_Tx = 0x0_0800;
export const IFCAP_CSUM_UDPv4_Rx = 0x0_1000;
export const IFCAP_CSUM_UDPv4_Tx = 0x0_2000;
export const IFCAP_CSUM_TCPv6_Rx = 0x0_4000;
export const IFCAP_CSUM_TCPv6_Tx = 0x0_8000;
export const IFCAP_CSUM_UDPv6_Rx = 0x1_0000;
export const IFCAP_CSUM_UDPv6_Tx = 0x2_0000;
export const IFCAP_TSOv6 = 0x4_0000;
export const IFCAP_LRO = 0x8_0000;

export const IFREQ_LEN = 144;
export const IFALIASREQ_LEN = 64;
/** struct ifconf: length in bytes 0, then the address of a buffer. */
export const IFCONF_LEN = 16;
/** struct ifcapreq: name 0[16], capabilities 16 and enabled ones 24, 64 bits each. */
export const IFCAPREQ_LEN = 32;
/** struct ifdrv: name 0[16], command 16, length 24, address of the data 32. */
export const IFDRV_LEN = 40;
/** struct if_data: counters, as in the routing messages. */
export const IF_DATA_LEN = 136;
/** struct ifdatareq: name 0[16], struct if_data 16. */
export const IFDATAREQ_LEN: number = IFNAMSIZ + IF_DATA_LEN;

export const SIOCSIFADDR: number = _IOW('i', 12, IFREQ_LEN);
export const SIOCSIFDSTADDR: number = _IOW('i', 14, IFREQ_LEN);
export const SIOCSIFFLAGS: number = _IOW('i', 16, IFREQ_LEN);
export const SIOCGIFFLAGS: number = _IOWR('i', 17, IFREQ_LEN);
export const SIOCSIFBRDADDR: number = _IOW('i', 19, IFREQ_LEN);
export const SIOCSIFNETMASK: number = _IOW('i', 22, IFREQ_LEN);
export const SIOCGIFMETRIC: number = _IOWR('i', 23, IFREQ_LEN);
export const SIOCSIFMETRIC: number = _IOW('i', 24, IFREQ_LEN);
export const SIOCDIFADDR: number = _IOW('i', 25, IFREQ_LEN);
export const SIOCAIFADDR: number = _IOW('i', 26, IFALIASREQ_LEN);
export const SIOCGIFALIAS: number = _IOWR('i', 27, IFALIASREQ_LEN);
export const SIOCGIFADDR: number = _IOWR('i', 33, IFREQ_LEN);
export const SIOCGIFDSTADDR: number = _IOWR('i', 34, IFREQ_LEN);
export const SIOCGIFBRDADDR: number = _IOWR('i', 35, IFREQ_LEN);
export const SIOCGIFNETMASK: number = _IOWR('i', 37, IFREQ_LEN);
export const SIOCGIFAFLAG_IN: number = _IOWR('i', 39, IFREQ_LEN);
export const SIOCADDMULTI: number = _IOW('i', 49, IFREQ_LEN);
export const SIOCDELMULTI: number = _IOW('i', 50, IFREQ_LEN);
export const SIOCSIFCAP: number = _IOW('i', 117, IFCAPREQ_LEN);
export const SIOCGIFCAP: number = _IOWR('i', 118, IFCAPREQ_LEN);
export const SIOCIFDESTROY: number = _IOW('i', 121, IFREQ_LEN);
export const SIOCIFCREATE: number = _IOW('i', 122, IFREQ_LEN);
export const SIOCGIFMTU: number = _IOWR('i', 126, IFREQ_LEN);
export const SIOCSIFMTU: number = _IOW('i', 127, IFREQ_LEN);
export const SIOCGIFDATA: number = _IOWR('i', 133, IFDATAREQ_LEN);
/** The same, and the counters start again at zero. */
export const SIOCZIFDATA: number = _IOWR('i', 134, IFDATAREQ_LEN);
export const SIOCGIFINDEX: number = _IOWR('i', 140, IFREQ_LEN);
/** Bytes of a link string, the end included. */
export const LINKSTR_MAX = 4096;
/** A driver's string, such as the bus file of shmif: struct ifdrv, and the text after it, up to a zero byte or the end. */
export const SIOCGLINKSTR: number = _IOR('i', 135, IFDRV_LEN);
export const SIOCSLINKSTR: number = _IOW('i', 136, IFDRV_LEN);

/** The name at the start of an interface request. */
export function ifreqName(data: Uint8Array): string {
  let name = '';
  for (let i = 0; i < IFNAMSIZ && data[i] !== 0 && data[i] !== undefined; i++) name += String.fromCharCode(data[i]!);
  return name;
}

/** A request of `len` bytes for interface `name`, zero apart from that. */
export function ifreq(name: string, len: number = IFREQ_LEN): Uint8Array {
  const data = new Uint8Array(len);
  for (let i = 0; i < name.length && i < IFNAMSIZ - 1; i++) data[i] = name.charCodeAt(i);
  return data;
}
