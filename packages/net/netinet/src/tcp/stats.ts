/** Counters of TCP, as `netstat -s` shows them. */

export interface TcpStats {
  connattempt: number;
  accepts: number;
  connects: number;
  drops: number;
  conndrops: number;
  closed: number;
  sndtotal: number;
  sndpack: number;
  sndbyte: number;
  sndrexmitpack: number;
  sndrexmitbyte: number;
  sndacks: number;
  sndprobe: number;
  sndurg: number;
  sndwinup: number;
  sndctrl: number;
  sndrst: number;
  rcvtotal: number;
  rcvpack: number;
  rcvbyte: number;
  rcvfast: number;
  rcvbadsum: number;
  rcvbadoff: number;
  rcvshort: number;
  rcvduppack: number;
  rcvdupbyte: number;
  rcvoopack: number;
  rcvoobyte: number;
  rcvafterwin: number;
  rcvafterclose: number;
  rcvwinprobe: number;
  rcvdupack: number;
  rcvacktoomuch: number;
  rcvackpack: number;
  rcvackbyte: number;
  rcvwinupd: number;
  pawsdrop: number;
  rcvmemdrop: number;
  reassdrop: number;
  noport: number;
  badsyn: number;
  challenge: number;
  segstimed: number;
  rexmttimeo: number;
  timeoutdrop: number;
  persisttimeo: number;
  persistdrops: number;
  keeptimeo: number;
  keepprobe: number;
  keepdrops: number;
  delack: number;
  fastrexmit: number;
  tlp: number;
  tlprecovered: number;
  racklost: number;
  spuriousrto: number;
  sackrcv: number;
  sackbad: number;
  dsackrcv: number;
  ecnect: number;
  ecnce: number;
  ecnece: number;
  blackhole: number;
  mtuprobe: number;
  mtuprobelost: number;
  mtuchange: number;
  twreuse: number;
  scAdded: number;
  scCompleted: number;
  scTimedout: number;
  scOverflowed: number;
  scReset: number;
  scUnreach: number;
  scAborted: number;
  scDupesyn: number;
  scRetransmitted: number;
  scCookieSent: number;
  scCookieGood: number;
  scCookieBad: number;
  tfoSynData: number;
  tfoCookieSent: number;
  tfoBad: number;
}

const NAMES: readonly (keyof TcpStats)[] = [
  'connattempt',
  'accepts',
  'connects',
  'drops',
  'conndrops',
  'closed',
  'sndtotal',
  'sndpack',
  'sndbyte',
  'sndrexmitpack',
  'sndrexmitbyte',
  'sndacks',
  'sndprobe',
  'sndurg',
  'sndwinup',
  'sndctrl',
  'sndrst',
  'rcvtotal',
  'rcvpack',
  'rcvbyte',
  'rcvfast',
  'rcvbadsum',
  'rcvbadoff',
  'rcvshort',
  'rcvduppack',
  'rcvdupbyte',
  'rcvoopack',
  'rcvoobyte',
  'rcvafterwin',
  'rcvafterclose',
  'rcvwinprobe',
  'rcvdupack',
  'rcvacktoomuch',
  'rcvackpack',
  'rcvackbyte',
  'rcvwinupd',
  'pawsdrop',
  'rcvmemdrop',
  'reassdrop',
  'noport',
  'badsyn',
  'challenge',
  'segstimed',
  'rexmttimeo',
  'timeoutdrop',
  'persisttimeo',
  'persistdrops',
  'keeptimeo',
  'keepprobe',
  'keepdrops',
  'delack',
  'fastrexmit',
  'tlp',
  'tlprecovered',
  'racklost',
  'spuriousrto',
  'sackrcv',
  'sackbad',
  'dsackrcv',
  'ecnect',
  'ecnce',
  'ecnece',
  'blackhole',
  'mtuprobe',
  'mtuprobelost',
  'mtuchange',
  'twreuse',
  'scAdded',
  'scCompleted',
  'scTimedout',
  'scOverflowed',
  'scReset',
  'scUnreach',
  'scAborted',
  'scDupesyn',
  'scRetransmitted',
  'scCookieSent',
  'scCookieGood',
  'scCookieBad',
  'tfoSynData',
  'tfoCookieSent',
  'tfoBad',
];

export function tcpStats(): TcpStats {
  const stats: Partial<TcpStats> = {};
  for (const name of NAMES) stats[name] = 0;
  return stats as TcpStats;
}
