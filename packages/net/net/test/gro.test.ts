import { hostSim } from '@anykernel/host-sim';
import { putU16be, putU32be } from '@anykernel/lib-bytes';
import { inCksum, sumBytes, sumFinish } from '@anykernel/lib-wire';
import { Gro, completeChecksum, net, offloadValid, segment } from '@anykernel/net';
import { type Kernel, boot } from '@anykernel/rumpkern';
import { CSUM_PARTIAL, CSUM_VALID, GSO_TCPV4, GSO_TCPV6, type Mbuf } from '@anykernel/rumpnet';
import { Wire } from './wire.js';

const ETHER = 14;

/** One of several segments of a connection. */
interface Piece {
  readonly v6?: boolean;
  readonly seq?: number;
  readonly id?: number;
  readonly len?: number;
  readonly flags?: number;
  /** Changes the headers before the checksums are made. */
  readonly before?: (b: Uint8Array, tcp: number) => void;
  /** And after. */
  readonly after?: (b: Uint8Array, tcp: number) => Uint8Array | void;
}

function frame(p: Piece): Uint8Array {
  const { v6 = false, seq = 1000, id = 7, len = 100, flags = 0x10 } = p;
  const tcp = ETHER + (v6 ? 40 : 20);
  const b = new Uint8Array(tcp + 32 + len);
  b.set([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, ...(v6 ? [0x86, 0xdd] : [8, 0])]);
  if (v6) {
    b[14] = 0x60;
    putU16be(b, 18, 32 + len);
    b[20] = 6;
    b[21] = 64;
    for (let i = 22; i < 54; i++) b[i] = i;
  } else {
    b.set([0x45, 0], 14);
    putU16be(b, 16, b.length - ETHER);
    putU16be(b, 18, id);
    b[22] = 64;
    b[23] = 6;
    b.set([10, 0, 0, 2, 10, 0, 0, 1], 26);
  }
  putU16be(b, tcp, 4000);
  putU16be(b, tcp + 2, 80);
  putU32be(b, tcp + 4, seq);
  putU32be(b, tcp + 8, 77);
  b[tcp + 12] = 0x80;
  b[tcp + 13] = flags;
  putU16be(b, tcp + 14, 500);
  b.set([1, 1, 8, 10, 0, 0, 1, 0, 0, 0, 2, 0], tcp + 20);
  for (let i = 0; i < len; i++) b[tcp + 32 + i] = (seq + i) % 251;
  p.before?.(b, tcp);
  if (!v6) putU16be(b, 24, inCksum(b, 14, 20));
  const addrs = v6 ? sumBytes(b, 22, 32) : sumBytes(b, 26, 8);
  putU16be(b, tcp + 16, sumFinish(sumBytes(b, tcp, b.length - tcp) + addrs + 6 + b.length - tcp));
  return p.after?.(b, tcp) ?? b;
}

let k: Kernel;
let gro: Gro;
/** What came up: its bytes, and its fields. */
let got: { bytes: Uint8Array; m: Pick<Mbuf, 'csum' | 'csumStart' | 'csumOff' | 'gsoType' | 'gsoSize'> }[];
/** What comes of it when it is cut again. */
let cut: Uint8Array[];

beforeEach(() => {
  k = boot(hostSim(), [net]);
  const ifp = new Wire().plug(k);
  gro = new Gro(ifp);
  got = [];
  cut = [];
  ifp.input = (m) => {
    const { csum, csumStart, csumOff, gsoType, gsoSize } = m;
    got.push({ bytes: ifp.mbufs.toBytes(m), m: { csum, csumStart, csumOff, gsoType, gsoSize } });
    if (gsoType === 0) {
      cut.push(ifp.mbufs.toBytes(m));
      ifp.mbufs.free(m);
      return;
    }
    expect(offloadValid(m)).toBe(true);
    const header = ifp.mbufs.toBytes(m).subarray(0, ETHER);
    ifp.mbufs.adj(m, ETHER);
    for (let one = segment(ifp.mbufs, m); one !== undefined; ) {
      const next: Mbuf | undefined = one.nextpkt;
      const whole = completeChecksum(ifp.mbufs, one);
      cut.push(Uint8Array.of(...header, ...ifp.mbufs.toBytes(whole!)));
      ifp.mbufs.free(whole!);
      one = next;
    }
  };
});
afterEach(() => {
  expect(gro.ifp.mbufs.used).toBe(0);
  k.halt();
});

function burst(frames: readonly Uint8Array[]): void {
  k.run(() => {
    for (const f of frames) gro.put(gro.ifp.mbufs.fromBytes(f));
    gro.flush();
  });
}

