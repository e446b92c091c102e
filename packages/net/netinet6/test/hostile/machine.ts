/**
 * A machine that is in the middle of everything: two Ethernet interfaces, both families, a router, with servers, connections in several states, datagram and raw
 * sockets, members of groups, and a capture that runs. Its neighbour, 10.9.0.2 and fd00:9::2, is whoever writes the frames.
 */
import { type SimHost, Sim } from '@anykernel/host-sim';
import {
  AF_INET, AF_INET6, F_SETFL, IFF_UP, IPPROTO_IP, IPPROTO_IPV6, IPV6_JOIN_GROUP, IPV6_RECVDSTOPTS, IPV6_RECVHOPOPTS, IPV6_RECVPKTINFO, IPV6_RECVRTHDR, IPV6_V6ONLY, IP_ADD_MEMBERSHIP, IP_RECVDSTADDR, IP_RECVIF,
  IP_RECVTTL, O_NONBLOCK, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM, inet6Parse, linkParse, sockaddrIn, sockaddrIn6,
} from '@anykernel/lib-sys';
import { type Ifnet, type Net, etherIf, net, nexthopOf } from '@anykernel/net';
import { type Inet, type Inpcb, Tcpcb, addAddress, netinet } from '@anykernel/netinet';
import { pcap } from '@anykernel/pcap';
import { type Kernel, type Proc, boot } from '@anykernel/rumpkern';
import type { Mbuf, Mbufs } from '@anykernel/rumpnet';
import { type Ip6, addAddress6, netinet6 } from '../../src/index.js';
import { repairFrame } from './repair.js';

export const US4 = 0x0a09_0001;
export const PEER4 = 0x0a09_0002;
const US6 = inet6Parse('fd00:9::1') as Uint8Array;
export const PEER6: Uint8Array = inet6Parse('fd00:9::2') as Uint8Array;
const PEER_LINK = linkParse('02:00:00:00:09:02') as Uint8Array;
export const SEC = 1e9;

/** Frames that are kept of what was sent. */
const HEARD_MAX = 64;
const SYN = 2;
const ACK = 16;

export class Machine {
  readonly sim: Sim;
  readonly host: SimHost;
  readonly k: Kernel;
  readonly p: Proc;
  readonly net: Net;
  readonly inet: Inet;
  readonly ip6: Ip6;
  readonly mbufs: Mbufs;
  readonly ifs: readonly Ifnet[];
  /** The last frames that were sent, and how many there were. */
  readonly heard: Uint8Array[] = [];
  sent = 0;
  /** Descriptors of all sockets. */
  readonly fds: number[] = [];
  captured = 0;

