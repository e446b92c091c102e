/** traceroute(8) and traceroute6(8): the routers on the way to a host, by datagrams that die on the way. */
import { getU16be } from '@anykernel/lib-bytes';
import {
  AF_INET, AF_INET6, IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_UDP, IPV6_UNICAST_HOPS, IP_TTL, POLLIN, SOCK_DGRAM, SOCK_RAW, type SocketName, inet6Text,
  parseSockaddrIn6, sockaddrIn6,
} from '@anykernel/lib-sys';
import {
  ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOPORT, ICMP6_PACKET_TOO_BIG, ICMP6_PARAM_PROB, ICMP6_TIME_EXCEEDED, ICMP_TIMXCEED, ICMP_UNREACH, ICMP_UNREACH_PORT, upperLayer,
} from '@anykernel/lib-wire';
import { socketAddress6 } from './inet6.js';
import { NUMBERS, type Names, namesOf } from './names.js';
import { nowMs } from './ping.js';
import { type Tool, type ToolIo, ToolUsage, addressOf, getopt, nameText, numberOption, socketAddress, withSocket } from './tool.js';

const WORDS = '[-f first_ttl] [-m max_ttl] [-q queries] [-w seconds] [-p port] host [bytes]';
const USAGE = `usage: traceroute [-46n] ${WORDS}`;
const USAGE6 = `usage: traceroute6 [-n] ${WORDS}`;

/** What the two families do differently. */
interface Way {
  readonly family: number;
  readonly icmp: number;
  /** Bytes of headers before the data. */
  readonly headers: number;
  setLimit(io: ToolIo, fd: number, ttl: number): void;
  /** The host's name for a port. */
  to(port: number): Uint8Array;
  /** A message as the raw socket has it, if it is an error about a datagram of ours: what it says. */
  answer(packet: Uint8Array, port: number): Said | undefined;
}

interface Said {
  /** What is said of it: `!H`, `!N` ... */
  readonly mark: string;
  /** The host itself has been reached, or nobody goes on. */
  readonly last: boolean;
}

const MARKS: Readonly<Record<number, string>> = { 0: ' !N', 1: ' !H', 2: ' !P', 4: ' !F', 5: ' !S', 9: ' !X', 10: ' !X', 13: ' !X' };
const MARKS6: Readonly<Record<number, string>> = { 0: ' !N', 1: ' !P', 2: ' !S', 3: ' !A', 5: ' !X', 6: ' !X' };

function way4(addr: number): Way {
  return {
    family: AF_INET,
    icmp: IPPROTO_ICMP,
    headers: 28,
    setLimit: (io, fd, ttl) => io.p.sys.setsockopt(fd, IPPROTO_IP, IP_TTL, Uint8Array.of(ttl, 0, 0, 0)),
    to: (port) => socketAddress(addr, port),
    answer(packet, port) {
      const message = packet.subarray((packet[0] & 15) << 2);
      const quoted = message.subarray(8);
      const udp = quoted.subarray((quoted[0] & 15) << 2);
      if (message.length < 8 || quoted[9] !== IPPROTO_UDP || udp.length < 4 || getU16be(udp, 2) !== port) return undefined;
      if (message[0] === ICMP_TIMXCEED) return { mark: '', last: false };
      if (message[0] !== ICMP_UNREACH) return undefined;
      return { mark: message[1] === ICMP_UNREACH_PORT ? '' : (MARKS[message[1]] ?? ` !${message[1]}`), last: true };
    },
  };
}

function way6(sa: Uint8Array): Way {
  const { addr, scope } = parseSockaddrIn6(sa) ?? { addr: new Uint8Array(16), scope: 0 };
  return {
    family: AF_INET6,
    icmp: IPPROTO_ICMPV6,
    headers: 48,
    setLimit: (io, fd, ttl) => io.p.sys.setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, Uint8Array.of(ttl, 0, 0, 0)),
    to: (port) => sockaddrIn6(addr, port, scope),
    answer(message, port) {
      const upper = message.length < 48 ? undefined : upperLayer(message[14], message, 48, message.length);
      if (upper === undefined || upper.later || upper.nextHeader !== IPPROTO_UDP || upper.off + 4 > message.length || getU16be(message, upper.off + 2) !== port) return undefined;
      switch (message[0]) {
        case ICMP6_TIME_EXCEEDED:
          return { mark: '', last: false };
        case ICMP6_DST_UNREACH:
          return { mark: message[1] === ICMP6_DST_UNREACH_NOPORT ? '' : (MARKS6[message[1]] ?? ` !${message[1]}`), last: true };
        case ICMP6_PACKET_TOO_BIG:
          return { mark: ' !F', last: true };
        case ICMP6_PARAM_PROB:
          return { mark: ' !P', last: true };
        default:
          return undefined;
      }
    },
  };
}

