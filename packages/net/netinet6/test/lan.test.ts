/** Several kernels: a router that advertises, hosts on two links, TCP and UDP through it, path MTU, groups, sockets of both families, ioctls. */
import { Sim } from '@anykernel/host-sim';
import {
  AF_INET, AF_INET6, F_SETFL, IFF_UP, IN6_ALIASREQ_LEN, IN6_IFREQ_LEN, IPPROTO_IPV6, IPPROTO_UDP, IPV6_DSTOPTS, IPV6_HOPLIMIT, IPV6_JOIN_GROUP, IPV6_LEAVE_GROUP,
  IPV6_MULTICAST_HOPS, IPV6_PKTINFO, IPV6_RECVDSTOPTS, IPV6_RECVHOPLIMIT, IPV6_RECVPKTINFO, IPV6_RECVTCLASS, IPV6_TCLASS, IPV6_UNICAST_HOPS, IPV6_V6ONLY,
  O_NONBLOCK, SIOCAIFADDR_IN6, SIOCDIFADDR_IN6, SIOCGIFAFLAG_IN6, SIOCGIFALIFETIME_IN6, SIOCGIFNETMASK_IN6, SOCK_DGRAM, SOCK_STREAM, type SocketName, cmsgBytes, ifreq, inet6Text,
  parseCmsgs, parseSockaddrIn6, sockaddrIn, sockaddrIn6,
} from '@anykernel/lib-sys';
import { type Ifnet, bytesOf, net } from '@anykernel/net';
import { type Kernel, type Proc, boot } from '@anykernel/rumpkern';
import { shmif } from '@anykernel/shmif';
import { type Ip6, addAddress6, addressText, netinet6, selectSource6, sortDestinations } from '../src/index.js';
import { SEC, addr, code, nexthop } from './link.js';

class Station {
  readonly k: Kernel;
  readonly p: Proc;
  readonly ip6: Ip6;
  readonly ifs: Ifnet[];

  constructor(sim: Sim, buses: readonly string[], addresses: readonly string[] = []) {
    this.k = boot(sim.host(), [netinet6, shmif]);
    this.p = this.k.newproc();
    this.ip6 = this.k.modules.use(netinet6).ip6;
    this.ifs = buses.map((bus) => this.k.modules.use(shmif).create(bus));
    const state = this.k.modules.use(net);
    this.k.run(() => {
      this.ifs.forEach((ifp, i) => {
        state.setFlags(ifp, ifp.flags | IFF_UP);
        if (addresses[i] !== undefined) addAddress6(this.ip6, ifp, nexthop(addresses[i]!), 64);
      });
    });
  }

  /** The address of global scope that it has got. */
  get global(): string {
    const ia = this.ifs[0]!.addrs.find((one) => one.family === AF_INET6 && one.addr.w0 >>> 16 === 0x2001);
    return ia === undefined ? '' : addressText(ia.addr);
  }

  socket(type: number, port?: number, family: number = AF_INET6): number {
    const fd = this.p.sys.socket(family, type, 0);
    if (port !== undefined) this.p.sys.bind(fd, sockaddrIn6(addr('::'), port));
    if (port !== undefined && type === SOCK_STREAM) this.p.sys.listen(fd, 4);
    this.p.sys.fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
  }
}

/** Two links, a router between them that advertises 2001:db8:a::/64 and 2001:db8:b::/64, and a host on each. */
function routed(mtu = 1500): { sim: Sim; a: Station; b: Station; r: Station; run: (seconds: number) => void } {
  const sim = new Sim({ seed: 5 });
  const run = (seconds: number): void => void sim.advance(seconds * SEC);
  const r = new Station(sim, ['one', 'two'], ['2001:db8:a::1', '2001:db8:b::1']);
  r.k.sysctl.set('net.inet6.ip6.forwarding', 1);
  r.k.run(() => r.k.modules.use(net).setMtu(r.ifs[1]!, mtu));
  run(3);
  r.k.sysctl.set('net.inet6.ip6.rtadv', r.ifs.map((ifp) => ifp.name).join(' '));
  const a = new Station(sim, ['one']);
  const b = new Station(sim, ['two']);
  b.k.run(() => b.k.modules.use(net).setMtu(b.ifs[0]!, mtu));
  run(8);
  return { sim, a, b, r, run };
}

