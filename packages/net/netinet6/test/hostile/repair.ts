/** Frames whose lengths and checksums are made right again, so that what was changed in them gets past the first look. */
import { inCksum, sumBytes, sumFinish, sumPseudo4, sumPseudo6, upperLayer } from '@anykernel/lib-wire';

const ETHER = 14;

/** Makes an Ethernet frame's lengths and checksums right, in place, as far as it has such. */
export function repairFrame(frame: Uint8Array): void {
  const type = (frame[12]! << 8) | frame[13]!;
  if (type === 0x0800) repair4(frame.subarray(ETHER));
  else if (type === 0x86dd) repair6(frame.subarray(ETHER));
}

function repair4(b: Uint8Array): void {
  const hdrLen = (b[0]! & 15) << 2;
  if (b.length < 20 || hdrLen < 20 || hdrLen > b.length) return;
  const total = Math.min(b.length, (b[2]! << 8) | b[3]!);
  const len = total >= hdrLen ? total : b.length;
  put(b, 2, len);
  put(b, 10, 0);
  put(b, 10, inCksum(b, 0, hdrLen));
  // The checksum of a datagram in pieces is of all of them.
  if (((b[6]! << 8) | b[7]!) & 0x3fff) return;
  const view = new DataView(b.buffer, b.byteOffset);
  const protocol = b[9]!;
  const pseudo = protocol === 1 || protocol === 2 ? 0 : sumPseudo4(view.getUint32(12), view.getUint32(16), protocol, len - hdrLen);
  transport(b, protocol, hdrLen, len, pseudo);
}

function repair6(b: Uint8Array): void {
  if (b.length < 40) return;
  const given = 40 + ((b[4]! << 8) | b[5]!);
  const len = given <= b.length ? given : b.length;
  put(b, 4, len - 40);
  const upper = upperLayer(b[6]!, b, 40, len);
  if (upper === undefined || upper.later) return;
  for (let next = b[6]!, at = 40, i = 0; i < 16 && (next === 0 || next === 43 || next === 60 || next === 44) && at + 1 < len; i++) {
    if (next === 44 && (b[at + 3]! & 1) !== 0) return;
    const size = next === 44 ? 8 : (b[at + 1]! + 1) << 3;
    next = b[at]!;
    at += size;
  }
  const view = new DataView(b.buffer, b.byteOffset);
  const w = Array.from({ length: 8 }, (_, i) => view.getInt32(8 + 4 * i)) as [number, number, number, number, number, number, number, number];
  transport(b, upper.nextHeader, upper.off, len, sumPseudo6(...w, upper.nextHeader, len - upper.off));
}

/** The transport's checksum, over [at, end); a datagram's length, too. */
function transport(b: Uint8Array, protocol: number, at: number, end: number, pseudo: number): void {
  const where = { 1: 2, 2: 2, 6: 16, 17: 6, 58: 2 }[protocol];
  if (where === undefined || at + where + 2 > end) return;
  if (protocol === 17) put(b, at + 4, end - at);
  put(b, at + where, 0);
  const sum = sumFinish(sumBytes(b, at, end - at, pseudo));
  put(b, at + where, sum === 0 && protocol === 17 ? 0xffff : sum);
}

function put(b: Uint8Array, at: number, value: number): void {
  b[at] = value >>> 8;
  b[at + 1] = value;
}
