/** Sockets of IPv6 that take IPv4, too, in groups of IPv4: by mapped addresses, and by the options of IPv4. */
import { Sim } from '@anykernel/host-sim';
import {
  AF_INET, AF_INET6, F_SETFL, IFF_UP, IPPROTO_IP, IPPROTO_IPV6, IPV6_JOIN_GROUP, IPV6_LEAVE_GROUP, IPV6_V6ONLY, IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP, IP_MULTICAST_IF,
  IP_MULTICAST_LOOP, IP_MULTICAST_TTL, IP_TTL, MCAST_JOIN_GROUP, MCAST_JOIN_SOURCE_GROUP, MCAST_LEAVE_GROUP, MCAST_LEAVE_SOURCE_GROUP, O_NONBLOCK, SOCK_DGRAM, type SocketName,
  groupReq, inet6Text, parseSockaddrIn6, sockaddrIn, sockaddrIn6,
} from '@anykernel/lib-sys';
import { type Ifnet, net } from '@anykernel/net';
import { addAddress, netinet } from '@anykernel/netinet';
import { type Kernel, type Proc, boot } from '@anykernel/rumpkern';
import { shmif } from '@anykernel/shmif';
import { netinet6 } from '../src/index.js';
import { addr } from './link.js';

const GROUP = 0xefff_0007;
const MAPPED_GROUP = '::ffff:239.255.0.7';
const FROM = 0x0a00_0001;
const MAPPED_FROM = '::ffff:10.0.0.1';

interface Host {
  readonly k: Kernel;
  readonly p: Proc;
  readonly ifp: Ifnet;
}

/** A host that sends to the group, and one with a socket of both families on its port. */
class Pair {
  readonly sim = new Sim({ seed: 3 });
  readonly from: Host = this.#host(FROM);
  readonly to: Host = this.#host(FROM + 1);
  readonly fd: number;
  readonly #sender: number;

  constructor(v6only = 0) {
    this.sim.advance(8e9);
    const { p } = this.to;
    this.fd = p.sys.socket(AF_INET6, SOCK_DGRAM, 0);
    p.sys.setsockopt(this.fd, IPPROTO_IPV6, IPV6_V6ONLY, Uint8Array.of(v6only, 0, 0, 0));
    p.sys.bind(this.fd, sockaddrIn6(addr('::'), 5000));
    p.sys.fcntl(this.fd, F_SETFL, O_NONBLOCK);
    this.#sender = this.from.p.sys.socket(AF_INET, SOCK_DGRAM, 0);
    this.from.p.sys.setsockopt(this.#sender, IPPROTO_IP, IP_MULTICAST_IF, Uint8Array.of(10, 0, 0, 1));
  }

  #host(address: number): Host {
    const k = boot(this.sim.host(), [netinet6, shmif]);
    const ifp = k.modules.use(shmif).create('lan');
    k.run(() => {
      k.modules.use(net).setFlags(ifp, ifp.flags | IFF_UP);
      addAddress(k.modules.use(netinet).ip, ifp, address, 24, undefined);
    });
    return { k, p: k.newproc(), ifp };
  }

