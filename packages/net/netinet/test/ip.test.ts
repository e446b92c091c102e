/** IPv4, ICMP, UDP and raw sockets: kernels on a link, and packets made by hand. */
import {
  AF_INET, F_SETFL, IFF_BROADCAST, IFF_UP, IPPROTO_IP, IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP, IP_HDRINCL, IP_MINTTL, IP_MULTICAST_IF, IP_MULTICAST_TTL, IP_OPTIONS, IP_PKTINFO, IP_RECVDSTADDR,
  IP_RECVIF, IP_RECVOPTS, IP_RECVTTL, IP_RETOPTS, IP_TOS, IP_TTL, O_NONBLOCK, SCM_TIMESTAMP, SOCK_DGRAM, SOCK_RAW, SOL_SOCKET, SO_TIMESTAMP, cmsgBytes, parseCmsgs, sockaddrIn,
  timevalBytes,
} from '@anykernel/lib-sys';
import { emitIcmp, emitIpv4, inCksum, Ipv4Header, parseIcmp, parseIpv4, parseUdp, sumBytes, sumFinish, sumPseudo4 } from '@anykernel/lib-wire';
import { Ifnet, Nexthop, Rtentry } from '@anykernel/net';
import { M_BCAST } from '@anykernel/rumpnet';
import { addAddress } from '../src/index.js';
import { code } from './drill.js';
import { A_ADDR, B_ADDR, type Station, pairOf } from './world.js';

const ICMP = 1;
const UDP = 17;

/** A packet of IPv4. */
function packet(protocol: number, payload: Uint8Array, more: Partial<Ipv4Header> = {}, options = new Uint8Array(0)): Uint8Array {
  const hdrLen = 20 + options.length;
  const b = new Uint8Array(hdrLen + payload.length);
  b.set(options, 20);
  b.set(payload, hdrLen);
  emitIpv4(Object.assign(new Ipv4Header(), { hdrLen, totalLen: b.length, ttl: 64, protocol, src: B_ADDR, dst: A_ADDR }, more), b);
  return b;
}

function echo(len: number, rest = 0x1234_0001): Uint8Array {
  const b = new Uint8Array(8 + len);
  emitIcmp({ type: 8, code: 0, rest }, b);
  return b;
}

function udp(dport: number, data: Uint8Array, src = B_ADDR, dst = A_ADDR): Uint8Array {
  const b = new Uint8Array(8 + data.length);
  b.set([0x10, 0, dport >> 8, dport, b.length >> 8, b.length]);
  b.set(data, 8);
  const sum = sumFinish(sumBytes(b, 0, b.length, sumPseudo4(src, dst, UDP, b.length)));
  b[6] = sum >> 8;
  b[7] = sum;
  return b;
}

/** One kernel, and what it sends. */
function alone(): { a: Station; out: Uint8Array[]; advance: (ms: number) => void } {
  const { sim, a } = pairOf(1);
  const out: Uint8Array[] = [];
  a.wire = (bytes) => void out.push(bytes);
  return { a, out, advance: (ms) => void sim.advance(ms * 1e6) };
}

function nonblocking(st: Station, type: number, protocol = 0): number {
  const fd = st.p.sys.socket(AF_INET, type, protocol);
  st.p.sys.fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

function int(value: number): Uint8Array {
  return Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);
}

