/**
 * The interface layer of one kernel: its interfaces and their addresses, routing tables, input queues and hooks.
 *
 * Imports point down and hooks up: the network protocols (netinet, netinet6) register their input, the resolver of link addresses and what
 * they want to hear of.
 */
import type { Kernel } from '@anykernel/rumpkern';
import { type Mbuf, type Mbufs, mbufsOf } from '@anykernel/rumpnet';
import { ERR, IFF_RUNNING, IFF_UP, LINK_STATE_DOWN, LINK_STATE_UP, RTF_CONNECTED, RTF_HOST, RTF_LOCAL, RTF_UP } from '@anykernel/lib-sys';
import type { Ifaddr } from './ifaddr.js';
import type { Ifnet } from './ifnet.js';
import { loopCreate } from './loop.js';
import type { Neighbours } from './neighbour.js';
import { type Input, Netisr } from './netisr.js';
import { type Nexthop, addrBits } from './nexthop.js';
import { Pfil } from './pfil.js';
import { Rtable } from './rtable.js';
import { Rtentry } from './rtentry.js';

/** What happens to an interface. */
export type IfEvent = 'attach' | 'detach' | 'up' | 'down' | 'link' | 'mtu';
/** What happens to an address or a route. */
export type AddrEvent = 'add' | 'delete' | 'change';

/** The link address of a neighbour, or undefined: the resolver has kept `m` until it knows, or dropped it. */
export type Resolver = (ifp: Ifnet, m: Mbuf, nh: Nexthop) => Uint8Array | undefined;

/** Makes and destroys interfaces of one kind (`ifconfig shmif0 create`). */
export interface Cloner {
  /** EEXIST, ENXIO ... The new interface, not attached. */
  create(unit: number): Ifnet;
  /** It has been detached. EBUSY refuses, before. */
  destroy(ifp: Ifnet): void;
}

export class Net {
  readonly mbufs: Mbufs;
  /** By index; 0 is nobody's. */
  readonly interfaces: (Ifnet | undefined)[] = [undefined];
  readonly onIf: ((ifp: Ifnet, event: IfEvent) => void)[] = [];
  readonly onAddr: ((ia: Ifaddr, event: AddrEvent) => void)[] = [];
  readonly onRoute: ((rt: Rtentry, event: AddrEvent) => void)[] = [];
  /** Parts that go with it: EBUSY refuses. */
  readonly onRelease: (() => void)[] = [];
  /** Ethernet types other than the families'. `m` starts after the Ethernet header, which is still in its storage. */
  readonly etherTypes: Map<number, Input> = new Map<number, Input>();
  /** The neighbour caches of families that have one: the routing socket shows and changes them. */
  readonly neighbours: Map<number, Neighbours> = new Map<number, Neighbours>();
  readonly resolvers: Map<number, Resolver> = new Map<number, Resolver>();
  readonly lo0: Ifnet;
  readonly #tables = new Map<number, Rtable>();
  readonly #isrs = new Map<number, Netisr>();
  readonly #pfils = new Map<number, Pfil>();
  readonly #cloners = new Map<string, Cloner>();

