import { getU16be, putU16be } from '@anykernel/lib-bytes';
import { inCksum, sumFold, sumPseudo4 } from '@anykernel/lib-wire';
import {
  AF_INET, AF_INET6, ERR, IFCAP_CSUM_TCPv4_Tx, IFCAP_TSOv4, IFF_RUNNING, IFF_UP, RTF_CONNECTED, RTF_LOCAL, inetParse, linkParse,
} from '@anykernel/lib-sys';
import { type AddrEvent, type IfEvent, Ifaddr, type Ifnet, Nexthop, bytesOf, etherMulticast, multicastAdd, multicastDel, nexthopOf } from '@anykernel/net';
import { CSUM_PARTIAL, CSUM_VALID, GSO_TCPV4, M_MCAST, type Mbuf, mbufsOf } from '@anykernel/rumpnet';
import type { Kernel } from '@anykernel/rumpkern';
import { Wire, netKernel, netOf } from './wire.js';

let k: Kernel;
beforeEach(() => {
  k = netKernel();
});
afterEach(() => k.halt());

function inet(text: string): Nexthop {
  return new Nexthop().set(AF_INET, inetParse(text) as number, 0, 0, 0);
}

/** What a family's input gets, as bytes. */
function listen(family: number, kernel = k): { name: string; bytes: Uint8Array; csum: number; flags: number }[] {
  const got: { name: string; bytes: Uint8Array; csum: number; flags: number }[] = [];
  netOf(kernel).isr(family, (m, ifp) => {
    got.push({ name: ifp.name, bytes: mbufsOf(kernel).toBytes(m), csum: m.csum, flags: m.flags });
    mbufsOf(kernel).free(m);
  });
  return got;
}

function up(ifp: Ifnet): Ifnet {
  ifp.k.run(() => netOf(ifp.k).setFlags(ifp, ifp.flags | IFF_UP));
  return ifp;
}

describe('loopback', () => {
  test('is there and up, and what is sent comes in as a soft interrupt, valid and whole', () => {
    const got = listen(AF_INET);
    const { lo0 } = netOf(k);
    const bytes = new Uint8Array(50_000).fill(7);
    k.run(() => {
      expect(lo0.output(lo0, mbufsOf(k).fromBytes(bytes), inet('127.0.0.1'))).toBe(0);
      expect(got).toEqual([]);
    });
    expect(got).toEqual([{ name: 'lo0', bytes, csum: CSUM_VALID, flags: 0x400 }]);
    expect(mbufsOf(k).used).toBe(0);
  });

  test('more than its queue holds is refused and freed', () => {
    listen(AF_INET);
    const { lo0 } = netOf(k);
    const results = new Set<number>();
    k.run(() => {
      for (let i = 0; i < 1100; i++) results.add(lo0.output(lo0, mbufsOf(k).fromBytes(new Uint8Array(20)), inet('127.0.0.1')));
    });
    expect([...results]).toEqual([0, ERR.ENOBUFS.errno]);
    expect(lo0.iqdrops).toBe(1100 - 1024);
    expect(mbufsOf(k).used).toBe(0);
  });

  test('a packet of a family that nobody serves is counted and freed', () => {
    const { lo0 } = netOf(k);
    k.run(() => lo0.output(lo0, mbufsOf(k).fromBytes(new Uint8Array(20)), new Nexthop(AF_INET6)));
    expect(lo0.noproto).toBe(1);
    expect(mbufsOf(k).used).toBe(0);
  });
});

