/** IPv6 packets: headers, extension headers, fragments and attacks with them, ICMPv6, raw sockets. */
import {
  AF_INET6, IPPROTO_IPV6, IPV6_DONTFRAG, IPV6_PATHMTU, IPV6_RECVPATHMTU, SOCK_DGRAM, SOCK_RAW, type SocketName, inet6Text, parseCmsgs, parseSockaddrIn6, sockaddrIn6,
} from '@anykernel/lib-sys';
import { type Heard, Link, STRANGER, addr, code, icmp6, packet6, pseudo6, udp6 } from './link.js';
import { emitFragment, FragmentHeader, sumBytes, sumFinish } from '@anykernel/lib-wire';

const UDP = 17;
const ICMP = 58;
const HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const DST = 60;

/** A header of eight bytes with one option of a type. */
function option(type: number): Uint8Array {
  return Uint8Array.of(0, 0, type, 4, 0, 0, 0, 0);
}

function echo(l: Link, len = 3): Uint8Array {
  return icmp6(STRANGER, l.local, 128, 0, 7, new Uint8Array(len).fill(0xaa));
}

/** What comes back of a packet: `reply`, `error type code pointer`, or nothing. */
function answers(l: Link, bytes: Uint8Array): string[] {
  l.take();
  l.say(bytes);
  l.run(0.01);
  return l.take().filter(({ protocol }) => protocol === ICMP).map(said).filter((one) => one !== '');
}

function said({ body }: Heard): string {
  const rest = new DataView(body.buffer, body.byteOffset).getUint32(4);
  return body[0] === 129 ? 'reply' : body[0]! < 128 ? `error ${body[0]} ${body[1]} ${rest}` : '';
}

/** One link whose host knows the stranger. */
function known(): Link {
  const l = new Link();
  l.solicit(l.local);
  return l;
}

describe('headers (RFC 8200 3, RFC 4291)', () => {
  const l = known();
  test('an echo is answered with the same bytes and a right checksum (RFC 4443 4.2)', () => {
    const [reply] = l.ping();
    expect([reply!.src, reply!.dst, [...reply!.body.slice(4)], sumFinish(sumBytes(reply!.body, 0, reply!.body.length, pseudo6(reply!.src, reply!.dst, ICMP, 11)))]).toEqual([
      l.local, STRANGER, [0x12, 0x34, 0, 1, 1, 2, 3], 0,
    ]);
  });
  test('an echo for a group is answered from our own address', () => {
    expect(l.ping('ff02::1').map(({ src }) => src)).toEqual([l.local]);
  });
  test.each<[string, () => Uint8Array]>([
    ['a wrong checksum', () => packet6(STRANGER, l.local, ICMP, icmp6('fe80::98', l.local, 128, 0, 7))],
    ['a length beyond its end', () => Object.assign(packet6(STRANGER, l.local, ICMP, echo(l)), { 5: 200 })],
    ['another version', () => Object.assign(packet6(STRANGER, l.local, ICMP, echo(l)), { 0: 0x40 })],
    ['a source that is a group', () => packet6('ff02::1', l.local, ICMP, icmp6('ff02::1', l.local, 128, 0, 7))],
    ['a source that is ::1, from the wire', () => packet6('::1', l.local, ICMP, icmp6('::1', l.local, 128, 0, 7))],
    ['a destination that is ::1, from the wire', () => packet6(STRANGER, '::1', ICMP, icmp6(STRANGER, '::1', 128, 0, 7))],
    ['an IPv4 address as its source', () => packet6('::ffff:10.0.0.1', l.local, ICMP, icmp6('::ffff:10.0.0.1', l.local, 128, 0, 7))],
    ['a zone in its source', () => packet6('fe80:2::99', l.local, ICMP, icmp6('fe80:2::99', l.local, 128, 0, 7))],
    ['an interface-local group, from the wire', () => packet6(STRANGER, 'ff01::1', ICMP, icmp6(STRANGER, 'ff01::1', 128, 0, 7))],
    ['a group that nobody has joined', () => packet6(STRANGER, 'ff02::77', ICMP, icmp6(STRANGER, 'ff02::77', 128, 0, 7))],
    ['somebody else’s address', () => packet6(STRANGER, 'fe80::55', ICMP, icmp6(STRANGER, 'fe80::55', 128, 0, 7))],
  ])('with %s it is dropped', (_what, bytes) => {
    l.take();
    l.raw(bytes());
    expect([l.take(), l.ip6.mbufs.used]).toEqual([[], 0]);
  });
  test('what the link has filled up is cut off', () => {
    const padded = new Uint8Array(100);
    padded.set(packet6(STRANGER, l.local, ICMP, echo(l)));
    expect(answers(l, padded)).toEqual(['reply']);
  });
});

