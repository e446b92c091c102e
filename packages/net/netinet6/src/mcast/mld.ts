/**
 * Multicast listener discovery, the listener's part (RFC 3810, RFC 2710): routers hear which groups somebody on a link listens to, and
 * from which sources (netinet's srcfilter.ts). While a querier of version 1 is heard, version 1 is spoken (RFC 3810 8.2.1).
 */
import { IPPROTO_ICMPV6 } from '@anykernel/lib-sys';
import {
  MLD2_IS_EXCLUDE, MLD2_TO_EXCLUDE, MLDV2_LISTENER_REPORT, MLD_LEN, MLD_LISTENER_DONE, MLD_LISTENER_QUERY, MLD_LISTENER_REPORT, type MldQuery,
  type MldRecord, mld2Report, parseMldQuery, routerAlert,
} from '@anykernel/lib-wire';
import { type Ifnet, type Nexthop, etherMulticast, multicastAdd, nexthopOf } from '@anykernel/net';
import { FilterChange, Flow, type SourceRecord, answerTo, hearsNothing, joinAsked } from '@anykernel/netinet';
import { AF_INET6 } from '@anykernel/lib-sys';
import { Callout } from '@anykernel/rumpkern';
import type { Mbuf } from '@anykernel/rumpnet';
import { ALL_MLD2_ROUTERS, ALL_NODES, ALL_ROUTERS, SCOPE_LINK, inZone, isLinkLocal, linkGroup, sourceBytes, sourceKey, wireBytes } from '../addr.js';
import { hasGroups, isLoopback } from '../if6.js';
import type { Ip6 } from '../ip6.js';
import { Headers6 } from '../options6.js';
import type { SourceFilter6 } from './groups.js';

/** RFC 3810 9.1, 9.11: a querier's robustness, and within which time a change is said again. */
const ROBUSTNESS = 2;
const UNSOLICITED_MS = 1000;
const MS = 1e6;
/** Bytes of records, and sources of one, that fit into a report of the smallest MTU. */
const REPORT_MAX = 1280 - 40 - 8 - 8;
const RECORD_LEN = 20;
const SOURCE_LEN = 16;
const RECORD_SOURCES_MAX = 60;

/** A group of an interface whose change is to be said. */
interface Due {
  readonly addr: Nexthop;
  readonly what: FilterChange<string>;
}

/** One interface. */
interface Link {
  /** Changes that are said again. */
  readonly changes: Due[];
  readonly change: Callout;
  /** Groups that were asked for, and which of their sources, undefined: all; `all`: all groups. */
  readonly asked: Map<Nexthop, Set<string> | undefined>;
  all: boolean;
  readonly answer: Callout;
  /** Monotonic ns until which version 1 is spoken. */
  v1Until: number;
  listening: boolean;
}

export class Mld {
  readonly #ip6: Ip6;
  readonly #links = new Map<Ifnet, Link>();
  readonly #out: Flow;
  readonly #alert = new Headers6();

  constructor(ip6: Ip6) {
    this.#ip6 = ip6;
    this.#out = new Flow(ip6);
    this.#alert.hopopts = routerAlert(IPPROTO_ICMPV6);
    this.#alert.useMinMtu = 0;
  }