describe('packets that come in (RFC 1122 3.2.1)', () => {
  test('an echo is answered, with the same bytes', () => {
    const { a, out } = alone();
    a.receive(packet(ICMP, echo(100)));
    const ip = parseIpv4(out[0]!)!;
    const reply = parseIcmp(out[0]!, 20)!;
    expect([out.length, ip.src, ip.dst, reply.type, reply.rest, inCksum(out[0]!, 20), inCksum(out[0]!, 0, 20)]).toEqual([1, A_ADDR, B_ADDR, 0, 0x1234_0001, 0, 0]);
  });
  test.each([
    ['a wrong checksum of the header', (b: Uint8Array) => void (b[10]! ^= 1)],
    ['a wrong checksum of the message', (b: Uint8Array) => void (b[22]! ^= 1)],
    ['a length beyond its end', (b: Uint8Array) => void emitIpv4(Object.assign(parseIpv4(b)!, { totalLen: b.length + 1 }), b)],
    ['a source that is a group', (b: Uint8Array) => void emitIpv4(Object.assign(parseIpv4(b)!, { src: 0xe000_0001 }), b)],
    ['a loopback address from the wire', (b: Uint8Array) => void emitIpv4(Object.assign(parseIpv4(b)!, { dst: 0x7f00_0001 }), b)],
  ])('with %s it is dropped', (_what, spoil) => {
    const { a, out } = alone();
    const b = packet(ICMP, echo(10));
    spoil(b);
    a.receive(b);
    expect([out, a.used]).toEqual([[], 0]);
  });
  test('what the link has filled up is cut off', () => {
    const { a, out } = alone();
    const b = packet(ICMP, echo(4));
    const padded = new Uint8Array(60);
    padded.set(b);
    a.receive(padded);
    expect(out[0]!.length).toBe(b.length);
  });
  test('an unknown protocol: ICMP says so, and quotes the header and eight bytes', () => {
    const { a, out } = alone();
    a.receive(packet(200, new Uint8Array(50)));
    const message = parseIcmp(out[0]!, 20)!;
    expect([message.type, message.code, out[0]!.length]).toEqual([3, 2, 20 + 8 + 28]);
  });
  test('net.inet.icmp.returndatabytes says how many', () => {
    const { a, out } = alone();
    a.k.sysctl.set('net.inet.icmp.returndatabytes', 40);
    a.receive(packet(200, new Uint8Array(50)));
    expect(out[0]!.length).toBe(20 + 8 + 60);
  });
  test('errors are limited to so many in a second', () => {
    const { a, out, advance } = alone();
    a.k.sysctl.set('net.inet.icmp.errppslimit', 5);
    for (let i = 0; i < 20; i++) a.receive(packet(200, new Uint8Array(50)));
    expect(out.length).toBe(5);
    advance(1100);
    a.receive(packet(200, new Uint8Array(50)));
    expect(out.length).toBe(6);
  });
  test('there is no error about an error, a later fragment, a group (RFC 1122 3.2.2)', () => {
    const { a, out } = alone();
    a.receive(packet(200, new Uint8Array(16), { flags: 0, fragOffset: 8 }));
    a.receive(packet(200, new Uint8Array(16), { dst: 0xe000_0001 }));
    const error = new Uint8Array(8 + 28);
    error.set(packet(UDP, udp(9, new Uint8Array(0)), { src: A_ADDR, dst: B_ADDR }), 8);
    emitIcmp({ type: 3, code: 3, rest: 0 }, error);
    a.receive(packet(ICMP, error));
    expect(out).toEqual([]);
  });
  test('a timestamp is answered with ours', () => {
    const { a, out } = alone();
    const b = new Uint8Array(20);
    emitIcmp({ type: 13, code: 0, rest: 7 }, b);
    a.receive(packet(ICMP, b));
    const message = parseIcmp(out[0]!, 20)!;
    expect([message.type, message.rest, out[0]!.subarray(28 + 4, 28 + 8).some((byte) => byte !== 0)]).toEqual([14, 7, false]);
  });
});

