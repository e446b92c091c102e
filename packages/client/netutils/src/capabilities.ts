/** What an interface may do in place of the protocols, by the words of ifconfig(8). */
import { getU32le, putU32le } from '@anykernel/lib-bytes';
import {
  IFCAPREQ_LEN, IFCAP_CSUM_IPv4_Rx, IFCAP_CSUM_IPv4_Tx, IFCAP_CSUM_TCPv4_Rx, IFCAP_CSUM_TCPv4_Tx, IFCAP_CSUM_TCPv6_Rx, IFCAP_CSUM_TCPv6_Tx,
  IFCAP_CSUM_UDPv4_Rx, IFCAP_CSUM_UDPv4_Tx, IFCAP_CSUM_UDPv6_Rx, IFCAP_CSUM_UDPv6_Tx, IFCAP_LRO, IFCAP_TSOv4, IFCAP_TSOv6, SIOCGIFCAP, SIOCSIFCAP, ifreq,
} from '@anykernel/lib-sys';
import type { Proc } from '@anykernel/rumpkern';

/** Those of checksums, received and sent. */
const SUMS: readonly (readonly [string, number, number])[] = [
  ['ip4csum', IFCAP_CSUM_IPv4_Rx, IFCAP_CSUM_IPv4_Tx],
  ['tcp4csum', IFCAP_CSUM_TCPv4_Rx, IFCAP_CSUM_TCPv4_Tx],
  ['udp4csum', IFCAP_CSUM_UDPv4_Rx, IFCAP_CSUM_UDPv4_Tx],
  ['tcp6csum', IFCAP_CSUM_TCPv6_Rx, IFCAP_CSUM_TCPv6_Tx],
  ['udp6csum', IFCAP_CSUM_UDPv6_Rx, IFCAP_CSUM_UDPv6_Tx],
];

const BITS: ReadonlyMap<string, number> = new Map([
  ['tso4', IFCAP_TSOv4],
  ['tso6', IFCAP_TSOv6],
  ['lro', IFCAP_LRO],
  ...SUMS.flatMap(([word, rx, tx]): [string, number][] => [[word, rx | tx], [`${word}-rx`, rx], [`${word}-tx`, tx]]),
]);

/** Enables a capability, or with a `-` in front disables it. false: the word is another. EINVAL: the interface has none of that name. */
export function setCapability(p: Proc, fd: number, name: string, word: string): boolean {
  const off = word.startsWith('-');
  const bits = BITS.get(off ? word.slice(1) : word);
  if (bits === undefined) return false;
  const request = new Uint8Array(IFCAPREQ_LEN);
  request.set(ifreq(name).subarray(0, 16));
  p.sys.ioctl(fd, SIOCGIFCAP, request);
  const enabled = getU32le(request, 24);
  putU32le(request, 24, off ? enabled & ~bits : enabled | bits);
  p.sys.ioctl(fd, SIOCSIFCAP, request);
  return true;
}