describe('flow labels (RFC 6437 3)', () => {
  const labels = (l: Link, from: number, ports: number[]): number[] => {
    const fd = l.socket(SOCK_DGRAM);
    l.p.sys.bind(fd, sockaddrIn6(addr('::'), from));
    for (const port of ports) l.p.sys.sendto(fd, Uint8Array.of(1), 0, l.name(STRANGER, port));
    l.p.sys.close(fd);
    l.run(0.01);
    return l.take().filter(({ protocol }) => protocol === UDP).map(({ bytes }) => ((bytes[1]! & 15) << 16) | (bytes[2]! << 8) | bytes[3]!);
  };
  test('are the same for the same ends, and others for others', () => {
    const l = known();
    l.take();
    const [one, other, again] = labels(l, 5000, [9, 10, 9]) as [number, number, number];
    expect([one === again, one === other, one === 0]).toEqual([true, false, false]);
    expect(labels(l, 5001, [9])).not.toEqual([one]);
    expect(labels(l, 5000, [9])).toEqual([one]);
  });
  test('differ from kernel to kernel, and are zero without net.inet6.ip6.auto_flowlabel', () => {
    const all = [1, 2, 3].map((seed) => {
      const l = new Link(seed === 3 ? (k) => k.sysctl.set('net.inet6.ip6.auto_flowlabel', 0) : undefined, seed);
      l.solicit(l.local);
      l.take();
      return labels(l, 5000, [9])[0]!;
    });
    expect([all[0] === all[1], all[2]]).toEqual([false, 0]);
  });
});

describe('extension headers (RFC 8200 4)', () => {
  const l = known();
  const answer = (headers: readonly (readonly [number, Uint8Array])[], protocol = ICMP): string[] => answers(l, packet6(STRANGER, l.local, protocol, echo(l), 64, headers));
  test.each<[string, readonly (readonly [number, Uint8Array])[], string]>([
    ['all in their order are passed over', [[HOP, option(1)], [DST, option(1)], [ROUTING, new Uint8Array(8)], [FRAGMENT, new Uint8Array(8)], [DST, option(1)]], 'reply'],
    ['an unknown option 00… is passed over (4.2)', [[DST, option(0x1e)]], 'reply'],
    ['an unknown option 01… drops the packet (4.2)', [[DST, option(0x5e)]], ''],
    ['an unknown option 10… is an error (4.2)', [[DST, option(0x9e)]], 'error 4 2 42'],
    ['an unknown option 11… is an error (4.2)', [[HOP, option(0xde)]], 'error 4 2 42'],
    ['an option beyond its header drops the packet', [[DST, Uint8Array.of(0, 0, 1, 200, 0, 0, 0, 0)]], ''],
    ['hop-by-hop options after another header are unknown (4.1)', [[DST, option(1)], [HOP, option(1)]], 'error 4 1 40'],
    ['a routing header with segments left is an error (4.4, RFC 5095)', [[ROUTING, Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 0)]], 'error 4 0 42'],
    ['a header of more bytes than there are drops the packet', [[DST, Uint8Array.of(0, 99, 1, 4, 0, 0, 0, 0)]], ''],
  ])('%s', (_what, headers, result) => {
    expect(answer(headers)).toEqual(result === '' ? [] : [result]);
  });
  test('an unknown protocol is an error that points at its number (RFC 4443 3.4)', () => {
    expect(answer([[DST, option(1)]], 200)).toEqual(['error 4 1 40']);
  });
  test('after no next header there is nothing (4.7)', () => {
    expect(answer([], 59)).toEqual([]);
  });
  test('more headers than anybody needs drop the packet', () => {
    expect(answer(Array.from({ length: 20 }, () => [DST, option(1)] as const))).toEqual([]);
  });
  test('an unknown option 11… for a group is no error, 10… is (4.2)', () => {
    const to = (type: number): string[] => answers(l, packet6(STRANGER, 'ff02::1', ICMP, icmp6(STRANGER, 'ff02::1', 128, 0, 7), 64, [[DST, option(type)]]));
    expect([to(0xde), to(0x9e)]).toEqual([[], ['error 4 2 42']]);
  });
});

