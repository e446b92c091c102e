/**
 * IGMPv3 of a host (RFC 3376): routers hear which groups the interfaces listen to. To a router of version 1 or 2 its language is spoken (7.2).
 *
 * Memberships are of all sources, so a group is in EXCLUDE mode with no sources while somebody belongs to it, and in INCLUDE mode with none otherwise.
 */
import { IFF_LOOPBACK, INADDR_ALLREPORTS_GROUP, INADDR_ALLRTRS_GROUP, IPPROTO_IGMP } from '@anykernel/lib-sys';
import {
  IGMP_MODE_IS_EXCLUDE, IGMP_QUERY, IGMP_TO_EXCLUDE, IGMP_TO_INCLUDE, IGMP_V1_REPORT, IGMP_V2_LEAVE, IGMP_V2_REPORT, type IgmpMessage, type IgmpRecord,
  IPOPT_RA, emitIgmp, emitIgmpReport, parseIgmp,
} from '@anykernel/lib-wire';
import type { Ifnet } from '@anykernel/net';
import { Callout } from '@anykernel/rumpkern';
import type { Mbuf } from '@anykernel/rumpnet';
import { SendArgs } from '../family.js';
import { Flow, V4MAPPED } from '../flow.js';
import type { Ip } from './ip.js';

/** RFC 3376 8: a change is told so often, at intervals of this at most; and how long an older router is remembered, ms. */
const ROBUSTNESS = 2;
const UNSOLICITED_MS = 1000;
const V2_UNSOLICITED_MS = 10_000;
const OLDER_MS = 2 * 125_000 + 10_000;
/** Groups of one report, so that it fits into a packet. */
const RECORDS_MAX = 100;
const ROUTER_ALERT = Uint8Array.of(IPOPT_RA, 4, 0, 0);
const MESSAGE_MAX = 1500;

/** A report that is due: about one group, or (0) all. */
interface Pending {
  readonly ifp: Ifnet;
  readonly group: number;
  atMs: number;
  /** A change: what it was, and how often it is told yet. undefined: an answer to a query. */
  readonly change: number | undefined;
  left: number;
}

/** What is known of the routers on an interface. */
interface Older {
  v1UntilMs: number;
  v2UntilMs: number;
}

export class Igmp {
  readonly stats = { queries: 0, reports: 0, sent: 0, bad: 0 };
  readonly #ip: Ip;
  #pending: Pending[] = [];
  readonly #older = new Map<Ifnet, Older>();
  readonly #callout: Callout;
  readonly #flow: Flow;
  readonly #how = new SendArgs();

  constructor(ip: Ip) {
    this.#ip = ip;
    this.#flow = new Flow(ip);
    this.#callout = new Callout(ip.k, () => this.#due());
    ip.groups.report = (ifp, group, joined) => this.#changed(ifp, group, joined);
    ip.protocols[IPPROTO_IGMP] = (m, flow) => this.#input(m, flow);
  }

  clear(): void {
    this.#callout.stop();
    this.#pending = [];
    this.#ip.groups.report = undefined;
    this.#ip.protocols[IPPROTO_IGMP] = undefined;
  }