describe('options (RFC 791 3.1)', () => {
  test('record route: our address is added', () => {
    const { a, out } = alone();
    a.receive(packet(UDP, udp(9, new Uint8Array(0)), {}, Uint8Array.of(7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0)));
    const quoted = out[0]!.subarray(28);
    expect([...quoted.subarray(20, 28)]).toEqual([7, 11, 8, 10, 0, 0, 1, 0]);
  });
  test.each([
    ['a length of 1', [7, 1, 4, 0], 12, 1],
    ['a length beyond the end', [7, 9, 4, 0], 12, 1],
    ['a pointer of 0', [7, 3, 0, 0], 12, 2],
    ['a source route', [131, 7, 4, 10, 0, 0, 9, 0], 3, 0],
  ])('%s is refused', (_what, bytes, type, pointer) => {
    const { a, out } = alone();
    a.receive(packet(UDP, udp(9, new Uint8Array(0)), {}, Uint8Array.from(bytes)));
    const message = parseIcmp(out[0]!, 20)!;
    expect(message.type).toBe(type);
    if (type === 12) expect(message.rest >>> 24).toBe(20 + pointer);
  });
  test('IP_OPTIONS: what a socket sends has them', () => {
    const { a, out } = alone();
    const fd = nonblocking(a, SOCK_DGRAM);
    a.p.sys.setsockopt(fd, IPPROTO_IP, IP_OPTIONS, Uint8Array.of(7, 7, 4, 0, 0, 0, 0));
    a.p.sys.sendto(fd, Uint8Array.of(1), 0, sockaddrIn(B_ADDR, 9));
    expect([...out[0]!.subarray(20, 28)]).toEqual([7, 7, 4, 0, 0, 0, 0, 0]);
    expect(code(() => a.p.sys.setsockopt(fd, IPPROTO_IP, IP_OPTIONS, Uint8Array.of(7, 1, 0, 0)))).toBe('EINVAL');
    // A source route, whatever stands in front of it.
    expect(code(() => a.p.sys.setsockopt(fd, IPPROTO_IP, IP_OPTIONS, Uint8Array.of(1, 131, 7, 4, 10, 0, 0, 9)))).toBe('EINVAL');
  });
  test('IP_RETOPTS of a datagram that is sent: its own', () => {
    const { a, out } = alone();
    const fd = nonblocking(a, SOCK_DGRAM);
    const control = cmsgBytes({ level: IPPROTO_IP, type: IP_RETOPTS, data: Uint8Array.of(148, 4, 0, 0) });
    a.p.sys.sendmsg(fd, { iov: [Uint8Array.of(1)], name: sockaddrIn(B_ADDR, 9), control }, 0);
    a.p.sys.sendto(fd, Uint8Array.of(1), 0, sockaddrIn(B_ADDR, 9));
    expect(out.map((b) => [b[0], b[20]])).toEqual([[0x46, 148], [0x45, out[1]![20]]]);
  });
  test('IP_RECVOPTS: those of each datagram, as they came', () => {
    const { a } = alone();
    const fd = nonblocking(a, SOCK_DGRAM);
    a.p.sys.bind(fd, sockaddrIn(0, 9));
    a.p.sys.setsockopt(fd, IPPROTO_IP, IP_RECVOPTS, int(1));
    const options = [148, 4, 0, 0];
    a.receive(packet(UDP, udp(9, Uint8Array.of(1)), {}, Uint8Array.from(options)));
    a.receive(packet(UDP, udp(9, Uint8Array.of(1))));
    const take = (): unknown[] => {
      const msg = { iov: [new Uint8Array(9)], controlMax: 256, control: undefined as Uint8Array | undefined };
      a.p.sys.recvmsg(fd, msg, 0);
      return msg.control === undefined ? [] : parseCmsgs(msg.control)!.map(({ type, data }) => [type, [...data]]);
    };
    expect([take(), take()]).toEqual([[[IP_RECVOPTS, options]], []]);
  });

  describe('source routes (RFC 1812 5.2.4.1, 5.3.13.4), where they are let through', () => {
    const lsrr = (pointer: number, ...addrs: number[]): Uint8Array<ArrayBuffer> => {
      const len = 3 + 4 * addrs.length;
      return Uint8Array.of(131, len, pointer, ...addrs.flatMap((addr) => [addr >>> 24, (addr >>> 16) & 255, (addr >>> 8) & 255, addr & 255]), 0);
    };
    const routed = (...names: string[]): ReturnType<typeof alone> => {
      const all = alone();
      for (const name of names) all.a.k.sysctl.set(`net.inet.ip.${name}`, 1);
      all.a.k.sysctl.set('net.inet.ip.redirect', 0);
      return all;
    };
    test('the packet goes on to the next address, and ours is recorded in its place', () => {
      const { a, out } = routed('allowsrcrt', 'forwsrcrt');
      a.receive(packet(UDP, new Uint8Array(8), {}, lsrr(4, B_ADDR)));
      const h = parseIpv4(out[0]!)!;
      expect([h.dst, inCksum(out[0]!, 0, h.hdrLen), [...out[0]!.subarray(20, 27)]]).toEqual([B_ADDR, 0, [131, 7, 8, 10, 0, 0, 1]]);
    });
    test('one that ends here is taken', () => {
      const { a } = routed('allowsrcrt');
      const fd = nonblocking(a, SOCK_DGRAM);
      a.p.sys.bind(fd, sockaddrIn(0, 9));
      a.receive(packet(UDP, udp(9, Uint8Array.of(1)), {}, lsrr(8, B_ADDR)));
      expect(a.p.sys.read(fd, new Uint8Array(9))).toBe(1);
    });
    test.each([
      ['that goes on, without forwsrcrt', ['allowsrcrt'], lsrr(4, B_ADDR)],
      ['to a group', ['allowsrcrt', 'forwsrcrt'], lsrr(4, 0xe100_0001)],
      ['that is strict, through a gateway', ['allowsrcrt', 'forwsrcrt'], lsrr(4, 0xc0a8_0101).fill(137, 0, 1)],
      ['to where there is no route', ['allowsrcrt', 'forwsrcrt'], lsrr(4, 0x0909_0909)],
    ])('one %s is refused', (_what, names, options) => {
      const { a, out } = routed(...names);
      const to = new Nexthop().set(AF_INET, 0xc0a8_0000 | 0, 0, 0, 0);
      a.k.run(() => a.inet.net.rtAdd(new Rtentry(to, 16, new Nexthop().set(AF_INET, B_ADDR, 0, 0, 0), a.ifp, a.ifp.addrs[0], 3)));
      a.receive(packet(UDP, new Uint8Array(8), {}, options));
      const message = parseIcmp(out[0]!, 20)!;
      expect([message.type, message.code]).toEqual([3, 5]);
    });
  });
});