  #link(ifp: Ifnet): Link {
    let link = this.#links.get(ifp);
    if (link === undefined) {
      link = {
        changes: [], asked: new Map(), all: false, v1Until: -Infinity, listening: false,
        change: new Callout(this.#ip6.k, () => this.#sayChanges(ifp)),
        answer: new Callout(this.#ip6.k, () => this.#sayState(ifp)),
      };
      this.#links.set(ifp, link);
    }
    return link;
  }

  /** The interface is up: it hears all nodes. */
  up(ifp: Ifnet): void {
    const link = this.#link(ifp);
    if (link.listening || !hasGroups(ifp) || ifp.lladdr.length !== 6) return;
    link.listening = true;
    multicastAdd(ifp, etherMulticast(linkGroup(ALL_NODES, ifp.index)));
  }

  /** It has a link-local address: what was said from nobody is said again (RFC 3590 4). */
  ready(ifp: Ifnet): void {
    const link = this.#link(ifp);
    link.all = true;
    link.answer.schedule(this.#ip6.inet.rand.below(UNSOLICITED_MS) * MS);
  }

  /** An interface listens to other sources of a group than before (RFC 3810 6.1). */
  changed(ifp: Ifnet, addr: Nexthop, before: SourceFilter6, after: SourceFilter6): void {
    if (!reported(addr) || isLoopback(ifp)) return;
    const link = this.#link(ifp);
    const known = link.changes.find((one) => one.addr.equals(addr.w0, addr.w1, addr.w2, addr.w3));
    const due = known ?? { addr, what: new FilterChange<string>() };
    if (!due.what.note(before, after)) return;
    if (known === undefined) link.changes.push(due);
    // RFC 2710 4: leaving is said once.
    if (link.v1Until > this.#ip6.k.mono() && hearsNothing(after)) {
      link.changes.splice(link.changes.indexOf(due), 1);
      if (ifp.up) this.#version1(ifp, MLD_LISTENER_DONE, addr);
    } else this.#sayChanges(ifp);
  }

  #sayChanges(ifp: Ifnet): void {
    const link = this.#link(ifp);
    if (!ifp.up) {
      link.changes.length = 0;
      return;
    }
    const v1 = link.v1Until > this.#ip6.k.mono();
    const records: MldRecord[] = [];
    for (const { addr, what } of link.changes) {
      for (const one of what.records(this.#ip6.groups.filterOf(ifp, addr))) records.push(record(addr, one));
      if (v1) this.#version1(ifp, MLD_LISTENER_REPORT, addr);
    }
    if (!v1) this.#version2(ifp, records);
    link.changes.splice(0, link.changes.length, ...link.changes.filter(({ what }) => what.due));
    if (link.changes.length > 0) link.change.schedule((1 + this.#ip6.inet.rand.below(UNSOLICITED_MS)) * MS);
  }

  /** Answers what was asked for. */
  #sayState(ifp: Ifnet): void {
    const link = this.#link(ifp);
    const { groups, k } = this.#ip6;
    const asked = link.all ? groups.of(ifp).map((addr) => [addr, undefined] as const) : [...link.asked];
    link.all = false;
    link.asked.clear();
    if (!ifp.up || isLoopback(ifp)) return;
    const v1 = link.v1Until > k.mono();
    const records: MldRecord[] = [];
    for (const [addr, sources] of asked) {
      const answer = reported(addr) ? answerTo(groups.filterOf(ifp, addr), sources) : undefined;
      if (answer === undefined) continue;
      if (v1) this.#version1(ifp, MLD_LISTENER_REPORT, addr);
      else records.push(record(addr, answer));
    }
    this.#version2(ifp, records);
  }

  // -- what comes

  /** A message: `packet` starts at its ICMPv6 header, its checksum is right. Owns it. */
  input(packet: Mbuf, flow: Flow): void {
    const { mbufs, inet, icmp } = this.#ip6;
    const ifp = inet.net.ifByIndex(flow.rcvif);
    const fit = packet.pktlen >= MLD_LEN && packet.pktlen <= 2048;
    const m = fit ? mbufs.pullup(packet, packet.pktlen) : packet;
    if (m === undefined) return;
    // RFC 3810 5.1.14, 6.2: from the link, with one hop and a router alert.
    const alert = this.#ip6.extensions.some(({ nextHeader, bytes }) => nextHeader === 0 && hasAlert(bytes));
    if (!fit || ifp === undefined || flow.ttl !== 1 || !isLinkLocal(flow.f0) || !alert) {
      icmp.stats.badmld++;
      mbufs.free(m);
      return;
    }
    // Reports of others of version 1 would suppress ours (RFC 2710 4); saying it twice does no harm.
    if (m.buf[m.off] === MLD_LISTENER_QUERY) {
      const query = parseMldQuery(m.buf, m.off, m.off + m.len);
      if (query === undefined) icmp.stats.badmld++;
      else this.#asked(ifp, query);
    }
    mbufs.free(m);
  }

  /** RFC 3810 6.2: the answer goes within the time that the router gives. */
  #asked(ifp: Ifnet, query: MldQuery): void {
    const link = this.#link(ifp);
    const { k, inet, groups } = this.#ip6;
    // RFC 3810 9.12: the older version is present for twice the interval of queries and one of responses.
    if (query.version === 1) link.v1Until = k.mono() + (ROBUSTNESS * 125_000 + query.maxDelayMs) * MS;
    const group = nexthopOf(AF_INET6, query.group);
    if ((group.w0 | group.w1 | group.w2 | group.w3) === 0) link.all = true;
    else {
      group.w0 = inZone(group.w0, ifp.index);
      const mine = groups.of(ifp).find((addr) => addr.equals(group.w0, group.w1, group.w2, group.w3));
      if (mine === undefined) return;
      const sources = query.sources.map((source) => keyOf(source));
      if (link.asked.has(mine)) link.asked.set(mine, joinAsked(link.asked.get(mine), sources));
      else link.asked.set(mine, sources.length === 0 ? undefined : new Set(sources));
    }
    const at = k.mono() + inet.rand.below(Math.max(1, query.maxDelayMs)) * MS;
    if (link.answer.at > at) link.answer.scheduleAt(at);
  }

  // -- what we send

  #version1(ifp: Ifnet, type: number, addr: Nexthop): void {
    const b = new Uint8Array(MLD_LEN);
    b.set(wireBytes(addr), 8);
    this.#send(ifp, type, b, type === MLD_LISTENER_DONE ? linkGroup(ALL_ROUTERS, ifp.index) : addr);
  }

  /** RFC 3810 5.2.15: in as many reports as it takes. */
  #version2(ifp: Ifnet, records: readonly MldRecord[]): void {
    let some: MldRecord[] = [];
    let len = 0;
    const send = (): void => this.#send(ifp, MLDV2_LISTENER_REPORT, mld2Report(some), linkGroup(ALL_MLD2_ROUTERS, ifp.index));
    for (const one of records.flatMap(parts)) {
      const size = RECORD_LEN + SOURCE_LEN * one.sources.length;
      if (len + size > REPORT_MAX) {
        send();
        some = [];
        len = 0;
      }
      some.push(one);
      len += size;
    }
    if (some.length > 0) send();
  }

  #send(ifp: Ifnet, type: number, b: Uint8Array, dst: Nexthop): void {
    const ip6 = this.#ip6;
    const m = ip6.mbufs.tryGet(b.length);
    if (m === undefined) return;
    m.buf.set(b, m.off);
    m.buf[m.off] = type;
    const src = ip6.linkLocal(ifp)?.addr;
    const out = this.#out;
    [out.l0, out.l1, out.l2, out.l3] = src === undefined ? [0, 0, 0, 0] : [src.w0, src.w1, src.w2, src.w3];
    [out.f0, out.f1, out.f2, out.f3] = [dst.w0, dst.w1, dst.w2, dst.w3];
    ip6.perPacket = this.#alert;
    ip6.perPacketOf = undefined;
    ip6.icmp.send(m, out, 0, 1, ifp.index);
  }

