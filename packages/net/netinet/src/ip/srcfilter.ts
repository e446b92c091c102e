/**
 * Sources of a multicast group: which of them a socket hears, what an interface listens to for all its sockets, and what routers are told of it
 * (RFC 3376 3.2 and 5, RFC 3810 4.2 and 6; the two are the same but for their addresses).
 */
import { ERR, type GroupFilter, groupFilter, MCAST_EXCLUDE, MCAST_INCLUDE } from '@anykernel/lib-sys';

/** Types of records in reports. */
const MODE_IS_INCLUDE = 1;
const MODE_IS_EXCLUDE = 2;
const TO_INCLUDE = 3;
const TO_EXCLUDE = 4;
const ALLOW_NEW = 5;
const BLOCK_OLD = 6;

/** RFC 3376 8.1: how often a change is told. */
const ROBUSTNESS = 2;
/** Sources that one socket may name for a group. */
const SOURCES_MAX = 64;

/** All sources but some, or some only. `K` is an address that can be compared. */
export interface SourceFilter<K> {
  exclude: boolean;
  readonly sources: Set<K>;
}

export interface SourceRecord<K> {
  readonly type: number;
  readonly sources: readonly K[];
}

export function anySource<K>(): SourceFilter<K> {
  return { exclude: true, sources: new Set() };
}

export function noSource<K>(): SourceFilter<K> {
  return { exclude: false, sources: new Set() };
}

/** Whether packets of a source are heard. */
export function hears<K>(filter: SourceFilter<K>, source: K): boolean {
  return filter.sources.has(source) !== filter.exclude;
}

export function hearsNothing<K>(filter: SourceFilter<K>): boolean {
  return !filter.exclude && filter.sources.size === 0;
}

/** RFC 3376 3.2: what an interface listens to, so that each of the sockets hears what it wants. */
export function merged<K>(filters: Iterable<SourceFilter<K>>): SourceFilter<K> {
  const all = [...filters];
  const excluding = all.filter(({ exclude }) => exclude);
  const included = all.filter(({ exclude }) => !exclude).flatMap(({ sources }) => [...sources]);
  if (excluding.length === 0) return { exclude: false, sources: new Set(included) };
  const refused = [...excluding[0]!.sources].filter((source) => excluding.every(({ sources }) => sources.has(source)));
  const wanted = new Set(included);
  return { exclude: true, sources: new Set(refused.filter((source) => !wanted.has(source))) };
}

/** What a program does with one source of a group (RFC 3678 4.1). */
export type SourceChange = 'join' | 'leave' | 'block' | 'unblock';

/** EINVAL: the membership is not of that kind. EADDRNOTAVAIL: the source is named already, or is not. ENOBUFS: too many. */
export function changeSource<K>(filter: SourceFilter<K>, change: SourceChange, source: K): void {
  const blocking = change === 'block' || change === 'unblock';
  if (filter.exclude !== blocking) throw ERR.EINVAL;
  const add = change === 'join' || change === 'block';
  if (filter.sources.has(source) === add) throw ERR.EADDRNOTAVAIL;
  if (add && filter.sources.size >= SOURCES_MAX) throw ERR.ENOBUFS;
  if (add) filter.sources.add(source);
  else filter.sources.delete(source);
}

/** RFC 3678 4.2: all sources at once, by an argument of IP_MSFILTER; `source` reads one. EINVAL: it is not one. ENOBUFS: too many. */
export function filterOfProgram<K>(all: GroupFilter, source: (sockaddr: Uint8Array) => K): SourceFilter<K> {
  if ((all.mode !== MCAST_INCLUDE && all.mode !== MCAST_EXCLUDE) || all.count !== all.sources.length) throw ERR.EINVAL;
  if (all.count > SOURCES_MAX) throw ERR.ENOBUFS;
  return { exclude: all.mode === MCAST_EXCLUDE, sources: new Set(all.sources.map(source)) };
}

export function replaceSources<K>(filter: SourceFilter<K>, by: SourceFilter<K>): void {
  filter.exclude = by.exclude;
  filter.sources.clear();
  for (const source of by.sources) filter.sources.add(source);
}

/** The answer about a group, for who asked by `asked` and has room for `room` bytes. */
export function filterForProgram<K>(filter: SourceFilter<K>, asked: GroupFilter, room: number, sockaddr: (source: K) => Uint8Array): Uint8Array {
  const all = groupFilter(asked.ifindex, asked.group, filter.exclude ? MCAST_EXCLUDE : MCAST_INCLUDE, [...filter.sources].map(sockaddr));
  return all.length <= room ? all : all.subarray(0, room);
}

/** A change of what an interface listens to, as long as it has to be told (RFC 3376 5.1). */
export class FilterChange<K> {
  #modeLeft = 0;
  readonly #left = new Map<K, number>();

  /** `before` is what it was, `after` what it is. Further changes join those that are not told yet. False: they are the same. */
  note(before: SourceFilter<K>, after: SourceFilter<K>): boolean {
    if (before.exclude !== after.exclude) this.#modeLeft = ROBUSTNESS;
    let differs = before.exclude !== after.exclude;
    for (const source of [...before.sources, ...after.sources]) {
      if (hears(before, source) === hears(after, source)) continue;
      this.#left.set(source, ROBUSTNESS);
      differs = true;
    }
    return differs;
  }

  get due(): boolean {
    return this.#modeLeft > 0 || this.#left.size > 0;
  }

  /** What is told now, of what the interface listens to at present; it counts as told once. */
  records(now: SourceFilter<K>): SourceRecord<K>[] {
    const sources = [...this.#left.keys()];
    for (const [source, left] of this.#left) {
      if (left > 1) this.#left.set(source, left - 1);
      else this.#left.delete(source);
    }
    if (this.#modeLeft > 0) {
      this.#modeLeft--;
      return [{ type: now.exclude ? TO_EXCLUDE : TO_INCLUDE, sources: [...now.sources] }];
    }
    const records: SourceRecord<K>[] = [
      { type: ALLOW_NEW, sources: sources.filter((source) => hears(now, source)) },
      { type: BLOCK_OLD, sources: sources.filter((source) => !hears(now, source)) },
    ];
    return records.filter((record) => record.sources.length > 0);
  }
}

/** RFC 3376 5.2: the answer to a query about a group, or about some of its sources; undefined: there is nothing to say. */
export function answerTo<K>(now: SourceFilter<K>, asked: Iterable<K> | undefined): SourceRecord<K> | undefined {
  if (hearsNothing(now)) return undefined;
  if (asked === undefined) return { type: now.exclude ? MODE_IS_EXCLUDE : MODE_IS_INCLUDE, sources: [...now.sources] };
  const sources = [...asked].filter((source) => hears(now, source));
  return sources.length === 0 ? undefined : { type: MODE_IS_INCLUDE, sources };
}

/** Sources of a query that are remembered until it is answered; beyond that many all are meant. */
const ASKED_MAX = 512;

/** Two questions about one group become one (RFC 3376 5.2, rules 4 and 5). `undefined` sources mean all. */
export function joinAsked<K>(before: Set<K> | undefined, more: readonly K[]): Set<K> | undefined {
  if (before === undefined || more.length === 0) return undefined;
  for (const source of more) before.add(source);
  return before.size > ASKED_MAX ? undefined : before;
}
