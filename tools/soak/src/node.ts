/** A kernel of a run: its interfaces with their addresses and routes, what happens to its packets, and what must not be left of it in the end. */
import { type Sim, type SimHost, deriveSeed } from '@anykernel/host-sim';
import { impair } from '@anykernel/impair';
import { AF_INET, AF_INET6, ERR, IFF_UP, RTF_GATEWAY, RTF_STATIC, RTF_UP } from '@anykernel/lib-sys';
import { ETHERTYPE_IP, ETHERTYPE_IPV6 } from '@anykernel/lib-wire';
import { type Ifnet, type Net, Nexthop, Rtentry, net, prefixOf } from '@anykernel/net';
import { type Inet, addAddress, netinet } from '@anykernel/netinet';
import { type Ip6, addAddress6, netinet6 } from '@anykernel/netinet6';
import { type Kernel, type Proc, boot } from '@anykernel/rumpkern';
import { type Mbuf, rumpnet } from '@anykernel/rumpnet';
import { SHMIF_HALF, type ShmifHalf, shmif } from '@anykernel/shmif';
import type { Digest } from './digest.js';
import type { Plan } from './plan.js';
import { hopsOf } from './routes.js';

/** 10.0.bus.(node + 1). */
export function address4(bus: number, node: number): number {
  return 0x0a00_0000 | (bus << 8) | (node + 1);
}

/** fd00:0:0:bus::(node + 1). */
export function address6(bus: number, node: number): Nexthop {
  return new Nexthop().set(AF_INET6, 0xfd00_0000 | 0, bus, 0, node + 1);
}

/** Ethernet's header, and of IP's what says whether it is a piece. */
const START_LEN = 22;
const NH_FRAGMENT = 44;

export class Node {
  readonly host: SimHost;
  readonly k: Kernel;
  readonly p: Proc;
  readonly net: Net;
  readonly inet: Inet;
  readonly ip6: Ip6;
  readonly ifs: Ifnet[];
  /** Ports whose wire is cut. */
  readonly cut: boolean[];
  readonly #stops: (() => void)[] = [];
  #memory = 0;

  constructor(
    readonly sim: Sim,
    readonly plan: Plan,
    readonly index: number,
  ) {
    const { buses, sysctls } = plan.nodes[index];
    this.host = sim.host(plan.offload ? {} : { halves: [plainBuses(sim)] });
    this.k = boot(this.host, [netinet6, shmif, impair]);
    this.p = this.k.newproc({ comm: 'soak' });
    this.net = this.k.modules.use(net);
    this.inet = this.k.modules.use(netinet);
    this.ip6 = this.k.modules.use(netinet6).ip6;
    this.k.sysctl.set('net.inet6.ip6.forwarding', buses.length > 1 ? 1 : 0);
    this.k.sysctl.set('net.inet.ip.forwarding', buses.length > 1 ? 1 : 0);
    for (const [name, value] of Object.entries(sysctls)) this.k.sysctl.set(name, value);
    this.ifs = buses.map((bus) => this.k.modules.use(shmif).create(`bus${bus}`));
    this.cut = buses.map(() => false);
    this.k.run(() => this.#configure());
    if (plan.scarce > 0) this.#forget(plan.scarce);
  }

  /** Some requests for memory are refused, as if there were none just then. */
  #forget(part: number): void {
    const { mbufs } = this.net;
    const { rng } = this.sim;
    const refused = (): boolean => rng.float() < part;
    const { tryGet, copym, prepend, pullup, own } = mbufs;
    mbufs.get = (len, headroom) => (tryGet.call(mbufs, len, headroom) ?? refuse()) as Mbuf;
    mbufs.tryGet = (len, headroom) => (refused() ? undefined : tryGet.call(mbufs, len, headroom));
    mbufs.copym = (m, off, len) => (refused() ? undefined : copym.call(mbufs, m, off, len));
    const orFreed = (of: (m: Mbuf, len: number) => Mbuf | undefined) => (m: Mbuf, len: number) => {
      if (!refused()) return of.call(mbufs, m, len);
      mbufs.free(m);
      return undefined;
    };
    mbufs.prepend = orFreed(prepend);
    mbufs.pullup = orFreed(pullup);
    mbufs.own = orFreed(own);
  }