describe('fragments (RFC 8200 4.5)', () => {
  /** Pieces of an echo of 100 bytes, by where they begin and end. */
  function piece(l: Link, id: number, from: number, to: number, more = to < 108): Uint8Array {
    const fh = Object.assign(new FragmentHeader(), { offset: from, more, id });
    const b = new Uint8Array(8);
    emitFragment(fh, b, 0);
    return packet6(STRANGER, l.local, ICMP, echo(l, 100).slice(from, to), 64, [[FRAGMENT, b]]);
  }

  function result(l: Link, ...pieces: Uint8Array[]): string[] {
    return pieces.flatMap((bytes) => answers(l, bytes));
  }

  test.each<[string, readonly number[]]>([
    ['in order', [0, 1, 2]],
    ['backwards', [2, 1, 0]],
    ['mixed', [1, 2, 0]],
    ['with one twice', [0, 0, 1, 2]],
  ])('come %s, and are one packet', (_what, order) => {
    const l = known();
    const all = [piece(l, 1, 0, 40), piece(l, 1, 40, 80), piece(l, 1, 80, 108)];
    expect([result(l, ...order.map((i) => all[i]!)), l.ip6.frags.count, l.ip6.mbufs.used]).toEqual([['reply'], 0, 0]);
  });
  test.each<[string, (l: Link) => Uint8Array[]]>([
    ['the second over the end of the first', (l) => [piece(l, 1, 0, 48), piece(l, 1, 40, 80), piece(l, 1, 80, 108)]],
    ['the first again, longer', (l) => [piece(l, 1, 0, 40), piece(l, 1, 0, 48), piece(l, 1, 40, 80), piece(l, 1, 80, 108)]],
    ['two ends', (l) => [piece(l, 1, 80, 108), piece(l, 1, 72, 88, false), piece(l, 1, 0, 80)]],
    ['beyond the end', (l) => [piece(l, 1, 40, 80, false), piece(l, 1, 80, 104), piece(l, 1, 0, 40)]],
  ])('that overlap kill the packet, with those still to come (RFC 5722): %s', (_what, pieces) => {
    const l = known();
    expect([result(l, ...pieces(l)), l.ip6.mbufs.used]).toEqual([[], 0]);
    l.run(61);
    expect(l.ip6.frags.count).toBe(0);
  });
  test('one that is the whole packet does not meet others of its number (RFC 6946)', () => {
    const l = known();
    expect(result(l, piece(l, 1, 0, 40), piece(l, 1, 0, 108, false), piece(l, 1, 40, 80), piece(l, 1, 80, 108))).toEqual(['reply', 'reply']);
  });
  test('a length that is no multiple of eight is an error', () => {
    const l = known();
    expect(result(l, piece(l, 1, 0, 41))).toEqual(['error 4 0 4']);
  });
  test('more than 65535 bytes are an error', () => {
    const l = known();
    expect(result(l, packet6(STRANGER, l.local, ICMP, new Uint8Array(16), 64, [[FRAGMENT, Uint8Array.of(0, 0, 0xff, 0xf8, 0, 0, 0, 1)]]))).toEqual(['error 4 0 42']);
  });
  test('a first one without all headers is an error (RFC 7112)', () => {
    const l = known();
    const first = packet6(STRANGER, l.local, DST, Uint8Array.of(ICMP, 1, 1, 4, 0, 0, 0, 0), 64, [[FRAGMENT, Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 1)]]);
    expect(result(l, first)).toEqual(['error 4 3 0']);
  });
  test('after sixty seconds the sender hears of it, if the first has come', () => {
    const l = known();
    result(l, piece(l, 1, 0, 40), piece(l, 2, 40, 80));
    l.run(59);
    l.solicit(l.local);
    l.take();
    l.run(2);
    expect([l.take().filter(({ protocol }) => protocol === ICMP).map(said), l.ip6.frags.count, l.ip6.mbufs.used]).toEqual([['error 3 1 0'], 0, 0]);
  });
  test('packets without end use no more memory than they may', () => {
    const l = known();
    for (let i = 0; i < 3000; i++) l.say(piece(l, i, 0, 40));
    expect([l.ip6.frags.count <= 200, l.ip6.mbufs.used <= 210]).toEqual([true, true]);
    l.run(120);
    expect([l.ip6.frags.count, l.ip6.mbufs.used]).toEqual([0, 0]);
  });
});

