/** The sysctl nodes of the Internet protocols: net.inet.ip, icmp, tcp, udp, with NetBSD's names (sysctl(7)). */
import {
  AF_INET, ERR, ICMP_STATS, IGMP_STATS, IPPROTO_TCP, IPPROTO_UDP, IP_STATS, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM, type SysctlValue, TCP_STATS, UDP_STATS,
} from '@anykernel/lib-sys';
import type { Kernel, SysctlLeaf } from '@anykernel/rumpkern';
import { pcblist } from '@anykernel/rumpnet';
import type { Inet } from './inet.js';
import { pcblistLeaf, statsLeaf } from './pcblist.js';
import { PORT_ALGOS, type PortAlgo } from './portalgo.js';
import { CONGCTLS, congctlOf } from './tcp/congctls.js';

/** Names of an object's properties of one type. */
type Keys<T, V> = { [K in keyof T]: T[K] extends V ? K : never }[keyof T];

/** A whole number in `o[key]`; `unit`: of which the value is a multiple. */
function int<T extends object>(o: T, key: Keys<T, number>, min = 0, max = 0x7fff_ffff, unit = 1): SysctlLeaf {
  const all = o as Record<PropertyKey, unknown>;
  return {
    type: 'int',
    get: () => Math.floor((all[key] as number) / unit),
    set(value: SysctlValue) {
      const n = value as number;
      if (n < min || n > max) throw ERR.EINVAL;
      all[key] = n * unit;
    },
  };
}

function flag<T extends object>(o: T, key: Keys<T, boolean>): SysctlLeaf {
  const all = o as Record<PropertyKey, unknown>;
  return {
    type: 'int',
    get: () => (all[key] === true ? 1 : 0),
    set(value: SysctlValue) {
      if (value !== 0 && value !== 1) throw ERR.EINVAL;
      all[key] = value === 1;
    },
  };
}

function constant(value: string): SysctlLeaf {
  return { type: 'string', get: () => value };
}

/** Half a second, in which NetBSD counts the keepalive times of TCP. */
const SLOW_MS = 500;

/** Attaches all nodes; the results take them out. */
export function inetSysctl(k: Kernel, inet: Inet): (() => void)[] {
  const nodes: Readonly<Record<string, SysctlLeaf>> = { ...ipNodes(inet), ...icmpNodes(inet), ...tcpNodes(inet), ...udpNodes(inet) };
  return Object.entries(nodes).map(([name, leaf]) => k.sysctl.attach(name, leaf));
}

function ipNodes(inet: Inet): Record<string, SysctlLeaf> {
  const { conf } = inet;
  const ip = 'net.inet.ip';
  const queue = inet.net.queueOf(inet.ip.af)?.queue;
  return {
    [`${ip}.forwarding`]: flag(conf, 'forwarding'),
    [`${ip}.redirect`]: flag(conf, 'redirect'),
    [`${ip}.ttl`]: int(conf, 'ttl', 1, 255),
    [`${ip}.mtudisc`]: flag(conf, 'mtudisc'),
    [`${ip}.mtudisctimeout`]: int(conf, 'mtudiscTimeoutMs', 1, 86_400, 1000),
    [`${ip}.anonportmin`]: int(conf, 'anonportmin', 1024, 65_535),
    [`${ip}.anonportmax`]: int(conf, 'anonportmax', 1024, 65_535),
    [`${ip}.lowportmin`]: int(conf, 'lowportmin', 1, 1023),
    [`${ip}.lowportmax`]: int(conf, 'lowportmax', 1, 1023),
    [`${ip}.maxfragpackets`]: int(conf, 'maxfragpackets', 0, 65_535),
    [`${ip}.checkinterface`]: flag(conf, 'checkinterface'),
    [`${ip}.allowsrcrt`]: flag(conf, 'allowsrcrt'),
    [`${ip}.forwsrcrt`]: flag(conf, 'forwsrcrt'),
    [`${ip}.directed-broadcast`]: flag(conf, 'directedBroadcast'),
    [`${ip}.random_id`]: flag(conf, 'randomId'),
    [`${ip}.anonportalgo.available`]: constant(PORT_ALGOS.join(' ')),
    [`${ip}.anonportalgo.selected`]: {
      type: 'string',
      get: () => conf.portAlgo,
      set(value) {
        if (!PORT_ALGOS.includes(value as PortAlgo)) throw ERR.EINVAL;
        conf.portAlgo = value as PortAlgo;
      },
    },
    [`${ip}.ifq.len`]: { type: 'int', get: () => queue?.len ?? 0 },
    [`${ip}.ifq.maxlen`]: {
      type: 'int',
      get: () => queue?.maxlen ?? 0,
      set(value) {
        if ((value as number) < 1) throw ERR.EINVAL;
        if (queue !== undefined) queue.maxlen = value as number;
      },
    },
    [`${ip}.ifq.drops`]: { type: 'int', get: () => queue?.drops ?? 0 },
    [`${ip}.stats`]: statsLeaf(IP_STATS, inet.ip.stats),
    'net.inet.igmp.stats': statsLeaf(IGMP_STATS, inet.igmp.stats),
    'net.inet.raw.pcblist': { type: 'struct', rest: true, get: () => pcblist(inet.rumpnet, AF_INET, SOCK_RAW) },
  };
}

