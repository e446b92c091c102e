/** A hundred thousand TCP connections that do nothing, with both their ends in one kernel: what each of them takes. */
import { Sim } from '@anykernel/host-sim';
import { AF_INET, F_SETFL, INADDR_LOOPBACK, O_NONBLOCK, SOCK_STREAM, sockaddrIn } from '@anykernel/lib-sys';
import { addAddress, netinet } from '@anykernel/netinet';
import { type Kernel, type Proc, boot } from '@anykernel/rumpkern';
import { tryVoid } from './flow.js';
import { usedMemory } from './memory.js';

const PORT = 5001;
/** Connections of one process, to an address of its own: descriptors and ports have limits. */
const EACH = 12_500;

export interface Idle {
  readonly connections: number;
  /** Of the process, for each: two sockets, two descriptors, two control blocks. */
  readonly bytesEach: number;
  /** After all were closed, and for all. */
  readonly bytesLeft: number;
  /** Whether the first and the last of each process still carried a byte, after an hour. */
  readonly alive: boolean;
  /** Of the processor. */
  readonly seconds: number;
}

/** Makes `count` connections over the loopback interface, waits for an hour of virtual time, and closes them. */
export function idle(count: number): Idle {
  const start = process.cpuUsage().user;
  const sim = new Sim();
  const k = boot(sim.host(), [netinet]);
  const groups = Array.from({ length: Math.ceil(count / EACH) }, (_, i) => new Group(k, INADDR_LOOPBACK + i, Math.min(EACH, count - i * EACH)));
  const before = usedMemory();
  for (const group of groups) group.connect();
  sim.advance(3600e9);
  const bytesEach = (usedMemory() - before) / count;
  const alive = groups.every((group) => group.carries(0) && group.carries(group.count - 1));
  for (const group of groups) group.close();
  sim.advance(600e9);
  const bytesLeft = usedMemory() - before;
  k.halt();
  return { connections: count, bytesEach, bytesLeft, alive, seconds: (process.cpuUsage().user - start) / 1e6 };
}

/** A process, and connections between sockets of it. */
class Group {
  readonly #p: Proc;
  readonly #listener: number;
  /** Two for each connection. */
  readonly #fds: Int32Array;

  constructor(
    k: Kernel,
    readonly addr: number,
    readonly count: number,
  ) {
    const { net, ip } = k.modules.use(netinet);
    if (addr !== INADDR_LOOPBACK) k.run(() => void addAddress(ip, net.lo0, addr, 8, undefined));
    const p = k.newproc();
    p.bare.setrlimit(8, { cur: 2 * count + 10, max: 2 * count + 10 });
    this.#p = p;
    this.#fds = new Int32Array(2 * count);
    this.#listener = p.bare.socket(AF_INET, SOCK_STREAM, 0);
    p.bare.bind(this.#listener, sockaddrIn(addr, PORT));
    p.bare.listen(this.#listener, 5);
  }

  connect(): void {
    const { bare } = this.#p;
    for (let i = 0; i < this.count; i++) {
      const fd = bare.socket(AF_INET, SOCK_STREAM, 0);
      bare.fcntl(fd, F_SETFL, O_NONBLOCK);
      tryVoid(() => bare.connect(fd, sockaddrIn(this.addr, PORT)));
      this.#fds[2 * i] = fd;
      this.#fds[2 * i + 1] = bare.accept(this.#listener);
    }
  }

  /** Whether connection `i` still does. */
  carries(i: number): boolean {
    const { bare } = this.#p;
    bare.write(this.#fds[2 * i], Uint8Array.of(7));
    return bare.read(this.#fds[2 * i + 1], new Uint8Array(2)) === 1;
  }

  close(): void {
    for (const fd of this.#fds) this.#p.bare.close(fd);
  }
}
