/** The sysctl nodes of ARP: net.inet.arp, and net.inet.ip.dad_count. */
import { ARP_STATS, ERR, type SysctlValue } from '@anykernel/lib-sys';
import type { Kernel, SysctlLeaf } from '@anykernel/rumpkern';
import { statsLeaf } from '../pcblist.js';
import type { Arp } from './arp.js';

/** A count, or a time in seconds. */
function leaf(get: () => number, set: (value: number) => void, min: number): SysctlLeaf {
  return {
    type: 'int',
    get,
    set(value: SysctlValue) {
      if ((value as number) < min) throw ERR.EINVAL;
      set(value as number);
    },
  };
}

/** Attaches them; the results take them out. */
export function arpSysctl(k: Kernel, arp: Arp): (() => void)[] {
  const { conf } = arp.neighbours;
  return [
    k.sysctl.attach('net.inet.arp.keep', leaf(() => conf.reachableMs / 1000, (s) => (conf.reachableMs = conf.gcMs = s * 1000), 1)),
    k.sysctl.attach('net.inet.arp.down', leaf(() => conf.downMs / 1000, (s) => (conf.downMs = s * 1000), 0)),
    k.sysctl.attach('net.inet.arp.delay', leaf(() => conf.delayMs / 1000, (s) => (conf.delayMs = s * 1000), 0)),
    k.sysctl.attach('net.inet.arp.maxtries', leaf(() => conf.maxMulticast, (n) => (conf.maxMulticast = n), 1)),
    k.sysctl.attach('net.inet.arp.stats', statsLeaf(ARP_STATS, arp.stats)),
    k.sysctl.attach('net.inet.ip.dad_count', leaf(() => arp.dad.count, (n) => (arp.dad.count = n), 0)),
  ];
}
