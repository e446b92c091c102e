/**
 * A network interface: what a driver attaches, and the network layers send to.
 *
 * Down: a network layer calls output(), the link layer (ether.ts, loop.ts) makes a frame and hands it to transmit(), which queues it for the
 * driver's start(). Up: the driver hands frames to input(). Between link layer and driver others may stand (interpose: impairment, capture).
 */
import type { Kernel } from '@anykernel/rumpkern';
import { type Mbuf, type Mbufs, Pktq, mbufsOf } from '@anykernel/rumpnet';
import { IFF_OACTIVE, IFF_UP, LINK_STATE_UNKNOWN } from '@anykernel/lib-sys';
import type { Ifaddr } from './ifaddr.js';
import type { Nexthop } from './nexthop.js';

/** What a driver does. None of it may sleep. */
export interface IfDriver {
  /** The interface comes up: it starts to receive. An Errno: it cannot. */
  init?(ifp: Ifnet): void;
  /** It goes down. */
  stop?(ifp: Ifnet): void;
  /** Takes packets from `ifp.snd`, as many as it can; sets IFF_OACTIVE while it is busy and calls kick() when it is not. */
  start(ifp: Ifnet): void;
  /** An ioctl that is the driver's own. ENOTTY: it is not. */
  ioctl?(ifp: Ifnet, cmd: number, data: Uint8Array): number;
  /** Promiscuity or the multicast addresses have changed. */
  filter?(ifp: Ifnet): void;
  /** `ifp.capenable` has changed. */
  enable?(ifp: Ifnet): void;
}

/** Stands between the link layer and the driver: passes a packet on by `next`, now or later, or frees it. */
export interface Interposer {
  out?(m: Mbuf, next: (m: Mbuf) => void): void;
  in?(m: Mbuf, next: (m: Mbuf) => void): void;
}

/** Looks at a packet as it is on the wire, and leaves it alone. */
export type Tap = (m: Mbuf, out: boolean) => void;

/** An address of the link layer to which the interface listens, as text, and how many asked for it. */
type Multicast = Map<string, number>;

export interface IfInit {
  readonly type: number;
  readonly flags: number;
  readonly mtu: number;
  /** Bits a second; 0: unknown. */
  readonly baudrate?: number;
  /** Bytes of the link layer's header. */
  readonly hdrlen?: number;
  readonly lladdr?: Uint8Array;
  /** IFCAP_*. */
  readonly capabilities?: number;
}

export const IFQ_MAXLEN = 256;

export class Ifnet {
  readonly k: Kernel;
  readonly mbufs: Mbufs;
  /** 1 and up; 0 while it is not attached. */
  index = 0;
  readonly type: number;
  /** IFF_*. */
  flags: number;
  mtu: number;
  /** The largest MTU that SIOCSIFMTU may set. */
  mtuMax: number;
  metric = 0;
  baudrate: number;
  readonly hdrlen: number;
  lladdr: Uint8Array;
  readonly capabilities: number;
  /** Those in use. */
  capenable: number;
  linkState: number = LINK_STATE_UNKNOWN;
  readonly addrs: Ifaddr[] = [];
  readonly multicast: Multicast = new Map<string, number>();
  /** Packets for the driver. */
  readonly snd: Pktq = new Pktq(IFQ_MAXLEN);
  readonly taps: Tap[] = [];
  readonly #between: Interposer[] = [];
  /** Users that want every frame. */
  promisc = 0;

  ipackets = 0;
  ierrors = 0;
  opackets = 0;
  oerrors = 0;
  ibytes = 0;
  obytes = 0;
  imcasts = 0;
  omcasts = 0;
  iqdrops = 0;
  noproto = 0;

  /** Sends a packet that starts with its network header. Owns `m`. Returns an errno, 0: taken. Set by the link layer. */
  output: (ifp: Ifnet, m: Mbuf, nh: Nexthop) => number = noOutput;
  /** Takes a frame from the wire. Owns `m`. Set by the link layer. */
  receive: (ifp: Ifnet, m: Mbuf) => void = dropFrame;
  /** Sends a whole frame. Owns `m`. */
  transmit: (m: Mbuf) => void = (m) => this.#queue(m);
  /** For the driver: a frame has come. Owns `m`. */
  input: (m: Mbuf) => void = (m) => this.#receive(m);

  constructor(
    k: Kernel,
    readonly name: string,
    readonly driver: IfDriver,
    init: IfInit,
  ) {
    this.k = k;
    this.mbufs = mbufsOf(k);
    this.type = init.type;
    this.flags = init.flags;
    this.mtu = this.mtuMax = init.mtu;
    this.baudrate = init.baudrate ?? 0;
    this.hdrlen = init.hdrlen ?? 0;
    this.lladdr = init.lladdr ?? new Uint8Array(0);
    this.capabilities = this.capenable = init.capabilities ?? 0;
  }

  get up(): boolean {
    return (this.flags & IFF_UP) !== 0;
  }

  /** Puts `x` nearest to the driver of all that stand between. The result takes it out. */
  interpose(x: Interposer): () => void {
    this.#between.push(x);
    this.#rebuild();
    return () => {
      this.#between.splice(this.#between.indexOf(x), 1);
      this.#rebuild();
    };
  }

  #rebuild(): void {
    let out = (m: Mbuf): void => this.#queue(m);
    let inward = (m: Mbuf): void => this.#receive(m);
    for (const x of [...this.#between].reverse()) {
      const next = out;
      if (x.out !== undefined) out = (m) => x.out?.(m, next);
    }
    for (const x of this.#between) {
      const next = inward;
      if (x.in !== undefined) inward = (m) => x.in?.(m, next);
    }
    this.transmit = out;
    this.input = inward;
  }

  #queue(m: Mbuf): void {
    if (this.taps.length > 0) this.tap(m, true);
    this.opackets++;
    this.obytes += m.pktlen;
    if (!this.snd.enqueue(m)) {
      this.oerrors++;
      this.mbufs.free(m);
      return;
    }
    if ((this.flags & IFF_OACTIVE) === 0) this.driver.start(this);
  }

  /** The driver is no longer busy. */
  kick(): void {
    this.flags &= ~IFF_OACTIVE;
    if (this.snd.len > 0) this.driver.start(this);
  }

  #receive(m: Mbuf): void {
    if ((this.flags & IFF_UP) === 0) {
      this.mbufs.free(m);
      return;
    }
    this.ipackets++;
    this.ibytes += m.pktlen;
    m.rcvif = this.index;
    if (this.taps.length > 0) this.tap(m, false);
    this.receive(this, m);
  }

  tap(m: Mbuf, out: boolean): void {
    for (const tap of this.taps) tap(m, out);
  }

  /** Packets that wait for the driver are dropped. */
  flush(): void {
    for (let m = this.snd.dequeue(); m !== undefined; m = this.snd.dequeue()) this.mbufs.free(m);
  }
}

function noOutput(): never {
  throw new Error('an interface without a link layer');
}
function dropFrame(ifp: Ifnet, m: Mbuf): void {
  ifp.noproto++;
  ifp.mbufs.free(m);
}
