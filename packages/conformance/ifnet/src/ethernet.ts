/** What Ethernet interfaces are on the wire: headers, addresses, groups, frames that mean harm, and capabilities. */
import { expect } from '@jest/globals';
import { getU16be, getU32be, getU32le, getU64le, putU16be, putU32le } from '@anykernel/lib-bytes';
import { IFCAPREQ_LEN, IFF_BROADCAST, IFF_MULTICAST, IFF_PROMISC, IFT_ETHER, SIOCADDMULTI, SIOCDELMULTI, SIOCGIFCAP, SIOCSIFCAP, ifreq, parseSockaddrDl, sockaddrDl } from '@anykernel/lib-sys';
import { inCksum, sumFold, sumPseudo4 } from '@anykernel/lib-wire';
import { SIOCGIFCONF } from '@anykernel/net';
import { CSUM_PARTIAL, GSO_TCPV4, M_BCAST, M_MCAST } from '@anykernel/rumpnet';
import { type Cases, type Context, ETHER_LEN, type IfWire, PEER, compare, joined, pattern, typeOf } from './subject.js';

const BROADCAST = new Uint8Array(6).fill(0xff);
/** The group 224.0.0.251 on the link (RFC 1112 6.4). */
const GROUP = Uint8Array.of(0x01, 0x00, 0x5e, 0, 0, 0xfb);

function wireOf(c: Context): IfWire {
  return c.subject.wire as IfWire;
}

function capabilities(c: Context, enable: number): Uint8Array {
  const data = ifreq(c.ifp.name, IFCAPREQ_LEN);
  putU32le(data, 24, enable);
  return data;
}

function multicast(c: Context, addr: Uint8Array): Uint8Array {
  const data = ifreq(c.ifp.name);
  data.set(sockaddrDl(0, IFT_ETHER, '', addr), 16);
  return data;
}

export const addresses: Cases = {
  'it is an Ethernet interface: broadcast, groups, a header of 14 bytes, and an address of its own that is one station\'s'(c) {
    const { ifp } = c;
    expect(c.flags() & (IFF_BROADCAST | IFF_MULTICAST)).toBe(IFF_BROADCAST | IFF_MULTICAST);
    expect([ifp.type, ifp.hdrlen, ifp.lladdr.length, ifp.lladdr[0] & 1]).toEqual([IFT_ETHER, ETHER_LEN, 6, 0]);
    const other = c.create();
    expect([...other.lladdr]).not.toEqual([...ifp.lladdr]);
  },
  'the list of interfaces says its link address'(c) {
    const list = new Uint8Array(16 + 144 * 10);
    putU32le(list, 0, list.length - 16);
    c.ioctl(SIOCGIFCONF, list);
    const links = Array.from({ length: getU32le(list, 0) / 144 }, (_, i) => parseSockaddrDl(list.subarray(32 + 144 * i, 32 + 144 * i + list[32 + 144 * i])));
    expect(links.some((sdl) => sdl?.name === c.ifp.name && compare(sdl.addr, c.ifp.lladdr) === 0)).toBe(true);
  },
  'a frame has the neighbour\'s address, its own, and the type'(c) {
    c.up();
    c.sendNow(pattern(46));
    expect(wireOf(c).sent().map((f) => [...f.subarray(0, ETHER_LEN)])).toEqual([[...PEER, ...c.ifp.lladdr, 8, 0]]);
  },
  'broadcasts and groups go to their addresses'(c) {
    c.up();
    c.sendNow(pattern(46), (m) => (m.flags |= M_BCAST));
    c.k.run(() => {
      const m = c.net.mbufs.fromBytes(pattern(46));
      m.flags |= M_MCAST;
      return c.ifp.output(c.ifp, m, c.nexthop().set(2, 0xe000_00fb | 0, 0, 0, 0));
    });
    c.subject.advance();
    expect(wireOf(c).sent().map((f) => [...f.subarray(0, 6)])).toEqual([[...BROADCAST], [...GROUP]]);
  },
  'who listens to a group of the link is counted: join, join, leave, leave, and once more is ENXIO'(c) {
    for (const cmd of [SIOCADDMULTI, SIOCADDMULTI, SIOCDELMULTI, SIOCDELMULTI]) c.ioctl(cmd, multicast(c, GROUP));
    expect(c.refusal(SIOCDELMULTI, multicast(c, GROUP))).toBe('ENXIO');
    expect(c.ifp.multicast.size).toBe(0);
  },
  'an address that is no group, or too short, is EINVAL'(c) {
    for (const addr of [PEER, GROUP.subarray(0, 5), new Uint8Array(0)]) expect(c.refusal(SIOCADDMULTI, multicast(c, addr))).toBe('EINVAL');
  },
};

