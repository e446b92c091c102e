/**
 * The Internet protocols of one kernel: what IP, UDP, TCP and raw sockets of both families share.
 */
import { AF_INET, AF_INET6, ERR, IPPROTO_TCP, IPPROTO_UDP } from '@anykernel/lib-sys';
import type { Net } from '@anykernel/net';
import type { Kernel, Lwp } from '@anykernel/rumpkern';
import type { Domain, Mbufs, Rumpnet, Socket } from '@anykernel/rumpnet';
import { Arp } from './arp/arp.js';
import { Addr, FAM_V4, FAM_V6, type Family } from './family.js';
import { isMapped, localAny } from './flow.js';
import type { Inpcb } from './inpcb.js';
import { Igmp } from './ip/igmp.js';
import { Ip } from './ip/ip.js';
import { type PortAlgo, PortChooser } from './portalgo.js';
import { Rand } from './rand.js';
import { SipHash } from './siphash.js';
import { Tcp } from './tcp/tcp.js';
import { Udp } from './udp/udp.js';

/** Settings, by sysctl net.inet.ip. */
export class InetConf {
  forwarding = true;
  /** Redirects are sent. */
  redirect = true;
  ttl = 64;
  mtudisc = true;
  /** Milliseconds for which a path's MTU is remembered. */
  mtudiscTimeoutMs = 600_000;
  anonportmin = 49_152;
  anonportmax = 65_535;
  lowportmin = 600;
  lowportmax = 1023;
  portAlgo: PortAlgo = 'random_start';
  maxfragpackets = 200;
  /** Packets for another interface's address are not taken. */
  checkinterface = false;
  randomId = false;
  /** Source routes: packets that have them are taken, and go where they say. */
  allowsrcrt = false;
  forwsrcrt = false;
  /** Packets for everybody on another network of ours are passed on (RFC 2644: not by default). */
  directedBroadcast = false;
  /** Sockets of IPv6 do not take IPv4, unless they ask. */
  v6only = true;
}

export class Inet {
  readonly k: Kernel;
  readonly mbufs: Mbufs;
  readonly conf: InetConf = new InetConf();
  readonly rand: Rand;
  readonly secret: SipHash;
  readonly ports: PortChooser;
  readonly ip: Ip;
  readonly arp: Arp;
  readonly igmp: Igmp;
  readonly udp: Udp;
  readonly tcp: Tcp;
  /** What is done again in the end. */
  readonly undo: (() => void)[] = [];
  domain: Domain | undefined = undefined;
  readonly #families = new Map<number, Family>();
  readonly #addr = new Addr();

  constructor(
    readonly net: Net,
    readonly rumpnet: Rumpnet,
  ) {
    this.k = net.k;
    this.mbufs = net.mbufs;
    this.rand = new Rand(this.k.host);
    this.secret = new SipHash(this.rand.bytes(16));
    this.ports = new PortChooser(this.rand, this.secret);
    this.ip = new Ip(this);
    this.arp = new Arp(this.ip);
    this.igmp = new Igmp(this.ip);
    this.addFamily(this.ip);
    this.udp = new Udp(this);
    this.tcp = new Tcp(this);
    this.undo.push(
      this.mbufs.onDrain(() => {
        this.tcp.drain();
        this.ip.frags.clear();
      }),
    );
  }

  /** The transport protocols take packets of IPv4. */
  attachProtocols(): void {
    this.ip.protocols[IPPROTO_UDP] = (m, flow) => this.udp.input(m, flow);
    this.ip.protocols[IPPROTO_TCP] = (m, flow) => this.tcp.input(m, flow);
  }

  // -- families

  /** netinet6 registers itself; the result takes it out. */
  addFamily(family: Family): () => void {
    this.#families.set(family.af, family);
    return () => this.#families.delete(family.af);
  }

  family(af: number): Family {
    const family = this.#families.get(af);
    if (family === undefined) throw ERR.EAFNOSUPPORT;
    return family;
  }

  /** Which packets a new socket of a family takes. */
  takesOf(family: Family): number {
    return family.bit === FAM_V6 && !this.conf.v6only ? FAM_V4 | FAM_V6 : family.bit;
  }

  /** By which family a socket reaches an address: mapped ones go by IPv4, where the socket takes both. EINVAL: or it is bound to an address of the other. EAFNOSUPPORT. */
  familyFor(inp: Inpcb, a: Addr): Family {
    const mapped = isMapped(a.w0, a.w1, a.w2);
    if (inp.af === AF_INET) return this.family(AF_INET);
    if (!localAny(inp) && isMapped(inp.l0, inp.l1, inp.l2) !== mapped) throw ERR.EINVAL;
    if (!mapped) return this.family(inp.af);
    if ((inp.takes & FAM_V4) === 0) throw ERR.EINVAL;
    return this.family(AF_INET);
  }

  // -- names

  /** The address in a sockaddr of the socket's family; used until the next one is parsed. EINVAL: too short. EAFNOSUPPORT: of another family. */
  parseName(inp: Inpcb, nam: Uint8Array): Addr {
    this.family(inp.af).parseName(nam, this.#addr);
    return this.#addr;
  }

  localName(inp: Inpcb): Uint8Array {
    return this.family(inp.af).sockaddr(inp.l0, inp.l1, inp.l2, inp.l3, inp.lport, inp.scope);
  }

  peerName(inp: Inpcb): Uint8Array {
    return this.family(inp.af).sockaddr(inp.f0, inp.f1, inp.f2, inp.f3, inp.fport, inp.scope);
  }

  /** ioctl(2) commands of a family's interface addresses. */
  control(family: Family, so: Socket, cmd: number, data: Uint8Array | undefined, l: Lwp): number {
    return family.control(so, cmd, data, l);
  }

  /** Everything stops: the component leaves. EBUSY: there are sockets. */
  release(): void {
    for (const undo of this.undo.splice(0)) undo();
    this.igmp.clear();
    this.tcp.timers.clear();
    this.tcp.syncache.clear();
    for (const ia of [...this.net.lo0.addrs]) if (ia.family === AF_INET) this.net.addrDel(ia);
    this.ip.release();
  }

  get af6(): Family | undefined {
    return this.#families.get(AF_INET6);
  }
}