  constructor(readonly k: Kernel) {
    this.mbufs = mbufsOf(k);
    this.cloner('lo', { create: (unit) => loopCreate(k, this, unit), destroy: (ifp) => this.#refuseLo0(ifp) });
    this.lo0 = loopCreate(k, this, 0);
    this.ifattach(this.lo0);
    this.setFlags(this.lo0, this.lo0.flags | IFF_UP);
  }

  #refuseLo0(ifp: Ifnet): void {
    if (ifp === this.lo0) throw ERR.EPERM;
  }

  // -- families

  /** Gives a family its input; the result takes it away, with what waits. EEXIST. */
  isr(family: number, input: Input): () => void {
    if (this.#isrs.has(family)) throw ERR.EEXIST;
    const isr = new Netisr(this.k, this.mbufs, this.interfaces, input);
    this.#isrs.set(family, isr);
    return () => {
      isr.drain();
      this.#isrs.delete(family);
    };
  }

  /** A packet for a family's input. Owns `m`. Returns whether it was taken. */
  enqueue(family: number, m: Mbuf, ifp: Ifnet): boolean {
    const isr = this.#isrs.get(family);
    if (isr !== undefined) return isr.schedule(m);
    ifp.noproto++;
    this.mbufs.free(m);
    return true;
  }

  /** Packets that wait for a family's input. */
  queueOf(family: number): Netisr | undefined {
    return this.#isrs.get(family);
  }

  rtable(family: number): Rtable {
    let table = this.#tables.get(family);
    if (table === undefined) this.#tables.set(family, (table = new Rtable(family)));
    return table;
  }

  get rtables(): readonly Rtable[] {
    return [...this.#tables.values()];
  }

  pfil(family: number): Pfil {
    let pfil = this.#pfils.get(family);
    if (pfil === undefined) this.#pfils.set(family, (pfil = new Pfil()));
    return pfil;
  }

  // -- interfaces

  /** EEXIST: there is one of that name. */
  ifattach(ifp: Ifnet): void {
    if (this.ifByName(ifp.name) !== undefined) throw ERR.EEXIST;
    let index = 1;
    while (this.interfaces[index] !== undefined) index++;
    ifp.index = index;
    this.interfaces[index] = ifp;
    this.#tellIf(ifp, 'attach');
  }

  /** Its addresses and routes go, and what waits for it. */
  ifdetach(ifp: Ifnet): void {
    if (this.interfaces[ifp.index] !== ifp) throw ERR.ENXIO;
    if (ifp.up) this.setFlags(ifp, ifp.flags & ~IFF_UP);
    for (const ia of [...ifp.addrs]) this.addrDel(ia);
    for (const table of this.#tables.values()) for (const rt of [...table]) if (rt.ifp === ifp) this.rtDelete(rt);
    this.#tellIf(ifp, 'detach');
    ifp.flush();
    this.interfaces[ifp.index] = undefined;
  }

  ifByName(name: string): Ifnet | undefined {
    return this.interfaces.find((ifp) => ifp !== undefined && ifp.name === name);
  }

  ifByIndex(index: number): Ifnet | undefined {
    return this.interfaces[index];
  }

  /** Those that are attached, in the order of their indices. */
  get ifs(): readonly Ifnet[] {
    return this.interfaces.filter((ifp) => ifp !== undefined);
  }

  /** Sets IFF_* flags: up and down start and stop the driver. */
  setFlags(ifp: Ifnet, flags: number): void {
    const wasUp = ifp.up;
    const isUp = (flags & IFF_UP) !== 0;
    if (isUp && !wasUp) ifp.driver.init?.(ifp);
    ifp.flags = isUp === wasUp ? flags : isUp ? flags | IFF_RUNNING : flags & ~IFF_RUNNING;
    if (!isUp && wasUp) {
      ifp.driver.stop?.(ifp);
      ifp.flush();
    }
    if (isUp !== wasUp) this.#tellIf(ifp, isUp ? 'up' : 'down');
    else ifp.driver.filter?.(ifp);
  }

  /** The driver has seen its link come or go. */
  setLink(ifp: Ifnet, up: boolean): void {
    const state = up ? LINK_STATE_UP : LINK_STATE_DOWN;
    if (ifp.linkState === state) return;
    ifp.linkState = state;
    this.#tellIf(ifp, 'link');
  }

  /** EINVAL: not an MTU for it. */
  setMtu(ifp: Ifnet, mtu: number): void {
    if (!(mtu >= 72 && mtu <= ifp.mtuMax)) throw ERR.EINVAL;
    ifp.mtu = mtu;
    for (const table of this.#tables.values()) table.changed();
    this.#tellIf(ifp, 'mtu');
  }

  #tellIf(ifp: Ifnet, event: IfEvent): void {
    for (const hook of [...this.onIf]) hook(ifp, event);
  }

  /** Registers a kind of interface; the result takes it out. EEXIST. */
  cloner(kind: string, cloner: Cloner): () => void {
    if (this.#cloners.has(kind)) throw ERR.EEXIST;
    this.#cloners.set(kind, cloner);
    return () => this.#cloners.delete(kind);
  }

  get cloners(): readonly string[] {
    return [...this.#cloners.keys()];
  }

  /** Makes interface `name` (`shmif0`). EINVAL: no such kind, or not a name. EEXIST. */
  create(name: string): Ifnet {
    const { cloner, unit } = this.#clonerOf(name);
    if (this.ifByName(name) !== undefined) throw ERR.EEXIST;
    const ifp = cloner.create(unit);
    this.ifattach(ifp);
    return ifp;
  }

  /** Takes a made interface away. ENXIO: there is none of that name. EINVAL: it was not made by name. */
  destroy(name: string): void {
    const ifp = this.ifByName(name);
    if (ifp === undefined) throw ERR.ENXIO;
    const { cloner } = this.#clonerOf(name);
    if (ifp === this.lo0) throw ERR.EPERM;
    this.ifdetach(ifp);
    cloner.destroy(ifp);
  }

  #clonerOf(name: string): { cloner: Cloner; unit: number } {
    const match = /^([a-z][a-z0-9]*?)(0|[1-9]\d{0,4})$/.exec(name);
    const cloner = match === null ? undefined : this.#cloners.get(match[1]);
    if (match === null || cloner === undefined) throw ERR.EINVAL;
    return { cloner, unit: Number(match[2]) };
  }

  // -- addresses

  /** Gives an interface an address, with the routes to it and to those on its link. EEXIST: it has it. */
  addrAdd(ia: Ifaddr): void {
    const { ifp, addr } = ia;
    if (ifp.addrs.some((have) => have.family === ia.family && have.addr.equals(addr.w0, addr.w1, addr.w2, addr.w3))) throw ERR.EEXIST;
    ifp.addrs.push(ia);
    this.#addLocal(ia);
    this.#addConnected(ia);
    for (const hook of [...this.onAddr]) hook(ia, 'add');
  }

  /** ENXIO: the interface has no such address. */
  addrDel(ia: Ifaddr): void {
    const { ifp } = ia;
    const at = ifp.addrs.indexOf(ia);
    if (at < 0) throw ERR.EADDRNOTAVAIL;
    ifp.addrs.splice(at, 1);
    const table = this.rtable(ia.family);
    for (const rt of [...table]) if (rt.ifa === ia) this.rtDelete(rt);
    for (const hook of [...this.onAddr]) hook(ia, 'delete');
    // Another interface may have an address on the same network, or this one.
    for (const other of this.ifs) {
      for (const have of other.addrs) {
        if (have.family !== ia.family) continue;
        if (have.prefixLen === ia.prefixLen && have.prefix.equals(ia.prefix.w0, ia.prefix.w1, ia.prefix.w2, ia.prefix.w3)) this.#addConnected(have);
        if (have.addr.equals(ia.addr.w0, ia.addr.w1, ia.addr.w2, ia.addr.w3)) this.#addLocal(have);
      }
    }
  }

  /** An address has become usable, or has changed its flags. */
  addrChanged(ia: Ifaddr): void {
    for (const hook of [...this.onAddr]) hook(ia, 'change');
  }

  /** The host's own address is reached by loopback. */
  #addLocal(ia: Ifaddr): void {
    const rt = new Rtentry(ia.addr, addrBits(ia.family), undefined, this.lo0, ia, RTF_UP | RTF_HOST | RTF_LOCAL);
    if (this.rtable(ia.family).exact(rt.dst, rt.prefixLen) === undefined) this.rtAdd(rt);
  }

  #addConnected(ia: Ifaddr): void {
    const bits = addrBits(ia.family);
    const [dst, len] = ia.dest === undefined ? [ia.prefix, ia.prefixLen] : [ia.dest, bits];
    if (len === bits && ia.dest === undefined) return;
    const rt = new Rtentry(dst, len, undefined, ia.ifp, ia, RTF_UP | RTF_CONNECTED | (len === bits ? RTF_HOST : 0));
    if (this.rtable(ia.family).exact(dst, len) === undefined) this.rtAdd(rt);
  }

  // -- routes

  /** EEXIST: there is a route of that prefix. */
  rtAdd(rt: Rtentry): void {
    this.rtable(rt.dst.family).add(rt);
    for (const hook of this.onRoute) hook(rt, 'add');
  }

  /** ESRCH: it is not there. */
  rtDelete(rt: Rtentry): void {
    this.rtable(rt.dst.family).delete(rt);
    rt.flags &= ~1;
    for (const hook of this.onRoute) hook(rt, 'delete');
  }

  /** Something about it is different now. */
  rtChanged(rt: Rtentry): void {
    this.rtable(rt.dst.family).changed();
    for (const hook of this.onRoute) hook(rt, 'change');
  }

  /** The kernel lets it go. EBUSY: there are interfaces other than lo0, families, or sockets. */
  release(): void {
    if (this.#isrs.size > 0 || this.ifs.length > 1) throw ERR.EBUSY;
    for (const fn of this.onRelease) fn();
    for (const ia of [...this.lo0.addrs]) this.addrDel(ia);
    this.ifdetach(this.lo0);
  }
}