  constructor(seed: number, memLimitBytes = 96 << 20) {
    this.sim = new Sim({ seed });
    this.host = this.sim.host();
    this.k = boot(this.host, [netinet6, pcap], { memLimitBytes });
    this.p = this.k.newproc({ comm: 'target' });
    this.net = this.k.modules.use(net);
    this.inet = this.k.modules.use(netinet);
    this.ip6 = this.k.modules.use(netinet6).ip6;
    this.mbufs = this.net.mbufs;
    this.k.sysctl.set('net.inet6.ip6.dad_count', 0);
    this.ifs = this.k.run(() => [this.#plug(0), this.#plug(1)]);
    this.k.modules.use(pcap).capture(['eth0', 'eth1'], (bytes) => (this.captured += bytes.length));
    this.sim.advance(10 * SEC);
  }

  #plug(unit: number): Ifnet {
    const lladdr = linkParse(`02:00:00:00:0${9 + unit === 9 ? 9 : 'a'}:01`) as Uint8Array;
    const ifp = etherIf(this.k, this.net, `eth${unit}`, { start: (self) => this.#start(self) }, { lladdr });
    this.net.ifattach(ifp);
    addAddress(this.inet.ip, ifp, US4 + (unit << 8), 24, undefined);
    const addr = US6.slice();
    addr[5] = unit;
    addAddress6(this.ip6, ifp, nexthopOf(AF_INET6, addr), 64);
    this.net.setFlags(ifp, ifp.flags | IFF_UP);
    if (unit > 0) return ifp;
    for (const [family, bytes] of [[AF_INET, Uint8Array.of(10, 9, 0, 2)], [AF_INET6, PEER6]] as const) {
      const cache = this.net.neighbours.get(family)!;
      cache.permanent(cache.create(ifp, nexthopOf(family, bytes)), PEER_LINK);
    }
    return ifp;
  }

  #start(ifp: Ifnet): void {
    for (let m = ifp.snd.dequeue(); m !== undefined; m = ifp.snd.dequeue()) {
      this.heard.push(ifp.mbufs.toBytes(m));
      if (this.heard.length > HEARD_MAX) this.heard.shift();
      this.sent++;
      ifp.mbufs.free(m);
    }
  }

  /** A frame comes in. `offload` says what a driver knows of it, as its device told; false: that cannot be. */
  say(bytes: Uint8Array, unit = 0, offload: (m: Mbuf) => boolean = () => true): void {
    const ifp = this.ifs[unit]!;
    this.k.intr(() => {
      const m = this.mbufs.tryGet(bytes.length);
      if (m === undefined) return;
      m.buf.set(bytes, m.off);
      if (offload(m)) ifp.input(m);
      else this.mbufs.free(m);
    });
    if (this.k.stopped !== undefined) throw new Error(this.k.stopped);
  }

  pass(ms: number): void {
    this.sim.advance(ms * 1e6);
    if (this.k.stopped !== undefined) throw new Error(this.k.stopped);
  }

  // -- what it is in the middle of

  socket(family: number, type: number, protocol = 0): number {
    const fd = this.p.sys.socket(family, type, protocol);
    this.p.sys.fcntl(fd, F_SETFL, O_NONBLOCK);
    this.fds.push(fd);
    return fd;
  }

  /** Everything. */
  populate(): this {
    const { sys } = this.p;
    const on = Uint8Array.of(1, 0, 0, 0);
    this.k.sysctl.set('net.inet6.ip6.forwarding', 1);
    for (const port of [53, 5353]) {
      const u4 = this.socket(AF_INET, SOCK_DGRAM);
      sys.bind(u4, sockaddrIn(0, port));
      for (const option of [IP_RECVDSTADDR, IP_RECVIF, IP_RECVTTL]) sys.setsockopt(u4, IPPROTO_IP, option, on);
      sys.setsockopt(u4, IPPROTO_IP, IP_ADD_MEMBERSHIP, Uint8Array.of(224, 0, 0, 251, 10, 9, 0, 1));
      const u6 = this.socket(AF_INET6, SOCK_DGRAM);
      sys.bind(u6, sockaddrIn6(new Uint8Array(16), port));
      for (const option of [IPV6_RECVPKTINFO, IPV6_RECVHOPOPTS, IPV6_RECVDSTOPTS, IPV6_RECVRTHDR]) sys.setsockopt(u6, IPPROTO_IPV6, option, on);
      sys.setsockopt(u6, IPPROTO_IPV6, IPV6_JOIN_GROUP, Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfb, this.ifs[0]!.index, 0, 0, 0));
    }
    for (const protocol of [1, 2, 0]) this.socket(AF_INET, SOCK_RAW, protocol);
    for (const protocol of [58, 0]) this.socket(AF_INET6, SOCK_RAW, protocol);
    const connected = this.socket(AF_INET, SOCK_DGRAM);
    sys.connect(connected, sockaddrIn(PEER4, 53));
    sys.write(connected, Uint8Array.of(1, 2, 3));
    this.#connections();
    return this;
  }

  #connections(): void {
    const { sys } = this.p;
    const server = this.socket(AF_INET6, SOCK_STREAM);
    sys.setsockopt(server, IPPROTO_IPV6, IPV6_V6ONLY, Uint8Array.of(0, 0, 0, 0));
    sys.bind(server, sockaddrIn6(new Uint8Array(16), 80));
    sys.listen(server, 8);
    for (let i = 0; i < 6; i++) {
      const v6 = i % 2 === 1;
      this.say(segment(v6, 4000 + i, 80, SYN, 1000, 0, i < 4));
      this.say(this.#answer(v6, 4000 + i));
      const fd = sys.accept(server);
      sys.fcntl(fd, F_SETFL, O_NONBLOCK);
      this.fds.push(fd);
      if (i < 2) sys.write(fd, new Uint8Array(9000).fill(i));
      else if (i < 4) sys.shutdown(fd, 1);
    }
    // One begins from here, and one is half open.
    for (const to of [sockaddrIn(PEER4, 22), sockaddrIn6(PEER6, 22)]) {
      const fd = this.socket(to[1]!, SOCK_STREAM);
      try {
        sys.connect(fd, to);
      } catch {
        // It goes on.
      }
    }
    this.say(segment(false, 4999, 80, SYN, 5, 0, true));
  }

  /** The peer's acknowledgment of the last SYN that was answered. */
  #answer(v6: boolean, port: number): Uint8Array {
    const synAck = this.heard[this.heard.length - 1]!;
    const tcp = v6 ? 54 : 34;
    const view = new DataView(synAck.buffer, synAck.byteOffset);
    return segment(v6, port, 80, ACK, 1001, (view.getUint32(tcp + 4) + 1) >>> 0, true, synAck.subarray(tcp + 20));
  }

