import { expect, test } from '@jest/globals';
import { ARP_STATS, ICMP6_STATS, ICMP_STATS, IGMP_STATS, IP6_STATS, IP_STATS, TCP_STATS, UDP_STATS, emitStats, parseStats } from '../src/index.js';

const ALL = { ARP_STATS, ICMP6_STATS, ICMP_STATS, IGMP_STATS, IP6_STATS, IP_STATS, TCP_STATS, UDP_STATS };

test.each(Object.entries(ALL))('%s: no two counters have one place, and each comes back', (_name, layout) => {
  const taken = Object.entries(layout.at).flatMap(([name, at]) => Array.from({ length: layout.span?.[name] ?? 1 }, (_, i) => at + i));
  expect(new Set(taken).size).toBe(taken.length);
  expect(Math.max(...taken)).toBeLessThan(layout.count);
  const counters = Object.fromEntries(
    Object.entries(layout.at).map(([name, at]) => [name, layout.span?.[name] === undefined ? at + 5e9 : Array.from({ length: layout.span[name] }, (_, i) => at + i)]),
  );
  expect(parseStats(layout, emitStats(layout, counters))).toEqual(counters);
});

test('the places are those of NetBSD 7', () => {
  const place = (layout: typeof TCP_STATS, ...names: string[]): (number | undefined)[] => names.map((name) => layout.at[name]);
  expect(place(IP_STATS, 'total', 'forward', 'delivered', 'badaddr')).toEqual([0, 9, 14, 29]);
  expect(place(TCP_STATS, 'accepts', 'blackhole', 'sndctrl', 'rcvtotal', 'rcvdupbyte', 'rcvoopack', 'pawsdrop', 'badsyn', 'scUnreach', 'ecnect')).toEqual([
    1, 17, 27, 28, 36, 39, 50, 55, 62, 75,
  ]);
  expect(place(UDP_STATS, 'fullsock', 'opackets')).toEqual([6, 8]);
  expect(place(IP6_STATS, 'forward', 'badvers')).toEqual([7, 19]);
});

test('of an array that is shorter, what is not there is 0', () => {
  const full = emitStats(UDP_STATS, { ipackets: 3, opackets: 4 });
  expect(parseStats(UDP_STATS, full.subarray(0, 20))).toMatchObject({ ipackets: 3, opackets: 0 });
});
