/** tcpdump(8): the packets of an interface, through bpf(4), as lines or as a capture. */
import { getU16be, getU32be } from '@anykernel/lib-bytes';
import {
  BIOCGBLEN, BIOCGDLT, BIOCGSTATS, BIOCIMMEDIATE, BIOCPROMISC, BIOCSETF, BIOCSETIF, BIOCSRTIMEOUT, BPF_STAT_LEN, type BpfPacket, DLT_EN10MB, DLT_NULL, O_RDONLY,
  bpfPackets, bpfProgram, ifreq, inet6Text, inetText, linkText,
} from '@anykernel/lib-sys';
import {
  ETHERTYPE_ARP, ETHERTYPE_IP, ETHERTYPE_IPV6, LINKTYPE_ETHERNET, LINKTYPE_RAW, emitPcapInterface, emitPcapPacket, emitPcapSection, parseIpv4, parseIpv6, parseTcp, upperLayer,
} from '@anykernel/lib-wire';
import { compileFilter } from './bpffilter.js';
import { interfaces } from './tables.js';
import { type Tool, type ToolIo, ToolUsage, getopt, numberOption } from './tool.js';

const USAGE = `usage: tcpdump [-ep] [-i interface] [-c count] [-s snaplen] [-w -] [ip | ip6 | arp | icmp | icmp6 | tcp | udp] [host address] [port number] ...`;
/** How long a read waits, so that the user can end it. */
const TIMEOUT_MS = 200;
const SNAPLEN = 262_144;
const TCP = 6;
const UDP = 17;
const FLAGS: readonly (readonly [number, string])[] = [[2, 'S'], [1, 'F'], [4, 'R'], [8, 'P'], [32, 'U'], [64, 'E'], [128, 'W'], [16, '.']];
const PROTOCOLS: ReadonlyMap<number, string> = new Map([[1, 'ICMP'], [2, 'IGMP'], [58, 'ICMP6']]);

export const tcpdump: Tool = {
  name: 'tcpdump',
  usage: USAGE,
  about: 'show the packets of an interface',
  async run(io, args) {
    const { options, rest } = getopt(USAGE, args, 'epn', 'icsw');
    const count = numberOption(options, 'c', Infinity, 1, 1e9, USAGE);
    const snaplen = numberOption(options, 's', SNAPLEN, 1, SNAPLEN, USAGE);
    const file = options.get('w');
    if (file !== undefined && (file !== '-' || io.write === undefined)) throw new ToolUsage(USAGE);
    const name = options.get('i') ?? interfaces(io.p).find((ifp) => ifp.name !== 'lo0')?.name ?? 'lo0';
    const fd = io.p.sys.open('/dev/bpf', O_RDONLY);
    try {
      const dlt = listen(io, fd, { name, promiscuous: !options.has('p'), filter: rest, snaplen });
      if (file !== undefined) io.write?.(concat(emitPcapSection(), emitPcapInterface({ linktype: dlt === DLT_EN10MB ? LINKTYPE_ETHERNET : LINKTYPE_RAW, name })));
      else io.err(`listening on ${name}`);
      await follow(io, fd, count, (packet) => {
        if (file === undefined) io.out(lineOf(packet, dlt, options.has('e')));
        else io.write?.(recordOf(packet, dlt));
      });
      io.err(statistics(io, fd));
    } finally {
      io.p.sys.close(fd);
    }
    return 0;
  },
};

/** The descriptor listens from now on; returns its link layer. */
function listen(io: ToolIo, fd: number, how: { name: string; promiscuous: boolean; filter: readonly string[]; snaplen: number }): number {
  const { sys } = io.p;
  sys.ioctl(fd, BIOCSETIF, ifreq(how.name));
  const dlt = new Uint8Array(4);
  sys.ioctl(fd, BIOCGDLT, dlt);
  const filter = compileFilter(how.filter, dlt[0], how.snaplen);
  if (filter === undefined) throw new ToolUsage(USAGE);
  sys.ioctl(fd, BIOCSETF, bpfProgram(filter));
  sys.ioctl(fd, BIOCIMMEDIATE, Uint8Array.of(1, 0, 0, 0));
  if (how.promiscuous) sys.ioctl(fd, BIOCPROMISC);
  const wait = new Uint8Array(16);
  new DataView(wait.buffer).setUint32(8, TIMEOUT_MS * 1000, true);
  sys.ioctl(fd, BIOCSRTIMEOUT, wait);
  return dlt[0];
}

async function follow(io: ToolIo, fd: number, count: number, each: (packet: BpfPacket) => void): Promise<void> {
  const blen = new Uint8Array(4);
  io.p.sys.ioctl(fd, BIOCGBLEN, blen);
  const buffer = new Uint8Array(new DataView(blen.buffer).getUint32(0, true));
  for (let left = count; left > 0 && io.signal?.aborted !== true; ) {
    for (const packet of bpfPackets(buffer.subarray(0, await io.p.call.read(fd, buffer)))) if (left-- > 0) each(packet);
  }
}

