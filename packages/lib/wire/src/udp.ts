/** The header of UDP (RFC 768): source port 0, destination port 2, length 4, checksum 6. */
import { getU16be, putU16be } from '@anykernel/lib-bytes';

export const UDP_HDR_LEN = 8;

/** The fields of a header. One object serves for many packets. */
export class UdpHeader {
  sport = 0;
  dport = 0;
  /** Bytes, header included. */
  len = 0;
  checksum = 0;
}

/** The header at off..end; undefined: the bytes end before it does, or its length does not fit in them. */
export function parseUdp(b: Uint8Array, off: number = 0, end: number = b.length, into: UdpHeader = new UdpHeader()): UdpHeader | undefined {
  if (off < 0 || end > b.length || off + UDP_HDR_LEN > end) return undefined;
  const len = getU16be(b, off + 4);
  if (len < UDP_HDR_LEN || off + len > end) return undefined;
  into.sport = getU16be(b, off);
  into.dport = getU16be(b, off + 2);
  into.len = len;
  into.checksum = getU16be(b, off + 6);
  return into;
}

/** Writes the header at `off`, in place; returns its length. */
export function emitUdp(h: UdpHeader, b: Uint8Array, off: number = 0): number {
  putU16be(b, off, h.sport);
  putU16be(b, off + 2, h.dport);
  putU16be(b, off + 4, h.len);
  putU16be(b, off + 6, h.checksum);
  return UDP_HDR_LEN;
}
