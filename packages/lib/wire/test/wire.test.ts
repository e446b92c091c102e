import {
  cksumAdjust,
  emitArp,
  emitEther,
  emitIcmp,
  emitIpv4,
  emitIpv6,
  emitTcp,
  emitTcpOptions,
  emitUdp,
  Ipv4Header,
  Ipv6Header,
  inCksum,
  ipOptionsValid,
  parseArp,
  parseEther,
  parseIcmp,
  parseIpv4,
  parseIpv6,
  parseTcp,
  parseTcpOptions,
  parseUdp,
  seqGe,
  seqGt,
  seqLe,
  seqLt,
  sumBytes,
  sumFold,
  sumFinish,
  sumPseudo4,
  sumPseudo6,
  sumSwap,
  TcpHeader,
  TcpOptions,
  UdpHeader,
} from '../src/index.js';

const bytes = (hex: string): Uint8Array =>
  Uint8Array.from(
    hex
      .replace(/\s/g, '')
      .match(/../g)!
      .map((pair) => Number.parseInt(pair, 16)),
  );

/** Numbers from a seed: the same ones each time. */
function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** The definition of RFC 1071, word by word. */
function slowCksum(b: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < b.length; i += 2) {
    sum += (b[i]! << 8) + (b[i + 1] ?? 0);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return ~sum & 0xffff;
}

describe('the Internet checksum', () => {
  test('the example of RFC 1071, section 3', () => {
    expect(sumBytes(bytes('0001 f203 f4f5 f6f7'), 0, 8)).toBe(0xddf2);
  });

  test('is the sum word by word, at any length and place', () => {
    const next = random(1);
    for (const len of [0, 1, 2, 3, 7, 8, 9, 15, 20, 63, 1460, 8191, 8192, 8193, 16385, 65535]) {
      const b = Uint8Array.from({ length: len + 5 }, () => next(256));
      expect([len, inCksum(b, 5, len)]).toEqual([len, slowCksum(b.subarray(5))]);
    }
  });

  test('is the same wherever the bytes lie in memory', () => {
    const next = random(2);
    const memory = Uint8Array.from({ length: 2000 }, () => next(256));
    for (let at = 0; at < 8; at++) {
      for (const len of [509, 510, 511, 512, 513, 514, 515, 516, 1460, 1461]) {
        const b = memory.subarray(at >> 1);
        const off = at - (at >> 1);
        expect([at, len, inCksum(b, off, len)]).toEqual([at, len, slowCksum(memory.slice(at, at + len))]);
        expect(sumFold(sumBytes(b, off, len, 0xfffe))).toBe(sumFold((~slowCksum(memory.slice(at, at + len)) & 0xffff) + 0xfffe));
      }
    }
  });

  test('stays exact over bytes that are all ones', () => {
    for (const len of [510, 512, 1 << 16, 1 << 20]) expect([len, inCksum(new Uint8Array(len).fill(255))]).toEqual([len, 0]);
    expect(inCksum(new Uint8Array(65534).fill(255))).toBe(0);
  });

  test('a packet in parts, the second from an odd place, has the sum of the whole', () => {
    const b = bytes('01 02 03 04 05 06 07 08 09');
    const sum = sumBytes(b, 0, 3) + sumSwap(sumBytes(b, 3, 6));
    expect(sumFinish(sum)).toBe(inCksum(b));
  });

  test('a changed word changes it as computing it anew does', () => {
    const next = random(2);
    for (let i = 0; i < 1000; i++) {
      const b = Uint8Array.from({ length: 20 }, () => next(256));
      const before = inCksum(b);
      const old = (b[4]! << 8) | b[5]!;
      b[4] = next(256);
      b[5] = next(256);
      const after = inCksum(b);
      const adjusted = cksumAdjust(before, old, (b[4]! << 8) | b[5]!);
      // 0 and 0xffff are the same number in one's complement.
      expect(adjusted % 0xffff).toBe(after % 0xffff);
    }
  });

  test('the pseudo headers sum what they contain', () => {
    const v4 = bytes('7f000001 c0a80102 00 11 0010');
    expect(sumPseudo4(0x7f000001, 0xc0a80102, 17, 16)).toBe(sumBytes(v4, 0, 12));
    const v6 = bytes('fe800000000000000000000000000001 20010db8000000000000000000ff00ff 00012345 000000 3a');
    const words = [0xfe800000, 0, 0, 1, 0x20010db8, 0, 0, 0xff00ff] as const;
    expect(sumPseudo6(...words, 0x3a, 0x12345)).toBe(sumBytes(v6, 0, 40));
  });
});

