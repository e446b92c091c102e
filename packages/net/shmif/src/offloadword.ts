/**
 * What a packet in memory carries beside its bytes, in one word: checksum state 2 bits, csumOff 5, csumStart 8, GSO type 3, GSO size 14, from the lowest bit.
 */
import type { Mbuf } from '@anykernel/rumpnet';

/** The word for a frame; undefined: it does not fit, and the checksum has to be completed. */
export function offloadWord(m: Mbuf): number | undefined {
  if (m.csumStart > 255 || m.csumOff > 31 || m.gsoType > 7 || m.gsoSize > 0x3fff) return undefined;
  return (m.csum | (m.csumOff << 2) | (m.csumStart << 7) | (m.gsoType << 15) | (m.gsoSize << 18)) >>> 0;
}

/** Sets a frame's fields from the word. */
export function applyOffload(m: Mbuf, word: number): void {
  const csum = word & 3;
  m.csum = csum === 3 ? 0 : csum;
  m.csumOff = (word >>> 2) & 31;
  m.csumStart = (word >>> 7) & 255;
  m.gsoType = (word >>> 15) & 7;
  m.gsoSize = word >>> 18;
}
