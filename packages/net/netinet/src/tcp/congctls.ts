/** The congestion controls that there are. */
import type { CongCtl } from './cong.js';
import { CUBIC } from './cubic.js';
import { NEWRENO } from './newreno.js';

/** net.inet.tcp.congctl.available. */
export const CONGCTLS: readonly CongCtl[] = [NEWRENO, CUBIC];

/** The algorithm of this name, or undefined. NetBSD's "reno" is RFC 5681 with RFC 6582, too. */
export function congctlOf(name: string): CongCtl | undefined {
  const wanted = name === 'reno' ? 'newreno' : name;
  return CONGCTLS.find((cc) => cc.name === wanted);
}