describe('fragments (RFC 791 3.2)', () => {
  const big = Uint8Array.from({ length: 5000 }, (_, i) => i & 255);

  test('a datagram larger than the link goes in pieces, and comes out whole', () => {
    const { sim, a, b } = pairOf(1);
    const from = nonblocking(a, SOCK_DGRAM);
    const to = nonblocking(b, SOCK_DGRAM);
    b.p.sys.bind(to, sockaddrIn(0, 9));
    a.p.sys.sendto(from, big, 0, sockaddrIn(B_ADDR, 9));
    sim.advance(10e6);
    const got = new Uint8Array(6000);
    expect([b.p.sys.recvfrom(to, got, 0), [...got.subarray(0, 5000)].every((byte, i) => byte === (i & 255)), a.inet.ip.stats.ofragments]).toEqual([5000, true, 4]);
    expect([a.used, b.inet.ip.frags.count]).toEqual([0, 0]);
  });

  /** The pieces of a datagram for port 9 in steps of `step`. */
  function pieces(step: number, id: number): Uint8Array[] {
    const whole = udp(9, big);
    const all: Uint8Array[] = [];
    for (let off = 0; off < whole.length; off += step) {
      const part = whole.subarray(off, off + step);
      all.push(packet(UDP, part, { id, fragOffset: off, flags: off + step < whole.length ? 0x2000 : 0 }));
    }
    return all;
  }
  function receiver(): { a: Station; out: Uint8Array[]; advance: (ms: number) => void; fd: number } {
    const world = alone();
    const fd = nonblocking(world.a, SOCK_DGRAM);
    world.a.p.sys.bind(fd, sockaddrIn(0, 9));
    return { ...world, fd };
  }
  const read = (a: Station, fd: number): number | string => {
    let n = 0;
    const result = code(() => void (n = a.p.sys.recvfrom(fd, new Uint8Array(6000), 0)));
    return result === 'ok' ? n : result;
  };

  test.each([['forwards', (all: Uint8Array[]) => all], ['backwards', (all: Uint8Array[]) => all.reverse()], ['twice', (all: Uint8Array[]) => [...all.slice(0, -1), ...all]]])(
    'pieces that come %s',
    (_how, order) => {
      const { a, fd } = receiver();
      for (const one of order(pieces(1480, 5))) a.receive(one);
      expect(read(a, fd)).toBe(5000);
    },
  );
  test('pieces that overlap drop the packet', () => {
    const { a, fd } = receiver();
    const all = pieces(1480, 5);
    const [first] = pieces(1600, 5);
    a.receive(first!);
    for (const one of all.slice(1)) a.receive(one);
    expect([read(a, fd), a.inet.ip.stats.fragdropped > 0]).toEqual(['EAGAIN', true]);
  });
  test('a packet beyond 65,535 bytes is dropped (the ping of death)', () => {
    const { a } = receiver();
    a.receive(packet(ICMP, new Uint8Array(1480), { fragOffset: 65_528 - 8, flags: 0 }));
    expect([a.inet.ip.stats.fragdropped, a.used]).toEqual([1, 0]);
  });
  test('after half a minute the rest is not waited for, and the sender is told', () => {
    const { a, out, advance } = receiver();
    a.receive(pieces(1480, 5)[0]!);
    advance(31_000);
    const message = parseIcmp(out[0]!, 20)!;
    expect([message.type, message.code, a.used]).toEqual([11, 1, 0]);
  });
  test('pieces of different packets are not mixed', () => {
    const { a, fd } = receiver();
    const one = pieces(1480, 5);
    const other = pieces(1480, 6);
    a.receive(one[0]!);
    for (const piece of other.slice(1)) a.receive(piece);
    expect(read(a, fd)).toBe('EAGAIN');
  });
});