describe('errors (RFC 4443 2.4)', () => {
  test('a datagram for a port without a socket; not one for a group', () => {
    const l = known();
    expect(answers(l, packet6(STRANGER, l.local, UDP, udp6(STRANGER, l.local, 5, 6, Uint8Array.of(1))))).toEqual(['error 1 4 0']);
    expect(answers(l, packet6(STRANGER, 'ff02::1', UDP, udp6(STRANGER, 'ff02::1', 5, 6, Uint8Array.of(1))))).toEqual([]);
  });
  test('an error holds as much of the packet as fits into 1280 bytes (c)', () => {
    const l = known();
    l.say(packet6(STRANGER, l.local, 200, new Uint8Array(1400)));
    expect(l.takeIcmp(4)[0]!.bytes.length).toBeLessThanOrEqual(1280);
  });
  test('there is none about an error, a redirect, or from nobody (e)', () => {
    const l = known();
    const error = icmp6(STRANGER, l.local, 1, 0, 0, packet6(l.local, STRANGER, UDP, new Uint8Array(8)));
    expect(answers(l, packet6(STRANGER, l.local, ICMP, error, 64, [[DST, option(0x9e)]]))).toEqual([]);
    expect(answers(l, packet6('::', l.local, 200, new Uint8Array(8)))).toEqual([]);
  });
  test('they are limited to so many in a second (f)', () => {
    const l = known();
    l.k.sysctl.set('net.inet6.icmp6.errppslimit', 5);
    l.take();
    for (let i = 0; i < 20; i++) l.say(packet6(STRANGER, l.local, 200, new Uint8Array(8)));
    expect([l.takeIcmp(4).length, l.ip6.icmp.stats.limited]).toEqual([5, 15]);
  });
  test('a port that is not there is told to a connected socket', () => {
    const l = known();
    const fd = l.socket(SOCK_DGRAM);
    l.p.sys.connect(fd, l.name(STRANGER, 9));
    l.p.sys.write(fd, Uint8Array.of(1));
    l.run(0.01);
    const sent = l.take().find(({ protocol }) => protocol === UDP)!;
    l.say(packet6(STRANGER, l.local, ICMP, icmp6(STRANGER, l.local, 1, 4, 0, sent.bytes)));
    expect(code(() => l.p.sys.read(fd, new Uint8Array(8)))).toBe('ECONNREFUSED');
  });
  test('a smaller MTU is learnt from who has it, down to 1280, and forgotten (RFC 8201 4)', () => {
    const l = known();
    const fd = l.socket(SOCK_DGRAM);
    l.p.sys.connect(fd, l.name(STRANGER, 9));
    l.p.sys.write(fd, new Uint8Array(1400));
    l.run(0.001);
    const sent = l.take().find(({ protocol }) => protocol === UDP)!;
    const tooBig = (mtu: number): void => l.say(packet6(STRANGER, l.local, ICMP, icmp6(STRANGER, l.local, 2, 0, mtu, sent.bytes.slice(0, 200))));
    const pieces = (): number => {
      l.take();
      l.p.sys.write(fd, new Uint8Array(1400));
      l.run(0.001);
      return l.take().filter(({ protocol }) => protocol === UDP).length;
    };
    tooBig(1300);
    expect([pieces(), l.ip6.pmtu.count]).toEqual([2, 1]);
    tooBig(100);
    expect(pieces()).toBe(2);
    l.run(601);
    l.solicit(l.local);
    expect([pieces(), l.ip6.pmtu.count]).toEqual([1, 0]);
  });
  test('IPV6_RECVPATHMTU: a socket hears of it by an empty datagram (RFC 3542 11.3)', () => {
    const l = known();
    const [asks, asksNot] = [l.socket(SOCK_DGRAM), l.socket(SOCK_DGRAM)] as [number, number];
    const int = (n: number): Uint8Array => Uint8Array.of(n, 0, 0, 0);
    l.p.sys.setsockopt(asks, IPPROTO_IPV6, IPV6_RECVPATHMTU, int(1));
    for (const fd of [asks, asksNot]) l.p.sys.sendto(fd, new Uint8Array(1400), 0, l.name(STRANGER, 9));
    l.run(0.001);
    for (const { protocol, bytes } of l.take())
      if (protocol === UDP) l.say(packet6(STRANGER, l.local, ICMP, icmp6(STRANGER, l.local, 2, 0, 1300, bytes.slice(0, 200))));
    const told = (fd: number): unknown => {
      const msg = { iov: [new Uint8Array(9)], name: undefined as Uint8Array | undefined, nameMax: 28, controlMax: 256, control: undefined as Uint8Array | undefined };
      const n = l.p.sys.recvmsg(fd, msg, 0);
      const { type, data } = parseCmsgs(msg.control!)![0]!;
      return [n, type, inet6Text(data.slice(8, 24)), new DataView(data.buffer, data.byteOffset).getUint32(28, true)];
    };
    expect(told(asks)).toEqual([0, IPV6_PATHMTU, STRANGER, 1300]);
    expect(code(() => told(asksNot))).toBe('EAGAIN');
    // And of what it may not cut itself.
    l.p.sys.setsockopt(asks, IPPROTO_IPV6, IPV6_DONTFRAG, int(1));
    expect(code(() => l.p.sys.sendto(asks, new Uint8Array(1400), 0, l.name(STRANGER, 9)))).toBe('EMSGSIZE');
    expect(told(asks)).toEqual([0, IPV6_PATHMTU, STRANGER, 1300]);
  });
  test('of packets that we have not sent nothing is learnt', () => {
    const l = known();
    const fake = packet6(l.local, '2001:db8::7', UDP, udp6(l.local, '2001:db8::7', 77, 9, new Uint8Array(4)));
    for (let i = 0; i < 50; i++) l.say(packet6(STRANGER, l.local, ICMP, icmp6(STRANGER, l.local, 2, 0, 1290, fake)));
    expect(l.ip6.pmtu.count).toBe(0);
  });
});

