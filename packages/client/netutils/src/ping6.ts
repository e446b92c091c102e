/** ping6(8): whether a host answers by IPv6, and how fast (RFC 4443 4). */
import { getU16be, putU16be } from '@anykernel/lib-bytes';
import {
  AF_INET6, ICMP6_FILTER, ICMP6_FILTER_LEN, IPPROTO_ICMPV6, IPPROTO_IPV6, IPV6_UNICAST_HOPS, POLLIN, SOCK_RAW, SOL_SOCKET, SO_RCVBUF, SO_SNDBUF, type SocketName,
  inet6Text, parseSockaddrIn6,
} from '@anykernel/lib-sys';
import { ICMP6_DST_UNREACH, ICMP6_ECHO_REPLY, ICMP6_ECHO_REQUEST, ICMP6_PACKET_TOO_BIG, ICMP6_PARAM_PROB, ICMP6_TIME_EXCEEDED, upperLayer } from '@anykernel/lib-wire';
import { socketAddress6 } from './inet6.js';
import { namesOf } from './names.js';
import { nowMs } from './ping.js';
import { type Tool, type ToolIo, ToolUsage, getopt, numberOption, reason, withSocket } from './tool.js';

const USAGE = 'usage: ping6 [-nq] [-c count] [-i seconds] [-s bytes] [-h hops] [-w seconds] host[%zone]';
const HDR_LEN = 8;
/** After the last question, milliseconds. */
const PATIENCE_MS = 5000;

const ERRORS: Readonly<Record<number, string>> = {
  [ICMP6_DST_UNREACH]: 'Destination Unreachable', [ICMP6_PACKET_TOO_BIG]: 'Packet Too Big', [ICMP6_TIME_EXCEEDED]: 'Time Exceeded', [ICMP6_PARAM_PROB]: 'Parameter Problem',
};

export const ping6: Tool = {
  name: 'ping6',
  usage: USAGE,
  about: 'ask a host for an answer by IPv6, and say how long it takes',
  async run(io, args) {
    const { options: o, rest } = getopt(USAGE, args, 'nq', 'cishw');
    if (rest.length !== 1) throw new ToolUsage(USAGE);
    const pinger = new Pinger6(io, socketAddress6(io.p, (await namesOf(io.p)).numeric(rest[0], AF_INET6), USAGE), {
      quiet: o.has('q'),
      count: numberOption(o, 'c', Infinity, 1, 2 ** 31, USAGE),
      intervalMs: numberOption(o, 'i', 1, 0.001, 3600, USAGE) * 1000,
      size: numberOption(o, 's', 56, 0, 65_519, USAGE),
      hops: numberOption(o, 'h', 64, 1, 255, USAGE),
      deadlineMs: numberOption(o, 'w', Infinity, 0.001, 86_400, USAGE) * 1000,
    });
    return withSocket(io.p, SOCK_RAW, IPPROTO_ICMPV6, (fd) => pinger.run(fd), AF_INET6);
  },
};

interface Options6 {
  readonly quiet: boolean;
  readonly count: number;
  readonly intervalMs: number;
  readonly size: number;
  readonly hops: number;
  readonly deadlineMs: number;
}

class Pinger6 {
  #sent = 0;
  #received = 0;
  /** When each question went, monotonic ms, by its number. */
  readonly #sentAt = new Map<number, number>();
  readonly #times: number[] = [];
  readonly #packet: Uint8Array;
  readonly #id: number;
  readonly #buf = new Uint8Array(65_536);

  constructor(
    readonly io: ToolIo,
    readonly to: Uint8Array,
    readonly o: Options6,
  ) {
    this.#id = io.p.pid & 0xffff;
    this.#packet = Uint8Array.from({ length: HDR_LEN + o.size }, (_, i) => i - HDR_LEN);
  }