describe('forwarding (RFC 1812 5.3)', () => {
  function router(): { a: Station; out: Uint8Array[] } {
    const { a, out } = alone();
    const to = new Nexthop().set(AF_INET, 0xc0a8_0000 | 0, 0, 0, 0);
    a.k.run(() => a.inet.net.rtAdd(new Rtentry(to, 16, new Nexthop().set(AF_INET, B_ADDR, 0, 0, 0), a.ifp, a.ifp.addrs[0], 3)));
    a.k.sysctl.set('net.inet.ip.redirect', 0);
    return { a, out };
  }
  test('one hop less to live, and the checksum follows', () => {
    const { a, out } = router();
    a.receive(packet(UDP, new Uint8Array(8), { dst: 0xc0a8_0101, ttl: 9 }));
    expect([parseIpv4(out[0]!)!.ttl, parseIpv4(out[0]!)!.dst, inCksum(out[0]!, 0, 20)]).toEqual([8, 0xc0a8_0101, 0]);
  });
  test('at the end of its life: time exceeded', () => {
    const { a, out } = router();
    a.receive(packet(UDP, new Uint8Array(8), { dst: 0xc0a8_0101, ttl: 1 }));
    expect([parseIcmp(out[0]!, 20)!.type, parseIcmp(out[0]!, 20)!.code]).toEqual([11, 0]);
  });
  test('without a route: unreachable', () => {
    const { a, out } = router();
    a.receive(packet(UDP, new Uint8Array(8), { dst: 0x0808_0808 }));
    expect([parseIcmp(out[0]!, 20)!.type, parseIcmp(out[0]!, 20)!.code]).toEqual([3, 1]);
  });
  test('too large for the next link, and not to be cut: the size of that link', () => {
    const { a, out } = router();
    a.ifp.mtu = 600;
    a.receive(packet(UDP, new Uint8Array(800), { dst: 0xc0a8_0101, flags: 0x4000 }));
    const message = parseIcmp(out[0]!, 20)!;
    expect([message.type, message.code, message.rest]).toEqual([3, 4, 600]);
  });
  test('too large, and to be cut: in pieces', () => {
    const { a, out } = router();
    a.ifp.mtu = 600;
    a.receive(packet(UDP, new Uint8Array(800), { dst: 0xc0a8_0101 }));
    expect(out.map((b) => [b.length, parseIpv4(b)!.fragOffset])).toEqual([[596, 0], [20 + 800 - 576, 576]]);
  });
  test('RFC 2644: what is for everybody on another network is passed on only where that is wanted', () => {
    const { a } = router();
    const net2 = new Ifnet(a.k, 'two0', { start: (ifp) => ifp.flush() }, { type: 6, flags: IFF_BROADCAST | IFF_UP, mtu: 1500 });
    let seen = 0;
    net2.output = (ifp, m) => {
      if ((m.flags & M_BCAST) !== 0) seen++;
      ifp.mbufs.free(m);
      return 0;
    };
    a.k.run(() => {
      a.inet.net.ifattach(net2);
      addAddress(a.inet.ip, net2, 0xc0a8_0101 | 0, 24, undefined);
    });
    const before = a.inet.ip.stats.cantforward;
    a.receive(packet(UDP, new Uint8Array(8), { dst: 0xc0a8_01ff }));
    expect([seen, a.inet.ip.stats.cantforward - before]).toEqual([0, 1]);
    a.k.sysctl.set('net.inet.ip.directed-broadcast', 1);
    a.receive(packet(UDP, new Uint8Array(8), { dst: 0xc0a8_01ff }));
    expect(seen).toBe(1);
  });
  test('off: nothing is passed on', () => {
    const { a, out } = router();
    a.k.sysctl.set('net.inet.ip.forwarding', 0);
    a.receive(packet(UDP, new Uint8Array(8), { dst: 0xc0a8_0101 }));
    expect([out, a.used]).toEqual([[], 0]);
  });
});