  #stopLink(link: Link): void {
    link.change.stop();
    link.answer.stop();
  }

  detach(ifp: Ifnet): void {
    const link = this.#links.get(ifp);
    if (link !== undefined) this.#stopLink(link);
    this.#links.delete(ifp);
  }

  stop(): void {
    for (const link of this.#links.values()) this.#stopLink(link);
    this.#links.clear();
  }
}

/** RFC 3810 6: all nodes, and groups of no more than an interface, are nobody's business. */
function reported(addr: Nexthop): boolean {
  const scope = (addr.w0 >>> 16) & 15;
  return scope >= SCOPE_LINK && !(scope === SCOPE_LINK && addr.w1 === 0 && addr.w2 === 0 && addr.w3 === ALL_NODES);
}

function record(addr: Nexthop, { type, sources }: SourceRecord<string>): MldRecord {
  return { type, group: wireBytes(addr), sources: sources.map(sourceBytes) };
}

function keyOf(source: Uint8Array): string {
  const { w0, w1, w2, w3 } = nexthopOf(AF_INET6, source);
  return sourceKey(w0, w1, w2, w3);
}

/** RFC 3810 5.2.15: a record with more sources than a packet holds is several, or, where that would mean something else, as many as fit. */
function parts(one: MldRecord): MldRecord[] {
  const { type, sources } = one;
  if (sources.length <= RECORD_SOURCES_MAX) return [one];
  if (type === MLD2_IS_EXCLUDE || type === MLD2_TO_EXCLUDE) return [{ ...one, sources: sources.slice(0, RECORD_SOURCES_MAX) }];
  const all: MldRecord[] = [];
  for (let i = 0; i < sources.length; i += RECORD_SOURCES_MAX) all.push({ ...one, sources: sources.slice(i, i + RECORD_SOURCES_MAX) });
  return all;
}

function hasAlert(options: Uint8Array): boolean {
  for (let at = 2; at + 1 < options.length; ) {
    if (options[at] === 5) return true;
    at += options[at] === 0 ? 1 : 2 + options[at + 1];
  }
  return false;
}