function int(value: number): Uint8Array {
  return Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);
}

describe('through a router', () => {
  test('hosts get addresses and a default route from its advertisements (RFC 4861 6.2, RFC 4862 5.5)', () => {
    const { a, b, r } = routed();
    expect([a.global.startsWith('2001:db8:a:'), b.global.startsWith('2001:db8:b:')]).toEqual([true, true]);
    expect(a.ip6.rtable.lookup(0x2001_0db8, 0x000b_0000, 0, 1)?.gateway?.w3).toBe(r.ip6.linkLocal(r.ifs[0]!)!.addr.w3);
  });
  test('it says when it is none any more (6.2.5)', () => {
    const { a, r, run } = routed();
    r.k.sysctl.set('net.inet6.ip6.rtadv', '');
    run(1);
    expect([a.ip6.rtable.lookup(0x2001_0db8, 0x000b_0000, 0, 1), a.global.startsWith('2001:db8:a:')]).toEqual([undefined, true]);
    expect(code(() => r.k.sysctl.set('net.inet6.ip6.rtadv', 'none0'))).toBe('ENXIO');
  });
  test.each([1500, 1280])('TCP carries 300 KB, where the second link takes %d bytes (RFC 8201)', (mtu) => {
    const { a, b, r, run } = routed(mtu);
    const server = b.socket(SOCK_STREAM, 80);
    const client = a.socket(SOCK_STREAM);
    code(() => a.p.sys.connect(client, sockaddrIn6(addr(b.global), 80)));
    run(0.5);
    const conn = b.p.sys.accept(server);
    b.p.sys.fcntl(conn, F_SETFL, O_NONBLOCK);
    const data = Uint8Array.from({ length: 300_000 }, (_, i) => i * 7);
    const got: number[] = [];
    let sent = 0;
    const into = new Uint8Array(65_536);
    for (let turn = 0; turn < 400 && got.length < data.length; turn++) {
      if (sent < data.length && code(() => (sent += a.p.sys.write(client, data.subarray(sent)))) === 'EPIPE') break;
      run(0.05);
      code(() => got.push(...into.subarray(0, b.p.sys.read(conn, into))));
    }
    expect([got.length, got.every((byte, i) => byte === data[i]), r.ip6.stats.forward > 9]).toEqual([data.length, true, true]);
  });
  test('a smaller link on the way is learnt of by who sends (RFC 8201, RFC 4443 3.2)', () => {
    const { a, b, r, run } = routed(1300);
    const u = b.socket(SOCK_DGRAM, 53);
    const client = a.socket(SOCK_DGRAM);
    const name = sockaddrIn6(addr(b.global), 53);
    for (let i = 0; i < 3; i++) {
      a.p.sys.sendto(client, new Uint8Array(1400).fill(i), 0, name);
      run(0.1);
    }
    const into = new Uint8Array(2000);
    expect([b.p.sys.recvfrom(u, into, 0), into[0]]).toEqual([1400, 1]);
    expect([a.ip6.pmtu.count, a.ip6.stats.fragmented, r.ip6.stats.cantfrag]).toEqual([1, 2, 1]);
  });
  test('the hop limit goes down, and at its end the sender hears of it (RFC 4443 3.3)', () => {
    const { a, b, r, run } = routed();
    const client = a.socket(SOCK_DGRAM);
    a.p.sys.setsockopt(client, IPPROTO_IPV6, IPV6_UNICAST_HOPS, int(1));
    a.p.sys.connect(client, sockaddrIn6(addr(b.global), 53));
    a.p.sys.write(client, Uint8Array.of(1));
    run(0.1);
    expect([r.ip6.icmp.stats.outhist[3], code(() => a.p.sys.read(client, new Uint8Array(1)))]).toEqual([1, 'EHOSTUNREACH']);
  });
  test('who is not there is told so (RFC 4443 3.1)', () => {
    const { a, r, run } = routed();
    const client = a.socket(SOCK_DGRAM);
    a.p.sys.connect(client, sockaddrIn6(addr('2001:db8:c::1'), 53));
    a.p.sys.write(client, Uint8Array.of(1));
    run(0.1);
    expect([r.ip6.stats.cantforward, code(() => a.p.sys.read(client, new Uint8Array(1)))]).toEqual([1, 'EHOSTUNREACH']);
  });
  test('addresses of link-local scope do not leave their link (RFC 4291 2.5.6)', () => {
    const { a, b, r, run } = routed();
    const client = a.socket(SOCK_DGRAM);
    const local = a.ip6.linkLocal(a.ifs[0]!)!;
    a.p.sys.bind(client, a.ip6.sockaddr(local.addr.w0, local.addr.w1, local.addr.w2, local.addr.w3, 99));
    a.p.sys.sendto(client, Uint8Array.of(1), 0, sockaddrIn6(addr(b.global), 53));
    run(0.1);
    expect([r.ip6.stats.badscope, r.ip6.stats.forward]).toEqual([1, 0]);
  });
  test('all memory comes back', () => {
    const { a, b, r, run } = routed();
    for (const one of [a, b, r]) one.k.run(() => one.ip6.nd.neighbours.flush());
    run(1);
    expect([a, b, r].map((one) => one.ip6.mbufs.used)).toEqual([0, 0, 0]);
  });
});

