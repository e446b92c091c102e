/** One run: everything that a seed says happens, in virtual time; then nothing must be left. */
import { Sim } from '@anykernel/host-sim';
import { IFF_UP } from '@anykernel/lib-sys';
import { Digest } from './digest.js';
import type { Flow } from './flow.js';
import { Node } from './node.js';
import { type FlapPlan, type Plan, planOf } from './plan.js';
import { TcpFlow } from './tcpflow.js';
import { UdpFlow } from './udpflow.js';

export interface Outcome {
  readonly seed: number;
  /** Of all packets, when and where they were sent. */
  readonly digest: string;
  readonly packets: number;
  readonly bytes: number;
  readonly kernels: number;
  /** Of virtual time. */
  readonly seconds: number;
}

/** A run that was not as it must be. */
export class SoakFailure extends Error {
  constructor(
    readonly plan: Plan,
    what: string,
  ) {
    super(`seed ${plan.seed}: ${what}`);
  }
}

export interface RunOptions {
  /** Called with the kernels before anything happens: a capture may begin. */
  readonly begin?: (nodes: readonly Node[]) => void;
}

const MS = 1e6;
/** Virtual time by which all flows must have ended. */
const LIMIT_NS = 3600e9;
const EVENTS_MAX = 3_000_000;
/** Longer than connections linger, fragments wait and multicast reports are repeated. */
const QUIET_NS = 700e9;

/** SoakFailure: something is wrong. */
export function run(seed: number, options: RunOptions = {}): Outcome {
  const plan = planOf(seed);
  const sim = new Sim({ seed });
  const nodes = plan.nodes.map((_node, index) => new Node(sim, plan, index));
  const digest = new Digest();
  for (const node of nodes) node.watch(digest);
  options.begin?.(nodes);
  for (const node of nodes) node.settle();
  const world = { sim, rng: sim.rng, nodes };
  const flows = plan.flows.map((flow, index) => (flow.kind === 'tcp' ? new TcpFlow(world, flow, index) : new UdpFlow(world, flow, index)));
  for (const flow of flows) sim.at(flow.plan.startMs * MS, () => flow.start());
  for (const flap of plan.flaps) flapOf(sim, nodes[flap.node], flap);
  transfer(plan, sim, flows);
  const { now } = sim;
  digest.number(now);
  for (const flow of flows) flow.end();
  sim.advance(QUIET_NS, { maxEvents: EVENTS_MAX });
  for (const node of nodes) empty(plan, node.index, node.remains());
  for (const node of nodes) empty(plan, node.index, node.end());
  if (sim.step()) throw new SoakFailure(plan, 'all kernels have stopped, and something goes on');
  return { seed, digest: digest.text, packets: digest.packets, bytes: digest.bytes, kernels: nodes.length, seconds: now / 1e9 };
}

function flapOf(sim: Sim, node: Node, flap: FlapPlan): void {
  const set = (up: boolean): void => {
    const ifp = node.ifs[flap.port];
    if (flap.how === 'wire') node.cut[flap.port] = !up;
    else node.k.run(() => node.net.setFlags(ifp, up ? ifp.flags | IFF_UP : ifp.flags & ~IFF_UP));
  };
  sim.at(flap.atMs * MS, () => set(false));
  sim.at((flap.atMs + flap.forMs) * MS, () => set(true));
}

function transfer(plan: Plan, sim: Sim, flows: readonly Flow[]): void {
  const said = (): string => flows.map((flow, i) => `\n  flow ${i} (${flow.plan.kind}, IPv${flow.plan.family}): ${flow.done ? 'done' : flow.state}`).join('');
  for (let events = 0; !flows.every((flow) => flow.done); events++) {
    const failed = flows.find((flow) => flow.error !== undefined);
    if (failed !== undefined) throw new SoakFailure(plan, `flow ${failed.index}: ${failed.error}${said()}`);
    if (events > EVENTS_MAX || sim.now > LIMIT_NS || !sim.step()) throw new SoakFailure(plan, `it stands still at ${sim.now / 1e9} s${said()}`);
  }
}

function empty(plan: Plan, index: number, remains: Record<string, number>): void {
  const what = Object.entries(remains).map(([name, count]) => `${count} ${name}`);
  if (what.length > 0) throw new SoakFailure(plan, `kernel ${index} has left: ${what.join(', ')}`);
}