describe('interfaces', () => {
  test('are made and destroyed by name', () => {
    const state = netOf(k);
    const events: string[] = [];
    state.onIf.push((ifp: Ifnet, event: IfEvent) => events.push(`${ifp.name} ${event}`));
    k.run(() => {
      expect(state.create('lo1').index).toBe(2);
      expect(() => state.create('lo1')).toThrow(expect.objectContaining({ code: 'EEXIST' }));
      for (const name of ['lo', 'lo01', '1', '', 'nonesuch0', 'lo99999999']) expect(() => state.create(name)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
      state.destroy('lo1');
      expect(() => state.destroy('lo1')).toThrow(expect.objectContaining({ code: 'ENXIO' }));
      expect(() => state.destroy('lo0')).toThrow(expect.objectContaining({ code: 'EPERM' }));
    });
    expect(events).toEqual(['lo1 attach', 'lo1 detach']);
  });

  test('up and down start and stop the driver', () => {
    const wire = new Wire();
    const ifp = up(wire.plug(k));
    expect(ifp.flags & (IFF_UP | IFF_RUNNING)).toBe(IFF_UP | IFF_RUNNING);
    k.run(() => netOf(k).setFlags(ifp, ifp.flags & ~IFF_UP));
    expect(ifp.flags & (IFF_UP | IFF_RUNNING)).toBe(0);
    expect(ifp.output(ifp, mbufsOf(k).fromBytes(new Uint8Array(4)), inet('1.2.3.4'))).toBe(ERR.ENETDOWN.errno);
    expect(mbufsOf(k).used).toBe(0);
  });

  test('an address makes the routes to it and to its network, and takes them away', () => {
    const state = netOf(k);
    const events: string[] = [];
    state.onAddr.push((ia: Ifaddr, event: AddrEvent) => events.push(`${bytesOf(ia.addr).join('.')} ${event}`));
    const wire = new Wire();
    const e0 = up(wire.plug(k));
    const e1 = up(wire.plug(k));
    const first = new Ifaddr(e0, inet('10.0.1.1'), 24);
    k.run(() => {
      state.addrAdd(first);
      state.addrAdd(new Ifaddr(e1, inet('10.0.1.2'), 24));
      expect(() => state.addrAdd(new Ifaddr(e0, inet('10.0.1.1'), 24))).toThrow(expect.objectContaining({ code: 'EEXIST' }));
    });
    const table = state.rtable(AF_INET);
    const to = inet('10.0.1.77');
    expect(table.lookup(to.w0)).toMatchObject({ ifp: e0, prefixLen: 24 });
    expect((table.lookup(to.w0)?.flags ?? 0) & RTF_CONNECTED).not.toBe(0);
    expect(table.lookup(inet('10.0.1.1').w0)).toMatchObject({ ifp: state.lo0, prefixLen: 32 });
    expect((table.lookup(inet('10.0.1.2').w0)?.flags ?? 0) & RTF_LOCAL).not.toBe(0);
    k.run(() => state.addrDel(first));
    expect(table.lookup(to.w0)).toMatchObject({ ifp: e1 });
    k.run(() => state.ifdetach(e1));
    expect(table.count).toBe(0);
    expect(events).toEqual(['10.0.1.1 add', '10.0.1.2 add', '10.0.1.1 delete', '10.0.1.2 delete']);
  });
});

describe('Ethernet', () => {
  let other: Kernel;
  let wire: Wire;
  let a: Ifnet;
  let b: Ifnet;
  beforeEach(() => {
    other = netKernel();
    wire = new Wire();
    a = up(wire.plug(k));
    b = up(wire.plug(other));
  });
  afterEach(() => other.halt());

  function send(m: Mbuf, nh: Nexthop): number {
    return k.run(() => a.output(a, m, nh));
  }

  test('a packet goes to the address that the resolver gives, and to its family', () => {
    netOf(k).resolvers.set(AF_INET, () => b.lladdr);
    const got = listen(AF_INET, other);
    send(k.run(() => a.mbufs.fromBytes(Uint8Array.of(1, 2, 3))), inet('10.0.0.2'));
    expect(wire.frames.map((f) => [...f])).toEqual([[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 1, 2, 3]]);
    expect(got.map((x) => [...x.bytes])).toEqual([[1, 2, 3]]);
    expect([a.mbufs.used, b.mbufs.used]).toEqual([0, 0]);
  });

  test('a packet whose neighbour is not known yet is the resolver\'s', () => {
    let kept: Mbuf | undefined;
    netOf(k).resolvers.set(AF_INET, (_ifp, m) => {
      kept = m;
      return undefined;
    });
    expect(send(k.run(() => a.mbufs.fromBytes(Uint8Array.of(1))), inet('10.0.0.2'))).toBe(0);
    expect(wire.frames).toEqual([]);
    a.mbufs.free(kept as Mbuf);
  });

  test('frames for others are dropped, and seen by taps', () => {
    const got = listen(AF_INET, other);
    const seen: number[] = [];
    b.taps.push((m, out) => seen.push(out ? -m.pktlen : m.pktlen));
    netOf(k).resolvers.set(AF_INET, () => linkParse('02:00:00:00:00:99'));
    send(k.run(() => a.mbufs.fromBytes(Uint8Array.of(1))), inet('10.0.0.9'));
    expect(got).toEqual([]);
    expect(seen).toEqual([15]);
    expect(b.mbufs.used).toBe(0);
  });

  test('a multicast address is mapped as the standards say', () => {
    expect([...etherMulticast(inet('224.129.2.3'))]).toEqual([1, 0, 0x5e, 1, 2, 3]);
    expect([...etherMulticast(nexthopOf(AF_INET6, Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 9, 8, 7)))]).toEqual([0x33, 0x33, 0xff, 9, 8, 7]);
    const got = listen(AF_INET, other);
    const m = k.run(() => a.mbufs.fromBytes(Uint8Array.of(1)));
    m.flags |= M_MCAST;
    send(m, inet('224.0.0.1'));
    expect(got).toHaveLength(1);
    expect(got[0].flags & M_MCAST).toBe(M_MCAST);
  });

  test('link-level groups are counted', () => {
    const group = linkParse('01:00:5e:00:00:09') as Uint8Array;
    multicastAdd(a, group);
    multicastAdd(a, group);
    multicastDel(a, group);
    multicastDel(a, group);
    expect(() => multicastDel(a, group)).toThrow(expect.objectContaining({ code: 'ENXIO' }));
  });

  test('who stands between sees what goes out and comes in, and may drop it', () => {
    netOf(k).resolvers.set(AF_INET, () => b.lladdr);
    const got = listen(AF_INET, other);
    let count = 0;
    const remove = b.interpose({ in: (m, next) => (count++ % 2 === 0 ? next(m) : b.mbufs.free(m)) });
    for (let i = 0; i < 4; i++) send(k.run(() => a.mbufs.fromBytes(Uint8Array.of(i))), inet('10.0.0.2'));
    remove();
    send(k.run(() => a.mbufs.fromBytes(Uint8Array.of(9))), inet('10.0.0.2'));
    expect(got.map((x) => x.bytes[0])).toEqual([0, 2, 9]);
    expect(b.mbufs.used).toBe(0);
  });

  test.each([0, 1, 13])('a frame of %i bytes is an error of the wire', (len) => {
    other.intr(() => b.input(b.mbufs.fromBytes(new Uint8Array(len))));
    expect(b.ierrors).toBe(1);
    expect(b.mbufs.used).toBe(0);
  });
});

