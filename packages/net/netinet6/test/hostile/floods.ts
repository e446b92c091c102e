/** Packets that a stranger makes by the thousand: the `i`-th of each flood, as a frame. */
import { Random } from '@anykernel/conformance-fuzz';
import type { Machine } from './machine.js';
import { repairFrame } from './repair.js';

/** How a flood is made, and what is particular about it. */
export interface Flood {
  readonly name: string;
  /** Whether the machine is a host rather than a router. */
  readonly host?: boolean;
  frame(i: number, random: Random, m: Machine): Uint8Array;
  /** Frames that may be sent for each that came, at most; 1 otherwise. */
  readonly answers?: number;
}

const US = [2, 0, 0, 0, 9, 1];
const STRANGER = [2, 0, 0, 0, 9, 0x99];
const US6 = [0xfd, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const ALL_NODES = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
/** The router of the tests that have a host: the peer. */
const ROUTER6 = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];

function bytes(random: Random, count: number): number[] {
  return Array.from({ length: count }, () => random.below(256));
}

function num(value: number, len: number): number[] {
  return Array.from({ length: len }, (_, i) => (value >>> (8 * (len - 1 - i))) & 0xff);
}

function ipv4(src: readonly number[], dst: readonly number[], protocol: number, payload: readonly number[], more: { id?: number; cut?: number; ttl?: number; to?: readonly number[] } = {}): Uint8Array {
  const header = [0x45, 0, ...num(20 + payload.length, 2), ...num(more.id ?? 1, 2), ...num(more.cut ?? 0, 2), more.ttl ?? 64, protocol, 0, 0, ...src, ...dst];
  const frame = Uint8Array.from([...(more.to ?? US), ...STRANGER, 8, 0, ...header, ...payload]);
  repairFrame(frame);
  return frame;
}

function ipv6(src: readonly number[], dst: readonly number[], next: number, payload: readonly number[], hops = 64): Uint8Array {
  const to = dst[0] === 0xff ? [0x33, 0x33, ...dst.slice(12)] : US;
  const frame = Uint8Array.from([...to, ...STRANGER, 0x86, 0xdd, 0x60, 0, 0, 0, ...num(payload.length, 2), next, hops, ...src, ...dst, ...payload]);
  repairFrame(frame);
  return frame;
}

function syn(port: number, sport: number, seq: number): number[] {
  return [...num(sport, 2), ...num(port, 2), ...num(seq, 4), 0, 0, 0, 0, 0x60, 2, 0x40, 0, 0, 0, 0, 0, 2, 4, 5, 0xb4];
}

const { imul } = Math;

/** Addresses that a hash without a secret puts into one chain. */
function aimed(random: Random): number[] {
  const f2 = random.next() | 0;
  const f3 = imul(f2 ^ imul(0 ^ imul(0x2001_0db8, 0x2c1b_3c6d), 0x297a_2d39), 0x85eb_ca6b);
  return [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, ...num(f2, 4), ...num(f3, 4)];
}

/** A segment of live connection 0: what the peer could send. */
function live(m: Machine, seq: number, ack: number, flags: number, win: number, options: readonly number[], data: number, urgent = 0): Uint8Array {
  const { inp, tp } = m.connections.find((one) => one.inp.fport === 4000)!;
  const times = [1, 1, 8, 10, ...num(tp.tsRecent, 4), ...num(m.inet.tcp.nowMs + tp.tsOffset, 4)];
  const all = [...times, ...options];
  const header = [...num(inp.fport, 2), ...num(inp.lport, 2), ...num(tp.rcvNxt + seq, 4), ...num(tp.sndUna + ack, 4), ((20 + all.length) >> 2) << 4, flags, ...num(win, 2), 0, 0, ...num(urgent, 2)];
  return ipv4([10, 9, 0, 2], [10, 9, 0, 1], 6, [...header, ...all, ...new Array<number>(data).fill(7)]);
}

function routerAdvert(i: number, random: Random): Uint8Array {
  const prefix = (): number[] => [3, 4, 64, 0xc0, ...num(3600, 4), ...num(1800, 4), 0, 0, 0, 0, 0x20, 1, ...bytes(random, 6), 0, 0, 0, 0, 0, 0, 0, 0];
  const options = [1, 1, 2, 0, ...bytes(random, 4), 5, 1, 0, 0, ...num(1280 + (i % 200), 4), ...prefix(), ...prefix(), ...prefix()];
  return ipv6([0xfe, 0x80, 0, 0, 0, 0, 0, 0, ...bytes(random, 8)], ALL_NODES, 58, [134, 0, 0, 0, 64, 0, ...num(1800, 2), ...num(random.below(4000), 4), ...num(random.below(4000), 4), ...options], 255);
}