  async run(fd: number): Promise<number> {
    const { io, o } = this;
    const { p } = io;
    const text = inet6Text(this.to.slice(8, 24));
    p.sys.setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, Uint8Array.of(o.hops, 0, 0, 0));
    p.sys.setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, filter());
    for (const buffer of [SO_RCVBUF, SO_SNDBUF]) p.sys.setsockopt(fd, SOL_SOCKET, buffer, Uint8Array.of(0, 0, 2, 0));
    io.out(`PING6(${40 + HDR_LEN + o.size}=40+8+${o.size} bytes) ${text}`);
    const start = nowMs(p);
    let nextAt = start;
    while (nowMs(p) - start < o.deadlineMs && !(io.signal?.aborted ?? false)) {
      const all = this.#sent >= o.count;
      if (!all && nowMs(p) >= nextAt) {
        await this.#send(fd);
        nextAt = nowMs(p) + o.intervalMs;
      } else if (all && (this.#received >= o.count || nowMs(p) >= nextAt - o.intervalMs + PATIENCE_MS)) break;
      const until = this.#sent >= o.count ? nextAt - o.intervalMs + PATIENCE_MS : nextAt;
      await this.#wait(fd, Math.max(1, Math.min(until, start + o.deadlineMs) - nowMs(p)));
    }
    this.#summary(text);
    return this.#received > 0 ? 0 : 1;
  }

  async #send(fd: number): Promise<void> {
    const { p } = this.io;
    const packet = this.#packet;
    packet.fill(0, 0, HDR_LEN);
    packet[0] = ICMP6_ECHO_REQUEST;
    putU16be(packet, 4, this.#id);
    putU16be(packet, 6, this.#sent & 0xffff);
    this.#sentAt.set(this.#sent & 0xffff, nowMs(p));
    this.#sent++;
    try {
      await p.call.sendto(fd, packet, 0, this.to);
    } catch (e) {
      this.io.err(`ping6: sendto: ${reason(e)}`);
    }
  }

  /** Waits for an answer until it is time to send. */
  async #wait(fd: number, ms: number): Promise<void> {
    const { p } = this.io;
    if ((await p.call.poll([{ fd, events: POLLIN, revents: 0 }], Math.min(Math.ceil(ms), 1000))) === 0) return;
    const from: SocketName = { addr: undefined };
    const len = p.sys.recvfrom(fd, this.#buf, 0, from);
    if (len < HDR_LEN) return;
    const name = from.addr === undefined ? undefined : parseSockaddrIn6(from.addr);
    this.#receive(this.#buf.subarray(0, len), name === undefined ? '?' : inet6Text(name.addr));
  }

  #receive(message: Uint8Array, from: string): void {
    if (message[0] === ICMP6_ECHO_REPLY) {
      if (getU16be(message, 4) === this.#id) this.#answer(message, from);
      return;
    }
    // About a question of ours: the packet that it quotes is an echo request with our number.
    const upper = message.length < HDR_LEN + 40 ? undefined : upperLayer(message[HDR_LEN + 6], message, HDR_LEN + 40, message.length);
    if (upper === undefined || upper.off + 6 > message.length || message[upper.off] !== ICMP6_ECHO_REQUEST || getU16be(message, upper.off + 4) !== this.#id) return;
    if (!this.o.quiet) this.io.out(`${message.length} bytes from ${from}: ${ERRORS[message[0]] ?? 'error'} (code ${message[1]})`);
  }

  #answer(message: Uint8Array, from: string): void {
    const seq = getU16be(message, 6);
    const sentAt = this.#sentAt.get(seq);
    if (sentAt === undefined) return;
    this.#sentAt.delete(seq);
    this.#received++;
    const ms = nowMs(this.io.p) - sentAt;
    this.#times.push(ms);
    if (!this.o.quiet) this.io.out(`${message.length} bytes from ${from}, icmp_seq=${seq} time=${ms.toFixed(3)} ms`);
  }

  #summary(text: string): void {
    const { io } = this;
    const lost = this.#sent === 0 ? 0 : (100 * (this.#sent - this.#received)) / this.#sent;
    io.out('');
    io.out(`--- ${text} ping6 statistics ---`);
    io.out(`${this.#sent} packets transmitted, ${this.#received} packets received, ${lost.toFixed(1)}% packet loss`);
    if (this.#times.length === 0) return;
    const mean = this.#times.reduce((a, b) => a + b, 0) / this.#times.length;
    io.out(`round-trip min/avg/max = ${[Math.min(...this.#times), mean, Math.max(...this.#times)].map((t) => t.toFixed(3)).join('/')} ms`);
  }
}

/** Answers and errors pass. */
function filter(): Uint8Array {
  const b = new Uint8Array(ICMP6_FILTER_LEN);
  for (const type of [ICMP6_ECHO_REPLY, ICMP6_DST_UNREACH, ICMP6_PACKET_TOO_BIG, ICMP6_TIME_EXCEEDED, ICMP6_PARAM_PROB]) b[type >> 3] |= 1 << (type & 7);
  return b;
}