/** A TCP segment in IPv4 whose checksum is to be completed, with `len` bytes of payload that count up. */
function superSegment(kernel: Kernel, len: number, gsoSize: number): Mbuf {
  const bytes = new Uint8Array(40 + len);
  bytes.set([0x45, 0, 0, 0, 0x12, 0x34, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
  putU16be(bytes, 2, bytes.length);
  bytes.set([0, 80, 1, 0, 0, 0, 0, 100, 0, 0, 0, 0, 0x50, 0x99, 0xff, 0xff], 20);
  for (let i = 0; i < len; i++) bytes[40 + i] = i % 251;
  putU16be(bytes, 36, sumFold(sumPseudo4(0x0a000001, 0x0a000002, 6, 20 + len)));
  const m = mbufsOf(kernel).fromBytes(bytes);
  m.csum = CSUM_PARTIAL;
  m.csumStart = 20;
  m.csumOff = 16;
  m.gsoType = GSO_TCPV4;
  m.gsoSize = gsoSize;
  return m;
}

describe('offload in software', () => {
  test.each([1, 999, 1000, 1001, 5000])('a large segment of %i bytes becomes segments of 1000 with right headers and checksums', (len) => {
    const wire = new Wire();
    const a = up(wire.plug(k));
    netOf(k).resolvers.set(AF_INET, () => a.lladdr);
    expect(k.run(() => a.output(a, superSegment(k, len, 1000), inet('10.0.0.2')))).toBe(0);
    expect(wire.frames).toHaveLength(Math.ceil(len / 1000));
    let at = 0;
    wire.frames.forEach((frame, i) => {
      const ip = frame.subarray(14);
      const last = i === wire.frames.length - 1;
      expect(getU16be(ip, 2)).toBe(ip.length);
      expect(getU16be(ip, 4)).toBe(0x1234 + i);
      expect(inCksum(ip, 0, 20)).toBe(0);
      expect(getU16be(ip, 26)).toBe(100 + at);
      // CWR on the first alone; FIN and PSH (0x09 of 0x99) on the last alone; ACK on each.
      expect(ip[33]).toBe(0x10 | (i === 0 ? 0x80 : 0) | (last ? 0x09 : 0));
      const tcp = ip.slice(20);
      expect(sumFold(sumPseudo4(0x0a000001, 0x0a000002, 6, tcp.length) + (~inCksum(tcp) & 0xffff))).toBe(0xffff);
      for (const byte of tcp.subarray(20)) expect(byte).toBe(at++ % 251);
    });
    expect(at).toBe(len);
    expect(a.mbufs.used).toBe(0);
  });

  test('a capable interface gets it whole', () => {
    const wire = new Wire();
    const a = up(wire.plug(k, { capabilities: IFCAP_TSOv4 | IFCAP_CSUM_TCPv4_Tx }));
    netOf(k).resolvers.set(AF_INET, () => a.lladdr);
    k.run(() => a.output(a, superSegment(k, 5000, 1000), inet('10.0.0.2')));
    expect(wire.frames.map((f) => f.length)).toEqual([14 + 40 + 5000]);
  });

  test('headers that end too early are dropped', () => {
    const wire = new Wire();
    const a = up(wire.plug(k));
    netOf(k).resolvers.set(AF_INET, () => a.lladdr);
    for (let len = 0; len < 45; len++) {
      const m = superSegment(k, 20, 10);
      k.run(() => a.mbufs.trim(m, len));
      k.run(() => a.output(a, m, inet('10.0.0.2')));
    }
    expect(a.mbufs.used).toBe(0);
  });
});
