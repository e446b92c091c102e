/**
 * shmif: an Ethernet interface on a bus that several kernels share.
 *
 * `ifconfig shmif0 create; ifconfig shmif0 linkstr BUS` joins the bus. There is no flow control: who reads too slowly loses packets.
 */
import { getU32le } from '@anykernel/lib-bytes';
import {
  ERR, IFCAP_CSUM_TCPv4_Rx, IFCAP_CSUM_TCPv4_Tx, IFCAP_CSUM_TCPv6_Rx, IFCAP_CSUM_TCPv6_Tx, IFCAP_CSUM_UDPv4_Rx, IFCAP_CSUM_UDPv4_Tx,
  IFCAP_CSUM_UDPv6_Rx, IFCAP_CSUM_UDPv6_Tx, IFCAP_TSOv4, IFCAP_TSOv6,
} from '@anykernel/lib-sys';
import { ETHERMTU, type Ifnet, type LinkedDriver, type Net, completeChecksum, etherIf, linkstrIoctl, offloadValid, wantsAll } from '@anykernel/net';
import { Callout, type Kernel } from '@anykernel/rumpkern';
import { CSUM_PARTIAL, MAXHDR, type Mbuf } from '@anykernel/rumpnet';
import { Bus, initBus, isBus } from './bus.js';
import { type BusPort, SHMIF_HALF } from './half.js';
import { applyOffload, offloadWord } from './offloadword.js';

/** What a bus of our kernels alone can do. */
const NATIVE_CAPS =
  IFCAP_CSUM_TCPv4_Rx | IFCAP_CSUM_TCPv4_Tx | IFCAP_CSUM_UDPv4_Rx | IFCAP_CSUM_UDPv4_Tx | IFCAP_CSUM_TCPv6_Rx | IFCAP_CSUM_TCPv6_Tx |
  IFCAP_CSUM_UDPv6_Rx | IFCAP_CSUM_UDPv6_Tx | IFCAP_TSOv4 | IFCAP_TSOv6;

/** Packets that one bell takes in before others have their turn. */
const BUDGET = 256;
const RETRY_NS = 1e6;

/** One interface, with an address of its own: b2:a0 and four random bytes. */
export class Shmif implements LinkedDriver {
  readonly ifp: Ifnet;
  linkstr: string | undefined;
  #port: BusPort | undefined;
  #bus: Bus | undefined;
  readonly #sender: { lo: number; hi: number };
  readonly #retry: Callout;

  constructor(
    readonly k: Kernel,
    net: Net,
    unit: number,
  ) {
    const random = new Uint8Array(12);
    k.host.getrandom(random);
    this.#sender = { lo: getU32le(random, 0), hi: getU32le(random, 4) };
    this.#retry = new Callout(k, () => this.#wake());
    const lladdr = random.slice(6);
    lladdr[0] = 0xb2;
    lladdr[1] = 0xa0;
    this.ifp = etherIf(k, net, `shmif${unit}`, this, { lladdr, mtu: ETHERMTU, mtuMax: 65_535, capabilities: NATIVE_CAPS });
  }

