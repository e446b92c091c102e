/**
 * What a run is to be, drawn from its seed: buses, the routers between them, hosts, what happens to packets, and who talks with whom.
 *
 * Data only: the same seed gives the same plan, and printing it says what a failing run was.
 */
import { Rng, deriveSeed } from '@anykernel/host-sim';

/** Probabilities 0..1, times in milliseconds, bits a second. */
export interface BusPlan {
  readonly mtu: number;
  readonly loss: number;
  readonly duplicate: number;
  readonly corrupt: number;
  readonly reorder: number;
  readonly delayMs: number;
  readonly jitterMs: number;
  /** undefined: as fast as can be. */
  readonly rate: number | undefined;
}

export interface NodePlan {
  /** Indices of buses; a router has more than one. */
  readonly buses: readonly number[];
  /** By name, as of sysctl(7). */
  readonly sysctls: Readonly<Record<string, string | number>>;
}

export interface FlowPlan {
  readonly kind: 'tcp' | 'udp';
  readonly family: 4 | 6;
  /** Indices of nodes. */
  readonly client: number;
  readonly server: number;
  readonly startMs: number;
  /** Bytes each way over TCP; requests, and bytes of the largest, over UDP. */
  readonly up: number;
  readonly down: number;
  /** How long its ends sleep between looks at their sockets, at most. */
  readonly napMs: number;
  /** Bytes of the buffers of its sockets; undefined: the usual ones. */
  readonly sockbuf: number | undefined;
  readonly nodelay: boolean;
}

/** A link that goes and comes again: the interface by its flags, or the wire alone. */
export interface FlapPlan {
  readonly node: number;
  /** Index in the node's buses. */
  readonly port: number;
  readonly atMs: number;
  readonly forMs: number;
  readonly how: 'flags' | 'wire';
}

export interface Plan {
  readonly seed: number;
  /** Packets go with sums that are not yet computed and segments that are not yet cut. */
  readonly offload: boolean;
  /** Requests for mbufs that are refused. */
  readonly scarce: number;
  readonly buses: readonly BusPlan[];
  readonly nodes: readonly NodePlan[];
  readonly flows: readonly FlowPlan[];
  readonly flaps: readonly FlapPlan[];
}

/** Duplicate address detection ends before it. */
const START_MS = 6000;
const NODES_MAX = 50;
const BUSES_MAX = 6;

export function planOf(seed: number): Plan {
  const rng = new Rng(deriveSeed(seed, 'plan'));
  const buses = rng.below(3) === 0 ? 1 : 1 + rng.below(BUSES_MAX);
  const routers = routersOf(rng, buses);
  // Most runs are small; one in a few is large.
  const room = NODES_MAX - routers.length;
  const hosts = Math.max(2, Math.floor(room * rng.float() ** 4));
  const offload = rng.below(3) === 0;
  const nodes = [...routers, ...Array.from({ length: hosts }, () => [rng.below(buses)])].map((at) => ({ buses: at, sysctls: sysctlsOf(rng) }));
  const busPlans = weatherOf(rng, buses, offload);
  const busy = rng.below(8) === 0;
  const flows = Array.from({ length: busy ? 6 + rng.below(10) : 1 + rng.below(6) }, () => flowOf(rng, nodes.length, busPlans));
  const flaps = Array.from({ length: busy ? 3 + rng.below(8) : rng.below(2) * rng.below(5) }, () => flapOf(rng, nodes));
  const scarce = rng.below(5) === 0 ? [0.002, 0.01][rng.below(2)] : 0;
  return { seed, offload, scarce, buses: busPlans, nodes, flows, flaps };
}

/** A tree of buses; now and then with one router more than it needs. */
function routersOf(rng: Rng, buses: number): number[][] {
  const routers: number[][] = [];
  for (let bus = 1; bus < buses; bus++) {
    const above = rng.below(bus);
    const joined = routers.find((at) => at.includes(above));
    // A router of three ports in place of a second router.
    if (joined !== undefined && rng.below(3) === 0) joined.push(bus);
    else routers.push([above, bus]);
  }
  if (buses > 2 && rng.below(4) === 0) {
    const one = rng.below(buses);
    routers.push([one, (one + 1 + rng.below(buses - 1)) % buses]);
  }
  return routers;
}

