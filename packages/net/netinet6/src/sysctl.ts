/** The sysctl nodes of IPv6: net.inet6.ip6 and net.inet6.icmp6, with NetBSD's names where it has them. */
import {
  AF_INET6, ERR, ICMP6_STATS, IP6_STATS, IPPROTO_TCP, IPPROTO_UDP, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM, type SysctlValue, TCP_STATS, UDP_STATS,
} from '@anykernel/lib-sys';
import { pcblistLeaf, statsLeaf } from '@anykernel/netinet';
import type { Kernel, SysctlLeaf } from '@anykernel/rumpkern';
import { pcblist } from '@anykernel/rumpnet';
import type { Ip6 } from './ip6.js';

function int(get: () => number, set: (value: number) => void, min = 0, max = 0x7fff_ffff): SysctlLeaf {
  return {
    type: 'int',
    get,
    set(value: SysctlValue) {
      const n = value as number;
      if (n < min || n > max) throw ERR.EINVAL;
      set(n);
    },
  };
}

function flag(get: () => boolean, set: (on: boolean) => void): SysctlLeaf {
  return int(() => (get() ? 1 : 0), (n) => set(n === 1), 0, 1);
}

/** Attaches all nodes; the results take them out. */
export function inet6Sysctl(k: Kernel, ip6: Ip6): (() => void)[] {
  const nodes: Readonly<Record<string, SysctlLeaf>> = { ...ip6Nodes(ip6), ...addressNodes(ip6), ...icmp6Nodes(ip6), ...socketNodes(ip6) };
  return Object.entries(nodes).map(([name, leaf]) => k.sysctl.attach(name, leaf));
}

function ip6Nodes(ip6: Ip6): Record<string, SysctlLeaf> {
  const { conf, inet } = ip6;
  const at = 'net.inet6.ip6';
  const queue = inet.net.queueOf(ip6.af)?.queue;
  return {
    [`${at}.forwarding`]: flag(() => conf.forwarding, (on) => setForwarding(ip6, on)),
    [`${at}.redirect`]: flag(() => conf.redirect, (on) => (conf.redirect = on)),
    [`${at}.hlim`]: int(() => conf.hlim, (n) => (conf.hlim = n), 1, 255),
    [`${at}.maxfragpackets`]: int(() => conf.maxfragpackets, (n) => (conf.maxfragpackets = n), 0, 65_535),
    [`${at}.accept_rtadv`]: flag(() => conf.acceptRtadv, (on) => (conf.acceptRtadv = on)),
    [`${at}.dad_count`]: int(() => conf.dadCount, (n) => (conf.dadCount = n), 0, 100),
    [`${at}.auto_linklocal`]: flag(() => conf.autoLinklocal, (on) => (conf.autoLinklocal = on)),
    [`${at}.auto_flowlabel`]: flag(() => conf.autoFlowlabel, (on) => (conf.autoFlowlabel = on)),
    [`${at}.v6only`]: flag(() => inet.conf.v6only, (on) => (inet.conf.v6only = on)),
    [`${at}.maxdynroutes`]: int(() => conf.maxRouters, (n) => (conf.maxRouters = n), 0, 1024),
    [`${at}.maxifprefixes`]: int(() => conf.maxPrefixes, (n) => (conf.maxPrefixes = n), 0, 1024),
    [`${at}.default_zone`]: int(() => conf.defaultZone, (n) => (conf.defaultZone = n), 0, 65_535),
    [`${at}.rtadv`]: { type: 'string', get: () => ip6.nd.radv.interfaces.map((ifp) => ifp.name).join(' '), set: (value) => setRtadv(ip6, value as string) },
    [`${at}.ifq.len`]: { type: 'int', get: () => queue?.len ?? 0 },
    [`${at}.ifq.maxlen`]: int(() => queue?.maxlen ?? 0, (n) => queue !== undefined && (queue.maxlen = n), 1),
    [`${at}.ifq.drops`]: { type: 'int', get: () => queue?.drops ?? 0 },
  };
}

