/** ping(8): whether a host answers, and how fast (RFC 792, echo). */
import { getU16be, putU16be, putU32be } from '@anykernel/lib-bytes';
import {
  AF_INET, CLOCK_MONOTONIC, IPPROTO_ICMP, IPPROTO_IP, IP_TTL, POLLIN, SOCK_RAW, SOL_SOCKET, SO_RCVBUF, SO_SNDBUF, type SocketName, inetText, parseSockaddrIn,
} from '@anykernel/lib-sys';
import { ICMP_ECHO, ICMP_ECHOREPLY, ICMP_PARAMPROB, ICMP_TIMXCEED, ICMP_UNREACH, inCksum } from '@anykernel/lib-wire';
import type { Proc } from '@anykernel/rumpkern';
import { namesOf } from './names.js';
import { type Tool, type ToolIo, ToolUsage, addressOf, getopt, numberOption, reason, socketAddress, withSocket } from './tool.js';

const USAGE = 'usage: ping [-nqof] [-c count] [-i seconds] [-s bytes] [-T ttl] [-w seconds] host';
const HDR_LEN = 8;
/** The time when it was sent, at the start of what is sent: seconds and nanoseconds. */
const STAMP_LEN = 8;
const NS_PER_MS = 1e6;

export interface Options {
  readonly quiet: boolean;
  readonly once: boolean;
  readonly flood: boolean;
  readonly count: number;
  readonly intervalMs: number;
  readonly size: number;
  readonly ttl: number;
  readonly deadlineMs: number;
}

export const ping: Tool = {
  name: 'ping',
  usage: USAGE,
  about: 'ask a host for an answer, and say how long it takes',
  async run(io, args) {
    const { options: o, rest } = getopt(USAGE, args, 'nqof', 'cisTw');
    const [host] = rest;
    if (host === undefined || rest.length > 1) throw new ToolUsage(USAGE);
    const flood = o.has('f');
    const options: Options = {
      quiet: o.has('q') || flood,
      once: o.has('o'),
      flood,
      count: numberOption(o, 'c', Infinity, 1, 2 ** 31, USAGE),
      intervalMs: flood ? 10 : numberOption(o, 'i', 1, 0.001, 3600, USAGE) * 1000,
      size: numberOption(o, 's', 56, 0, 65_507, USAGE),
      ttl: numberOption(o, 'T', 255, 1, 255, USAGE),
      deadlineMs: numberOption(o, 'w', Infinity, 0.001, 86_400, USAGE) * 1000,
    };
    const pinger = new Pinger(io, host, addressOf((await namesOf(io.p)).numeric(host, AF_INET), USAGE), options);
    return withSocket(io.p, SOCK_RAW, IPPROTO_ICMP, (fd) => pinger.run(fd));
  },
};

/** Monotonic milliseconds. */
export function nowMs(p: Proc): number {
  const { sec, nsec } = p.sys.clock_gettime(CLOCK_MONOTONIC);
  return sec * 1000 + nsec / NS_PER_MS;
}

class Pinger {
  #sent = 0;
  #received = 0;
  #duplicates = 0;
  readonly #seen = new Set<number>();
  readonly #times: number[] = [];
  readonly #packet: Uint8Array;
  readonly #id: number;
  readonly #buf = new Uint8Array(65_536);
  readonly #from: SocketName = { addr: undefined };