function weatherOf(rng: Rng, buses: number, offload: boolean): BusPlan[] {
  const pick = (...values: readonly number[]): number => values[rng.below(values.length)];
  // What a packet suffers on its way is that of all buses together.
  const loss = pick(0, 0.01, 0.05, 0.2) / buses;
  const duplicate = pick(0, 0, 0.02, 0.1);
  const corrupt = offload ? 0 : pick(0, 0.01, 0.05);
  const reorder = pick(0, 0.05, 0.2);
  return Array.from({ length: buses }, () => ({
    mtu: pick(1500, 1500, 1500, 1280, 1400, 4000),
    loss,
    duplicate,
    corrupt,
    reorder,
    delayMs: pick(0, 1, 5, 30),
    jitterMs: pick(0, 0, 2, 10),
    rate: rng.below(4) === 0 ? pick(1e6, 1e7) : undefined,
  }));
}

function sysctlsOf(rng: Rng): Record<string, string | number> {
  const one = <T>(name: string, values: readonly T[], odds: number): [string, T][] => (rng.below(odds) === 0 ? [[name, values[rng.below(values.length)]]] : []);
  return Object.fromEntries<string | number>([
    ...one('net.inet.tcp.congctl.selected', ['cubic', 'newreno'], 2),
    ...one('net.inet.tcp.sack.enable', [0], 6),
    ...one('net.inet.tcp.rfc1323', [0], 6),
    ...one('net.inet.tcp.rack.enable', [0], 4),
    ...one('net.inet.tcp.prr.enable', [0], 4),
    ...one('net.inet.tcp.hystart.enable', [0, 1], 4),
    ...one('net.inet.tcp.syn_cookies', [0, 2], 4),
    ...one('net.inet.tcp.fastopen', [0], 6),
    ...one('net.inet.tcp.recvbuf_auto', [0], 6),
    ...one('net.inet.tcp.delack_ms', [1, 200], 6),
    ...one('net.inet.tcp.time_wait_max', [0], 10),
    ...one('net.inet.tcp.ecn.enable', [1], 4),
    ...one('net.inet.ip.random_id', [1], 4),
    ...one('net.inet.ip.redirect', [0], 4),
    ...one('net.inet.ip.anonportalgo.selected', ['bsd', 'random_start', 'random_pick', 'hash', 'doublehash', 'randinc'], 3),
  ]);
}

function flowOf(rng: Rng, nodes: number, buses: readonly BusPlan[]): FlowPlan {
  const kind = rng.below(3) === 0 ? 'udp' : 'tcp';
  const client = rng.below(nodes);
  // Nobody but one in twenty talks with himself.
  const server = rng.below(20) === 0 ? client : (client + 1 + rng.below(nodes - 1)) % nodes;
  const slow = buses.some((bus) => bus.rate !== undefined || bus.loss > 0.03);
  const bytes = (): number => (rng.below(8) === 0 ? 0 : rng.below(slow ? 20_000 : rng.below(5) === 0 ? 200_000 : 40_000));
  return {
    kind,
    family: rng.below(2) === 0 ? 4 : 6,
    client,
    server,
    startMs: START_MS + rng.below(3000),
    up: kind === 'tcp' ? bytes() : 1 + rng.below(12),
    down: kind === 'tcp' ? bytes() : datagramOf(rng, buses),
    napMs: [5, 20, 50, 400][rng.below(4)],
    // A message must fit, with the memory that it lies in.
    sockbuf: rng.below(4) === 0 ? (kind === 'tcp' ? 2048 : 40_000) + rng.below(20_000) : undefined,
    nodelay: rng.below(3) === 0,
  };
}

/** A datagram is lost with any of its fragments: where many packets are, long ones would seldom arrive, however often they are sent. */
function datagramOf(rng: Rng, buses: readonly BusPlan[]): number {
  const len = rng.below(rng.below(3) === 0 ? 8000 : 1400);
  const rough = buses.reduce((sum, bus) => sum + bus.loss, 0) > 0.1;
  return 1 + (rough ? len % 1400 : len);
}

function flapOf(rng: Rng, nodes: readonly NodePlan[]): FlapPlan {
  const node = rng.below(nodes.length);
  return {
    node,
    port: rng.below(nodes[node].buses.length),
    atMs: START_MS + rng.below(4000),
    forMs: 50 + rng.below(4000),
    how: rng.below(2) === 0 ? 'flags' : 'wire',
  };
}
