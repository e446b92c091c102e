/**
 * ARP for IPv4 on Ethernet (RFC 826): hardware type 0 (1), protocol type 2 (0x0800), lengths 4 (6) and 5 (4), operation 6, then sender's link and
 * protocol address 8[6] 14[4], and the target's 18[6] 24[4]: 28 bytes.
 */
import { getU16be, getU32be, putU16be, putU32be } from '@anykernel/lib-bytes';
import { ETHERTYPE_IP } from './ether.js';

export const ARP_LEN = 28;
export const ARPHRD_ETHER = 1;
export const ARPOP_REQUEST = 1;
export const ARPOP_REPLY = 2;

export interface ArpPacket {
  /** ARPOP_*, or whatever else the packet says. */
  readonly op: number;
  /** Link addresses are six bytes, protocol addresses numbers. */
  readonly senderLink: Uint8Array;
  readonly sender: number;
  readonly targetLink: Uint8Array;
  readonly target: number;
}

/** The packet at off..end; undefined: it is too short, or not of IPv4 on Ethernet. */
export function parseArp(b: Uint8Array, off: number = 0, end: number = b.length): ArpPacket | undefined {
  if (off < 0 || end > b.length || off + ARP_LEN > end) return undefined;
  if (getU16be(b, off) !== ARPHRD_ETHER || getU16be(b, off + 2) !== ETHERTYPE_IP || b[off + 4] !== 6 || b[off + 5] !== 4) return undefined;
  return {
    op: getU16be(b, off + 6),
    senderLink: b.slice(off + 8, off + 14),
    sender: getU32be(b, off + 14),
    targetLink: b.slice(off + 18, off + 24),
    target: getU32be(b, off + 24),
  };
}

/** Writes a packet at `off`, in place; returns its length. */
export function emitArp(arp: ArpPacket, b: Uint8Array, off: number = 0): number {
  putU16be(b, off, ARPHRD_ETHER);
  putU16be(b, off + 2, ETHERTYPE_IP);
  b[off + 4] = 6;
  b[off + 5] = 4;
  putU16be(b, off + 6, arp.op);
  b.set(arp.senderLink, off + 8);
  putU32be(b, off + 14, arp.sender);
  b.set(arp.targetLink, off + 18);
  putU32be(b, off + 24, arp.target);
  return ARP_LEN;
}