describe('errors from the network', () => {
  function error(a: Station, type: number, what: number, quoted: Uint8Array, rest = 0): void {
    const b = new Uint8Array(8 + 28);
    b.set(quoted.subarray(0, 28), 8);
    emitIcmp({ type, code: what, rest }, b);
    a.receive(packet(ICMP, b));
  }
  test('a connected socket of UDP hears that there is nobody; another one does not', () => {
    const { a, out } = alone();
    const fd = nonblocking(a, SOCK_DGRAM);
    a.p.sys.connect(fd, sockaddrIn(B_ADDR, 9));
    a.p.sys.sendto(fd, Uint8Array.of(1), 0);
    error(a, 3, 3, out[0]!);
    expect(code(() => a.p.sys.recvfrom(fd, new Uint8Array(1), 0))).toBe('ECONNREFUSED');
    expect(code(() => a.p.sys.recvfrom(fd, new Uint8Array(1), 0))).toBe('EAGAIN');
  });
  test('a smaller path: packets go in smaller pieces, until it is forgotten (RFC 1191 6.3)', () => {
    const { a, out, advance } = alone();
    const raw = a.p.sys.socket(AF_INET, SOCK_RAW, 99);
    a.p.sys.setsockopt(raw, IPPROTO_IP, IP_HDRINCL, int(1));
    a.p.sys.sendto(raw, packet(99, new Uint8Array(1000), { src: A_ADDR, dst: B_ADDR, flags: 0x4000 }), 0, sockaddrIn(B_ADDR));
    error(a, 3, 4, out.splice(0)[0]!, 576);
    const fd = nonblocking(a, SOCK_DGRAM);
    a.p.sys.sendto(fd, new Uint8Array(1000), 0, sockaddrIn(B_ADDR, 9));
    expect(out.splice(0).length).toBe(2);
    advance(601_000);
    a.p.sys.sendto(fd, new Uint8Array(1000), 0, sockaddrIn(B_ADDR, 9));
    expect(out.length).toBe(1);
  });
});

describe('UDP (RFC 768, RFC 1122 4.1)', () => {
  test('to a port that nobody has: unreachable', () => {
    const { a, out } = alone();
    a.receive(packet(UDP, udp(9, new Uint8Array(4))));
    expect([parseIcmp(out[0]!, 20)!.type, parseIcmp(out[0]!, 20)!.code]).toEqual([3, 3]);
  });
  test('with a checksum, and with none', () => {
    const { a } = alone();
    const fd = nonblocking(a, SOCK_DGRAM);
    a.p.sys.bind(fd, sockaddrIn(0, 9));
    const b = packet(UDP, udp(9, Uint8Array.of(1, 2)));
    a.receive(b);
    b[26] = b[27] = 0;
    a.receive(b);
    b[27] = 1;
    a.receive(b);
    expect([a.p.sys.recvfrom(fd, new Uint8Array(9), 0), a.p.sys.recvfrom(fd, new Uint8Array(9), 0), code(() => a.p.sys.recvfrom(fd, new Uint8Array(9), 0))]).toEqual([2, 2, 'EAGAIN']);
  });
  test('net.inet.udp.checksum off: 0 is sent', () => {
    const { a, out } = alone();
    const fd = nonblocking(a, SOCK_DGRAM);
    a.p.sys.sendto(fd, Uint8Array.of(1), 0, sockaddrIn(B_ADDR, 9));
    a.k.sysctl.set('net.inet.udp.checksum', 0);
    a.p.sys.sendto(fd, Uint8Array.of(1), 0, sockaddrIn(B_ADDR, 9));
    expect(out.map((b) => parseUdp(b, 20)!.checksum !== 0)).toEqual([true, false]);
  });
  test('to everybody: not without SO_BROADCAST, where there is a broadcast link', () => {
    const { a } = alone();
    const fd = nonblocking(a, SOCK_DGRAM);
    expect(code(() => a.p.sys.sendto(fd, Uint8Array.of(1), 0, sockaddrIn(0xffff_ffff, 9)))).toBe('EHOSTUNREACH');
  });
});

