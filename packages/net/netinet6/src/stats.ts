/** Counters of IPv6 and ICMPv6, as `netstat -s` shows them. */

const IP6 = [
  'total', 'tooshort', 'toosmall', 'badvers', 'badaddr', 'badoptions', 'toomanyhdr', 'fragments', 'fragdropped', 'fragoverlap', 'fragtimeout', 'atomicfrag',
  'reassembled', 'delivered', 'noproto', 'forward', 'cantforward', 'redirectsent', 'localout', 'odropped', 'noroute', 'fragmented', 'ofragments', 'cantfrag',
  'badscope', 'notmember',
] as const;

export type Ip6Stats = Record<(typeof IP6)[number], number>;

export function ip6Stats(): Ip6Stats {
  return Object.fromEntries(IP6.map((name) => [name, 0])) as Ip6Stats;
}

export interface Icmp6Stats {
  error: number;
  tooshort: number;
  badsum: number;
  reflect: number;
  limited: number;
  /** Neighbour discovery that RFC 4861 says to drop: hop limit, code, length, options. */
  badnd: number;
  badmld: number;
  redirects: number;
  /** Somebody has an address of ours. */
  dadConflicts: number;
  inhist: number[];
  outhist: number[];
}

export function icmp6Stats(): Icmp6Stats {
  return {
    error: 0, tooshort: 0, badsum: 0, reflect: 0, limited: 0, badnd: 0, badmld: 0, redirects: 0, dadConflicts: 0,
    inhist: new Array<number>(256).fill(0), outhist: new Array<number>(256).fill(0),
  };
}