describe('raw sockets (RFC 3542 3)', () => {
  test('have no header, the kernel’s checksum, and a filter', () => {
    const l = known();
    const fd = l.socket(SOCK_RAW, ICMP);
    const filter = new Uint8Array(32);
    filter[129 >> 3]! |= 1 << (129 & 7);
    l.p.sys.setsockopt(fd, ICMP, 18, filter);
    l.p.sys.sendto(fd, Uint8Array.of(128, 0, 0, 0, 0, 1, 0, 2), 0, l.name(STRANGER));
    l.run(0.001);
    const [request] = l.takeIcmp(128);
    expect(sumFinish(sumBytes(request!.body, 0, 8, pseudo6(l.local, STRANGER, ICMP, 8)))).toBe(0);
    l.say(packet6(STRANGER, l.local, ICMP, icmp6(STRANGER, l.local, 129, 0, 0x1_0002)));
    l.say(packet6(STRANGER, l.local, ICMP, echo(l)));
    const into = new Uint8Array(100);
    const from: SocketName = { addr: undefined };
    const len = l.p.sys.recvfrom(fd, into, 0, from);
    const name = parseSockaddrIn6(from.addr!)!;
    expect([len, into[0], inet6Text(name.addr), name.scope]).toEqual([8, 129, STRANGER, l.ifp.index]);
    expect(code(() => l.p.sys.recvfrom(fd, into, 0))).toBe('EAGAIN');
  });
  test('are the superuser’s', () => {
    const l = new Link(undefined, 1, 0);
    l.p.sys.setuid(100);
    expect(code(() => l.p.sys.socket(AF_INET6, SOCK_RAW, ICMP))).toBe('EACCES');
  });
  test('an address of link-local scope without a zone is nobody’s', () => {
    const l = known();
    const fd = l.socket(SOCK_DGRAM);
    expect(code(() => l.p.sys.sendto(fd, Uint8Array.of(1), 0, sockaddrIn6(addr(STRANGER), 9)))).toBe('EHOSTUNREACH');
    l.k.sysctl.set('net.inet6.ip6.default_zone', l.ifp.index);
    expect(code(() => l.p.sys.sendto(fd, Uint8Array.of(1), 0, sockaddrIn6(addr(STRANGER), 9)))).toBe('ok');
  });
});