function statistics(io: ToolIo, fd: number): string {
  const b = new Uint8Array(BPF_STAT_LEN);
  io.p.sys.ioctl(fd, BIOCGSTATS, b);
  const word = (at: number): number => new DataView(b.buffer).getUint32(at, true);
  return `${word(16)} packets captured, ${word(0)} received by filter, ${word(8)} dropped by kernel`;
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((len, part) => len + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** A record of pcapng; the family in front of packets of loopback is left out. */
function recordOf({ sec, usec, len, data }: BpfPacket, dlt: number): Uint8Array {
  const skip = dlt === DLT_NULL ? 4 : 0;
  return emitPcapPacket({ iface: 0, timeUs: sec * 1e6 + usec, data: data.subarray(skip), len: len - skip, direction: undefined });
}

/** `12:00:00.000000 IP 10.0.0.1.5000 > 10.0.0.2.7: UDP, length 3`. */
function lineOf({ sec, usec, len, data }: BpfPacket, dlt: number, link: boolean): string {
  const day = sec % 86_400;
  const two = (n: number): string => String(Math.floor(n)).padStart(2, '0');
  const time = `${two(day / 3600)}:${two((day / 60) % 60)}:${two(day % 60)}.${String(usec).padStart(6, '0')}`;
  if (dlt !== DLT_EN10MB) return `${time} ${network(data, dlt === DLT_NULL ? 4 : 0, 0)}`;
  if (data.length < 14) return `${time} [|ether]`;
  const frame = link ? `${linkText(data.slice(6, 12))} > ${linkText(data.slice(0, 6))}, length ${len}: ` : '';
  return `${time} ${frame}${network(data, 14, getU16be(data, 12))}`;
}

/** The packet at `off`; `type`: of Ethernet, 0: the packet says itself what it is. */
function network(b: Uint8Array, off: number, type: number): string {
  const version = off < b.length ? b[off] >>> 4 : 0;
  if (type === ETHERTYPE_IP || (type === 0 && version === 4)) return ip(b, off);
  if (type === ETHERTYPE_IPV6 || (type === 0 && version === 6)) return ip6(b, off);
  if (type !== ETHERTYPE_ARP || b.length < off + 28) return `ethertype 0x${type.toString(16).padStart(4, '0')}, length ${b.length - off}`;
  const [sender, target] = [getU32be(b, off + 14), getU32be(b, off + 24)].map(inetText);
  if (getU16be(b, off + 6) === 1) return `ARP, Request who-has ${target} tell ${sender}`;
  return `ARP, Reply ${sender} is-at ${linkText(b.slice(off + 8, off + 14))}`;
}

function ip(b: Uint8Array, off: number): string {
  const h = parseIpv4(b, off, b.length);
  if (h === undefined) return '[|ip]';
  const names = [inetText(h.src >>> 0), inetText(h.dst >>> 0)] as const;
  const more = h.fragOffset > 0 ? `, fragment at ${h.fragOffset}` : '';
  return `IP ${h.fragOffset > 0 ? ends(names) : transport(b, off + h.hdrLen, off + h.totalLen, h.protocol, names)}${more}`;
}

function ip6(b: Uint8Array, off: number): string {
  const h = parseIpv6(b, off, b.length);
  if (h === undefined) return '[|ip6]';
  const names = [inet6Text(b.slice(off + 8, off + 24)), inet6Text(b.slice(off + 24, off + 40))] as const;
  const upper = upperLayer(h.nextHeader, b, off + 40, b.length);
  return `IP6 ${upper === undefined ? ends(names) : transport(b, upper.off, off + 40 + h.payloadLen, upper.nextHeader, names)}`;
}

function ends([src, dst]: readonly [string, string], sport = '', dport = ''): string {
  return `${src}${sport} > ${dst}${dport}:`;
}

function transport(b: Uint8Array, off: number, end: number, protocol: number, names: readonly [string, string]): string {
  if ((protocol !== TCP && protocol !== UDP) || off + 8 > b.length) return `${ends(names)} ${PROTOCOLS.get(protocol) ?? `protocol ${protocol}`}, length ${end - off}`;
  const who = ends(names, `.${getU16be(b, off)}`, `.${getU16be(b, off + 2)}`);
  if (protocol === UDP) return `${who} UDP, length ${end - off - 8}`;
  const th = parseTcp(b, off, b.length);
  if (th === undefined) return `${who} [|tcp]`;
  const flags = FLAGS.filter(([bit]) => (th.flags & bit) !== 0).map(([, letter]) => letter).join('');
  const ack = (th.flags & 16) !== 0 ? `, ack ${th.ack >>> 0}` : '';
  return `${who} Flags [${flags === '' ? 'none' : flags}], seq ${th.seq >>> 0}${ack}, win ${th.win}, length ${end - off - th.hdrLen}`;
}
