/**
 * virtio_net_hdr (Virtual I/O Device 1.2, 5.1.6), 10 bytes in little-endian order: flags 0, GSO type 1, length of the headers 2, GSO size 4, where the
 * checksum begins 6, and where it goes from there 8.
 */
import { getU16le, putU16le } from '@anykernel/lib-bytes';
import { offloadValid } from '@anykernel/net';
import { CSUM_NONE, CSUM_PARTIAL, CSUM_VALID, GSO_NONE, type Mbuf } from '@anykernel/rumpnet';

export const VNET_HDR_LEN = 10;
const NEEDS_CSUM = 1;
const DATA_VALID = 2;
/** The bit of a GSO type which says that the segments have ECN. */
const GSO_ECN = 0x80;

/** Writes the header of a frame into `b` at `at`, in place. `headerLen`: bytes in front of the payload. */
export function emitVnetHdr(m: Mbuf, headerLen: number, b: Uint8Array, at = 0): void {
  for (let i = 0; i < VNET_HDR_LEN; i++) b[at + i] = 0;
  if (m.csum !== CSUM_PARTIAL) return;
  b[at] = NEEDS_CSUM;
  putU16le(b, at + 6, m.csumStart);
  putU16le(b, at + 8, m.csumOff);
  if (m.gsoType === GSO_NONE) return;
  b[at + 1] = m.gsoType;
  putU16le(b, at + 2, headerLen);
  putU16le(b, at + 4, m.gsoSize);
}

/** Sets a frame's fields from its header, in `b` at `at`. false: they point beyond the frame, or ask for what does not exist. */
export function applyVnetHdr(m: Mbuf, b: Uint8Array, at = 0): boolean {
  const flags = b[at];
  const type = b[at + 1] & ~GSO_ECN;
  m.csum = (flags & DATA_VALID) !== 0 ? CSUM_VALID : CSUM_NONE;
  if ((flags & NEEDS_CSUM) !== 0) {
    const start = getU16le(b, at + 6);
    const off = getU16le(b, at + 8);
    m.csum = CSUM_PARTIAL;
    m.csumStart = start;
    m.csumOff = off;
  }
  if (type !== GSO_NONE) {
    m.gsoType = type;
    m.gsoSize = getU16le(b, at + 4);
  }
  return offloadValid(m);
}