  get #nowMs(): number {
    return this.#ip.k.mono() / 1e6;
  }

  /** The version that the routers of an interface speak. */
  version(ifp: Ifnet): number {
    const older = this.#older.get(ifp);
    if (older === undefined) return 3;
    const now = this.#nowMs;
    return older.v1UntilMs > now ? 1 : older.v2UntilMs > now ? 2 : 3;
  }

  // -- changes

  /** RFC 3376 5.1: at once, and again. */
  #changed(ifp: Ifnet, group: number, joined: boolean): void {
    if ((ifp.flags & IFF_LOOPBACK) !== 0) return;
    this.#pending = this.#pending.filter((one) => one.ifp !== ifp || one.group !== group);
    const change = joined ? IGMP_TO_EXCLUDE : IGMP_TO_INCLUDE;
    const version = this.version(ifp);
    if (version < 3 && !joined) {
      if (version === 2) this.#send(ifp, INADDR_ALLRTRS_GROUP, emitIgmp(IGMP_V2_LEAVE, 0, group));
      return;
    }
    this.#tell({ ifp, group, atMs: 0, change, left: ROBUSTNESS });
  }

  /** Tells a change now; the next time follows. */
  #tell(one: Pending): void {
    const version = this.version(one.ifp);
    if (version === 3) this.#report(one.ifp, [{ type: one.change ?? IGMP_MODE_IS_EXCLUDE, group: one.group }]);
    else this.#reportOld(one.ifp, one.group, version);
    if (one.change === undefined || --one.left <= 0) return;
    one.atMs = this.#nowMs + this.#ip.inet.rand.below(version === 3 ? UNSOLICITED_MS : V2_UNSOLICITED_MS);
    this.#pending.push(one);
    this.#schedule();
  }

  #schedule(): void {
    const first = this.#pending.reduce((least, one) => Math.min(least, one.atMs), Infinity);
    if (first === Infinity) this.#callout.stop();
    else this.#callout.scheduleAt(Math.ceil(first * 1e6));
  }

  #due(): void {
    const now = this.#nowMs;
    const due = this.#pending.filter((one) => one.atMs <= now);
    this.#pending = this.#pending.filter((one) => one.atMs > now);
    for (const one of due) {
      if (one.change !== undefined) this.#tell(one);
      else this.#answer(one);
    }
    this.#schedule();
  }

  // -- queries

  #input(packet: Mbuf, flow: Flow): void {
    const { mbufs } = this.#ip;
    const bytes = packet.pktlen > MESSAGE_MAX ? undefined : mbufs.toBytes(packet);
    mbufs.free(packet);
    const message = bytes === undefined ? undefined : parseIgmp(bytes);
    const ifp = this.#ip.inet.net.ifByIndex(flow.rcvif);
    if (message === undefined || ifp === undefined) {
      this.stats.bad++;
      return;
    }
    // RFC 3376 9.2: from beyond the link it is a forgery. Version 1 and 2 did not say so.
    if (message.version === 3 && flow.ttl !== 1) return;
    if (message.type === IGMP_QUERY) this.#query(ifp, message);
    else if (message.type === IGMP_V1_REPORT || message.type === IGMP_V2_REPORT) this.#heard(ifp, message.group | 0);
  }

  /** RFC 3376 5.2: an answer within the time that the router gives. */
  #query(ifp: Ifnet, message: IgmpMessage): void {
    this.stats.queries++;
    if (message.version < 3) this.#noteOlder(ifp, message.version);
    const group = message.group | 0;
    const groups = this.#ip.groups.of(ifp);
    if (group !== 0 && !groups.includes(group)) return;
    // Before version 3 each group has its own time, as another member's report may make ours needless.
    if (this.version(ifp) < 3 && group === 0) for (const one of groups) this.#answerLater(ifp, one, message.maxRespMs);
    else this.#answerLater(ifp, group, message.maxRespMs);
  }

  #answerLater(ifp: Ifnet, group: number, withinMs: number): void {
    const atMs = this.#nowMs + this.#ip.inet.rand.below(Math.max(1, withinMs));
    // An answer about all groups, or this one, that comes sooner is enough.
    if (this.#pending.some((one) => one.ifp === ifp && one.change === undefined && one.atMs <= atMs && (one.group === 0 || one.group === group))) return;
    this.#pending = this.#pending.filter((one) => one.ifp !== ifp || one.change !== undefined || one.group !== group);
    this.#pending.push({ ifp, group, atMs, change: undefined, left: 1 });
    this.#schedule();
  }

  #noteOlder(ifp: Ifnet, version: number): void {
    let older = this.#older.get(ifp);
    if (older === undefined) this.#older.set(ifp, (older = { v1UntilMs: 0, v2UntilMs: 0 }));
    const until = this.#nowMs + OLDER_MS;
    if (version === 1) older.v1UntilMs = until;
    else older.v2UntilMs = until;
  }

  /** RFC 2236 3: another member has answered, and that is enough. */
  #heard(ifp: Ifnet, group: number): void {
    this.stats.reports++;
    if (this.version(ifp) === 3) return;
    this.#pending = this.#pending.filter((one) => one.ifp !== ifp || one.group !== group);
    this.#schedule();
  }

  #answer(one: Pending): void {
    const { ifp } = one;
    if (this.#ip.inet.net.ifByIndex(ifp.index) !== ifp) return;
    const groups = one.group === 0 ? this.#ip.groups.of(ifp) : [one.group];
    const version = this.version(ifp);
    if (version < 3) {
      for (const group of groups) this.#reportOld(ifp, group, version);
      return;
    }
    for (let i = 0; i < groups.length; i += RECORDS_MAX) {
      this.#report(ifp, groups.slice(i, i + RECORDS_MAX).map((group) => ({ type: IGMP_MODE_IS_EXCLUDE, group })));
    }
  }

  // -- out

  #report(ifp: Ifnet, records: readonly IgmpRecord[]): void {
    this.#send(ifp, INADDR_ALLREPORTS_GROUP, emitIgmpReport(records));
  }

  #reportOld(ifp: Ifnet, group: number, version: number): void {
    this.#send(ifp, group, emitIgmp(version === 1 ? IGMP_V1_REPORT : IGMP_V2_REPORT, 0, group));
  }

  /** RFC 3376 4: one hop, internetwork control, and routers look at it. */
  #send(ifp: Ifnet, to: number, message: Uint8Array): void {
    const ip = this.#ip;
    const m = ip.mbufs.tryGet(message.length);
    if (m === undefined) return;
    m.buf.set(message, m.off);
    const flow = this.#flow;
    flow.l2 = flow.f2 = V4MAPPED;
    flow.l3 = ip.addrOf(ifp)?.addr.w0 ?? 0;
    flow.f3 = to | 0;
    const how = this.#how;
    how.protocol = IPPROTO_IGMP;
    how.tos = 0xc0;
    how.ttl = 1;
    how.ifindex = ifp.index;
    how.options = ROUTER_ALERT;
    this.stats.sent++;
    ip.output(m, flow, undefined, how);
  }
}