export const frames: Cases = {
  'a frame to it, a broadcast, and one to a group that it joined come in, and say which they are'(c) {
    c.up();
    c.ioctl(SIOCADDMULTI, multicast(c, GROUP));
    for (const [i, to] of [c.ifp.lladdr, BROADCAST, GROUP].entries()) c.deliver(c.frame(pattern(50, i), to));
    expect(c.got.map((x) => [x.bytes.length, x.flags & (M_BCAST | M_MCAST)])).toEqual([[50, 0], [50, M_BCAST], [50, M_MCAST]]);
    expect(compare(c.got[2].bytes, pattern(50, 2))).toBe(0);
    expect(c.used).toBe(0);
  },
  'frames in are counted, and taps see them whole'(c) {
    c.up();
    const seen: number[] = [];
    c.ifp.taps.push((m, out) => void (!out && seen.push(m.pktlen)));
    c.deliver(c.frame(pattern(50)));
    c.deliver(c.frame(pattern(60)));
    const { ipackets, ibytes, ierrors } = c.counters();
    expect({ ipackets, ibytes, ierrors }).toEqual({ ipackets: 2, ibytes: 50 + 60 + 2 * ETHER_LEN, ierrors: 0 });
    expect(seen).toEqual([50 + ETHER_LEN, 60 + ETHER_LEN]);
  },
  'a frame to somebody else is not taken; where everything is wanted taps see it, and the network does not'(c) {
    c.up();
    const seen: number[] = [];
    c.ifp.taps.push((m, out) => void (!out && seen.push(m.pktlen)));
    const stranger = Uint8Array.of(2, 9, 9, 9, 9, 9);
    c.setFlags(c.flags() | IFF_PROMISC);
    c.deliver(c.frame(pattern(50), stranger));
    expect([seen, c.got]).toEqual([[50 + ETHER_LEN], []]);
    c.setFlags(c.flags() & ~IFF_PROMISC);
    c.deliver(c.frame(pattern(50), stranger));
    expect(c.got).toEqual([]);
    expect(c.used).toBe(0);
  },
  'while it is down nothing comes in'(c) {
    c.up();
    c.down();
    c.deliver(c.frame(pattern(50)));
    c.up();
    c.subject.advance();
    expect([c.got, c.counters().ipackets, c.used]).toEqual([[], 0, 0]);
  },
  'types that nobody knows, and lengths in place of types, are counted and freed'(c) {
    c.up();
    for (const type of [0x1234, 0xffff, 0x0000, 0x002e, 0x86dd]) c.deliver(c.frame(pattern(50), c.ifp.lladdr, type));
    expect([c.counters().noproto, c.got, c.used]).toEqual([5, [], 0]);
  },
  'runts of every length harm nothing'(c) {
    c.up();
    for (let len = 0; len < ETHER_LEN; len++) c.deliver(c.frame(pattern(0)).subarray(0, len));
    c.deliver(c.frame(pattern(0)));
    c.deliver(c.frame(pattern(1)));
    expect(c.got.map((x) => x.bytes.length).filter((len) => len > 1)).toEqual([]);
    expect(c.used).toBe(0);
    good(c);
  },
  'giants harm nothing, and no more than a frame of 64 KiB is taken in'(c) {
    c.up();
    for (const len of [c.mtu() + 1, 9001, 65_535, 65_536, 70_000]) c.deliver(c.frame(pattern(len)));
    for (const x of c.got.splice(0)) expect(x.bytes.length).toBeLessThan(65_600);
    expect(c.used).toBe(0);
    good(c);
  },
  'a thousand frames of nonsense harm nothing'(c) {
    c.up();
    let x = 12345;
    const next = (): number => (x = Math.imul(x, 1_103_515_245) + 12_345) >>> 8;
    for (let i = 0; i < 1000; i++) {
      const bytes = Uint8Array.from({ length: next() % 200 }, next);
      if ((i & 1) === 0) bytes.set(c.ifp.lladdr.subarray(0, bytes.length));
      c.subject.wire?.deliver(bytes);
    }
    c.subject.advance();
    expect(c.used).toBe(0);
    good(c);
  },
};