  /** Joins a bus. ENODEV: this host has none. EBUSY: it is on one. Errors of the host. */
  link(name: string): void {
    if (this.#port !== undefined) throw ERR.EBUSY;
    const half = this.k.host.half(SHMIF_HALF);
    if (half === undefined) throw ERR.ENODEV;
    const port = half.open(name);
    if (!isBus(port.memory) && !initBus(port.memory)) {
      port.close();
      throw ERR.EINVAL;
    }
    this.#port = port;
    this.#bus = new Bus(port.memory, port.native);
    this.linkstr = name;
    this.ifp.capenable = port.native ? this.ifp.capabilities : 0;
    port.listen(() => this.k.intr(() => this.#wake()));
  }

  /** Leaves it. */
  unlink(): void {
    this.#retry.stop();
    this.#port?.close();
    this.#port = undefined;
    this.#bus = undefined;
    this.linkstr = undefined;
  }

  /** Times that packets were overwritten before they were read. */
  get overruns(): number {
    return this.#bus?.overruns ?? 0;
  }

  start(ifp: Ifnet): void {
    const bus = this.#bus;
    if (bus === undefined || this.#port === undefined) {
      ifp.oerrors += ifp.snd.len;
      ifp.flush();
      return;
    }
    let sent = 0;
    for (let m = ifp.snd.dequeue(); m !== undefined; m = ifp.snd.dequeue()) if (this.#send(bus, m)) sent++;
    if (sent > 0) this.#port.ring();
  }

  #send(bus: Bus, frame: Mbuf): boolean {
    const { ifp } = this;
    const native = this.#port?.native === true;
    const word = native ? offloadWord(frame) : undefined;
    const m = word === undefined && frame.csum === CSUM_PARTIAL ? completeChecksum(ifp.mbufs, frame) : frame;
    if (m === undefined) return false;
    const ok = m.pktlen <= bus.maxLen && bus.lock();
    if (ok) {
      const us = native ? 0 : Math.floor(this.k.mono() / 1000);
      bus.begin(m.pktlen, Math.floor(us / 1e6) >>> 0, us % 1e6, this.#sender, word ?? 0, native ? gapOf(m) : 0);
      for (let n: Mbuf | undefined = m; n !== undefined; n = n.next) bus.put(n.buf, n.off, n.len);
      bus.unlock();
    } else ifp.oerrors++;
    ifp.mbufs.free(m);
    return ok;
  }

  /** The bell: takes in what has come. */
  #wake(): void {
    const bus = this.#bus;
    if (bus === undefined) return;
    for (let i = 0; i < BUDGET; i++) {
      if (!bus.lock()) {
        this.ifp.ierrors++;
        this.#retry.schedule(RETRY_NS);
        return;
      }
      const found = bus.next();
      const m = found && this.#wanted(bus) ? this.#take(bus) : undefined;
      bus.unlock();
      if (!found) return;
      if (m !== undefined) this.ifp.input(m);
      if (this.#bus !== bus) return;
    }
    this.#retry.schedule(0);
  }

  /** Not ours, and to us, to a group, or to anybody where all is wanted. */
  #wanted(bus: Bus): boolean {
    if (bus.senderLo === this.#sender.lo && bus.senderHi === this.#sender.hi) return false;
    if (!this.ifp.up || bus.len < 14) return false;
    if ((bus.byteAt(0) & 1) !== 0 || wantsAll(this.ifp)) return true;
    const { lladdr } = this.ifp;
    for (let i = 0; i < 6; i++) if (bus.byteAt(i) !== lladdr[i]) return false;
    return true;
  }

  #take(bus: Bus): Mbuf | undefined {
    const m = bus.len <= MAX_FRAME ? this.#room(bus.len, bus.gap) : undefined;
    if (m === undefined) {
      this.ifp.ierrors++;
      return undefined;
    }
    let at = 0;
    for (let n: Mbuf | undefined = m; n !== undefined; n = n.next) {
      bus.take(at, n.buf, n.off, n.len);
      at += n.len;
    }
    if (this.#port?.native !== true) return m;
    applyOffload(m, bus.flags);
    if (offloadValid(m)) return m;
    this.ifp.ierrors++;
    this.ifp.mbufs.free(m);
    return undefined;
  }

  /** An empty packet, whose first byte lies as that on the bus does. */
  #room(len: number, gap: number): Mbuf | undefined {
    try {
      return this.ifp.mbufs.getlong(len, MAXHDR + gap);
    } catch (e) {
      this.k.ignoreErrno(e);
      return undefined;
    }
  }

  ioctl(_ifp: Ifnet, cmd: number, data: Uint8Array): number {
    return linkstrIoctl(this, cmd, data);
  }
}

/** The longest frame that is taken in: an IP packet of 64 KiB with its Ethernet header. */
const MAX_FRAME = 65_535 + 14;

/** Bytes of an mbuf from which on it pays to have it copied at its own distance from a multiple of eight. */
const LONG = 256;

/** Where the first byte of a packet goes, modulo 8, so that its long parts are copied fast. */
function gapOf(m: Mbuf): number {
  let at = 0;
  for (let n: Mbuf | undefined = m; n !== undefined; n = n.next) {
    if (n.len >= LONG) return (n.buf.byteOffset + n.off - at) & 7;
    at += n.len;
  }
  return 0;
}
