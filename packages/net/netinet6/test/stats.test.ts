/** net.inet6.*.stats and net.inet6.*.pcblist. */
import { hostSim } from '@anykernel/host-sim';
import { AF_INET6, ICMP6_STATS, IP6_STATS, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM, parseKinfoPcbs, parseSockaddrIn6, parseStats, sockaddrIn6 } from '@anykernel/lib-sys';
import { boot } from '@anykernel/rumpkern';
import { netinet6 } from '../src/index.js';

const LO = Uint8Array.from({ length: 16 }, (_, i) => (i === 15 ? 1 : 0));

test('what is counted has a place in the arrays, and is read there', () => {
  const k = boot(hostSim({ seed: 1 }), [netinet6]);
  const { ip6 } = k.modules.use(netinet6);
  const pairs = [[IP6_STATS, ip6.stats], [ICMP6_STATS, ip6.icmp.stats]] as const;
  expect(pairs.flatMap(([layout, counters]) => Object.keys(counters).filter((name) => layout.at[name] === undefined))).toEqual([]);
  const p = k.newproc();
  const fd = p.sys.socket(AF_INET6, SOCK_DGRAM, 0);
  p.sys.sendto(fd, new Uint8Array(100), 0, sockaddrIn6(LO, 9));
  expect(parseStats(IP6_STATS, k.sysctl.get('net.inet6.ip6.stats') as Uint8Array)).toMatchObject({ localout: 2, delivered: 2, total: 2, noroute: 0 });
  const icmp6 = parseStats(ICMP6_STATS, k.sysctl.get('net.inet6.icmp6.stats') as Uint8Array);
  expect([icmp6['error'], (icmp6['outhist'] as number[])[1], (icmp6['inhist'] as number[])[1]]).toEqual([1, 1, 1]);
});

test('each kind of socket is in its list', () => {
  const k = boot(hostSim({ seed: 1 }), [netinet6]);
  const p = k.newproc();
  const [stream, dgram] = [SOCK_STREAM, SOCK_DGRAM].map((type) => p.sys.socket(AF_INET6, type, 0)) as [number, number];
  p.sys.bind(stream, sockaddrIn6(LO, 80));
  p.sys.bind(dgram, sockaddrIn6(LO, 53));
  p.sys.socket(AF_INET6, SOCK_RAW, 58);
  const ports = (name: string) => parseKinfoPcbs(k.sysctl.get(`net.inet6.${name}.pcblist`) as Uint8Array).map((pcb) => parseSockaddrIn6(pcb.local)?.port);
  expect([ports('tcp6'), ports('udp6'), ports('raw6')]).toEqual([[80], [53], [0]]);
  expect((k.sysctl.get('net.inet.tcp.pcblist') as Uint8Array).length).toBe(0);
});