/** The next good frame comes in. */
function good(c: Context): void {
  c.got.length = 0;
  c.deliver(c.frame(pattern(77)));
  expect(c.got.map((x) => x.bytes.length)).toEqual([77]);
}

/** A TCP segment in IPv4 whose checksum is to be completed, with `len` bytes of payload. */
function segment(len: number): Uint8Array {
  const bytes = new Uint8Array(40 + len);
  bytes.set([0x45, 0, 0, 0, 0x12, 0x34, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
  putU16be(bytes, 2, bytes.length);
  putU16be(bytes, 10, inCksum(bytes, 0, 20));
  bytes.set([0, 80, 1, 0, 0, 0, 0, 100, 0, 0, 0, 0, 0x50, 0x10, 0xff, 0xff], 20);
  bytes.set(pattern(len), 40);
  putU16be(bytes, 36, sumFold(sumPseudo4(0x0a00_0001, 0x0a00_0002, 6, 20 + len)));
  return bytes;
}

/** Whether the TCP checksum of a frame is right. */
function isSummed(frame: Uint8Array): boolean {
  const tcp = frame.slice(ETHER_LEN + 20);
  return sumFold(sumPseudo4(0x0a00_0001, 0x0a00_0002, 6, tcp.length) + (~inCksum(tcp) & 0xffff)) === 0xffff;
}

export const offload: Cases = {
  'capabilities are told; only they can be switched on'(c) {
    const data = c.ioctl(SIOCGIFCAP, capabilities(c, 0));
    const all = getU64le(data, 16);
    expect([all, getU64le(data, 24)]).toEqual([c.ifp.capabilities, c.ifp.capenable]);
    expect(c.refusal(SIOCSIFCAP, capabilities(c, (all | 0x1) >>> 0))).toBe('EINVAL');
    c.ioctl(SIOCSIFCAP, capabilities(c, all));
    expect(getU64le(c.ioctl(SIOCGIFCAP, capabilities(c, 0)), 24)).toBe(all);
    c.ioctl(SIOCSIFCAP, capabilities(c, 0));
    expect(getU64le(c.ioctl(SIOCGIFCAP, capabilities(c, 0)), 24)).toBe(0);
  },
  'with none of them a sum that was left open is on the wire complete'(c) {
    c.up();
    c.ioctl(SIOCSIFCAP, capabilities(c, 0));
    c.sendNow(segment(100), (m) => {
      m.csum = CSUM_PARTIAL;
      m.csumStart = 20;
      m.csumOff = 16;
    });
    const sent = wireOf(c).sent();
    expect(sent.map((f) => [f.length, typeOf(f), isSummed(f)])).toEqual([[ETHER_LEN + 140, 0x0800, true]]);
  },
  'with none of them a large segment is on the wire in pieces that the wire can carry, whole and in order'(c) {
    c.up();
    c.ioctl(SIOCSIFCAP, capabilities(c, 0));
    c.sendNow(segment(5000), (m) => {
      m.csum = CSUM_PARTIAL;
      m.csumStart = 20;
      m.csumOff = 16;
      m.gsoType = GSO_TCPV4;
      m.gsoSize = 1448;
    });
    const sent = wireOf(c).sent();
    expect(sent.map((f) => [f.length - ETHER_LEN - 40, isSummed(f), getU16be(f, ETHER_LEN + 2) === f.length - ETHER_LEN, inCksum(f, ETHER_LEN, 20), getU32be(f, ETHER_LEN + 24)])).toEqual(
      [1448, 1448, 1448, 656].map((len, i) => [len, true, true, 0, 100 + 1448 * i]),
    );
    expect(compare(joined(sent.map((f) => f.subarray(ETHER_LEN + 40))), pattern(5000))).toBe(0);
    expect(c.used).toBe(0);
  },
};
