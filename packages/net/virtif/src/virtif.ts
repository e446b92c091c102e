/** virtif: an Ethernet interface on a packet device of the host. */
import {
  ERR, IFCAP_CSUM_TCPv4_Rx, IFCAP_CSUM_TCPv4_Tx, IFCAP_CSUM_TCPv6_Rx, IFCAP_CSUM_TCPv6_Tx, IFCAP_CSUM_UDPv4_Rx, IFCAP_CSUM_UDPv4_Tx, IFCAP_CSUM_UDPv6_Rx,
  IFCAP_CSUM_UDPv6_Tx, IFCAP_LRO, IFCAP_TSOv4, IFCAP_TSOv6,
} from '@anykernel/lib-sys';
import { ETHERMTU, Gro, type Ifnet, type LinkedDriver, type Net, completeChecksum, etherIf, linkstrIoctl } from '@anykernel/net';
import { type Kernel, type Softint, copy } from '@anykernel/rumpkern';
import { CSUM_PARTIAL, GSO_NONE, type Mbuf } from '@anykernel/rumpnet';
import { VIRTIF_HALF, type VirtPort } from './half.js';
import { VNET_HDR_LEN, applyVnetHdr, emitVnetHdr } from './vnethdr.js';

const OFFLOAD_CAPS =
  IFCAP_CSUM_TCPv4_Rx | IFCAP_CSUM_TCPv4_Tx | IFCAP_CSUM_UDPv4_Rx | IFCAP_CSUM_UDPv4_Tx | IFCAP_CSUM_TCPv6_Rx | IFCAP_CSUM_TCPv6_Tx |
  IFCAP_CSUM_UDPv6_Rx | IFCAP_CSUM_UDPv6_Tx | IFCAP_TSOv4 | IFCAP_TSOv6 | IFCAP_LRO;

const RX_CAPS = IFCAP_CSUM_TCPv4_Rx | IFCAP_CSUM_UDPv4_Rx | IFCAP_CSUM_TCPv6_Rx | IFCAP_CSUM_UDPv6_Rx;

/** Frames that one call of the host takes in, or that wait to go together. */
const BUDGET = 64;
/** From the start of a TCP header: where the upper half of a byte says how long it is. */
const TCP_OFF = 12;

/** One interface, with an address of its own: b2:0a, three random bytes, and the unit. */
export class Virtif implements LinkedDriver {
  readonly ifp: Ifnet;
  #port: VirtPort | undefined;
  readonly #gro: Gro;
  readonly #sender: Softint;

  constructor(
    readonly k: Kernel,
    net: Net,
    readonly unit: number,
  ) {
    const lladdr = new Uint8Array(6);
    k.host.getrandom(lladdr);
    lladdr[0] = 0xb2;
    lladdr[1] = 0x0a;
    lladdr[5] = unit;
    this.ifp = etherIf(k, net, `virt${unit}`, this, { lladdr, mtu: ETHERMTU, mtuMax: 65_521, capabilities: OFFLOAD_CAPS });
    this.#gro = new Gro(this.ifp);
    this.#sender = k.softint(() => this.#sendAll());
  }

  get linkstr(): string | undefined {
    return this.#port?.name;
  }

  /** Opens the device. ENODEV: this host has none. EBUSY: one is open. Errors of the host. */
  link(name: string): void {
    if (this.#port !== undefined) throw ERR.EBUSY;
    const half = this.k.host.half(VIRTIF_HALF);
    if (half === undefined) throw ERR.ENODEV;
    const port = half.open(name);
    this.#port = port;
    this.ifp.capenable = port.offload ? this.ifp.capabilities : 0;
    port.listen(() => {
      let count = 0;
      this.k.intr(() => {
        count = this.#receive();
      });
      return count;
    });
  }

  unlink(): void {
    this.#sendAll();
    this.#port?.close();
    this.#port = undefined;
  }

  /** Segments can be large only where checksums may be open. */
  enable(ifp: Ifnet): void {
    const checksums = (ifp.capenable & RX_CAPS) !== 0;
    this.#port?.accept?.(checksums, checksums && (ifp.capenable & IFCAP_LRO) !== 0);
  }

  /** Up without a device takes the host's `tap<unit>`. */
  init(): void {
    if (this.#port === undefined) this.link(`tap${this.unit}`);
  }

  /** They go together, when what makes them is done: a system call of the host costs more than a small frame. */
  start(ifp: Ifnet): void {
    if (ifp.snd.len < BUDGET) this.#sender.schedule();
    else this.#sendAll();
  }

  #sendAll(): void {
    const { snd } = this.ifp;
    for (let m = snd.dequeue(); m !== undefined; m = snd.dequeue()) this.#send(m);
    if (this.#port !== undefined) this.ifp.oerrors += this.#port.flush();
  }

  #send(frame: Mbuf): void {
    const { ifp } = this;
    const port = this.#port;
    const m = port?.offload !== true && frame.csum === CSUM_PARTIAL ? completeChecksum(ifp.mbufs, frame) : frame;
    if (m === undefined) return;
    if (port === undefined || !this.#write(port, m)) ifp.oerrors++;
    ifp.mbufs.free(m);
  }

  #write(port: VirtPort, m: Mbuf): boolean {
    const headerLen = port.offload ? VNET_HDR_LEN : 0;
    let at = port.reserve(headerLen + m.pktlen);
    if (at < 0) return false;
    if (port.offload) emitVnetHdr(m, m.gsoType === GSO_NONE ? 0 : headersOf(m), port.out, at);
    at += headerLen;
    for (let n: Mbuf | undefined = m; n !== undefined; n = n.next) {
      copy(port.out, at, n.buf, n.off, n.len);
      at += n.len;
    }
    return true;
  }

  /** Takes in what there is, within a budget. Returns how many frames. */
  #receive(): number {
    const port = this.#port;
    if (port === undefined) return 0;
    let count = 0;
    for (; count < BUDGET && this.#port === port; count++) {
      const len = port.read();
      if (len === 0) break;
      this.#input(port, len);
    }
    this.#gro.flush();
    return count;
  }

  #input(port: VirtPort, len: number): void {
    const headerLen = port.offload ? VNET_HDR_LEN : 0;
    const m = len > headerLen ? this.#mbuf(port.in, port.inAt + headerLen, len - headerLen) : undefined;
    if (m === undefined) this.ifp.ierrors++;
    else if (port.offload && !applyVnetHdr(m, port.in, port.inAt)) {
      this.ifp.ierrors++;
      this.ifp.mbufs.free(m);
    } else this.#gro.put(m);
  }

  #mbuf(b: Uint8Array, at: number, len: number): Mbuf | undefined {
    const { mbufs } = this.ifp;
    const one = mbufs.tryGet(len);
    if (one !== undefined) {
      copy(one.buf, one.off, b, at, len);
      return one;
    }
    try {
      return mbufs.fromBytes(b.subarray(at, at + len));
    } catch (e) {
      this.k.ignoreErrno(e);
      return undefined;
    }
  }

  ioctl(_ifp: Ifnet, cmd: number, data: Uint8Array): number {
    return linkstrIoctl(this, cmd, data);
  }
}

/** Bytes in front of the payload of a large segment. */
function headersOf(m: Mbuf): number {
  const at = m.off + m.csumStart + TCP_OFF;
  return m.csumStart + (at < m.off + m.len ? (m.buf[at] >>> 4) << 2 : 20);
}