export const traceroute: Tool = {
  name: 'traceroute',
  usage: USAGE,
  about: 'show the routers on the way to a host',
  run: (io, args) => trace(io, args, undefined, USAGE),
};

export const traceroute6: Tool = {
  name: 'traceroute6',
  usage: USAGE6,
  about: 'show the routers on the way to a host of IPv6',
  run: (io, args) => trace(io, args, AF_INET6, USAGE6),
};

async function trace(io: ToolIo, args: readonly string[], wanted: number | undefined, usage: string): Promise<number> {
  const { options: o, rest } = getopt(usage, args, wanted === undefined ? '46n' : 'n', 'fmqwp');
  const [host, bytes] = rest;
  const names = await namesOf(io.p);
  if (host === undefined || rest.length > 2) throw new ToolUsage(usage);
  const family = wanted ?? (o.has('6') ? AF_INET6 : o.has('4') ? AF_INET : (names.familyOf(host) ?? AF_INET));
  const text = names.numeric(host, family);
  const way = family === AF_INET6 ? way6(socketAddress6(io.p, text, usage)) : way4(addressOf(text, usage));
  const size = (bytes === undefined ? way.headers + 12 : Number(bytes)) - way.headers;
  if (!(size >= 0 && size <= 65_507)) throw new ToolUsage(usage);
  const first = numberOption(o, 'f', 1, 1, 255, usage);
  const max = numberOption(o, 'm', 30, first, 255, usage);
  const queries = numberOption(o, 'q', 3, 1, 100, usage);
  const waitMs = numberOption(o, 'w', 5, 0.01, 3600, usage) * 1000;
  const port = numberOption(o, 'p', 33_434, 1, 65_535, usage);
  io.out(`traceroute${family === AF_INET6 ? '6' : ''} to ${host} (${fromText(way.to(0))}), ${max} hops max, ${size + way.headers} byte packets`);
  return withSocket(io.p, SOCK_RAW, way.icmp, (icmp) =>
    withSocket(io.p, SOCK_DGRAM, 0, async (udp) => {
      for (let ttl = first; ttl <= max; ttl++) {
        const probe: Hop = { way, names: o.has('n') ? NUMBERS : names, ttl, queries, waitMs, port: port + (ttl - first) * queries, size };
        if (await hop(io, icmp, udp, probe)) return 0;
      }
      return 1;
    }, family), family);
}

interface Hop {
  readonly way: Way;
  readonly names: Names;
  readonly ttl: number;
  readonly queries: number;
  readonly waitMs: number;
  readonly port: number;
  readonly size: number;
}

interface Probe extends Said {
  readonly from: string;
  readonly ms: number;
}

/** One line. Returns whether it is the last one. */
async function hop(io: ToolIo, icmp: number, udp: number, h: Hop): Promise<boolean> {
  h.way.setLimit(io, udp, h.ttl);
  let line = String(h.ttl).padStart(2);
  let before = '';
  let last = false;
  for (let i = 0; i < h.queries; i++) {
    const port = (h.port + i) & 0xffff;
    const sentAt = nowMs(io.p);
    await io.p.call.sendto(udp, new Uint8Array(h.size), 0, h.way.to(port));
    const probe = await answer(io, icmp, port, sentAt, h);
    if (probe === undefined) {
      line += ' *';
      continue;
    }
    const name = h.names.host(probe.from);
    if (probe.from !== before) line += `  ${name === probe.from ? name : `${name} (${probe.from})`}`;
    before = probe.from;
    line += `  ${probe.ms.toFixed(3)} ms${probe.mark}`;
    last ||= probe.last;
  }
  io.out(line);
  return last;
}

/** The answer to the datagram for `port`, or undefined after the wait. */
async function answer(io: ToolIo, icmp: number, port: number, sentAt: number, h: Hop): Promise<Probe | undefined> {
  const buf = new Uint8Array(2048);
  const name: SocketName = { addr: undefined };
  for (;;) {
    const left = sentAt + h.waitMs - nowMs(io.p);
    if (left <= 0 || (io.signal?.aborted ?? false)) return undefined;
    if ((await io.p.call.poll([{ fd: icmp, events: POLLIN, revents: 0 }], Math.ceil(Math.min(left, 1000)))) === 0) continue;
    const said = h.way.answer(buf.subarray(0, io.p.sys.recvfrom(icmp, buf, 0, name)), port);
    if (said !== undefined) return { ...said, from: fromText(name.addr), ms: nowMs(io.p) - sentAt };
  }
}

function fromText(sa: Uint8Array | undefined): string {
  const six = sa === undefined ? undefined : parseSockaddrIn6(sa);
  return six === undefined ? nameText(sa) : inet6Text(six.addr);
}