export const FLOODS: readonly Flood[] = [
  { name: 'pieces of IPv4 packets', frame: (i) => ipv4([10, 9, 0, 9], [10, 9, 0, 1], 17, new Array<number>(64).fill(0), { id: i & 0xffff, cut: 0x2000 | (i % 50) }) },
  { name: 'pieces of IPv6 packets', frame: (i) => ipv6([...US6.slice(0, 15), 9], US6, 44, [59, 0, ...num(((1 + (i % 50)) << 3) | 1, 2), ...num(i >> 3, 4), ...new Array<number>(64).fill(0)]) },
  { name: 'packets for hosts that are not there, IPv4', frame: (i) => ipv4([10, 9, 0, 9], [10, 9, 1, 2 + (i % 250)], 17, [0, 9, 0, 9, 0, 8, 0, 0]) },
  { name: 'packets for hosts that are not there, IPv6', answers: 2, frame: (_i, random) => ipv6([...US6.slice(0, 15), 2], [0xfd, 0, 0, 9, 0, 1, 0, 0, ...bytes(random, 8)], 17, [0, 9, 0, 9, 0, 8, 0, 0]) },
  {
    name: 'questions of ARP from many',
    frame: (_i, random) => Uint8Array.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, ...STRANGER, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, ...bytes(random, 4), 10, 9, 0, 3 + random.below(200), 0, 0, 0, 0, 0, 0, 10, 9, 0, 1]),
  },
  {
    name: 'claims of our address',
    answers: 0.1,
    frame: () => Uint8Array.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, ...STRANGER, 8, 6, 0, 1, 8, 0, 6, 4, 0, 2, ...STRANGER, 10, 9, 0, 1, ...STRANGER, 10, 9, 0, 1]),
  },
  { name: 'solicitations from many', frame: (_i, random) => ipv6([0xfe, 0x80, 0, 0, 0, 0, 0, 0, ...bytes(random, 8)], US6, 58, [135, 0, 0, 0, 0, 0, 0, 0, ...US6, 1, 1, 2, ...bytes(random, 5)], 255) },
  { name: 'SYNs from many, IPv4', answers: 2, frame: (i, random) => ipv4([10, 9, 0, 2], [10, 9, 0, 1], 6, syn(80, 5000 + (i % 50_000), random.next())) },
  { name: 'SYNs from many, IPv6, by addresses of one chain', answers: 2, frame: (_i, random) => ipv6(aimed(random), US6, 6, syn(80, 5000, random.next())) },
  { name: 'a SYN from ourselves to ourselves', answers: 0.1, frame: (i) => ipv4([10, 9, 0, 1], [10, 9, 0, 1], 6, syn(80, 80, i)) },
  { name: 'queries for groups, IPv4', frame: () => ipv4([10, 9, 0, 9], [224, 0, 0, 1], 2, [17, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], { ttl: 1, to: [1, 0, 0x5e, 0, 0, 1] }) },
  { name: 'queries for groups, IPv6', frame: () => ipv6([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9], ALL_NODES, 0, [58, 0, 5, 2, 0, 0, 1, 0, 130, 0, 0, 0, 0, 0, 0, 0, ...new Array<number>(20).fill(0)], 1) },
  { name: 'routers, and prefixes', host: true, frame: routerAdvert },
  { name: 'redirects, IPv4', host: true, answers: 0.1, frame: (i, random) => ipv4([10, 9, 0, 2], [10, 9, 0, 1], 1, [5, 1, 0, 0, 10, 9, 0, 3 + (i % 200), 0x45, 0, 0, 28, 0, 1, 0, 0, 64, 17, 0, 0, 10, 9, 0, 1, 11, ...bytes(random, 3), 0, 9, 0, 9, 0, 8, 0, 0]) },
  { name: 'redirects, IPv6', host: true, answers: 0.1, frame: (_i, random) => ipv6(ROUTER6, US6, 58, [137, 0, 0, 0, 0, 0, 0, 0, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, ...bytes(random, 8), 0x20, 1, ...bytes(random, 14)], 255) },
  { name: 'smaller paths, IPv6', answers: 0.1, frame: (_i, random) => ipv6(ROUTER6, US6, 58, [2, 0, 0, 0, ...num(1280, 4), 0x60, 0, 0, 0, 0, 8, 58, 64, ...US6, 0x20, 1, ...bytes(random, 14), 128, 0, 0, 0, 0, 0, 0, 0], 64) },
  { name: 'datagrams for closed ports', answers: 0.5, frame: (i) => ipv4([10, 9, 0, 2], [10, 9, 0, 1], 17, [0, 9, ...num(6000 + (i % 1000), 2), 0, 8, 0, 0]) },
  { name: 'echoes to everybody', answers: 0, frame: () => ipv4([10, 9, 0, 2], [10, 9, 0, 255], 1, [8, 0, 0, 0, 0, 1, 0, 1], { to: [0xff, 0xff, 0xff, 0xff, 0xff, 0xff] }) },
  { name: 'packets to a group that no protocol takes', answers: 0, frame: (i) => ipv6([...US6.slice(0, 15), 2], ALL_NODES, 200 + (i % 30), [0, 0, 0, 0]) },
  { name: 'bytes out of order', frame: (i, _random, m) => live(m, 2 + 2 * (i % 15_000), 0, 16, 8000, [], 1) },
  {
    name: 'blocks of selective acknowledgment that cut everything to pieces',
    frame(_i, random, m) {
      const { tp } = m.connections.find((one) => one.inp.fport === 4000)!;
      const block = (): number[] => {
        const start = tp.sndUna + 1 + random.below(Math.max(1, tp.inFlight - 2));
        return [...num(start, 4), ...num(start + 1, 4)];
      };
      return live(m, 0, 0, 16, 8000, [1, 1, 5, 26, ...block(), ...block(), ...block()], 0);
    },
  },
  { name: 'urgent pointers', frame: (i, _random, m) => live(m, 0, 0, 48, 8000, [], 1, 1 + (i % 60_000)) },
  { name: 'windows that close and open', answers: 2, frame: (i, _random, m) => live(m, 0, 0, 16, i % 2 === 0 ? 0 : 2, [], 0) },
  { name: 'acknowledgments out of place', answers: 0.3, frame: (_i, _random, m) => live(m, 500_000_000, 0, 16, 8000, [], 0) },
  { name: 'segments for nobody', frame: (i) => ipv4([10, 9, 0, 2], [10, 9, 0, 1], 6, [...num(5000, 2), ...num(7000 + (i % 1000), 2), 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 16, 0x40, 0, 0, 0, 0, 0]) },
];
