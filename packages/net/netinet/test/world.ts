/** Kernels in one simulation, joined by a point-to-point link which loses, delays, doubles and spoils packets as its seed says. */
import { Sim, type SimHost } from '@anykernel/host-sim';
import { AF_INET, IFF_MULTICAST, IFF_POINTOPOINT, IFF_RUNNING, IFT_TUNNEL } from '@anykernel/lib-sys';
import { type IfDriver, Ifnet, completeChecksum, segment } from '@anykernel/net';
import { type Kernel, type Proc, boot } from '@anykernel/rumpkern';
import { CSUM_PARTIAL, GSO_NONE, type Mbuf } from '@anykernel/rumpnet';
import { type Inet, addAddress, netinet } from '../src/index.js';

export interface LinkOptions {
  /** Parts of 1 that are lost, come twice, are spoilt. */
  readonly loss?: number;
  readonly duplicate?: number;
  readonly corrupt?: number;
  /** How long a packet is on its way, and how much longer some are, ns. */
  readonly delayNs?: number;
  readonly jitterNs?: number;
  readonly mtu?: number;
}

/** A kernel with an address on the link. */
export class Station {
  readonly host: SimHost;
  readonly k: Kernel;
  readonly p: Proc;
  readonly inet: Inet;
  readonly ifp: Ifnet;
  peer: Station | undefined;
  /** What is done to a packet on its way to the peer. */
  wire: (bytes: Uint8Array) => void = () => {};

  constructor(
    readonly sim: Sim,
    readonly addr: number,
    other: number,
    mtu: number,
  ) {
    this.host = sim.host();
    this.k = boot(this.host, [netinet]);
    this.p = this.k.newproc({ comm: 'test' });
    this.inet = this.k.modules.use(netinet);
    const driver: IfDriver = { start: (ifp) => this.#start(ifp) };
    this.ifp = new Ifnet(this.k, 'wire0', driver, { type: IFT_TUNNEL, flags: IFF_POINTOPOINT | IFF_RUNNING | IFF_MULTICAST, mtu });
    this.ifp.output = (ifp, m) => this.#output(ifp, m);
    this.ifp.receive = (ifp, m) => void this.inet.net.enqueue(AF_INET, m, ifp);
    this.k.run(() => {
      this.inet.net.ifattach(this.ifp);
      addAddress(this.inet.ip, this.ifp, addr | 0, 32, other | 0);
      this.inet.net.setFlags(this.ifp, this.ifp.flags | 1);
    });
  }

  #output(ifp: Ifnet, packet: Mbuf): number {
    let m: Mbuf | undefined = packet;
    if (m.gsoType !== GSO_NONE) {
      for (let one = segment(ifp.mbufs, m); one !== undefined; ) {
        const next: Mbuf | undefined = one.nextpkt;
        one.nextpkt = undefined;
        this.#output(ifp, one);
        one = next;
      }
      return 0;
    }
    if (m.csum === CSUM_PARTIAL) m = completeChecksum(ifp.mbufs, m);
    if (m !== undefined) ifp.transmit(m);
    return 0;
  }

  #start(ifp: Ifnet): void {
    for (let m = ifp.snd.dequeue(); m !== undefined; m = ifp.snd.dequeue()) {
      const bytes = ifp.mbufs.toBytes(m);
      ifp.mbufs.free(m);
      this.wire(bytes);
    }
  }

  /** A packet arrives. */
  receive(bytes: Uint8Array): void {
    this.k.intr(() => this.ifp.input(this.inet.mbufs.fromBytes(bytes)));
  }

  /** Mbufs in use. */
  get used(): number {
    return this.inet.mbufs.used;
  }
}

export const A_ADDR = 0x0a00_0001;
export const B_ADDR = 0x0a00_0002;

/** Two stations on a link. */
export function pairOf(seed: number, options: LinkOptions = {}): { sim: Sim; a: Station; b: Station; log: string[] } {
  const sim = new Sim({ seed });
  const mtu = options.mtu ?? 1500;
  const a = new Station(sim, A_ADDR, B_ADDR, mtu);
  const b = new Station(sim, B_ADDR, A_ADDR, mtu);
  const log: string[] = [];
  const { rng } = sim;
  const chance = (part: number | undefined): boolean => part !== undefined && part > 0 && rng.below(1_000_000) < part * 1_000_000;
  const join = (from: Station, to: Station): void => {
    from.peer = to;
    from.wire = (bytes) => {
      log.push(`${sim.now} ${from.addr & 255} ${bytes.length} ${bytes[33] ?? 0}`);
      if (chance(options.loss)) return;
      const times = chance(options.duplicate) ? 2 : 1;
      for (let i = 0; i < times; i++) {
        const delay = (options.delayNs ?? 1e6) + (options.jitterNs ? rng.below(options.jitterNs) : 0);
        const copy = bytes.slice();
        if (chance(options.corrupt)) copy[rng.below(copy.length)]! ^= 1 << rng.below(8);
        sim.at(sim.now + delay, () => to.receive(copy));
      }
    };
  };
  join(a, b);
  join(b, a);
  return { sim, a, b, log };
}
