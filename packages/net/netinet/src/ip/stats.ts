/** Counters of IPv4, as `netstat -s` shows them. */

export interface IpStats {
  total: number;
  tooshort: number;
  toosmall: number;
  badhlen: number;
  badlen: number;
  badsum: number;
  badvers: number;
  badaddr: number;
  badoptions: number;
  fragments: number;
  fragdropped: number;
  fragtimeout: number;
  reassembled: number;
  delivered: number;
  noproto: number;
  forward: number;
  cantforward: number;
  redirectsent: number;
  localout: number;
  odropped: number;
  noroute: number;
  fragmented: number;
  ofragments: number;
  cantfrag: number;
}

const NAMES: readonly (keyof IpStats)[] = [
  'total',
  'tooshort',
  'toosmall',
  'badhlen',
  'badlen',
  'badsum',
  'badvers',
  'badaddr',
  'badoptions',
  'fragments',
  'fragdropped',
  'fragtimeout',
  'reassembled',
  'delivered',
  'noproto',
  'forward',
  'cantforward',
  'redirectsent',
  'localout',
  'odropped',
  'noroute',
  'fragmented',
  'ofragments',
  'cantfrag',
];

export function ipStats(): IpStats {
  const stats: Partial<IpStats> = {};
  for (const name of NAMES) stats[name] = 0;
  return stats as IpStats;
}
