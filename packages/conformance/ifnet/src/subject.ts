/** What the suite needs of a driver, and what it does with it: commands on a socket, messages of the routing socket, packets of a family of its own. */
import { getU16be, getU16le, getU32le, getU64le, putU16be, putU16le, putU32le } from '@anykernel/lib-bytes';
import {
  AF_INET, F_SETFL, IFDATAREQ_LEN, IFF_UP, IFNAMSIZ, O_NONBLOCK, PF_ROUTE, RTM_IFANNOUNCE, RTM_IFINFO, SIOCGIFDATA, SIOCGIFFLAGS, SIOCGIFMTU,
  SIOCIFCREATE, SIOCIFDESTROY, SIOCSIFFLAGS, SIOCSIFMTU, SOCK_RAW, ifreq,
} from '@anykernel/lib-sys';
import { type Ifnet, type Net, Nexthop, net } from '@anykernel/net';
import type { Kernel, Proc } from '@anykernel/rumpkern';
import { type Mbuf, mbufsOf } from '@anykernel/rumpnet';

/** The outside of an Ethernet interface: frames as they are on the wire, from the destination address on, without what the driver puts in front. */
export interface IfWire {
  /** What was sent since the last question. */
  sent(): Uint8Array[];
  /** A frame comes. It may be too short, too long, or nonsense. */
  deliver(frame: Uint8Array): void;
}

export interface IfnetSubject {
  /** A kernel with the driver and the interface layer, and no network protocol. */
  readonly k: Kernel;
  /** The kind of interface that the driver makes: `shmif`. */
  readonly kind: string;
  /** Makes a new interface, which is down, ready to be brought up. */
  prepare?(ifp: Ifnet): void;
  /** All but loopback interfaces have one. */
  readonly wire?: IfWire;
  /** Lets time pass until nothing is on its way. */
  advance(): void;
  /** After each test. */
  close(): void;
}

export interface IfnetConformance {
  readonly name: string;
  /** It has no wire: what is sent comes in again. */
  readonly loopback?: boolean;
  /** Called for each test. */
  make(): IfnetSubject;
}

/** A test: its name says what holds. */
export type Cases = Readonly<Record<string, (c: Context) => void>>;

/** Counters of an interface, as SIOCGIFDATA gives them. */
export interface Counters {
  readonly ipackets: number;
  readonly ierrors: number;
  readonly opackets: number;
  readonly oerrors: number;
  readonly ibytes: number;
  readonly obytes: number;
  readonly noproto: number;
}

export const PEER: Uint8Array = Uint8Array.of(2, 0, 0, 0, 0xab, 0xcd);
export const ETHER_LEN = 14;

/** One driver in a test's hands. */
export class Context {
  readonly subject: IfnetSubject;
  readonly k: Kernel;
  readonly p: Proc;
  readonly net: Net;
  readonly ifp: Ifnet;
  readonly fd: number;
  /** Packets that the family has got. */
  readonly got: { readonly bytes: Uint8Array; readonly flags: number; readonly csum: number }[] = [];
  readonly #open: number[] = [];
  readonly #remove: () => void;