/** Sockets of IPv6; TCP and UDP count both families together, and so one array has two names. */
function socketNodes(ip6: Ip6): Record<string, SysctlLeaf> {
  const { inet } = ip6;
  return {
    'net.inet6.tcp6.pcblist': pcblistLeaf(inet, inet.tcp.table, AF_INET6, SOCK_STREAM, IPPROTO_TCP),
    'net.inet6.tcp6.stats': statsLeaf(TCP_STATS, inet.tcp.stats),
    'net.inet6.udp6.pcblist': pcblistLeaf(inet, inet.udp.table, AF_INET6, SOCK_DGRAM, IPPROTO_UDP),
    'net.inet6.udp6.stats': statsLeaf(UDP_STATS, inet.udp.stats),
    'net.inet6.raw6.pcblist': { type: 'struct', rest: true, get: () => pcblist(inet.rumpnet, AF_INET6, SOCK_RAW) },
    'net.inet6.ip6.stats': statsLeaf(IP6_STATS, ip6.stats),
    'net.inet6.icmp6.stats': statsLeaf(ICMP6_STATS, ip6.icmp.stats),
  };
}

function addressNodes(ip6: Ip6): Record<string, SysctlLeaf> {
  const { conf } = ip6;
  const at = 'net.inet6.ip6';
  return {
    [`${at}.use_tempaddr`]: flag(() => conf.useTempaddr, (on) => (conf.useTempaddr = on)),
    [`${at}.temppltime`]: int(() => conf.tempPltime, (n) => (conf.tempPltime = n), 10),
    [`${at}.tempvltime`]: int(() => conf.tempVltime, (n) => (conf.tempVltime = n), 10),
    [`${at}.prefer_tempaddr`]: flag(() => conf.preferTempaddr, (on) => (conf.preferTempaddr = on)),
    [`${at}.addrctlpolicy`]: { type: 'string', get: () => ip6.policies.text, set: (value) => (ip6.policies.text = value as string) },
    [`${at}.use_stableaddr`]: flag(() => conf.useStable, (on) => (conf.useStable = on)),
  };
}

function icmp6Nodes(ip6: Ip6): Record<string, SysctlLeaf> {
  const { conf } = ip6.icmp;
  const nd = ip6.nd.neighbours.conf;
  const at = 'net.inet6.icmp6';
  return {
    [`${at}.errppslimit`]: int(() => conf.errppslimit, (n) => (conf.errppslimit = n)),
    [`${at}.rediraccept`]: flag(() => conf.rediraccept, (on) => (conf.rediraccept = on)),
    [`${at}.redirtimeout`]: int(() => conf.redirtimeoutMs / 1000, (n) => (conf.redirtimeoutMs = n * 1000), 0, 86_400),
    [`${at}.nd6_delay`]: int(() => nd.delayMs / 1000, (n) => (nd.delayMs = n * 1000), 0, 3600),
    [`${at}.nd6_umaxtries`]: int(() => nd.maxUnicast, (n) => (nd.maxUnicast = n), 1, 100),
    [`${at}.nd6_mmaxtries`]: int(() => nd.maxMulticast, (n) => (nd.maxMulticast = n), 1, 100),
  };
}

/** A router does not listen to others (RFC 4861 6.2.2): what it has learnt of them goes. */
function setForwarding(ip6: Ip6, on: boolean): void {
  if (ip6.conf.forwarding === on) return;
  ip6.conf.forwarding = on;
  for (const ifp of ip6.inet.net.ifs) {
    if (on) ip6.nd.routers.down(ifp);
    else ip6.nd.routers.solicit(ifp);
  }
}

/** Names of the interfaces that advertise this router, with blanks between. ENXIO: there is no such interface. */
function setRtadv(ip6: Ip6, names: string): void {
  const { net } = ip6.inet;
  const wanted = names.split(/\s+/).filter((name) => name !== '').map((name) => {
    const ifp = net.ifByName(name);
    if (ifp === undefined) throw ERR.ENXIO;
    return ifp;
  });
  const have = ip6.nd.radv.interfaces;
  for (const ifp of have) if (!wanted.includes(ifp)) ip6.nd.radv.stop(ifp);
  for (const ifp of wanted) if (!have.includes(ifp)) ip6.nd.radv.start(ifp);
}