  #configure(): void {
    const { plan, index, ifs, net: state } = this;
    plan.nodes[index].buses.forEach((bus, port) => {
      const ifp = ifs[port];
      state.setMtu(ifp, plan.buses[bus].mtu);
      state.setFlags(ifp, ifp.flags | IFF_UP);
      addAddress(this.inet.ip, ifp, address4(bus, index), 24, undefined);
      addAddress6(this.ip6, ifp, address6(bus, index), 64);
      this.#weather(port, bus);
    });
    hopsOf(plan, index).forEach((hop, bus) => {
      if (hop === undefined) return;
      const near = plan.nodes[index].buses[hop.port];
      this.#route(new Nexthop().set(AF_INET, address4(bus, 0), 0, 0, 0), 24, new Nexthop().set(AF_INET, address4(near, hop.router), 0, 0, 0), ifs[hop.port]);
      this.#route(address6(bus, 0), 64, address6(near, hop.router), ifs[hop.port]);
    });
  }

  #route(dst: Nexthop, len: number, gateway: Nexthop, ifp: Ifnet): void {
    const ifa = ifp.addrs.find((ia) => ia.family === dst.family && (ia.addr.w0 >>> 16) !== 0xfe80);
    this.net.rtAdd(new Rtentry(prefixOf(dst, len), len, gateway, ifp, ifa, RTF_UP | RTF_GATEWAY | RTF_STATIC));
  }

  #weather(port: number, bus: number): void {
    const ifp = this.ifs[port];
    const { loss, duplicate, corrupt, reorder, delayMs, jitterMs, rate } = this.plan.buses[bus];
    const seed = deriveSeed(this.plan.seed, 'weather', this.index, port);
    const weather = { seed, loss, duplicate, reorder, delayMs, jitterMs, reorderMs: 20, ...(rate === undefined ? {} : { rate }) };
    this.#stops.push(this.k.modules.use(impair).on(ifp.name, weather));
    // Damage is done once to a packet, so that the sums find it: two turned bits may cancel out, in two pieces of a datagram as well. ARP has no sum.
    if (corrupt > 0 && this.plan.nodes[this.index].buses.length === 1) this.#stops.push(this.#damage(ifp, corrupt));
    this.#stops.push(
      ifp.interpose({
        out: (m, next) => (this.cut[port] ? this.net.mbufs.free(m) : next(m)),
        in: (m, next) => (this.cut[port] ? this.net.mbufs.free(m) : next(m)),
      }),
    );
  }

  /** Turns one bit of some packets. */
  #damage(ifp: Ifnet, probability: number): () => void {
    const { mbufs } = this.net;
    const { rng } = this.sim;
    const start = new Uint8Array(START_LEN);
    return ifp.interpose({
      out: (m, next) => {
        mbufs.copydata(m, 0, Math.min(START_LEN, m.pktlen), start);
        if (!maySuffer(start) || rng.float() >= probability) return next(m);
        const at = rng.below(m.pktlen);
        const byte = new Uint8Array(1);
        mbufs.copydata(m, at, 1, byte);
        byte[0] ^= 1 << rng.below(8);
        if (mbufs.copyback(m, at, byte)) next(m);
        else mbufs.free(m);
      },
    });
  }

  /** What passes its interfaces goes into the digest. */
  watch(digest: Digest): void {
    for (const [port, ifp] of this.ifs.entries()) ifp.taps.push((m, out) => void (out && digest.packet(this.sim.now, this.index, port, m)));
  }

  /** Memory in use, when nothing is under way. */
  get memory(): number {
    this.net.mbufs.reclaim();
    return this.k.mem.used;
  }

  /** Begins to count. */
  settle(): void {
    this.#memory = this.memory;
  }

  /** What is there and should not be, now that all is over: by name. */
  remains(): Record<string, number> {
    const { inet, ip6, k } = this;
    const { tcp, udp, ip } = inet;
    const counts = {
      mbufs: inet.mbufs.used, 'TCP connections': tcp.table.count, 'TCP timers': tcp.timers.count, 'TCP holds': tcp.timers.holds,
      'SYN cache': tcp.syncache.count, 'UDP ports': udp.table.count, fragments: ip.frags.count, 'IPv6 fragments': ip6.frags.count,
      sockets: k.modules.use(rumpnet).sockets(), bytes: this.memory - this.#memory,
    };
    return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0));
  }

  /** Its interfaces go, and it stops: what is left then, by name. */
  end(): Record<string, number> {
    for (const stop of this.#stops.splice(0)) stop();
    const { k, net: state, host } = this;
    k.run(() => {
      for (const ifp of this.ifs) state.destroy(ifp.name);
    });
    let neighbours = 0;
    for (const cache of state.neighbours.values()) neighbours += cache.count;
    let routes = 0;
    for (const table of state.rtables) for (const rt of table) if (rt.ifp !== state.lo0) routes++;
    const { used } = this.inet.mbufs;
    k.halt();
    const counts = { neighbours, routes, 'mbufs after the interfaces': used, 'bytes of the host': host.allocated };
    return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0));
  }
}

/** An IP packet, and whole. */
function maySuffer(start: Uint8Array): boolean {
  const type = (start[12] << 8) | start[13];
  if (type === ETHERTYPE_IP) return (start[20] & 0x3f) === 0 && start[21] === 0;
  return type === ETHERTYPE_IPV6 && start[20] !== NH_FRAGMENT;
}

function refuse(): never {
  throw ERR.ENOBUFS;
}

/** Buses of a simulation whose packets must be whole: summed, and no longer than the wire allows. */
function plainBuses(sim: Sim): { readonly name: string; readonly revision: number; readonly impl: ShmifHalf } {
  const open: ShmifHalf['open'] = (name) => {
    const end = sim.buses.open(name);
    return { memory: end.memory, native: false, ring: () => end.ring(), listen: (fn) => end.listen(fn), close: () => end.close() };
  };
  return { ...SHMIF_HALF, impl: { open } };
}