describe('formats', () => {
  const mac1 = bytes('020000000001');
  const mac2 = bytes('ffffffffffff');
  const ip = Object.assign(new Ipv4Header(), {
    tos: 3,
    totalLen: 60,
    id: 0x1234,
    flags: 0x2000,
    fragOffset: 800,
    ttl: 64,
    protocol: 6,
    src: 0xc0a80101,
    dst: 0xffffffff,
  });
  const ip6 = Object.assign(new Ipv6Header(), {
    trafficClass: 0xab,
    flowLabel: 0x54321,
    payloadLen: 9,
    nextHeader: 58,
    hopLimit: 255,
    s0: -1,
    s3: 1,
    d0: 0x20010db8,
    d3: -7,
  });
  const th = Object.assign(new TcpHeader(), {
    sport: 80,
    dport: 65535,
    seq: -5,
    ack: 7,
    hdrLen: 20,
    flags: 0x12,
    win: 0xffff,
    checksum: 1,
    urp: 2,
  });
  const uh = Object.assign(new UdpHeader(), { sport: 53, dport: 1024, len: 8, checksum: 0xffff });
  const arp = { op: 2, senderLink: mac1, sender: 0xc0a80101, targetLink: mac2, target: 1 };
  const subjects: [string, (b: Uint8Array) => number, (b: Uint8Array, off: number, end: number) => unknown, unknown][] = [
    [
      'ethernet',
      (b) => emitEther({ dst: mac2, src: mac1, type: 0x800 }, b),
      (b, off, end) => parseEther(b.subarray(0, end), off),
      { dst: mac2, src: mac1, type: 0x800 },
    ],
    ['arp', (b) => emitArp(arp, b), parseArp, arp],
    ['ipv4', (b) => emitIpv4(ip, b), (b, off, end) => parseIpv4(b, off, end), ip],
    ['ipv6', (b) => emitIpv6(ip6, b), (b, off, end) => parseIpv6(b, off, end), ip6],
    [
      'icmp',
      (b) => emitIcmp({ type: 8, code: 0, rest: 0x12345678 }, b, 0, 8),
      parseIcmp,
      { type: 8, code: 0, rest: 0x12345678, checksum: ~(0x0800 + 0x1234 + 0x5678) & 0xffff },
    ],
    ['udp', (b) => emitUdp(uh, b), (b, off, end) => parseUdp(b, off, end), uh],
    ['tcp', (b) => emitTcp(th, b), (b, off, end) => parseTcp(b, off, end), th],
  ];

  test.each(subjects)('%s: what was written is read again', (_name, emit, parse, fields) => {
    const b = new Uint8Array(64);
    expect(parse(b, 0, emit(b))).toEqual(fields);
  });

  test.each(subjects)('%s: cut short anywhere it is none', (_name, emit, parse) => {
    const b = new Uint8Array(64);
    const len = emit(b);
    for (let end = 0; end < len; end++) expect([end, parse(b, 0, end)]).toEqual([end, undefined]);
  });

  test('a header of IPv4 with its checksum sums to zero', () => {
    const b = new Uint8Array(20);
    emitIpv4(ip, b);
    expect(inCksum(b)).toBe(0);
  });

  test.each([
    ['a version of 6', (b: Uint8Array) => void (b[0] = 0x65)],
    ['a header of 16 bytes', (b: Uint8Array) => void (b[0] = 0x44)],
    ['a header beyond the end', (b: Uint8Array) => void (b[0] = 0x46)],
    ['a packet shorter than its header', (b: Uint8Array) => void (b[3] = 19)],
  ])('ipv4: %s is refused', (_what, spoil) => {
    const b = new Uint8Array(20);
    emitIpv4(ip, b);
    spoil(b);
    expect(parseIpv4(b)).toBeUndefined();
  });

  test.each([[0x40], [0x00], [0x60]])('tcp: a data offset of 0x%x in twenty bytes is refused', (offset) => {
    const b = new Uint8Array(20);
    emitTcp(th, b);
    b[12] = offset;
    expect(parseTcp(b)).toBeUndefined();
  });

  test('udp: lengths below 8 or beyond the end are refused', () => {
    const b = new Uint8Array(12);
    for (const [len, good] of [
      [7, false],
      [8, true],
      [12, true],
      [13, false],
    ] as const) {
      emitUdp(Object.assign(new UdpHeader(), { len }), b);
      expect(parseUdp(b) !== undefined).toBe(good);
    }
  });

  test('arp of another hardware or protocol is refused', () => {
    for (const at of [1, 3, 4, 5]) {
      const b = new Uint8Array(28);
      emitArp(arp, b);
      b[at] = 9;
      expect(parseArp(b)).toBeUndefined();
    }
  });

  test('options of IPv4 are well formed, or not', () => {
    expect(ipOptionsValid(bytes('01 07 03 04 00 ff'), 0, 6)).toBe(true);
    expect(ipOptionsValid(bytes('07 01 00 00'), 0, 4)).toBe(false);
    expect(ipOptionsValid(bytes('07 05 00 00'), 0, 4)).toBe(false);
    expect(ipOptionsValid(bytes('01 01 01 07'), 0, 4)).toBe(false);
  });
});