describe('options of sockets (ip(4))', () => {
  test('IP_TTL and IP_TOS are in the header', () => {
    const { a, out } = alone();
    const fd = nonblocking(a, SOCK_DGRAM);
    a.p.sys.setsockopt(fd, IPPROTO_IP, IP_TTL, int(7));
    a.p.sys.setsockopt(fd, IPPROTO_IP, IP_TOS, int(0x10));
    a.p.sys.sendto(fd, Uint8Array.of(1), 0, sockaddrIn(B_ADDR, 9));
    expect([parseIpv4(out[0]!)!.ttl, parseIpv4(out[0]!)!.tos]).toEqual([7, 0x10]);
  });
  test('IP_MINTTL: what has come from farther is dropped (RFC 5082)', () => {
    const { a } = alone();
    const fd = nonblocking(a, SOCK_DGRAM);
    a.p.sys.bind(fd, sockaddrIn(0, 9));
    a.p.sys.setsockopt(fd, IPPROTO_IP, IP_MINTTL, int(255));
    a.receive(packet(UDP, udp(9, Uint8Array.of(1)), { ttl: 254 }));
    expect(code(() => a.p.sys.recvfrom(fd, new Uint8Array(9), 0))).toBe('EAGAIN');
    a.receive(packet(UDP, udp(9, Uint8Array.of(1)), { ttl: 255 }));
    expect(a.p.sys.recvfrom(fd, new Uint8Array(9), 0)).toBe(1);
  });
  test('IP_RECVDSTADDR, IP_RECVIF, IP_RECVTTL, IP_PKTINFO tell of each datagram', () => {
    const { a } = alone();
    const fd = nonblocking(a, SOCK_DGRAM);
    a.p.sys.bind(fd, sockaddrIn(0, 9));
    for (const name of [IP_RECVDSTADDR, IP_RECVIF, IP_RECVTTL, IP_PKTINFO]) a.p.sys.setsockopt(fd, IPPROTO_IP, name, int(1));
    a.receive(packet(UDP, udp(9, Uint8Array.of(1)), { ttl: 33 }));
    const msg = { iov: [new Uint8Array(9)], controlMax: 256, control: undefined as Uint8Array | undefined };
    a.p.sys.recvmsg(fd, msg, 0);
    const got = parseCmsgs(msg.control!)!.map(({ type, data }) => [type, type === IP_RECVIF ? data[2] : [...data]]);
    const { index } = a.ifp;
    expect(got).toEqual([[IP_RECVDSTADDR, [10, 0, 0, 1]], [IP_RECVIF, index], [IP_RECVTTL, [33]], [IP_PKTINFO, [10, 0, 0, 1, index, 0, 0, 0]]]);
  });
  test('SO_TIMESTAMP tells when each datagram came', () => {
    const { a, advance } = alone();
    const fd = nonblocking(a, SOCK_DGRAM);
    a.p.sys.bind(fd, sockaddrIn(0, 9));
    a.p.sys.setsockopt(fd, SOL_SOCKET, SO_TIMESTAMP, int(1));
    a.receive(packet(UDP, udp(9, Uint8Array.of(1))));
    const now = { sec: 0, nsec: 0 };
    a.k.wall(now);
    advance(5000);
    const msg = { iov: [new Uint8Array(9)], controlMax: 256, control: undefined as Uint8Array | undefined };
    a.p.sys.recvmsg(fd, msg, 0);
    expect(parseCmsgs(msg.control!)).toEqual([{ level: SOL_SOCKET, type: SCM_TIMESTAMP, data: timevalBytes(now.sec, Math.floor(now.nsec / 1000)) }]);
  });
  test('IP_PKTINFO of a datagram that is sent: its source', () => {
    const { a, out } = alone();
    const fd = nonblocking(a, SOCK_DGRAM);
    const control = (addr: number[]): Uint8Array => cmsgBytes({ level: IPPROTO_IP, type: IP_PKTINFO, data: Uint8Array.of(...addr, 0, 0, 0, 0) });
    a.p.sys.sendmsg(fd, { iov: [Uint8Array.of(1)], name: sockaddrIn(B_ADDR, 9), control: control([127, 0, 0, 1]) }, 0);
    expect(parseIpv4(out[0]!)!.src).toBe(0x7f00_0001);
    expect(code(() => a.p.sys.sendmsg(fd, { iov: [Uint8Array.of(1)], name: sockaddrIn(B_ADDR, 9), control: control([9, 9, 9, 9]) }, 0))).toBe('EADDRNOTAVAIL');
  });
  test('values that are none are refused', () => {
    const { a } = alone();
    const fd = nonblocking(a, SOCK_DGRAM);
    for (const [name, value] of [[IP_TTL, 0], [IP_TTL, 256], [IP_TOS, -1], [IP_MULTICAST_TTL, 256]] as const) {
      expect([name, code(() => a.p.sys.setsockopt(fd, IPPROTO_IP, name, int(value)))]).toEqual([name, 'EINVAL']);
    }
    expect(code(() => a.p.sys.setsockopt(fd, IPPROTO_IP, 99, int(1)))).toBe('ENOPROTOOPT');
    expect(code(() => a.p.sys.setsockopt(fd, IPPROTO_IP, IP_TTL, new Uint8Array(0)))).toBe('EINVAL');
  });
});