  /** Who is heard when something is sent to the group; '': nobody. */
  heard(): string {
    this.from.p.sys.sendto(this.#sender, Uint8Array.of(1), 0, sockaddrIn(GROUP, 5000));
    this.sim.advance(1e8);
    const name: SocketName = { addr: undefined };
    try {
      this.to.p.sys.recvfrom(this.fd, new Uint8Array(9), 0, name);
    } catch {
      return '';
    }
    return inet6Text(parseSockaddrIn6(name.addr as Uint8Array)!.addr);
  }

  option(level: number, name: number, value: Uint8Array): string {
    try {
      this.to.p.sys.setsockopt(this.fd, level, name, value);
      return 'ok';
    } catch (e) {
      return (e as { code: string }).code;
    }
  }

  /** The groups of IPv4 of the receiver's interface, but for that of all hosts. */
  get groups(): number[] {
    return this.to.k.modules.use(netinet).ip.groups.of(this.to.ifp).map((group) => group >>> 0).filter((group) => group !== 0xe000_0001);
  }
}

type Request = readonly [level: number, name: number, value: (pair: Pair) => Uint8Array];
const mreq6 = ({ to }: Pair): Uint8Array => Uint8Array.of(...addr(MAPPED_GROUP), to.ifp.index, 0, 0, 0);
const mreq = (): Uint8Array => Uint8Array.of(239, 255, 0, 7, 10, 0, 0, 2);
const asked = (...source: Uint8Array[]) => ({ to }: Pair) => groupReq(to.ifp.index, sockaddrIn6(addr(MAPPED_GROUP), 0), ...(source as [Uint8Array?]));
const FROM6 = sockaddrIn6(addr(MAPPED_FROM), 0);

test.each<[string, Request, Request]>([
  ['IPV6_JOIN_GROUP', [IPPROTO_IPV6, IPV6_JOIN_GROUP, mreq6], [IPPROTO_IPV6, IPV6_LEAVE_GROUP, mreq6]],
  ['MCAST_JOIN_GROUP', [IPPROTO_IPV6, MCAST_JOIN_GROUP, asked()], [IPPROTO_IPV6, MCAST_LEAVE_GROUP, asked()]],
  ['MCAST_JOIN_SOURCE_GROUP', [IPPROTO_IPV6, MCAST_JOIN_SOURCE_GROUP, asked(FROM6)], [IPPROTO_IPV6, MCAST_LEAVE_SOURCE_GROUP, asked(FROM6)]],
  ['IP_ADD_MEMBERSHIP', [IPPROTO_IP, IP_ADD_MEMBERSHIP, mreq], [IPPROTO_IP, IP_DROP_MEMBERSHIP, mreq]],
])('%s: what is sent to the group is heard, from a mapped address, until it is left', (_what, join, leave) => {
  const pair = new Pair();
  const before = pair.heard();
  const joined = pair.option(join[0], join[1], join[2](pair));
  expect([before, joined, pair.groups, pair.heard()]).toEqual(['', 'ok', [GROUP], MAPPED_FROM]);
  expect([pair.option(leave[0], leave[1], leave[2](pair)), pair.groups, pair.heard()]).toEqual(['ok', [], '']);
});

test('another source is not heard', () => {
  const pair = new Pair();
  const value = asked(sockaddrIn6(addr('::ffff:10.0.0.9'), 0))(pair);
  expect([pair.option(IPPROTO_IPV6, MCAST_JOIN_SOURCE_GROUP, value), pair.groups, pair.heard()]).toEqual(['ok', [GROUP], '']);
});

test('a group ends with the socket', () => {
  const pair = new Pair();
  pair.option(IPPROTO_IPV6, IPV6_JOIN_GROUP, mreq6(pair));
  pair.to.p.sys.close(pair.fd);
  expect(pair.groups).toEqual([]);
});

test.each<[string, number, Request, string]>([
  ['a socket of IPv6 alone', 1, [IPPROTO_IPV6, IPV6_JOIN_GROUP, mreq6], 'EADDRNOTAVAIL'],
  ['a socket of IPv6 alone, by an option of IPv4', 1, [IPPROTO_IP, IP_ADD_MEMBERSHIP, mreq], 'ENOPROTOOPT'],
  ['a mapped address that is no group', 0, [IPPROTO_IPV6, IPV6_JOIN_GROUP, () => Uint8Array.of(...addr(MAPPED_FROM), 0, 0, 0, 0)], 'EINVAL'],
  ['an interface that there is not', 0, [IPPROTO_IPV6, IPV6_JOIN_GROUP, () => Uint8Array.of(...addr(MAPPED_GROUP), 99, 0, 0, 0)], 'EADDRNOTAVAIL'],
  ['a source of IPv6', 0, [IPPROTO_IPV6, MCAST_JOIN_SOURCE_GROUP, asked(sockaddrIn6(addr('2001:db8::1'), 0))], 'EINVAL'],
  ['leaving without being there', 0, [IPPROTO_IPV6, IPV6_LEAVE_GROUP, mreq6], 'EADDRNOTAVAIL'],
  ['other options of IPv4', 0, [IPPROTO_IP, IP_TTL, () => Uint8Array.of(9, 0, 0, 0)], 'ENOPROTOOPT'],
  ['a request that is too short', 0, [IPPROTO_IPV6, MCAST_JOIN_GROUP, () => new Uint8Array(20)], 'EINVAL'],
])('refused: %s', (_what, v6only, [level, name, value], error) => {
  const pair = new Pair(v6only);
  expect([pair.option(level, name, value(pair)), pair.groups]).toEqual([error, []]);
});

test('hops, and whether it hears itself, are said by the options of IPv4', () => {
  const pair = new Pair();
  for (const [name, value] of [[IP_MULTICAST_TTL, 7], [IP_MULTICAST_LOOP, 0]] as const) {
    expect(pair.option(IPPROTO_IP, name, Uint8Array.of(value))).toBe('ok');
    const got = new Uint8Array(4);
    pair.to.p.sys.getsockopt(pair.fd, IPPROTO_IP, name, got);
    expect(got[0]).toBe(value);
  }
});
