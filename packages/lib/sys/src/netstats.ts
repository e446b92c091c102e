/**
 * Counters of protocols by sysctl(7), net.inet.tcp.stats and its kind: an array of 64-bit numbers, little-endian, with NetBSD's places. Behind NetBSD's come
 * the counters that it does not have.
 */
import { getU64le, putU64le } from '@anykernel/lib-bytes';

/** The place of each counter. Of a histogram it is the first of `span` places. */
export interface StatsLayout {
  readonly count: number;
  readonly at: Readonly<Record<string, number>>;
  readonly span?: Readonly<Record<string, number>>;
}

/** What a protocol counts, by name; histograms are lists. */
export type Counters = Readonly<Record<string, number | readonly number[]>>;

function places(first: number, names: string): Record<string, number> {
  return Object.fromEntries(names.split(' ').map((name, i) => [name, first + i]));
}

/** A layout of `count` places with `more` behind them. */
function layout(count: number, at: Readonly<Record<string, number>>, more = '', span?: Readonly<Record<string, number>>): StatsLayout {
  const extra = more === '' ? {} : places(count, more);
  return { count: count + Object.keys(extra).length, at: { ...at, ...extra }, ...(span === undefined ? {} : { span }) };
}

/** net.inet.ip.stats. */
export const IP_STATS: StatsLayout = layout(30, {
  ...places(0, 'total badsum tooshort toosmall badhlen badlen fragments fragdropped fragtimeout forward'),
  ...places(11, 'cantforward redirectsent noproto delivered localout odropped reassembled fragmented ofragments cantfrag badoptions noroute badvers rawout'),
  badaddr: 29,
});

/** net.inet.icmp.stats. */
export const ICMP_STATS: StatsLayout = layout(
  91,
  { error: 0, outhist: 3, tooshort: 45, badsum: 46, reflect: 48, inhist: 49 },
  'limited redirects',
  { outhist: 41, inhist: 41 },
);

/** net.inet.igmp.stats. */
export const IGMP_STATS: StatsLayout = layout(10, { queries: 4, reports: 6, sent: 9 }, 'bad');

/** net.inet.arp.stats. */
export const ARP_STATS: StatsLayout = layout(23, { sentReplies: 1, sentRequests: 2, rcvRequests: 4, rcvReplies: 5, bad: 8, conflicts: 14 });

/** net.inet.udp.stats. */
export const UDP_STATS: StatsLayout = layout(9, { ...places(0, 'ipackets hdrops badsum badlen noport noportbcast fullsock'), opackets: 8 });

/** net.inet.tcp.stats. */
export const TCP_STATS: StatsLayout = layout(
  76,
  {
    ...places(0, 'connattempt accepts connects drops conndrops closed segstimed'),
    ...places(8, 'delack timeoutdrop rexmttimeo persisttimeo keeptimeo keepprobe keepdrops persistdrops'),
    ...places(17, 'blackhole sndtotal sndpack sndbyte sndrexmitpack sndrexmitbyte sndacks sndprobe sndurg sndwinup sndctrl'),
    ...places(28, 'rcvtotal rcvpack rcvbyte rcvbadsum rcvbadoff rcvmemdrop rcvshort rcvduppack rcvdupbyte'),
    ...places(39, 'rcvoopack rcvoobyte rcvafterwin'),
    ...places(43, 'rcvafterclose rcvwinprobe rcvdupack rcvacktoomuch rcvackpack rcvackbyte rcvwinupd pawsdrop'),
    ...places(54, 'noport badsyn'),
    ...places(57, 'scAdded scCompleted scTimedout scOverflowed scReset scUnreach'),
    ...places(64, 'scAborted scDupesyn'),
    scRetransmitted: 68, ecnce: 74, ecnect: 75,
  },
  'sndrst rcvfast reassdrop challenge fastrexmit tlp tlprecovered racklost spuriousrto sackrcv sackbad dsackrcv ecnece mtuchange twreuse scCookieSent scCookieGood ' +
    'scCookieBad tfoSynData tfoCookieSent tfoBad mtuprobe mtuprobelost',
);

/** net.inet6.ip6.stats. */
export const IP6_STATS: StatsLayout = layout(
  402,
  {
    ...places(0, 'total tooshort toosmall fragments fragdropped fragtimeout'),
    ...places(7, 'forward cantforward redirectsent delivered localout odropped reassembled fragmented ofragments cantfrag badoptions noroute badvers'),
    badscope: 21, notmember: 22, toomanyhdr: 316,
  },
  'badaddr noproto fragoverlap atomicfrag',
);

/** net.inet6.icmp6.stats. */
export const ICMP6_STATS: StatsLayout = layout(
  541,
  { error: 0, limited: 2, outhist: 3, tooshort: 260, badsum: 261, reflect: 263, inhist: 264, badnd: 535 },
  'badmld redirects dadConflicts',
  { outhist: 256, inhist: 256 },
);

/** The array. A counter without a place is passed over. */
export function emitStats(to: StatsLayout, counters: Counters): Uint8Array {
  const b = new Uint8Array(8 * to.count);
  for (const [name, at] of Object.entries(to.at)) {
    const value = counters[name] ?? 0;
    if (typeof value === 'number') putU64le(b, 8 * at, value);
    else for (const [i, n] of value.slice(0, to.span?.[name] ?? 0).entries()) putU64le(b, 8 * (at + i), n);
  }
  return b;
}

/** The counters of an array, those of histograms as lists; one that is not in it is 0. */
export function parseStats(from: StatsLayout, b: Uint8Array): Record<string, number | number[]> {
  const read = (at: number): number => (8 * at + 8 <= b.length ? getU64le(b, 8 * at) : 0);
  return Object.fromEntries(
    Object.entries(from.at).map(([name, at]) => {
      const span = from.span?.[name];
      return [name, span === undefined ? read(at) : Array.from({ length: span }, (_, i) => read(at + i))];
    }),
  );
}