describe.each([false, true])('segments that follow each other (IPv6: %j)', (v6) => {
  test('become one packet, which is cut into the same frames again', () => {
    const frames = [0, 1, 2, 3, 4].map((i) => frame({ v6, seq: 1000 + 100 * i, id: 7 + i, len: i === 4 ? 40 : 100, flags: i === 4 ? 0x18 : 0x10 }));
    burst(frames);
    expect(got.map(({ m }) => m)).toEqual([
      { csum: CSUM_PARTIAL, csumStart: v6 ? 54 : 34, csumOff: 16, gsoType: v6 ? GSO_TCPV6 : GSO_TCPV4, gsoSize: 100 },
    ]);
    expect(cut).toEqual(frames);
  });

  test('around the end of the sequence numbers, too', () => {
    const frames = [0, 1, 2].map((i) => frame({ v6, seq: (0xffff_ff9c + 100 * i) >>> 0, id: (0xffff + i) & 0xffff }));
    burst(frames);
    expect(got).toHaveLength(1);
    expect(cut).toEqual(frames);
  });

  test('end at 64 KiB', () => {
    const frames = Array.from({ length: 50 }, (_, i) => frame({ v6, seq: 1000 + 1448 * i, id: 7 + i, len: 1448 }));
    burst(frames);
    expect(got.map(({ bytes }) => bytes.length - ETHER <= 65_535)).toEqual([true, true]);
    expect(cut).toEqual(frames);
  });

  test('one alone goes up as it is, with its checksum known', () => {
    burst([frame({ v6 })]);
    expect(got).toEqual([{ bytes: frame({ v6 }), m: expect.objectContaining({ csum: CSUM_VALID, gsoType: 0 }) }]);
  });

  const tcp = v6 ? 54 : 34;
  test.each<[string, Piece]>([
    ['another acknowledgment', { before: (b) => (b[tcp + 11] = 78) }],
    ['another window', { before: (b) => (b[tcp + 15] ^= 1) }],
    ['another port', { before: (b) => (b[tcp + 1] ^= 1) }],
    ['another time', { before: (b) => (b[tcp + 27] ^= 1) }],
    ['a mark of congestion', { before: (b) => (v6 ? (b[15] |= 0x30) : (b[15] |= 3)) }],
    ['another TTL', { before: (b) => b[v6 ? 21 : 22]-- }],
    ['another address', { before: (b) => (b[29] ^= 1) }],
    ['FIN', { flags: 0x11 }],
    ['URG', { flags: 0x30 }],
    ['RST', { flags: 0x14 }],
    ['ECE', { flags: 0x50 }],
    ['a gap before it', { seq: 1101 }],
    ['bytes that were there', { seq: 1099 }],
    ['more bytes than the first', { len: 101 }],
    ['none', { len: 0 }],
    ['a wrong checksum', { after: (b) => void (b[b.length - 1] ^= 1) }],
    ['a longer header', { before: (b) => (b[tcp + 12] = 0x90) }],
    ['another link address', { before: (b) => (b[11] ^= 1) }],
    ['filling behind it', { after: (b) => Uint8Array.of(...b, 0) }],
    ['a length that is not its own', { after: (b) => void b[v6 ? 19 : 17]-- }],
  ])('but not with %s', (_what, piece) => {
    const frames = [frame({ v6 }), frame({ v6, seq: 1100, id: 8, ...piece })];
    burst(frames);
    expect(got.map(({ bytes }) => bytes)).toEqual(frames);
  });
});

describe('IPv4', () => {
  test.each<[string, Piece]>([
    ['an identification that is not the next', { id: 9 }],
    ['options', { before: (b) => (b[14] = 0x46) }],
    ['a fragment', { before: (b) => (b[20] |= 0x20) }],
    ['a wrong header', { after: (b) => void (b[24] ^= 1) }],
  ])('is not joined with %s', (_what, piece) => {
    const frames = [frame({}), frame({ seq: 1100, id: 8, ...piece })];
    burst(frames);
    expect(got.map(({ bytes }) => bytes)).toEqual(frames);
  });

  test('has identifications that say nothing where it must not be fragmented', () => {
    burst([0, 0, 0].map((id, i) => frame({ seq: 1000 + 100 * i, id, before: (b) => (b[20] |= 0x40) })));
    expect(got).toHaveLength(1);
  });
});

test('small ones stay apart', () => {
  const frames = [0, 1, 2].map((i) => frame({ seq: 1000 + i, id: 7 + i, len: 1 }));
  burst(frames);
  expect(got.map(({ bytes }) => bytes)).toEqual(frames);
});

test('whatever comes goes up, with nothing lost or in another order (seed 7)', () => {
  let state = 7;
  const next = (n: number): number => ((state = (Math.imul(state, 1664525) + 1013904223) | 0) >>> 8) % n;
  for (let round = 0; round < 300; round++) {
    const frames = Array.from({ length: 8 }, (_, i) => frame({ v6: round % 2 === 1, seq: 1000 + 100 * i, id: 7 + i }));
    for (let i = next(6); i > 0; i--) {
      const f = frames[next(8)];
      f[next(f.length)] = next(256);
    }
    const short = next(8);
    frames[short] = frames[short].slice(0, next(frames[short].length + 1));
    burst(frames);
    expect(cut).toEqual(frames);
    cut = [];
  }
});
