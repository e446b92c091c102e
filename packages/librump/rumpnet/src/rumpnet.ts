/**
 * The net faction's state in one kernel: mbufs, domains and their protocols, and counts of sockets.
 */
import { ERR, Errno, PF_INET, PF_INET6, PF_LOCAL, PF_ROUTE, SOCK_RAW } from '@anykernel/lib-sys';
import type { Kernel, Lwp } from '@anykernel/rumpkern';
import { type Mbufs, mbufsOf } from './mbufs.js';
import type { Domain, Protosw } from './protosw.js';
import { SS_NOFDREF, Socket } from './socket.js';
import { Received } from './soreceive.js';

/** Which component brings a domain that is not there. */
const AUTOLOAD: ReadonlyMap<number, string> = new Map([
  [PF_LOCAL, 'local'],
  [PF_INET, 'netinet'],
  [PF_INET6, 'netinet6'],
  [PF_ROUTE, 'net'],
]);

/** kern.sbmax: the most bytes of one socket buffer. */
const SB_MAX = 4 << 20;
/** kern.somaxconn. */
const SOMAXCONN_DEFAULT = 128;

/** A domain that is attached, and its sockets. */
interface Attached {
  readonly domain: Domain;
  readonly sockets: Set<Socket>;
}

export class Rumpnet {
  readonly k: Kernel;
  readonly mbufs: Mbufs;
  /** Most bytes of a socket buffer, and the longest queue of a listening socket. */
  sbmax = SB_MAX;
  somaxconn = SOMAXCONN_DEFAULT;
  /** ioctl(2) commands of interfaces (group `i`) and routes (group `r`), on any socket: the interface layer's. */
  ifioctl: ((so: Socket, cmd: number, data: Uint8Array | undefined, l: Lwp) => number) | undefined = undefined;
  /** What the current call receives. */
  readonly received: Received = new Received();
  #lastId = 0;
  readonly #domains = new Map<number, Attached>();

  constructor(k: Kernel) {
    this.k = k;
    this.mbufs = mbufsOf(k);
  }

  // -- domains

  /** EEXIST: the family has one. */
  attachDomain(domain: Domain): void {
    if (this.#domains.has(domain.family)) throw ERR.EEXIST;
    this.#domains.set(domain.family, { domain, sockets: new Set() });
  }

  /** EBUSY: it has sockets. */
  detachDomain(domain: Domain): void {
    const entry = this.#domains.get(domain.family);
    if (entry === undefined || entry.domain !== domain) return;
    if (entry.sockets.size > 0) throw ERR.EBUSY;
    this.#domains.delete(domain.family);
  }

  domain(family: number): Domain | undefined {
    return this.#domains.get(family)?.domain;
  }

  /** Sockets of a domain, or of all. */
  sockets(family?: number): number {
    if (family !== undefined) return this.#domains.get(family)?.sockets.size ?? 0;
    let count = 0;
    for (const entry of this.#domains.values()) count += entry.sockets.size;
    return count;
  }

  /** The sockets of a domain. */
  each(family: number): Iterable<Socket> {
    return this.#domains.get(family)?.sockets ?? [];
  }

  /** A number for a new socket. */
  nextId(): number {
    return ++this.#lastId;
  }

  /** A socket has come, or gone. */
  made(so: Socket): void {
    (this.#domains.get(so.domain.family) as Attached).sockets.add(so);
  }

  gone(so: Socket): void {
    (this.#domains.get(so.domain.family) as Attached).sockets.delete(so);
  }

  /**
   * A new socket without a descriptor, attached to its protocol. The component of an unknown domain is asked for, and the call sleeps until it is there.
   * EAFNOSUPPORT, EPROTOTYPE, EPROTONOSUPPORT, and what the protocol's attach() says.
   */
  socreate(family: number, type: number, protocol: number, l: Lwp): Socket {
    const domain = this.#demand(family, l);
    const proto = protoOf(domain, type, protocol);
    const so = new Socket(this, domain, proto, type, l.proc.cred, l.proc.pid);
    this.made(so);
    try {
      proto.usrreqs.attach(so, protocol, l);
    } catch (e) {
      so.state |= SS_NOFDREF;
      if (e instanceof Errno) this.gone(so);
      throw e;
    }
    return so;
  }

  #demand(family: number, l: Lwp): Domain {
    const there = this.domain(family);
    if (there !== undefined) return there;
    const name = AUTOLOAD.get(family);
    if (name !== undefined && this.k.modctl.demand(name, l)) {
      const domain = this.domain(family);
      if (domain !== undefined) return domain;
    }
    throw ERR.EAFNOSUPPORT;
  }
}

/** EPROTOTYPE: no protocol of this type, or the protocol is of another one. EPROTONOSUPPORT. */
function protoOf(domain: Domain, type: number, protocol: number): Protosw {
  let any: Protosw | undefined;
  let other = false;
  for (const pr of domain.protosw) {
    if (pr.type === type && (protocol === 0 || pr.protocol === protocol)) return pr;
    if (pr.type === type && type === SOCK_RAW && pr.protocol === 0) any ??= pr;
    other ||= protocol !== 0 && pr.protocol === protocol && pr.type !== SOCK_RAW;
  }
  if (any !== undefined) return any;
  throw protocol === 0 || other ? ERR.EPROTOTYPE : ERR.EPROTONOSUPPORT;
}
