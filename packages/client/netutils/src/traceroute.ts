/** traceroute(8): the routers on the way to a host, by datagrams that die on the way. */
import { getU16be } from '@anykernel/lib-bytes';
import { IPPROTO_ICMP, IPPROTO_IP, IPPROTO_UDP, IP_TTL, POLLIN, SOCK_DGRAM, SOCK_RAW, type SocketName, inetText } from '@anykernel/lib-sys';
import { ICMP_TIMXCEED, ICMP_UNREACH, ICMP_UNREACH_PORT } from '@anykernel/lib-wire';
import { nowMs } from './ping.js';
import { type Tool, type ToolIo, ToolUsage, addressOf, getopt, nameText, numberOption, socketAddress, withSocket } from './tool.js';

const USAGE = 'usage: traceroute [-n] [-f first_ttl] [-m max_ttl] [-q queries] [-w seconds] [-p port] host [bytes]';

interface Probe {
  readonly from: string;
  readonly ms: number;
  /** What is said of it: `!H`, `!N` ...; the host itself has been reached. */
  readonly mark: string;
  readonly last: boolean;
}

const MARKS: Readonly<Record<number, string>> = { 0: ' !N', 1: ' !H', 2: ' !P', 4: ' !F', 5: ' !S', 9: ' !X', 10: ' !X', 13: ' !X' };

export const traceroute: Tool = {
  name: 'traceroute',
  usage: USAGE,
  about: 'show the routers on the way to a host',
  async run(io, args) {
    const { options: o, rest } = getopt(USAGE, args, 'n', 'fmqwp');
    const [host, bytes = '40'] = rest;
    const size = Number(bytes) - 28;
    if (host === undefined || rest.length > 2 || !(size >= 0 && size <= 65_507)) throw new ToolUsage(USAGE);
    const first = numberOption(o, 'f', 1, 1, 255, USAGE);
    const max = numberOption(o, 'm', 30, first, 255, USAGE);
    const queries = numberOption(o, 'q', 3, 1, 100, USAGE);
    const waitMs = numberOption(o, 'w', 5, 0.01, 3600, USAGE) * 1000;
    const port = numberOption(o, 'p', 33_434, 1, 65_535, USAGE);
    const addr = addressOf(host, USAGE);
    io.out(`traceroute to ${host} (${inetText(addr)}), ${max} hops max, ${size + 28} byte packets`);
    return withSocket(io.p, SOCK_RAW, IPPROTO_ICMP, (icmp) =>
      withSocket(io.p, SOCK_DGRAM, 0, async (udp) => {
        for (let ttl = first; ttl <= max; ttl++) if (await hop(io, icmp, udp, { addr, ttl, queries, waitMs, port: port + (ttl - first) * queries, size })) return 0;
        return 1;
      }),
    );
  },
};

interface Hop {
  readonly addr: number;
  readonly ttl: number;
  readonly queries: number;
  readonly waitMs: number;
  readonly port: number;
  readonly size: number;
}

/** One line. Returns whether it is the last one. */
async function hop(io: ToolIo, icmp: number, udp: number, h: Hop): Promise<boolean> {
  io.p.sys.setsockopt(udp, IPPROTO_IP, IP_TTL, Uint8Array.of(h.ttl, 0, 0, 0));
  let line = String(h.ttl).padStart(2);
  let before = '';
  let last = false;
  for (let i = 0; i < h.queries; i++) {
    const port = (h.port + i) & 0xffff;
    const sentAt = nowMs(io.p);
    await io.p.call.sendto(udp, new Uint8Array(h.size), 0, socketAddress(h.addr, port));
    const probe = await answer(io, icmp, port, sentAt, h);
    if (probe === undefined) {
      line += ' *';
      continue;
    }
    if (probe.from !== before) line += `  ${probe.from}`;
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
    const packet = buf.subarray(0, io.p.sys.recvfrom(icmp, buf, 0, name));
    const message = packet.subarray((packet[0] & 15) << 2);
    if (message.length < 8 || !isAbout(message.subarray(8), port)) continue;
    const ms = nowMs(io.p) - sentAt;
    const from = nameText(name.addr);
    if (message[0] === ICMP_TIMXCEED) return { from, ms, mark: '', last: false };
    if (message[0] !== ICMP_UNREACH) continue;
    return { from, ms, mark: message[1] === ICMP_UNREACH_PORT ? '' : (MARKS[message[1]] ?? ` !${message[1]}`), last: true };
  }
}

/** Whether the quoted packet is a datagram of ours: for that port. */
function isAbout(quoted: Uint8Array, port: number): boolean {
  const udp = quoted.subarray((quoted[0] & 15) << 2);
  return quoted[9] === IPPROTO_UDP && udp.length >= 4 && getU16be(udp, 2) === port;
}
