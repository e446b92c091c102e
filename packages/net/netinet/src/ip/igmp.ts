/**
 * IGMPv3 of a host (RFC 3376): routers hear which groups the interfaces listen to. To a router of version 1 or 2 its language is spoken (7.2).
 *
 * What an interface listens to is the filter of its groups (srcfilter.ts); routers are told its changes, and asked for it.
 */
import { IFF_LOOPBACK, INADDR_ALLREPORTS_GROUP, INADDR_ALLRTRS_GROUP, IPPROTO_IGMP } from '@anykernel/lib-sys';
import {
  IGMP_MODE_IS_EXCLUDE, IGMP_QUERY, IGMP_TO_EXCLUDE, IGMP_V1_REPORT, IGMP_V2_LEAVE, IGMP_V2_REPORT, type IgmpMessage, type IgmpRecord, IPOPT_RA, emitIgmp,
  emitIgmpReport, parseIgmp,
} from '@anykernel/lib-wire';
import type { Ifnet } from '@anykernel/net';
import { Callout } from '@anykernel/rumpkern';
import type { Mbuf } from '@anykernel/rumpnet';
import { SendArgs } from '../family.js';
import { Flow, V4MAPPED } from '../flow.js';
import { isSourceSpecific } from './groups.js';
import type { Ip } from './ip.js';
import { FilterChange, type SourceFilter, answerTo, hearsNothing, joinAsked } from './srcfilter.js';

/** RFC 3376 8: a change is told again within this; and how long an older router is remembered, ms. */
const UNSOLICITED_MS = 1000;
const V2_UNSOLICITED_MS = 10_000;
const OLDER_MS = 2 * 125_000 + 10_000;
const ROUTER_ALERT = Uint8Array.of(IPOPT_RA, 4, 0, 0);
const MESSAGE_MAX = 1500;
/** Bytes of a report without its records, of a record and of a source; all of a report that fits into a packet of Ethernet. */
const RECORD_LEN = 8;
const SOURCE_LEN = 4;
const REPORT_MAX = MESSAGE_MAX - 24 - 8;
const RECORD_SOURCES_MAX = 300;

/** What is to be told of a group whose filter has changed. */
interface Change {
  readonly ifp: Ifnet;
  readonly group: number;
  atMs: number;
  readonly what: FilterChange<number>;
}

/** An answer that is due: about one group, or (0) all; about these sources, or any. */
interface Answer {
  readonly ifp: Ifnet;
  readonly group: number;
  readonly atMs: number;
  readonly sources: Set<number> | undefined;
}

/** What is known of the routers on an interface. */
interface Older {
  v1UntilMs: number;
  v2UntilMs: number;
}

export class Igmp {
  readonly stats = { queries: 0, reports: 0, sent: 0, bad: 0 };
  readonly #ip: Ip;
  #changes: Change[] = [];
  #answers: Answer[] = [];
  readonly #older = new Map<Ifnet, Older>();
  readonly #callout: Callout;
  readonly #flow: Flow;
  readonly #how = new SendArgs();

  constructor(ip: Ip) {
    this.#ip = ip;
    this.#flow = new Flow(ip);
    this.#callout = new Callout(ip.k, () => this.#due());
    ip.groups.report = (ifp, group, before, after) => this.#changed(ifp, group, before, after);
    ip.protocols[IPPROTO_IGMP] = (m, flow) => this.#input(m, flow);
  }

  clear(): void {
    this.#callout.stop();
    this.#changes = [];
    this.#answers = [];
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
  #changed(ifp: Ifnet, group: number, before: SourceFilter<number>, after: SourceFilter<number>): void {
    if ((ifp.flags & IFF_LOOPBACK) !== 0) return;
    if (this.version(ifp) < 3) {
      this.#changedOld(ifp, group, hearsNothing(before), hearsNothing(after));
      return;
    }
    let one = this.#changes.find((have) => have.ifp === ifp && have.group === group);
    if (one === undefined) this.#changes.push((one = { ifp, group, atMs: 0, what: new FilterChange() }));
    if (one.what.note(before, after)) this.#tell(one);
    else if (!one.what.due) this.#changes.splice(this.#changes.indexOf(one), 1);
    this.#schedule();
  }