  /** Connections that are in the table. */
  get connections(): readonly { readonly inp: Inpcb; readonly tp: Tcpcb }[] {
    const all: { inp: Inpcb; tp: Tcpcb }[] = [];
    for (let inp = this.inet.tcp.table.first; inp !== undefined; inp = inp.anext) if (inp.fport !== 0 && inp.ppcb instanceof Tcpcb) all.push({ inp, tp: inp.ppcb });
    return all;
  }

  // -- the end

  /** Whatever it had been told, everything ends with the program and time. Throws what is left over. */
  settle(): void {
    this.p.exit();
    this.pass(300_000);
    // The longest that a stranger can make us remember something that holds memory.
    this.pass(90_000_000);
    const left = {
      mbufs: this.mbufs.used, tcp: this.inet.tcp.table.count, udp: this.inet.udp.table.count, syns: this.inet.tcp.syncache.count, timers: this.inet.tcp.timers.count,
      pieces: this.inet.ip.frags.count + this.ip6.frags.count,
    };
    for (const [what, count] of Object.entries(left)) if (count !== 0) throw new Error(`${count} ${what} are left`);
    if (this.k.callouts.count > 60) throw new Error(`${this.k.callouts.count} callouts are left`);
    this.k.halt();
    if (this.host.allocated !== 0) throw new Error(`${this.host.allocated} bytes are not given back`);
  }
}

/** A segment of the peer's in its frame. With `ts`: window scale, timestamps and selective acknowledgment; `echo`: the options of the answer. */
export function segment(v6: boolean, sport: number, dport: number, flags: number, seq: number, ack: number, ts = false, echo?: Uint8Array, data = 0): Uint8Array {
  const options = !ts ? [] : (flags & SYN) !== 0 ? [2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 1, 0, 0, 0, 0, 0, 1, 3, 3, 5] : [1, 1, 8, 10, 0, 0, 1, 1, ...tsValOf(echo)];
  const tcp = v6 ? 54 : 34;
  const hdrLen = 20 + options.length;
  const b = new Uint8Array(tcp + hdrLen + data);
  const view = new DataView(b.buffer);
  b.set([2, 0, 0, 0, 9, 1, 2, 0, 0, 0, 9, 2, ...(v6 ? [0x86, 0xdd] : [8, 0])]);
  if (v6) {
    b.set([0x60, 0, 0, 0, 0, 0, 6, 64, ...PEER6, ...US6], 14);
    view.setUint16(18, hdrLen + data);
  } else {
    b.set([0x45, 0, 0, 0, 0x12, 0x34, 0x40, 0, 64, 6, 0, 0, 10, 9, 0, 2, 10, 9, 0, 1], 14);
    view.setUint16(16, b.length - 14);
  }
  view.setUint16(tcp, sport);
  view.setUint16(tcp + 2, dport);
  view.setUint32(tcp + 4, seq >>> 0);
  view.setUint32(tcp + 8, ack >>> 0);
  b.set([(hdrLen >> 2) << 4, flags, 0x7f, 0xff], tcp + 12);
  b.set(options, tcp + 20);
  repairFrame(b);
  return b;
}

/** The time in somebody's timestamps; zero: there is none. */
function tsValOf(options: Uint8Array | undefined): number[] {
  for (let at = 0; options !== undefined && at + 10 <= options.length; ) {
    if (options[at] === 8) return [...options.subarray(at + 2, at + 6)];
    at += options[at] === 1 || options[at] === 0 ? 1 : Math.max(2, options[at + 1]!);
  }
  return [0, 0, 0, 0];
}
