import { hostSim } from '@anykernel/host-sim';
import { boot } from '@anykernel/rumpkern';
import { CSUM_NONE, CSUM_PARTIAL, CSUM_VALID, GSO_TCPV4, GSO_TCPV6, type Mbuf, mbufsOf, rumpnet } from '@anykernel/rumpnet';
import { VNET_HDR_LEN, applyVnetHdr, emitVnetHdr } from '@anykernel/virtif';

const k = boot(hostSim(), [rumpnet]);
afterAll(() => k.halt());

/** Of IPv4, unless its segments are of IPv6. */
function frame(len: number, fields: Partial<Mbuf> = {}): Mbuf {
  const m = Object.assign(mbufsOf(k).get(len), fields);
  m.buf.set(fields.gsoType === GSO_TCPV6 ? [0x86, 0xdd] : [8, 0], m.off + 12);
  return m;
}

test.each([
  [{ csum: CSUM_NONE, csumStart: 0, csumOff: 0, gsoType: 0, gsoSize: 0 }],
  [{ csum: CSUM_PARTIAL, csumStart: 34, csumOff: 16, gsoType: 0, gsoSize: 0 }],
  [{ csum: CSUM_PARTIAL, csumStart: 34, csumOff: 16, gsoType: GSO_TCPV4, gsoSize: 1448 }],
  [{ csum: CSUM_PARTIAL, csumStart: 54, csumOff: 16, gsoType: GSO_TCPV6, gsoSize: 9000 }],
])('%j is the same after a header', (fields) => {
  const b = new Uint8Array(VNET_HDR_LEN);
  emitVnetHdr(frame(2000, fields), 66, b);
  const m = frame(2000, { gsoType: fields.gsoType });
  expect(applyVnetHdr(m, b)).toBe(true);
  expect(m).toMatchObject(fields);
});

// linux/virtio_net.h; the values that a Linux of this kind sends for a segment of 64 KiB.
test('the bytes are those of the standard', () => {
  const b = new Uint8Array(VNET_HDR_LEN);
  emitVnetHdr(frame(2000, { csum: CSUM_PARTIAL, csumStart: 34, csumOff: 16, gsoType: GSO_TCPV4, gsoSize: 1448 }), 66, b);
  expect([...b]).toEqual([1, 1, 66, 0, 0xa8, 5, 34, 0, 16, 0]);
});

test('a verified frame is valid', () => {
  const m = frame(100);
  expect(applyVnetHdr(m, Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0, 0))).toBe(true);
  expect(m.csum).toBe(CSUM_VALID);
});

test.each([
  ['a checksum beyond the frame', [1, 0, 0, 0, 0, 0, 99, 0, 0, 0]],
  ['a checksum far beyond it', [1, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]],
  ['large segments of an unknown kind', [1, 3, 0, 0, 100, 0, 34, 0, 16, 0]],
  ['large segments of no size', [1, 1, 0, 0, 0, 0, 34, 0, 16, 0]],
  ['large segments of hardly any', [1, 1, 0, 0, 1, 0, 34, 0, 16, 0]],
  ['large segments of another family', [1, 4, 0, 0, 100, 0, 54, 0, 16, 0]],
  ['large segments whose checksum is not that of TCP', [1, 1, 0, 0, 100, 0, 34, 0, 6, 0]],
  ['a checksum that begins in the network header', [1, 0, 0, 0, 0, 0, 20, 0, 16, 0]],
  ['large segments whose checksum is complete', [0, 1, 0, 0, 100, 0, 34, 0, 16, 0]],
])('%s is refused', (_what, bytes) => {
  expect(applyVnetHdr(frame(100), Uint8Array.from(bytes))).toBe(false);
});
