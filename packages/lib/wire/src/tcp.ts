/**
 * The header of TCP (RFC 9293 3.1): source port 0, destination port 2, sequence 4, acknowledgment 8, data offset 12 (upper four bits, in words; the
 * lowest bit of the byte is AE, RFC 9768), control bits 13, window 14, checksum 16, urgent pointer 18, options from 20.
 *
 * Sequence numbers are signed 32-bit integers, which V8 keeps without boxing; they are compared with seqLt() and its like only.
 */
import { getI32be, getU16be, putU16be, putU32be } from '@anykernel/lib-bytes';

export const TCP_HDR_LEN = 20;
/** Bytes of options at most. */
export const TCP_OPTIONS_MAX = 40;
export const TH_FIN = 0x01;
export const TH_SYN = 0x02;
export const TH_RST = 0x04;
export const TH_PUSH = 0x08;
export const TH_ACK = 0x10;
export const TH_URG = 0x20;
export const TH_ECE = 0x40;
export const TH_CWR = 0x80;

/** The fields of a header. One object serves for many segments. */
export class TcpHeader {
  sport = 0;
  dport = 0;
  seq = 0;
  ack = 0;
  /** Bytes of the header, options included: 20..60. */
  hdrLen = TCP_HDR_LEN;
  /** TH_*. */
  flags = 0;
  /** As it stands in the header, without a scale. */
  win = 0;
  checksum = 0;
  urp = 0;
}

/** The header at off..end, whose checksum is not looked at; undefined: its length is none, or the bytes end before it does. */
export function parseTcp(b: Uint8Array, off: number = 0, end: number = b.length, into: TcpHeader = new TcpHeader()): TcpHeader | undefined {
  if (off < 0 || end > b.length || off + TCP_HDR_LEN > end) return undefined;
  const hdrLen = (b[off + 12]! >>> 4) << 2;
  if (hdrLen < TCP_HDR_LEN || off + hdrLen > end) return undefined;
  into.sport = getU16be(b, off);
  into.dport = getU16be(b, off + 2);
  into.seq = getI32be(b, off + 4);
  into.ack = getI32be(b, off + 8);
  into.hdrLen = hdrLen;
  into.flags = b[off + 13]!;
  into.win = getU16be(b, off + 14);
  into.checksum = getU16be(b, off + 16);
  into.urp = getU16be(b, off + 18);
  return into;
}

/** Writes the header at `off`, in place; options stand already behind the 20 bytes. Returns its length. */
export function emitTcp(h: TcpHeader, b: Uint8Array, off: number = 0): number {
  putU16be(b, off, h.sport);
  putU16be(b, off + 2, h.dport);
  putU32be(b, off + 4, h.seq);
  putU32be(b, off + 8, h.ack);
  b[off + 12] = (h.hdrLen >>> 2) << 4;
  b[off + 13] = h.flags;
  putU16be(b, off + 14, h.win);
  putU16be(b, off + 16, h.checksum);
  putU16be(b, off + 18, h.urp);
  return h.hdrLen;
}

/** Whether a is before b, in the circle of sequence numbers (RFC 9293 3.4). */
export function seqLt(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}
export function seqLe(a: number, b: number): boolean {
  return ((a - b) | 0) <= 0;
}
export function seqGt(a: number, b: number): boolean {
  return ((a - b) | 0) > 0;
}
export function seqGe(a: number, b: number): boolean {
  return ((a - b) | 0) >= 0;
}
