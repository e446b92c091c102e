/** A host under test on a simulated link, and a stranger beside it who says and hears what a test tells him. */
import { type SimHost, Sim } from '@anykernel/host-sim';
import { AF_INET6, F_SETFL, IFF_UP, O_NONBLOCK, inet6Parse, inet6Text, linkParse, linkText, sockaddrIn6 } from '@anykernel/lib-sys';
import {
  ETHERTYPE_IPV6, Ipv6Header, ND_NA_OVERRIDE, ND_NA_SOLICITED, ND_NEIGHBOR_ADVERT, ND_NEIGHBOR_SOLICIT, ND_ROUTER_ADVERT, type NdOptions, type NdPrefix,
  type RouterAdvert, emitIcmp6, emitIpv6, emitRouterAdvert, ndOptions, parseIpv6, sumBytes, sumFinish, sumPseudo6, upperLayer,
} from '@anykernel/lib-wire';
import { type Ifnet, type Nexthop, etherMulticast, etherSend, net, nexthopOf } from '@anykernel/net';
import { type Kernel, type Proc, boot } from '@anykernel/rumpkern';
import { shmif } from '@anykernel/shmif';
import { type Ip6, addAddress6, addressText, isMulticast, netinet6 } from '../src/index.js';

export const SEC = 1e9;
export const STRANGER = 'fe80::99';
export const STRANGER_LINK: Uint8Array = linkParse('02:00:00:00:00:99') as Uint8Array;

export function addr(text: string): Uint8Array {
  return inet6Parse(text) as Uint8Array;
}

export function nexthop(text: string): Nexthop {
  return nexthopOf(AF_INET6, addr(text));
}

/** A packet that was heard: when, in seconds, its header, and what its headers lead to. */
export interface Heard {
  readonly at: number;
  readonly bytes: Uint8Array;
  readonly src: string;
  readonly dst: string;
  readonly hops: number;
  /** The number of the upper header, and its bytes. */
  readonly protocol: number;
  readonly body: Uint8Array;
}

export function heardOf(bytes: Uint8Array, at: number): Heard {
  const h = parseIpv6(bytes) as Ipv6Header;
  const upper = upperLayer(h.nextHeader, bytes, 40, bytes.length);
  return {
    at,
    bytes,
    src: inet6Text(bytes.slice(8, 24)),
    dst: inet6Text(bytes.slice(24, 40)),
    hops: h.hopLimit,
    protocol: upper?.nextHeader ?? -1,
    body: bytes.slice(upper?.off ?? 40),
  };
}

/** A packet of IPv6 with its payload behind `headers`, extension headers whose first byte is the next. */
export function packet6(src: string, dst: string, protocol: number, payload: Uint8Array, hops = 64, headers: readonly (readonly [number, Uint8Array])[] = []): Uint8Array {
  const extra = headers.reduce((len, [, bytes]) => len + bytes.length, 0);
  const b = new Uint8Array(40 + extra + payload.length);
  const h = Object.assign(new Ipv6Header(), { payloadLen: b.length - 40, nextHeader: headers[0]?.[0] ?? protocol, hopLimit: hops });
  emitIpv6(h, b);
  b.set(addr(src), 8);
  b.set(addr(dst), 24);
  let at = 40;
  headers.forEach(([, bytes], i) => {
    b.set(bytes, at);
    b[at] = headers[i + 1]?.[0] ?? protocol;
    at += bytes.length;
  });
  b.set(payload, at);
  return b;
}

export function pseudo6(src: string, dst: string, protocol: number, len: number): number {
  const s = nexthop(src);
  const d = nexthop(dst);
  return sumPseudo6(s.w0, s.w1, s.w2, s.w3, d.w0, d.w1, d.w2, d.w3, protocol, len);
}

/** A message of ICMPv6 with its checksum. */
export function icmp6(src: string, dst: string, type: number, code: number, rest: number, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const b = new Uint8Array(8 + data.length);
  b.set(data, 8);
  emitIcmp6({ type, code, rest }, pseudo6(src, dst, 58, b.length), b);
  return b;
}

