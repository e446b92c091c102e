/**
 * Ethernet II frames (IEEE 802.3, 3.2.6): destination 0[6], source 6[6], type 12 (16 bits, big-endian), then the payload.
 */
import { getU16be, putU16be } from '@anykernel/lib-bytes';

export const ETHER_ADDR_LEN = 6;
export const ETHER_HDR_LEN = 14;
export const ETHERTYPE_IP = 0x0800;
export const ETHERTYPE_ARP = 0x0806;
export const ETHERTYPE_VLAN = 0x8100;
export const ETHERTYPE_IPV6 = 0x86dd;
/** Types below are lengths of 802.3 frames. */
export const ETHERTYPE_MIN = 0x0600;

export interface EtherHeader {
  /** Six bytes. */
  readonly dst: Uint8Array;
  readonly src: Uint8Array;
  readonly type: number;
}

/** The header at `off`; undefined: the bytes end before it does. */
export function parseEther(b: Uint8Array, off: number = 0): EtherHeader | undefined {
  if (off < 0 || off + ETHER_HDR_LEN > b.length) return undefined;
  return { dst: b.slice(off, off + 6), src: b.slice(off + 6, off + 12), type: getU16be(b, off + 12) };
}

/** Writes a header at `off`, in place; returns its length. */
export function emitEther(header: EtherHeader, b: Uint8Array, off: number = 0): number {
  b.set(header.dst, off);
  b.set(header.src, off + 6);
  putU16be(b, off + 12, header.type);
  return ETHER_HDR_LEN;
}

/** Whether the address at `off` is of a group: broadcast included. */
export function etherIsMulticast(b: Uint8Array, off: number = 0): boolean {
  return (b[off]! & 1) !== 0;
}

export function etherIsBroadcast(b: Uint8Array, off: number = 0): boolean {
  for (let i = 0; i < ETHER_ADDR_LEN; i++) if (b[off + i] !== 0xff) return false;
  return true;
}
