/**
 * One kernel and a peer made of segments: a test says what comes in, and sees each segment that goes out.
 *
 * Sequence numbers are relative: of the peer to PEER_ISS, of the kernel to what it chose, so that the SYNs are 0. A segment is written as
 * `SA 0:0 ack 1 win 65535`: flags (S F R P A U E C), sequence number and bytes of data, acknowledgment; further parts by what a test asks for.
 */
import { Sim, type SimHost } from '@anykernel/host-sim';
import { AF_INET, F_SETFL, IFF_POINTOPOINT, IFF_RUNNING, IFF_UP, IFT_TUNNEL, IPPROTO_TCP, O_NONBLOCK, SOCK_STREAM, sockaddrIn } from '@anykernel/lib-sys';
import {
  Ipv4Header, TcpHeader, TcpOptions, emitIpv4, emitTcp, emitTcpOptions, inCksum, parseIpv4, parseTcp, parseTcpOptions, sumBytes, sumFinish, sumPseudo4,
} from '@anykernel/lib-wire';
import { type IfDriver, Ifnet, completeChecksum } from '@anykernel/net';
import { type Kernel, type Proc, boot } from '@anykernel/rumpkern';
import { CSUM_PARTIAL } from '@anykernel/rumpnet';
import { type Inet, type TcpConf, type Tcpcb, addAddress, netinet } from '../src/index.js';

const HERE = 0x0a00_0001;
const THERE = 0x0a00_0002;
export const PEER_ISS = 0x7fff_fff0;
const PORT = 8080;
const PEER_PORT = 4000;
const LETTERS = 'FSRPAUEC';

/** A segment of the peer's. */
export interface Seg {
  readonly seq?: number;
  readonly ack?: number;
  /** Bytes of data: how many, of a pattern by their sequence numbers. */
  readonly len?: number;
  readonly win?: number;
  readonly urp?: number;
  readonly mss?: number;
  readonly wscale?: number;
  readonly sackOk?: boolean;
  /** Timestamps: value and echo. The echo is relative to the kernel's first. */
  readonly ts?: readonly [number, number];
  /** Blocks, relative to the kernel's numbers. */
  readonly sack?: readonly number[];
  readonly cookie?: Uint8Array;
  /** In the IP header. */
  readonly tos?: number;
  readonly ttl?: number;
}

/** A segment of the kernel's. */
export interface Out {
  readonly text: string;
  readonly flags: string;
  readonly seq: number;
  readonly ack: number;
  readonly len: number;
  readonly win: number;
  readonly opt: TcpOptions;
  readonly tos: number;
  readonly urp: number;
  readonly atMs: number;
  readonly raw: Uint8Array;
  readonly df: boolean;
}

export interface DrillOptions {
  readonly conf?: Partial<TcpConf>;
  readonly mtu?: number;
  /** What the peer's SYN asks for; `mss` 1000 otherwise, and nothing else. */
  readonly syn?: Seg;
  readonly seed?: number;
}

export class Drill {
  readonly sim: Sim;
  readonly host: SimHost;
  readonly k: Kernel;
  readonly p: Proc;
  readonly inet: Inet;
  readonly ifp: Ifnet;
  readonly #out: Out[] = [];
  /** The kernel's first sequence number and timestamp, from its SYN. */
  iss: number | undefined;
  ts0: number | undefined;
  lport = PORT;
  peerPort = PEER_PORT;
  listener = -1;
  fd = -1;

  constructor(readonly options: DrillOptions = {}) {
    this.sim = new Sim({ seed: options.seed ?? 1 });
    this.host = this.sim.host();
    this.k = boot(this.host, [netinet]);
    this.p = this.k.newproc({ comm: 'drill' });
    this.inet = this.k.modules.use(netinet);
    Object.assign(this.inet.tcp.conf, options.conf ?? {});
    const driver: IfDriver = { start: (ifp) => this.#start(ifp) };
    this.ifp = new Ifnet(this.k, 'wire0', driver, { type: IFT_TUNNEL, flags: IFF_POINTOPOINT | IFF_RUNNING, mtu: options.mtu ?? 1500 });
    this.ifp.output = (ifp, m) => {
      const whole = m.csum === CSUM_PARTIAL ? completeChecksum(ifp.mbufs, m) : m;
      if (whole !== undefined) ifp.transmit(whole);
      return 0;
    };
    this.ifp.receive = (ifp, m) => void this.inet.net.enqueue(AF_INET, m, ifp);
    this.k.run(() => {
      this.inet.net.ifattach(this.ifp);
      addAddress(this.inet.ip, this.ifp, HERE, 32, THERE);
      this.inet.net.setFlags(this.ifp, this.ifp.flags | IFF_UP);
    });
    this.pass(1000);
  }

  // -- the kernel's program

  #socket(): number {
    const fd = this.p.sys.socket(AF_INET, SOCK_STREAM, 0);
    this.p.sys.fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
  }