export function udp6(src: string, dst: string, sport: number, dport: number, data: Uint8Array): Uint8Array {
  const b = new Uint8Array(8 + data.length);
  b.set([sport >> 8, sport, dport >> 8, dport, b.length >> 8, b.length]);
  b.set(data, 8);
  const sum = sumFinish(sumBytes(b, 0, b.length, pseudo6(src, dst, 17, b.length)));
  b[6] = sum >> 8;
  b[7] = sum;
  return b;
}

export function prefixInfo(prefix: string, more: Partial<NdPrefix> = {}): NdPrefix {
  return { prefix: addr(prefix), len: 64, onLink: true, auto: true, valid: 86_400, preferred: 14_400, ...more };
}

export class Link {
  readonly sim: Sim;
  readonly k: Kernel;
  readonly p: Proc;
  readonly ip6: Ip6;
  readonly ifp: Ifnet;
  readonly stranger: Ifnet;
  readonly hosts: SimHost[] = [];
  readonly #strangers: Kernel;
  readonly #heard: Heard[] = [];

  /** `set` may change settings before the interface comes up; then time passes until the address of link-local scope is good. */
  constructor(set: (k: Kernel) => void = () => {}, seed = 1, settle = 3) {
    this.sim = new Sim({ seed });
    this.k = boot(this.#host(), [netinet6, shmif]);
    this.p = this.k.newproc();
    this.ip6 = this.k.modules.use(netinet6).ip6;
    this.#strangers = boot(this.#host(), [shmif]);
    this.ifp = this.k.modules.use(shmif).create('wire');
    this.stranger = this.#strangers.modules.use(shmif).create('wire');
    this.stranger.lladdr = STRANGER_LINK;
    const state = this.#strangers.modules.use(net);
    this.#strangers.run(() => state.setFlags(this.stranger, this.stranger.flags | IFF_UP));
    state.isr(AF_INET6, (m) => {
      this.#heard.push(heardOf(this.stranger.mbufs.toBytes(m), this.sim.now / SEC));
      this.stranger.mbufs.free(m);
    });
    set(this.k);
    this.k.run(() => this.k.modules.use(net).setFlags(this.ifp, this.ifp.flags | IFF_UP));
    this.run(settle);
    if (settle > 0) this.take();
  }

  #host(): SimHost {
    const host = this.sim.host();
    this.hosts.push(host);
    return host;
  }

  run(seconds: number): void {
    this.sim.advance(seconds * SEC);
  }

  /** What was heard since the last time. */
  take(): Heard[] {
    return this.#heard.splice(0);
  }

  /** Messages of ICMPv6 of one type. */
  takeIcmp(type: number): Heard[] {
    return this.take().filter(({ protocol, body }) => protocol === 58 && body[0] === type);
  }

  /** The host's address of link-local scope, and an address of its own. */
  get local(): string {
    const ia = this.ip6.linkLocal(this.ifp);
    return ia === undefined ? '' : addressText(ia.addr).split('%')[0]!;
  }

  /** Addresses of the interface, with what they are: `tentative 2001:db8::1/64`. */
  get addresses(): string[] {
    const names: readonly [number, string][] = [[1, 'tentative'], [2, 'duplicated'], [4, 'deprecated'], [0x10, 'temporary']];
    return this.ifp.addrs
      .filter((ia) => ia.family === AF_INET6)
      .map((ia) => [...names.filter(([bit]) => (ia.flags & bit) !== 0).map(([, name]) => name), `${addressText(ia.addr)}/${ia.prefixLen}`].join(' '));
  }

  /** `fe80::99 reachable 02:...` for each neighbour. */
  get neighbours(): string[] {
    return this.ip6.nd.neighbours.list().map((n) => `${addressText(n.addr).split('%')[0]} ${n.state} ${n.lladdr === undefined ? '-' : linkText(n.lladdr)}`);
  }

  /** An address by hand, usable at once when `settle`. */
  address(text: string, len = 64, settle = true): void {
    this.k.run(() => addAddress6(this.ip6, this.ifp, nexthop(text), len));
    if (settle) this.run(3);
    if (settle) this.take();
  }