  constructor(
    readonly io: ToolIo,
    readonly host: string,
    readonly addr: number,
    readonly o: Options,
  ) {
    this.#id = io.p.pid & 0xffff;
    this.#packet = new Uint8Array(HDR_LEN + o.size);
    for (let i = HDR_LEN; i < this.#packet.length; i++) this.#packet[i] = i - HDR_LEN;
  }

  async run(fd: number): Promise<number> {
    const { io, o } = this;
    const { p } = io;
    const text = inetText(this.addr);
    p.sys.setsockopt(fd, IPPROTO_IP, IP_TTL, Uint8Array.of(o.ttl, 0, 0, 0));
    // 128 KiB: the largest question in one piece, and some answers.
    for (const buffer of [SO_RCVBUF, SO_SNDBUF]) p.sys.setsockopt(fd, SOL_SOCKET, buffer, Uint8Array.of(0, 0, 2, 0));
    io.out(`PING ${this.host} (${text}): ${o.size} data bytes`);
    const start = nowMs(p);
    let nextAt = start;
    let lastAt = start;
    for (;;) {
      const now = nowMs(p);
      if (now - start >= o.deadlineMs || (io.signal?.aborted ?? false) || (o.once && this.#received > 0)) break;
      if (this.#sent < o.count && now >= nextAt) {
        await this.#send(fd);
        lastAt = now;
        nextAt = now + o.intervalMs;
      }
      const all = this.#sent >= o.count;
      if (all && (this.#received >= o.count || now >= lastAt + this.#patience())) break;
      const until = Math.min(all ? lastAt + this.#patience() : nextAt, start + o.deadlineMs);
      await this.#wait(fd, Math.max(1, until - nowMs(p)));
      // A flood sends as fast as answers come.
      if (o.flood && this.#received === this.#sent) nextAt = 0;
    }
    this.#summary(this.host);
    return this.#received > 0 ? 0 : 1;
  }

  /** Milliseconds after the last was sent, when an answer will not come any more. */
  #patience(): number {
    return this.#times.length === 0 ? 10_000 : Math.max(1000, 2 * Math.max(...this.#times));
  }

  async #send(fd: number): Promise<void> {
    const { p } = this.io;
    const packet = this.#packet;
    packet[0] = ICMP_ECHO;
    packet.fill(0, 1, 4);
    putU16be(packet, 4, this.#id);
    putU16be(packet, 6, this.#sent & 0xffff);
    if (this.o.size >= STAMP_LEN) {
      const { sec, nsec } = p.sys.clock_gettime(CLOCK_MONOTONIC);
      putU32be(packet, HDR_LEN, sec);
      putU32be(packet, HDR_LEN + 4, nsec);
    }
    putU16be(packet, 2, inCksum(packet));
    this.#sent++;
    this.#seen.delete((this.#sent - 1) & 0xffff);
    try {
      await p.call.sendto(fd, packet, 0, socketAddress(this.addr));
    } catch (e) {
      this.io.err(`ping: sendto: ${reason(e)}`);
    }
  }

  /** Waits for answers until it is time to send; one at least is taken. */
  async #wait(fd: number, ms: number): Promise<void> {
    const { p } = this.io;
    const pollfd = { fd, events: POLLIN, revents: 0 };
    if ((await p.call.poll([pollfd], Math.min(Math.ceil(ms), 1000))) === 0) return;
    const len = p.sys.recvfrom(fd, this.#buf, 0, this.#from);
    this.#receive(this.#buf.subarray(0, len));
  }

  /** A packet with its IP header. */
  #receive(packet: Uint8Array): void {
    const ipLen = (packet[0] & 15) << 2;
    const icmp = packet.subarray(ipLen);
    if (icmp.length < HDR_LEN) return;
    const from = inetText((this.#from.addr === undefined ? undefined : parseSockaddrIn(this.#from.addr))?.addr ?? 0);
    if (icmp[0] === ICMP_ECHOREPLY) {
      if (getU16be(icmp, 4) === this.#id) this.#answer(icmp, from, packet[8]);
      return;
    }
    const what = { [ICMP_UNREACH]: 'Destination Unreachable', [ICMP_TIMXCEED]: 'Time Exceeded', [ICMP_PARAMPROB]: 'Parameter Problem' }[icmp[0]];
    // About a question of ours: the packet that it quotes is an echo request with our number.
    const inner = icmp.subarray(HDR_LEN);
    const quoted = inner.subarray((inner[0] & 15) << 2);
    if (what !== undefined && quoted.length >= HDR_LEN && quoted[0] === ICMP_ECHO && getU16be(quoted, 4) === this.#id && !this.o.quiet)
      this.io.out(`${packet.length - ipLen} bytes from ${from}: ${what} (code ${icmp[1]})`);
  }

  #answer(icmp: Uint8Array, from: string, ttl: number): void {
    const seq = getU16be(icmp, 6);
    const double = this.#seen.has(seq);
    if (double) this.#duplicates++;
    else {
      this.#seen.add(seq);
      this.#received++;
    }
    let time = '';
    if (icmp.length >= HDR_LEN + STAMP_LEN) {
      const view = new DataView(icmp.buffer, icmp.byteOffset);
      const ms = nowMs(this.io.p) - (view.getUint32(HDR_LEN) * 1000 + view.getUint32(HDR_LEN + 4) / NS_PER_MS);
      if (!double) this.#times.push(ms);
      time = ` time=${ms.toFixed(3)} ms`;
    }
    if (!this.o.quiet) this.io.out(`${icmp.length} bytes from ${from}: icmp_seq=${seq} ttl=${ttl}${time}${double ? ' DUP!' : ''}`);
  }

  #summary(text: string): void {
    const { io } = this;
    const lost = this.#sent === 0 ? 0 : (100 * (this.#sent - this.#received)) / this.#sent;
    io.out('');
    io.out(`----${text} PING Statistics----`);
    const double = this.#duplicates === 0 ? '' : `, +${this.#duplicates} duplicates`;
    io.out(`${this.#sent} packets transmitted, ${this.#received} packets received${double}, ${lost.toFixed(1)}% packet loss`);
    if (this.#times.length === 0) return;
    const sum = this.#times.reduce((a, b) => a + b, 0);
    const mean = sum / this.#times.length;
    const deviation = Math.sqrt(this.#times.reduce((a, b) => a + (b - mean) ** 2, 0) / this.#times.length);
    const [low, high] = this.#times.reduce(([a, b], t) => [Math.min(a, t), Math.max(b, t)], [Infinity, 0]);
    io.out(`round-trip min/avg/max/stddev = ${[low, mean, high, deviation].map((t) => t.toFixed(3)).join('/')} ms`);
  }
}
