/** What a flow's two ends have in common: they look at their sockets now and then, in virtual time, and note what is wrong. */
import type { Rng, Sim } from '@anykernel/host-sim';
import { AF_INET, AF_INET6, F_SETFL, IPPROTO_TCP, O_NONBLOCK, SOL_SOCKET, SO_RCVBUF, SO_SNDBUF, TCP_NODELAY, sockaddrIn, sockaddrIn6 } from '@anykernel/lib-sys';
import { bytesOf } from '@anykernel/net';
import { type Node, address4, address6 } from './node.js';
import type { FlowPlan } from './plan.js';

const MS = 1e6;
const { imul } = Math;

/** The byte at a place of a stream. */
export function patternAt(at: number, salt: number): number {
  return (imul(at ^ (at >>> 11), 2_654_435) + salt * 77) & 255;
}

export interface World {
  readonly sim: Sim;
  readonly rng: Rng;
  readonly nodes: readonly Node[];
}

export abstract class Flow {
  done = false;
  /** What went wrong. */
  error: string | undefined;
  readonly #open: [Node, number][] = [];

  constructor(
    readonly world: World,
    readonly plan: FlowPlan,
    readonly index: number,
  ) {}

  get client(): Node {
    return this.world.nodes[this.plan.client];
  }

  get server(): Node {
    return this.world.nodes[this.plan.server];
  }

  get af(): number {
    return this.plan.family === 4 ? AF_INET : AF_INET6;
  }

  /** Looks again after a while, until `look` says that there is nothing more to do. */
  protected watch(look: () => boolean): void {
    const { sim, rng } = this.world;
    const again = (): void => {
      if (this.error !== undefined || look()) return;
      sim.at(sim.now + Math.floor((0.1 + rng.float()) * this.plan.napMs * MS), again);
    };
    again();
  }

  /** A socket of the flow's family at one of its ends. */
  protected socket(node: Node, type: number): number {
    const sys = node.p.bare;
    const fd = sys.socket(this.af, type, 0);
    this.own(node, fd);
    return fd;
  }

  /** A descriptor is the flow's, with its options. */
  protected own(node: Node, fd: number, tcp = false): void {
    const sys = node.p.bare;
    const { sockbuf, nodelay } = this.plan;
    this.#open.push([node, fd]);
    sys.fcntl(fd, F_SETFL, O_NONBLOCK);
    if (sockbuf !== undefined) for (const name of [SO_SNDBUF, SO_RCVBUF]) sys.setsockopt(fd, SOL_SOCKET, name, int(sockbuf));
    if (tcp && nodelay) sys.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, int(1));
  }

  protected close(node: Node, fd: number): void {
    const at = this.#open.findIndex(([n, f]) => n === node && f === fd);
    if (at < 0) return;
    this.#open.splice(at, 1);
    node.p.bare.close(fd);
  }

  /** All its sockets go. */
  end(): void {
    for (const [node, fd] of this.#open.splice(0)) node.p.bare.close(fd);
  }

  /** The server's name, at one of its addresses; `any`: for bind(). */
  protected name(any = false): Uint8Array {
    const bus = this.server.plan.nodes[this.plan.server].buses[0];
    const port = 1000 + this.index;
    if (this.plan.family === 4) return sockaddrIn(any ? 0 : address4(bus, this.plan.server), port);
    return sockaddrIn6(any ? new Uint8Array(16) : bytesOf(address6(bus, this.plan.server)), port);
  }

  abstract start(): void;
  /** For a failure's message. */
  abstract get state(): string;
}

function int(value: number): Uint8Array {
  return Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);
}

/** The result of a system call, or the name of its error. */
export function tryCall(fn: () => number): number | string {
  try {
    return fn();
  } catch (e) {
    const { code } = e as { code?: string };
    if (code === undefined) throw e;
    return code;
  }
}

/** The name of a system call's error, if it has one. */
export function tryVoid(fn: () => void): string | undefined {
  const result = tryCall(() => {
    fn();
    return 0;
  });
  return typeof result === 'string' ? result : undefined;
}