  /** RFC 2236 3: of members there are some, or none. RFC 4604 2.2.2: groups of single sources are not told to older routers. */
  #changedOld(ifp: Ifnet, group: number, none: boolean, noneNow: boolean): void {
    this.#changes = this.#changes.filter((one) => one.ifp !== ifp || one.group !== group);
    if (none === noneNow || isSourceSpecific(group)) return;
    const version = this.version(ifp);
    if (noneNow) {
      this.#answers = this.#answers.filter((one) => one.ifp !== ifp || one.group !== group);
      if (version === 2) this.#send(ifp, INADDR_ALLRTRS_GROUP, emitIgmp(IGMP_V2_LEAVE, 0, group));
      return;
    }
    this.#reportOld(ifp, group, version);
    this.#answers.push({ ifp, group, atMs: this.#nowMs + this.#ip.inet.rand.below(V2_UNSOLICITED_MS), sources: undefined });
    this.#schedule();
  }

  /** Tells a change now; the next time follows. */
  #tell(one: Change): void {
    if (this.version(one.ifp) < 3) this.#changes.splice(this.#changes.indexOf(one), 1);
    else {
      const records = one.what.records(this.#ip.groups.filterOf(one.ifp, one.group));
      this.#report(one.ifp, records.map((record) => ({ ...record, group: one.group })));
      if (one.what.due) one.atMs = this.#nowMs + this.#ip.inet.rand.below(UNSOLICITED_MS);
      else this.#changes.splice(this.#changes.indexOf(one), 1);
    }
  }

  #schedule(): void {
    let first = Infinity;
    for (const { atMs } of this.#changes) first = Math.min(first, atMs);
    for (const { atMs } of this.#answers) first = Math.min(first, atMs);
    if (first === Infinity) this.#callout.stop();
    else this.#callout.scheduleAt(Math.ceil(first * 1e6));
  }

  #due(): void {
    const now = this.#nowMs;
    const due = this.#answers.filter((one) => one.atMs <= now);
    this.#answers = this.#answers.filter((one) => one.atMs > now);
    for (const one of this.#changes.filter(({ atMs }) => atMs <= now)) this.#tell(one);
    for (const one of due) this.#answer(one);
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
    if (this.version(ifp) < 3 && group === 0) for (const one of groups) this.#answerLater(ifp, one, [], message.maxRespMs);
    else this.#answerLater(ifp, group, message.sources.map((source) => source | 0), message.maxRespMs);
  }

  #answerLater(ifp: Ifnet, group: number, sources: readonly number[], withinMs: number): void {
    const atMs = this.#nowMs + this.#ip.inet.rand.below(Math.max(1, withinMs));
    // Rule 1: an answer about all groups that comes sooner is enough.
    if (this.#answers.some((one) => one.ifp === ifp && one.group === 0 && one.atMs <= atMs)) return;
    const before = this.#answers.find((one) => one.ifp === ifp && one.group === group);
    this.#answers = this.#answers.filter((one) => one !== before);
    const all = before === undefined ? (sources.length === 0 ? undefined : new Set(sources)) : joinAsked(before.sources, sources);
    this.#answers.push({ ifp, group, atMs: before === undefined || group === 0 ? atMs : Math.min(atMs, before.atMs), sources: all });
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
    this.#answers = this.#answers.filter((one) => one.ifp !== ifp || one.group !== group);
    this.#schedule();
  }

  #answer(one: Answer): void {
    const { ifp } = one;
    const { groups, inet } = this.#ip;
    if (inet.net.ifByIndex(ifp.index) !== ifp) return;
    const about = one.group === 0 ? groups.of(ifp) : [one.group];
    const version = this.version(ifp);
    if (version < 3) {
      for (const group of about) if (!hearsNothing(groups.filterOf(ifp, group)) && !isSourceSpecific(group)) this.#reportOld(ifp, group, version);
      return;
    }
    const records = about.flatMap((group) => {
      const record = answerTo(groups.filterOf(ifp, group), one.sources);
      return record === undefined ? [] : [{ ...record, group }];
    });
    this.#report(ifp, records);
  }

  // -- out

  /** RFC 3376 4.2.16: in as many reports as it takes. */
  #report(ifp: Ifnet, records: readonly IgmpRecord[]): void {
    let some: IgmpRecord[] = [];
    let len = 0;
    for (const record of records.flatMap(parts)) {
      const size = RECORD_LEN + SOURCE_LEN * (record.sources?.length ?? 0);
      if (len + size > REPORT_MAX) {
        this.#send(ifp, INADDR_ALLREPORTS_GROUP, emitIgmpReport(some));
        some = [];
        len = 0;
      }
      some.push(record);
      len += size;
    }
    if (some.length > 0) this.#send(ifp, INADDR_ALLREPORTS_GROUP, emitIgmpReport(some));
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

/** RFC 3376 4.2.16: a record with more sources than a packet holds is several, or, where that would mean something else, as many as fit. */
function parts(record: IgmpRecord): IgmpRecord[] {
  const sources = record.sources ?? [];
  if (sources.length <= RECORD_SOURCES_MAX) return [record];
  if (record.type === IGMP_MODE_IS_EXCLUDE || record.type === IGMP_TO_EXCLUDE) return [{ ...record, sources: sources.slice(0, RECORD_SOURCES_MAX) }];
  const all: IgmpRecord[] = [];
  for (let i = 0; i < sources.length; i += RECORD_SOURCES_MAX) all.push({ ...record, sources: sources.slice(i, i + RECORD_SOURCES_MAX) });
  return all;
}