function icmpNodes(inet: Inet): Record<string, SysctlLeaf> {
  const { conf } = inet.ip.icmp;
  const icmp = 'net.inet.icmp';
  return {
    [`${icmp}.returndatabytes`]: int(conf, 'returndatabytes', 8, 512),
    [`${icmp}.errppslimit`]: int(conf, 'errppslimit'),
    [`${icmp}.bmcastecho`]: flag(conf, 'bmcastecho'),
    [`${icmp}.rediraccept`]: flag(conf, 'rediraccept'),
    [`${icmp}.redirtimeout`]: int(conf, 'redirtimeoutMs', 0, 86_400, 1000),
    [`${icmp}.stats`]: statsLeaf(ICMP_STATS, inet.ip.icmp.stats),
  };
}

function udpNodes(inet: Inet): Record<string, SysctlLeaf> {
  const { conf } = inet.udp;
  const max = inet.rumpnet.sbmax;
  return {
    'net.inet.udp.checksum': flag(conf, 'checksum'),
    'net.inet.udp.sendspace': int(conf, 'sendspace', 1, max),
    'net.inet.udp.recvspace': int(conf, 'recvspace', 1, max),
    'net.inet.udp.stats': statsLeaf(UDP_STATS, inet.udp.stats),
    'net.inet.udp.pcblist': pcblistLeaf(inet, inet.udp.table, inet.ip.af, SOCK_DGRAM, IPPROTO_UDP),
  };
}

function tcpNodes(inet: Inet): Record<string, SysctlLeaf> {
  const { conf, syncache } = inet.tcp;
  const max = inet.rumpnet.sbmax;
  const tcp = 'net.inet.tcp';
  return {
    [`${tcp}.pcblist`]: pcblistLeaf(inet, inet.tcp.table, inet.ip.af, SOCK_STREAM, IPPROTO_TCP),
    [`${tcp}.stats`]: statsLeaf(TCP_STATS, inet.tcp.stats),
    [`${tcp}.rfc1323`]: flag(conf, 'rfc1323'),
    [`${tcp}.win_scale`]: flag(conf, 'windowScale'),
    [`${tcp}.timestamps`]: flag(conf, 'timestamps'),
    [`${tcp}.sendspace`]: int(conf, 'sendspace', 1, max),
    [`${tcp}.recvspace`]: int(conf, 'recvspace', 1, max),
    [`${tcp}.sendbuf_auto`]: flag(conf, 'sendbufAuto'),
    [`${tcp}.recvbuf_auto`]: flag(conf, 'recvbufAuto'),
    [`${tcp}.sendbuf_max`]: int(conf, 'sendbufMax', 1, max),
    [`${tcp}.recvbuf_max`]: int(conf, 'recvbufMax', 1, max),
    [`${tcp}.mssdflt`]: int(conf, 'mssdflt', 32, 65_535),
    [`${tcp}.minmss`]: int(conf, 'minmss', 32, 65_535),
    [`${tcp}.sack.enable`]: flag(conf, 'sack'),
    [`${tcp}.rack.enable`]: flag(conf, 'rack'),
    [`${tcp}.prr.enable`]: flag(conf, 'prr'),
    [`${tcp}.hystart.enable`]: flag(conf, 'hystart'),
    [`${tcp}.ecn.enable`]: flag(conf, 'ecn'),
    [`${tcp}.congctl.available`]: constant(`reno ${CONGCTLS.map((cc) => cc.name).join(' ')}`),
    [`${tcp}.congctl.selected`]: {
      type: 'string',
      get: () => conf.congctl.name,
      set(value) {
        const cc = congctlOf(value as string);
        if (cc === undefined) throw ERR.EINVAL;
        conf.congctl = cc;
      },
    },
    [`${tcp}.keepidle`]: int(conf, 'keepidleMs', 1, 1_000_000, SLOW_MS),
    [`${tcp}.keepintvl`]: int(conf, 'keepintvlMs', 1, 1_000_000, SLOW_MS),
    [`${tcp}.keepinit`]: int(conf, 'keepinitMs', 1, 1_000_000, SLOW_MS),
    [`${tcp}.keepcnt`]: int(conf, 'keepcnt', 1, 127),
    [`${tcp}.msl`]: int(conf, 'mslMs', 1, 600, 1000),
    [`${tcp}.msl_loopback_ms`]: int(conf, 'mslLoopbackMs', 1, 60_000),
    [`${tcp}.time_wait_max`]: int(conf, 'timeWaitMax'),
    [`${tcp}.rttmin_ms`]: int(conf, 'rtoMinMs', 1, 60_000),
    [`${tcp}.delack_ms`]: int(conf, 'delackMs', 1, 500),
    [`${tcp}.syn_cookies`]: int(conf, 'syncookies', 0, 2),
    [`${tcp}.syn_cache_limit`]: int(conf, 'syncacheLimit', 0, 1_000_000),
    [`${tcp}.syn_cache_count`]: { type: 'int', get: () => syncache.count },
    [`${tcp}.fastopen`]: int(conf, 'fastopen', 0, 3),
    [`${tcp}.rstppslimit`]: int(conf, 'rstLimit'),
    [`${tcp}.ackdropppslimit`]: int(conf, 'challengeLimit'),
  };
}