  constructor(conformance: IfnetConformance) {
    this.subject = conformance.make();
    this.k = this.subject.k;
    this.net = this.k.modules.use(net);
    this.p = this.k.newproc({ comm: 'ifnet' });
    this.fd = this.route();
    const { mbufs } = this.net;
    this.#remove = this.net.isr(AF_INET, (m) => {
      this.got.push({ bytes: mbufs.toBytes(m), flags: m.flags, csum: m.csum });
      mbufs.free(m);
    });
    this.net.resolvers.set(AF_INET, () => PEER);
    this.ifp = this.create();
  }

  /** All interfaces and sockets go: how many mbufs are left. */
  end(): number {
    this.subject.advance();
    for (const ifp of this.net.ifs) if (ifp !== this.net.lo0) this.destroy(ifp.name);
    this.subject.advance();
    for (const fd of this.#open) this.p.sys.close(fd);
    this.#remove();
    const { used } = mbufsOf(this.k);
    this.subject.close();
    return used;
  }

  // -- commands

  /** A socket that takes commands and hears messages. */
  route(): number {
    const fd = this.p.sys.socket(PF_ROUTE, SOCK_RAW, 0);
    this.p.sys.fcntl(fd, F_SETFL, O_NONBLOCK);
    this.#open.push(fd);
    return fd;
  }

  ioctl(cmd: number, data: Uint8Array): Uint8Array {
    this.p.sys.ioctl(this.fd, cmd, data);
    return data;
  }

  /** The code of the error that a command has; 'ok': none. */
  refusal(cmd: number, data: Uint8Array, p: Proc = this.p): string {
    return codeOf(() => {
      const fd = p === this.p ? this.fd : p.sys.socket(PF_ROUTE, SOCK_RAW, 0);
      try {
        p.sys.ioctl(fd, cmd, data);
      } finally {
        if (p !== this.p) p.sys.close(fd);
      }
    });
  }

  /** The next free one of its kind, by its cloner. */
  create(): Ifnet {
    let unit = 0;
    while (this.net.ifByName(`${this.subject.kind}${unit}`) !== undefined) unit++;
    const name = `${this.subject.kind}${unit}`;
    this.ioctl(SIOCIFCREATE, ifreq(name));
    const ifp = this.net.ifByName(name) as Ifnet;
    this.k.run(() => this.subject.prepare?.(ifp));
    return ifp;
  }

  destroy(name: string): void {
    this.ioctl(SIOCIFDESTROY, ifreq(name));
  }

  flags(): number {
    return getU16le(this.ioctl(SIOCGIFFLAGS, ifreq(this.ifp.name)), 16);
  }

  setFlags(flags: number): void {
    this.ioctl(SIOCSIFFLAGS, this.flagsRequest(flags));
  }

  flagsRequest(flags: number): Uint8Array {
    const data = ifreq(this.ifp.name);
    putU16le(data, 16, flags);
    return data;
  }

  up(): void {
    this.setFlags(this.flags() | IFF_UP);
  }

  down(): void {
    this.setFlags(this.flags() & ~IFF_UP);
  }

  mtu(): number {
    return getU32le(this.ioctl(SIOCGIFMTU, ifreq(this.ifp.name)), 16);
  }

  mtuRequest(mtu: number): Uint8Array {
    const data = ifreq(this.ifp.name);
    putU32le(data, 16, mtu);
    return data;
  }

  setMtu(mtu: number): void {
    this.ioctl(SIOCSIFMTU, this.mtuRequest(mtu));
  }

  counters(cmd: number = SIOCGIFDATA): Counters {
    const data = this.ioctl(cmd, ifreq(this.ifp.name, IFDATAREQ_LEN));
    const at = (off: number): number => getU64le(data, IFNAMSIZ + off);
    return { ipackets: at(32), ierrors: at(40), opackets: at(48), oerrors: at(56), ibytes: at(72), obytes: at(80), noproto: at(112) };
  }

  // -- messages

  /** What the routing socket says of interfaces and addresses, one after another. */
  messages(fd: number = this.fd): { type: number; index: number; flags: number; name: string; what: number }[] {
    const list = [];
    const b = new Uint8Array(2048);
    while (codeOf(() => this.p.sys.read(fd, b.fill(0))) === 'ok') {
      const type = b[3];
      const name = type === RTM_IFANNOUNCE ? String.fromCharCode(...b.subarray(6, 22)).replace(/\0.*$/s, '') : '';
      list.push({ type, index: getU16le(b, type === RTM_IFINFO ? 12 : 4), flags: getU32le(b, 8), name, what: getU16le(b, 22) });
    }
    return list;
  }

  // -- packets

  nexthop(last = 2): Nexthop {
    return new Nexthop().set(AF_INET, 0x0a00_0000 | last, 0, 0, 0);
  }

  /** Gives a packet to the interface, as a network layer does; `change` may make more of it. The errno; 0: taken. */
  send(bytes: Uint8Array, change: (m: Mbuf) => void = () => {}): number {
    return this.k.run(() => {
      const { mbufs } = this.net;
      const m = mbufs.getlong(bytes.length);
      mbufs.copyback(m, 0, bytes);
      change(m);
      return this.ifp.output(this.ifp, m, this.nexthop());
    });
  }

  /** Sends, and lets it arrive. */
  sendNow(bytes: Uint8Array, change?: (m: Mbuf) => void): number {
    const errno = this.send(bytes, change);
    this.subject.advance();
    return errno;
  }

  /** A frame comes from the wire; and what is on its way arrives. */
  deliver(frame: Uint8Array): void {
    this.subject.wire?.deliver(frame);
    this.subject.advance();
  }

  /** A frame to this interface, or to `to`. */
  frame(payload: Uint8Array, to: Uint8Array = this.ifp.lladdr, type = 0x0800): Uint8Array {
    const frame = new Uint8Array(ETHER_LEN + payload.length);
    frame.set(to);
    frame.set(PEER, 6);
    putU16be(frame, 12, type);
    frame.set(payload, ETHER_LEN);
    return frame;
  }

  /** Mbufs in use, but for those of messages. */
  get used(): number {
    this.messages();
    return mbufsOf(this.k).used;
  }
}

export function codeOf(fn: () => unknown): string {
  try {
    fn();
    return 'ok';
  } catch (e) {
    return (e as { code: string }).code;
  }
}

/** `len` bytes that say where they are. */
export function pattern(len: number, salt = 0): Uint8Array {
  return Uint8Array.from({ length: len }, (_, i) => i * 7 + (i >> 8) + salt);
}

/** The type of a frame. */
export function typeOf(frame: Uint8Array): number {
  return getU16be(frame, 12);
}

/** 0: the same bytes; otherwise one more than the place of the first that differs. */
export function compare(a: Uint8Array, b: Uint8Array): number {
  const len = Math.max(a.length, b.length);
  for (let i = 0; i < len; i++) if (a[i] !== b[i]) return i + 1;
  return 0;
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