describe('sockets', () => {
  function two(): { a: Station; b: Station; run: (seconds: number) => void } {
    const sim = new Sim({ seed: 6 });
    const a = new Station(sim, ['one'], ['2001:db8::1']);
    const b = new Station(sim, ['one'], ['2001:db8::2']);
    const run = (seconds: number): void => void sim.advance(seconds * SEC);
    run(3);
    return { a, b, run };
  }

  test.each([0, 1, 1232, 1452, 1453, 9000, 65_527])('a datagram of %d bytes arrives whole, in fragments if need be', (len) => {
    const { a, b, run } = two();
    const u = b.socket(SOCK_DGRAM, 53);
    const client = a.socket(SOCK_DGRAM);
    a.p.sys.setsockopt(client, 0xffff, 0x1001, int(70_000));
    b.p.sys.setsockopt(u, 0xffff, 0x1002, int(200_000));
    const data = Uint8Array.from({ length: len }, (_, i) => i * 3);
    a.p.sys.sendto(client, data, 0, sockaddrIn6(addr('2001:db8::2'), 53));
    run(0.5);
    const into = new Uint8Array(70_000);
    const got = b.p.sys.recvfrom(u, into, 0);
    expect([got, into.subarray(0, got).every((byte, i) => byte === data[i])]).toEqual([len, true]);
  });
  test('a listener of both families is reached by both, and names are mapped (RFC 3493 3.7)', () => {
    const { a } = two();
    const server = a.p.sys.socket(AF_INET6, SOCK_STREAM, 0);
    a.p.sys.setsockopt(server, IPPROTO_IPV6, IPV6_V6ONLY, int(0));
    a.p.sys.bind(server, sockaddrIn6(addr('::'), 80));
    a.p.sys.listen(server, 4);
    const names: string[] = [];
    for (const [family, name] of [[AF_INET, sockaddrIn(0x7f00_0001, 80)], [AF_INET6, sockaddrIn6(addr('::1'), 80)]] as const) {
      const client = a.p.sys.socket(family, SOCK_STREAM, 0);
      a.p.sys.fcntl(client, F_SETFL, O_NONBLOCK);
      code(() => a.p.sys.connect(client, name));
      const peer: SocketName = { addr: undefined };
      a.p.sys.accept(server, peer);
      names.push(inet6Text(parseSockaddrIn6(peer.addr!)!.addr));
    }
    expect(names).toEqual(['::ffff:127.0.0.1', '::1']);
  });
  test('one of IPv6 alone is not, and both may have the port', () => {
    const { a } = two();
    const six = a.socket(SOCK_STREAM, 80);
    const four = a.p.sys.socket(AF_INET, SOCK_STREAM, 0);
    expect([code(() => a.p.sys.bind(four, sockaddrIn(0, 80))), a.p.sys.getsockopt(six, IPPROTO_IPV6, IPV6_V6ONLY, new Uint8Array(4))]).toEqual(['ok', 4]);
    expect(code(() => a.p.sys.connect(a.p.sys.socket(AF_INET6, SOCK_STREAM, 0), sockaddrIn6(addr('::ffff:127.0.0.1'), 80)))).toBe('EINVAL');
  });
  test('a datagram socket of both families talks to both', () => {
    const { a } = two();
    const u = a.p.sys.socket(AF_INET6, SOCK_DGRAM, 0);
    a.p.sys.setsockopt(u, IPPROTO_IPV6, IPV6_V6ONLY, int(0));
    a.p.sys.setsockopt(u, IPPROTO_IPV6, IPV6_RECVPKTINFO, int(1));
    a.p.sys.bind(u, sockaddrIn6(addr('::'), 53));
    const four = a.p.sys.socket(AF_INET, SOCK_DGRAM, 0);
    a.p.sys.bind(four, sockaddrIn(0x7f00_0001, 1000));
    a.p.sys.sendto(four, Uint8Array.of(1), 0, sockaddrIn(0x7f00_0001, 53));
    const from: SocketName = { addr: undefined };
    a.p.sys.recvfrom(u, new Uint8Array(9), 0, from);
    expect(inet6Text(parseSockaddrIn6(from.addr!)!.addr)).toBe('::ffff:127.0.0.1');
    a.p.sys.sendto(u, Uint8Array.of(7), 0, from.addr!);
    const into = new Uint8Array(9);
    expect([a.p.sys.recvfrom(four, into, 0), into[0]]).toEqual([1, 7]);
  });
  test('ancillary data tell of a datagram, and say how one goes (RFC 3542 6)', () => {
    const { a, b, run } = two();
    const u = b.socket(SOCK_DGRAM, 53);
    for (const option of [IPV6_RECVPKTINFO, IPV6_RECVHOPLIMIT, IPV6_RECVTCLASS, IPV6_RECVDSTOPTS]) b.p.sys.setsockopt(u, IPPROTO_IPV6, option, int(1));
    const client = a.socket(SOCK_DGRAM);
    const options = Uint8Array.of(0, 0, 0x1e, 4, 1, 2, 3, 4);
    const control = cmsgBytes(
      { level: IPPROTO_IPV6, type: IPV6_HOPLIMIT, data: int(33) },
      { level: IPPROTO_IPV6, type: IPV6_TCLASS, data: int(0x28) },
      { level: IPPROTO_IPV6, type: IPV6_DSTOPTS, data: options },
    );
    a.p.sys.sendmsg(client, { iov: [Uint8Array.of(1)], name: sockaddrIn6(addr('2001:db8::2'), 53), control }, 0);
    run(0.1);
    const msg = { iov: [new Uint8Array(10)], controlMax: 500, control: undefined as Uint8Array | undefined };
    b.p.sys.recvmsg(u, msg, 0);
    const found = new Map(parseCmsgs(msg.control!)!.map(({ type, data }) => [type, data]));
    expect([found.get(IPV6_HOPLIMIT)?.[0], found.get(IPV6_TCLASS)?.[0], inet6Text(found.get(IPV6_PKTINFO)!.slice(0, 16)), found.get(IPV6_DSTOPTS)?.slice(2)]).toEqual([
      33, 0x28, '2001:db8::2', options.slice(2),
    ]);
    expect(code(() => a.p.sys.sendmsg(client, { iov: [Uint8Array.of(1)], name: sockaddrIn6(addr('2001:db8::2'), 53), control: cmsgBytes({ level: IPPROTO_IPV6, type: IPV6_HOPLIMIT, data: int(300) }) }, 0))).toBe('EINVAL');
  });
  test('groups: who has joined hears, until he leaves, and reports say so (RFC 3493 5.2, RFC 3810 6.1)', () => {
    const { a, b, run } = two();
    const u = b.socket(SOCK_DGRAM, 53);
    const mreq = new Uint8Array(20);
    mreq.set(addr('ff05::77'));
    mreq[16] = b.ifs[0]!.index;
    const client = a.socket(SOCK_DGRAM);
    a.p.sys.setsockopt(client, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, int(5));
    const hears = (): string => {
      a.p.sys.sendto(client, Uint8Array.of(1), 0, sockaddrIn6(addr('ff05::77'), 53));
      run(0.1);
      return code(() => b.p.sys.recvfrom(u, new Uint8Array(9), 0));
    };
    const before = hears();
    b.p.sys.setsockopt(u, IPPROTO_IPV6, IPV6_JOIN_GROUP, mreq);
    const joined = hears();
    expect(code(() => b.p.sys.setsockopt(u, IPPROTO_IPV6, IPV6_JOIN_GROUP, mreq))).toBe('EADDRINUSE');
    b.p.sys.setsockopt(u, IPPROTO_IPV6, IPV6_LEAVE_GROUP, mreq);
    expect([before, joined, hears()]).toEqual(['EAGAIN', 'ok', 'EAGAIN']);
    b.p.sys.setsockopt(u, IPPROTO_IPV6, IPV6_JOIN_GROUP, mreq);
    b.p.sys.close(u);
    expect(b.ip6.groups.of(b.ifs[0]!).some((group) => group.w3 === 0x77)).toBe(false);
  });
  test.each<[string, () => readonly [number, Uint8Array], string]>([
    ['a hop limit of zero', () => [IPV6_UNICAST_HOPS, int(0)], 'EINVAL'],
    ['too few bytes', () => [IPV6_UNICAST_HOPS, new Uint8Array(2)], 'EINVAL'],
    ['a group that is none', () => [IPV6_JOIN_GROUP, new Uint8Array(20)], 'EINVAL'],
    ['a group of which it is no member', () => [IPV6_LEAVE_GROUP, Uint8Array.of(...addr('ff02::5'), 0, 0, 0, 0)], 'EADDRNOTAVAIL'],
    ['an interface that there is not', () => [IPV6_PKTINFO, Uint8Array.of(...addr('::'), 99, 0, 0, 0)], 'ENXIO'],
    ['a source that is not ours', () => [IPV6_PKTINFO, Uint8Array.of(...addr('2001:db8::9'), 0, 0, 0, 0)], 'EADDRNOTAVAIL'],
    ['options that are longer than their header', () => [IPV6_DSTOPTS, Uint8Array.of(0, 1, 0, 0, 0, 0, 0, 0)], 'EINVAL'],
    ['an option that there is not', () => [200, int(1)], 'ENOPROTOOPT'],
  ])('refused: %s', (_what, option, error) => {
    const { a } = two();
    const fd = a.socket(SOCK_DGRAM);
    const [name, value] = option();
    expect(code(() => a.p.sys.setsockopt(fd, IPPROTO_IPV6, name, value))).toBe(error);
  });
  test('addresses by ioctl have flags, masks and lifetimes, and end (inet6(4))', () => {
    const { a, run } = two();
    const fd = a.socket(SOCK_DGRAM);
    const name = a.ifs[0]!.name;
    const alias = ifreq(name, IN6_ALIASREQ_LEN);
    alias.set(sockaddrIn6(addr('2001:db8:9::1')), 16);
    alias.set(sockaddrIn6(addr('ffff:ffff:ffff::')), 72);
    alias.set(int(100), 120);
    alias.set(int(50), 124);
    a.p.sys.ioctl(fd, SIOCAIFADDR_IN6, alias);
    const ask = (cmd: number): Uint8Array => {
      const data = ifreq(name, IN6_IFREQ_LEN);
      data.set(sockaddrIn6(addr('2001:db8:9::1')), 16);
      a.p.sys.ioctl(fd, cmd, data);
      return data.slice(16);
    };
    const tentative = ask(SIOCGIFAFLAG_IN6)[0];
    run(3);
    expect([tentative, ask(SIOCGIFAFLAG_IN6)[0], inet6Text(ask(SIOCGIFNETMASK_IN6).slice(8, 24)), ask(SIOCGIFALIFETIME_IN6)[16]]).toEqual([2, 0, 'ffff:ffff:ffff::', 97]);
    run(50);
    expect(ask(SIOCGIFAFLAG_IN6)[0]).toBe(0x10);
    run(50);
    expect(code(() => ask(SIOCGIFAFLAG_IN6))).toBe('EADDRNOTAVAIL');
    expect(code(() => a.p.sys.ioctl(fd, SIOCDIFADDR_IN6, Object.assign(ifreq(name, IN6_IFREQ_LEN), { 17: AF_INET6 })))).toBe('EADDRNOTAVAIL');
  });
  test('destinations are tried in the order of RFC 6724 6', () => {
    const { a } = two();
    const global = a.ifs[0]!.addrs.find((ia) => ia.addr.w0 >>> 16 === 0x2001);
    const dsts = ['::ffff:10.0.0.1', '2002:a::1', '2001:db8::9', 'fe80::9'].map(nexthop);
    const sorted = sortDestinations(dsts, (dst) => (dst.w0 >>> 16 === 0xfe80 ? a.ip6.linkLocal(a.ifs[0]!) : dst.w0 === 0 ? undefined : global));
    expect(sorted.map((dst) => dst.w0 >>> 16)).toEqual([0xfe80, 0x2001, 0x2002, 0]);
  });
  test('the policy table can be set, and decides for sources and destinations (RFC 6724 2.1, 5 rule 6)', () => {
    const { a } = two();
    const node = 'net.inet6.ip6.addrctlpolicy';
    const before = a.k.sysctl.get(node) as string;
    expect(before.split('; ')[0]).toBe('::1/128 50 0');
    const source = (): string => inet6Text(bytesOf(selectSource6(a.ip6, nexthop('fd00:9::9'), a.ifs[0]!, undefined, false)!.addr));
    a.k.sysctl.set('net.inet6.ip6.dad_count', 0);
    a.k.run(() => addAddress6(a.ip6, a.ifs[0]!, nexthop('fd00:6::1'), 64));
    expect(source()).toBe('fd00:6::1');
    a.k.sysctl.set(node, 'fd00:6::/32 1 7; fd00::/16 60 1; ::/0 40 1');
    expect(source().startsWith('2001:')).toBe(true);
    expect(a.k.sysctl.get(node)).toBe('fd00:6::/32 1 7; fd00::/16 60 1; ::/0 40 1');
    const global = a.ifs[0]!.addrs.find((ia) => ia.addr.w0 >>> 16 === 0x2001);
    const order = sortDestinations(['2001:db8::9', 'fd00:9::9'].map(nexthop), () => global, a.ip6.policies);
    expect(order[0]!.w0 >>> 16).toBe(0xfd00);
    for (const bad of ['::/0 40', '::/0 40 1; ::/0 1 1', '::/129 1 1; ::/0 1 1', 'fd00::/16 1 1', '::/0 70000 1', 'x'])
      expect([bad, code(() => a.k.sysctl.set(node, bad))]).toEqual([bad, 'EINVAL']);
    a.k.sysctl.set(node, '');
    expect(a.k.sysctl.get(node)).toBe(before);
  });
  test('the component leaves, and everything with it; not while there are sockets', () => {
    const { a } = two();
    const fd = a.p.sys.socket(AF_INET6, SOCK_DGRAM, IPPROTO_UDP);
    expect(code(() => a.k.modunload('netinet6'))).toBe('EBUSY');
    a.p.sys.close(fd);
    a.k.modunload('netinet6');
    expect([a.ip6.rtable.count, a.ip6.inet.af6]).toEqual([0, undefined]);
  });
});