describe('groups (RFC 1112)', () => {
  const group = 0xe100_0001;
  const mreq = (group32: number, ifaddr: number): Uint8Array => Uint8Array.of(group32 >>> 24, group32 >>> 16, group32 >>> 8, group32, ifaddr >>> 24, ifaddr >>> 16, ifaddr >>> 8, ifaddr);

  test('a member on lo0 gets what is sent to the group there', () => {
    const { a } = alone();
    const to = nonblocking(a, SOCK_DGRAM);
    a.p.sys.bind(to, sockaddrIn(0, 9));
    a.p.sys.setsockopt(to, IPPROTO_IP, IP_ADD_MEMBERSHIP, mreq(group, 0x7f00_0001));
    const from = nonblocking(a, SOCK_DGRAM);
    a.p.sys.setsockopt(from, IPPROTO_IP, IP_MULTICAST_IF, Uint8Array.of(127, 0, 0, 1));
    a.p.sys.sendto(from, Uint8Array.of(1), 0, sockaddrIn(group, 9));
    expect(a.p.sys.recvfrom(to, new Uint8Array(9), 0)).toBe(1);
    a.p.sys.setsockopt(to, IPPROTO_IP, IP_DROP_MEMBERSHIP, mreq(group, 0x7f00_0001));
    a.p.sys.sendto(from, Uint8Array.of(1), 0, sockaddrIn(group, 9));
    expect(code(() => a.p.sys.recvfrom(to, new Uint8Array(9), 0))).toBe('EAGAIN');
  });
  test('memberships that are none are refused', () => {
    const { a } = alone();
    const fd = nonblocking(a, SOCK_DGRAM);
    const join = (group32: number, ifaddr: number): string => code(() => a.p.sys.setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, mreq(group32, ifaddr)));
    expect([join(0x0a00_0001, 0x7f00_0001), join(group, 0x0909_0909), join(group, 0x7f00_0001), join(group, 0x7f00_0001)]).toEqual(['EINVAL', 'EADDRNOTAVAIL', 'ok', 'EADDRINUSE']);
  });
});

describe('raw sockets', () => {
  test('ping: an echo request by hand, and its answer with its header', () => {
    const { sim, a, b } = pairOf(1);
    const fd = nonblocking(a, SOCK_RAW, ICMP);
    a.p.sys.sendto(fd, echo(20), 0, sockaddrIn(B_ADDR));
    sim.advance(10e6);
    const got = new Uint8Array(100);
    const n = a.p.sys.recvfrom(fd, got, 0);
    expect([n, parseIpv4(got)!.src, parseIcmp(got, 20)!.type, b.used]).toEqual([48, B_ADDR, 0, 0]);
  });
  test('to ourselves', () => {
    const { a } = alone();
    const fd = nonblocking(a, SOCK_RAW, ICMP);
    a.p.sys.sendto(fd, echo(20), 0, sockaddrIn(0x7f00_0001));
    expect(a.p.sys.recvfrom(fd, new Uint8Array(100), 0)).toBe(48);
  });
  test('IP_HDRINCL: the header is the program’s, length and checksum ours', () => {
    const { a, out } = alone();
    const fd = nonblocking(a, SOCK_RAW, 200);
    a.p.sys.setsockopt(fd, IPPROTO_IP, IP_HDRINCL, int(1));
    const b = packet(200, new Uint8Array(4), { src: 0x0505_0505, dst: B_ADDR, ttl: 3 });
    b[2] = b[3] = b[10] = b[11] = 0;
    a.p.sys.sendto(fd, b, 0, sockaddrIn(B_ADDR));
    const ip = parseIpv4(out[0]!)!;
    expect([ip.src, ip.ttl, ip.totalLen, inCksum(out[0]!, 0, 20)]).toEqual([0x0505_0505, 3, 24, 0]);
    expect(code(() => a.p.sys.sendto(fd, new Uint8Array(10), 0, sockaddrIn(B_ADDR)))).toBe('EINVAL');
  });
  test('are for the superuser', () => {
    const { a } = alone();
    const p = a.k.newproc({ uid: 1000 });
    expect(code(() => p.sys.socket(AF_INET, SOCK_RAW, ICMP))).toBe('EACCES');
  });
});