describe('options of TCP', () => {
  function options(init: Partial<TcpOptions>, sack: readonly number[] = []): TcpOptions {
    const o = Object.assign(new TcpOptions(), init);
    o.sack.set(sack);
    o.sackCount = sack.length / 2;
    return o;
  }

  test.each([
    ['none', options({}), 0],
    ['a segment size', options({ mss: 1460 }), 4],
    ['those of a SYN', options({ mss: 1460, wscale: 7, sackPermitted: true, hasTs: true, tsVal: -3, tsEcr: 0 }), 20],
    ['timestamps', options({ hasTs: true, tsVal: 5, tsEcr: -9 }), 12],
    ['sack permitted alone', options({ sackPermitted: true }), 4],
    ['three blocks beside timestamps', options({ hasTs: true, tsVal: 5, tsEcr: 6 }, [1, 2, -4, -3, 5, 6]), 40],
    ['four blocks', options({}, [1, 2, 3, 4, 5, 6, 7, 8]), 36],
  ])('%s: what was written is read again', (_name, o, len) => {
    const b = new Uint8Array(40);
    expect(emitTcpOptions(o, b, 0)).toBe(len);
    expect(parseTcpOptions(b, 0, len)).toEqual(o);
  });

  test('blocks that do not fit beside the others are left out', () => {
    const b = new Uint8Array(44);
    const len = emitTcpOptions(options({ hasTs: true }, [1, 2, 3, 4, 5, 6, 7, 8]), b, 0);
    expect(len).toBe(40);
    expect(parseTcpOptions(b, 0, len).sackCount).toBe(3);
  });

  test('a cookie of fast open is found where it stands', () => {
    const b = new Uint8Array(40);
    const len = emitTcpOptions(options({ mss: 1460 }), b, 0, bytes('0102030405060708'));
    const o = parseTcpOptions(b, 0, len);
    expect([o.tfoLen, [...b.subarray(o.tfoOff, o.tfoOff + o.tfoLen)]]).toEqual([8, [1, 2, 3, 4, 5, 6, 7, 8]]);
  });

  test('RFC 9293 3.1, MUST-6: unknown options are passed over', () => {
    const o = parseTcpOptions(bytes('fd 06 01020304 02 04 05b4'), 0, 10);
    expect(o.mss).toBe(1460);
  });

  test.each([['00'], ['fd'], ['fd 00 02 04 05 b4'], ['fd 01 02 04'], ['02 08 05 b4']])(
    'RFC 9293 3.1, MUST-7: lengths that do not fit (%s) end the list',
    (hex) => {
      const b = bytes(hex);
      const o = parseTcpOptions(b, 0, b.length);
      expect([o.mss, o.hasTs, o.sackCount]).toEqual([0, false, 0]);
    },
  );

  test('no bytes make it fail, nor read beyond their end', () => {
    const next = random(3);
    for (let i = 0; i < 20_000; i++) {
      const b = Uint8Array.from({ length: next(41) }, () => (next(3) === 0 ? next(40) : next(256)));
      const o = parseTcpOptions(b, 0, b.length);
      expect(o.sackCount).toBeLessThanOrEqual(4);
      if (o.tfoLen > 0) expect(o.tfoOff + o.tfoLen).toBeLessThanOrEqual(b.length);
    }
  });
});

test('sequence numbers are compared in their circle', () => {
  expect([seqLt(0x7fffffff, -0x80000000), seqGt(-1, 1), seqLe(5, 5), seqGe(5, 5), seqLt(-1, 0), seqGt(1, -1)]).toEqual([
    true,
    false,
    true,
    true,
    true,
    true,
  ]);
});