  /** The stranger sends a packet. */
  raw(bytes: Uint8Array, to: Uint8Array = this.ifp.lladdr): void {
    this.#strangers.run(() => etherSend(this.stranger, this.stranger.mbufs.fromBytes(bytes), to, ETHERTYPE_IPV6));
    this.run(0.001);
  }

  /** To where a packet's destination says: the host, or a group of the link. */
  say(bytes: Uint8Array): void {
    const dst = nexthopOf(AF_INET6, bytes.subarray(24, 40));
    this.raw(bytes, isMulticast(dst.w0) ? etherMulticast(dst) : this.ifp.lladdr);
  }

  /** A message of neighbour discovery: what follows its first eight bytes, and options. */
  nd(type: number, src: string, dst: string, rest: number, body: Uint8Array, options: NdOptions, hops = 255, code = 0): void {
    const tail = ndOptions(options);
    const data = new Uint8Array(body.length + tail.length);
    data.set(body);
    data.set(tail, body.length);
    this.say(packet6(src, dst, 58, icmp6(src, dst, type, code, rest, data), hops));
  }

  solicit(target: string, src: string = STRANGER, dst: string = target, options: NdOptions = { sourceLink: STRANGER_LINK }, hops = 255): void {
    this.nd(ND_NEIGHBOR_SOLICIT, src, dst, 0, addr(target), options, hops);
  }

  advertise(target: string, flags: number = ND_NA_SOLICITED | ND_NA_OVERRIDE, link: Uint8Array | undefined = STRANGER_LINK, dst: string = this.local): void {
    this.nd(ND_NEIGHBOR_ADVERT, target, dst, flags >>> 0, addr(target), link === undefined ? {} : { targetLink: link });
  }

  router(ra: Partial<RouterAdvert>, options: NdOptions = {}, src: string = STRANGER): void {
    const b = new Uint8Array(16);
    emitRouterAdvert({ hopLimit: 64, flags: 0, lifetime: 1800, reachableMs: 0, retransMs: 0, ...ra }, b, 0);
    this.nd(ND_ROUTER_ADVERT, src, 'ff02::1', new DataView(b.buffer).getUint32(4), b.subarray(8), { sourceLink: STRANGER_LINK, ...options });
  }

  /** The stranger asks for nothing but an answer; types of what comes back. */
  ping(dst: string = this.local, src: string = STRANGER): Heard[] {
    this.say(packet6(src, dst, 58, icmp6(src, dst, 128, 0, 0x1234_0001, Uint8Array.of(1, 2, 3))));
    this.run(0.01);
    return this.takeIcmp(129);
  }

  /** A socket that does not wait. */
  socket(type: number, protocol = 0, port?: number): number {
    const fd = this.p.sys.socket(AF_INET6, type, protocol);
    this.p.sys.fcntl(fd, F_SETFL, O_NONBLOCK);
    if (port !== undefined) this.p.sys.bind(fd, sockaddrIn6(addr('::'), port));
    return fd;
  }

  name(text: string, port = 0): Uint8Array {
    const a = addr(text);
    const zone = a[0] === 0xfe || (a[0] === 0xff && (a[1]! & 15) <= 2) ? this.ifp.index : 0;
    return sockaddrIn6(a, port, zone);
  }

  /** The host sends a datagram of three bytes. */
  send(to: string): void {
    const fd = this.socket(2);
    this.p.sys.sendto(fd, Uint8Array.of(1, 2, 3), 0, this.name(to, 9));
    this.p.sys.close(fd);
    this.run(0.001);
  }
}

/** The code of the error that a function throws; `ok`: none. */
export function code(fn: () => unknown): string {
  try {
    fn();
    return 'ok';
  } catch (e) {
    return (e as { code: string }).code;
  }
}

/** The address that a host makes of its link address in a prefix (RFC 4291, appendix A). */
export function eui(l: Link, prefix: string): string {
  const b = l.ifp.lladdr;
  const hex = (n: number): string => n.toString(16);
  return `${prefix}${hex(((b[0]! ^ 2) << 8) | b[1]!)}:${hex((b[2]! << 8) | 0xff)}:${hex(0xfe00 | b[3]!)}:${hex((b[4]! << 8) | b[5]!)}`;
}