  listen(backlog = 8): this {
    this.listener = this.#socket();
    this.p.sys.bind(this.listener, sockaddrIn(HERE, PORT));
    this.p.sys.listen(this.listener, backlog);
    return this;
  }

  /** Begins to connect to the peer, who listens on its port; `options` are set before. */
  connect(options: readonly (readonly [number, number])[] = []): this {
    this.fd = this.#socket();
    for (const [name, value] of options) this.setopt(name, value);
    code(() => this.p.sys.connect(this.fd, sockaddrIn(THERE, PEER_PORT)));
    return this;
  }

  accept(): this {
    this.fd = this.p.sys.accept(this.listener);
    this.p.sys.fcntl(this.fd, F_SETFL, O_NONBLOCK);
    return this;
  }

  setopt(name: number, value: number, level: number = IPPROTO_TCP): void {
    this.p.sys.setsockopt(this.fd, level, name, Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24));
  }

  write(len: number): number {
    return this.p.sys.write(this.fd, new Uint8Array(len));
  }

  /** What can be read: how many bytes, or an error, or 'eof'. */
  read(max = 65_536): number | string {
    const b = new Uint8Array(max);
    try {
      const n = this.p.sys.read(this.fd, b);
      if (n === 0) return 'eof';
      return n;
    } catch (e) {
      return (e as { code: string }).code;
    }
  }

  get tcb(): Tcpcb {
    for (let inp = this.inet.tcp.table.first; inp !== undefined; inp = inp.anext) if (inp.fport !== 0) return inp.ppcb as Tcpcb;
    throw new Error('there is no connection');
  }

  /** Connections, listeners not counted. */
  get connections(): number {
    let count = 0;
    for (let inp = this.inet.tcp.table.first; inp !== undefined; inp = inp.anext) if (inp.fport !== 0) count++;
    return count;
  }

  // -- the wire

  pass(ms: number): this {
    this.sim.advance(ms * 1e6);
    return this;
  }

  #start(ifp: Ifnet): void {
    for (let m = ifp.snd.dequeue(); m !== undefined; m = ifp.snd.dequeue()) {
      const bytes = ifp.mbufs.toBytes(m);
      ifp.mbufs.free(m);
      this.#take(bytes);
    }
  }

  #take(b: Uint8Array): void {
    const ip = parseIpv4(b);
    if (ip === undefined || inCksum(b, 0, ip.hdrLen) !== 0) throw new Error('not an IP packet');
    if (ip.protocol !== IPPROTO_TCP || ip.src !== HERE || (ip.flags & 0x2000) !== 0 || ip.fragOffset !== 0) {
      // Another protocol's, one that is passed on, or a piece.
      this.#out.push({ text: `protocol ${ip.protocol}`, flags: '', seq: 0, ack: 0, len: 0, win: 0, opt: new TcpOptions(), tos: ip.tos, urp: 0, atMs: this.sim.now / 1e6, raw: b, df: false });
      return;
    }
    const th = parseTcp(b, ip.hdrLen, ip.totalLen);
    if (th === undefined) throw new Error('not a segment');
    const len4 = ip.totalLen - ip.hdrLen;
    if (sumFinish(sumBytes(b, ip.hdrLen, len4, sumPseudo4(ip.src, ip.dst, 6, len4))) !== 0) throw new Error('a wrong checksum');
    const opt = parseTcpOptions(b, ip.hdrLen + 20, ip.hdrLen + th.hdrLen);
    const flags = [...LETTERS].filter((_, i) => (th.flags & (1 << i)) !== 0).sort((x, y) => 'SFRPAUEC'.indexOf(x) - 'SFRPAUEC'.indexOf(y)).join('');
    if ((th.flags & 2) !== 0 && th.dport === PEER_PORT) {
      this.iss = th.seq;
      if (opt.hasTs) this.ts0 ??= opt.tsVal;
      if (th.dport === PEER_PORT && th.sport !== PORT) this.lport = th.sport;
    }
    const seq = (th.seq - (this.iss ?? 0)) | 0;
    const ack = (th.flags & 16) !== 0 ? (th.ack - PEER_ISS) | 0 : 0;
    const len = len4 - th.hdrLen;
    let text = `${flags} ${seq}:${len}`;
    if ((th.flags & 16) !== 0) text += ` ack ${ack}`;
    this.#out.push({ text, flags, seq, ack, len, win: th.win, opt, tos: ip.tos, urp: th.urp, atMs: Math.round(this.sim.now / 1e6), raw: b, df: (ip.flags & 0x4000) !== 0 });
  }

  /** What has gone out since the last look. */
  out(): Out[] {
    return this.#out.splice(0);
  }

  /** The same as texts. */
  sent(): string[] {
    return this.out().map((one) => one.text);
  }

  /** A segment comes in, and is seen to. */
  in(flags: string, seg: Seg = {}): this {
    this.raw(this.packet(flags, seg));
    return this;
  }

  raw(bytes: Uint8Array): void {
    this.k.intr(() => this.ifp.input(this.inet.mbufs.fromBytes(bytes)));
  }

  packet(flags: string, seg: Seg): Uint8Array {
    const opt = new TcpOptions();
    opt.mss = seg.mss ?? 0;
    opt.wscale = seg.wscale ?? -1;
    opt.sackPermitted = seg.sackOk ?? false;
    if (seg.ts !== undefined) {
      opt.hasTs = true;
      opt.tsVal = seg.ts[0];
      opt.tsEcr = seg.ts[1] === 0 && (this.ts0 ?? 0) === 0 ? 0 : ((this.ts0 ?? 0) + seg.ts[1]) | 0;
    }
    if (seg.sack !== undefined) {
      seg.sack.forEach((edge, i) => {
        opt.sack[i] = (edge + (this.iss ?? 0)) | 0;
      });
      opt.sackCount = seg.sack.length / 2;
    }
    const b = new Uint8Array(20 + 60 + (seg.len ?? 0));
    const th = new TcpHeader();
    th.sport = this.peerPort;
    th.dport = this.lport;
    th.seq = (PEER_ISS + (seg.seq ?? 0)) | 0;
    th.flags = [...flags].reduce((bits, letter) => bits | (1 << LETTERS.indexOf(letter)), 0);
    th.ack = flags.includes('A') ? ((this.iss ?? 0) + (seg.ack ?? 0)) | 0 : 0;
    th.win = seg.win ?? 65_535;
    th.urp = seg.urp ?? 0;
    th.hdrLen = 20 + emitTcpOptions(opt, b, 40, seg.cookie);
    const len = seg.len ?? 0;
    for (let i = 0; i < len; i++) b[20 + th.hdrLen + i] = ((seg.seq ?? 0) + i) & 255;
    emitTcp(th, b, 20);
    const len4 = th.hdrLen + len;
    const sum = sumFinish(sumBytes(b, 20, len4, sumPseudo4(THERE, HERE, 6, len4)));
    b[36] = sum >>> 8;
    b[37] = sum;
    const ip = new Ipv4Header();
    Object.assign(ip, { totalLen: 20 + len4, ttl: seg.ttl ?? 64, protocol: 6, src: THERE, dst: HERE, tos: seg.tos ?? 0 });
    emitIpv4(ip, b, 0);
    return b.subarray(0, 20 + len4);
  }

  // -- states

  /** A connection that came in is established and accepted. */
  established(): this {
    this.listen();
    this.in('S', { mss: 1000, ...this.options.syn });
    this.in('A', { seq: 1, ack: 1, ...this.#ts(1) });
    this.accept();
    this.out();
    return this;
  }

  /** A connection that we began is established. */
  connected(options: readonly (readonly [number, number])[] = []): this {
    this.connect(options);
    this.in('SA', { ack: 1, mss: 1000, ...this.options.syn });
    this.out();
    return this;
  }

  #ts(value: number): Seg {
    return this.options.syn?.ts === undefined ? {} : { ts: [this.options.syn.ts[0] + value, 0] };
  }

  /** FIN-WAIT-1: our FIN is 1:0. */
  finWait1(): this {
    this.established();
    this.p.sys.shutdown(this.fd, 1);
    this.out();
    return this;
  }

  finWait2(): this {
    return this.finWait1().in('A', { seq: 1, ack: 2 });
  }

  closing(): this {
    this.finWait1().in('FA', { seq: 1, ack: 1 });
    this.out();
    return this;
  }

  timeWait(): this {
    this.finWait2().in('FA', { seq: 1, ack: 2 });
    this.out();
    return this;
  }

  closeWait(): this {
    this.established().in('FA', { seq: 1, ack: 1 });
    this.out();
    return this;
  }

  lastAck(): this {
    this.closeWait();
    this.p.sys.close(this.fd);
    this.out();
    return this;
  }
}

/** 'ok', or the code of the error. */
export function code(fn: () => unknown): string {
  try {
    fn();
    return 'ok';
  } catch (e) {
    return (e as { code: string }).code;
  }
}
