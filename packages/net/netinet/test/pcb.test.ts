/** Addresses and ports: who may have which, which the kernel chooses (RFC 6056), and the hash that nobody foresees. */
import {
  AF_INET, ARP_STATS, ICMP_STATS, IGMP_STATS, UDP_STATS, F_SETFL, IPPROTO_IP, IP_PORTALGO, IP_PORTRANGE, IP_PORTRANGE_LOW, IP_STATS, KINFO_PCB_LEN, O_NONBLOCK, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET, SO_REUSEADDR, SO_REUSEPORT, TCPS_LISTEN,
  TCP_STATS, parseStats, sockaddrIn,
} from '@anykernel/lib-sys';
import { hostSim } from '@anykernel/host-sim';
import { type Kernel, type Proc, boot } from '@anykernel/rumpkern';
import { addAddress, netinet } from '../src/index.js';
import { PORT_ALGOS } from '../src/portalgo.js';
import { SipHash } from '../src/siphash.js';
import { code } from './drill.js';

const LO = 0x7f00_0001;
const OTHER = 0x7f00_0002;

function kernel(): { k: Kernel; p: Proc } {
  const k = boot(hostSim({ seed: 3 }), [netinet]);
  const inet = k.modules.use(netinet);
  k.run(() => addAddress(inet.ip, inet.net.lo0, OTHER, 8, undefined));
  return { k, p: k.newproc() };
}

function socket(p: Proc, type: number, ...options: number[]): number {
  const fd = p.sys.socket(AF_INET, type, 0);
  p.sys.fcntl(fd, F_SETFL, O_NONBLOCK);
  for (const option of options) p.sys.setsockopt(fd, SOL_SOCKET, option, Uint8Array.of(1, 0, 0, 0));
  return fd;
}

function portOf(p: Proc, fd: number): number {
  const name = p.sys.getsockname(fd);
  return (name[2]! << 8) | name[3]!;
}

describe('SipHash-2-4', () => {
  const hash = new SipHash(Uint8Array.from({ length: 16 }, (_, i) => i));
  // The vectors of the reference implementation: the bytes 00 01 02 ... under the key 00 01 ... 0f.
  test.each([[0, 0xdd0e_0e31, 0x726f_db47], [4, 0x2771_87b7, 0xcf27_94e0], [8, 0x9a93_2462, 0x93f5_f579]])('of %d bytes', (len, low, high) => {
    const words = new Int32Array(2);
    for (let i = 0; i < len; i++) words[i >> 2]! |= i << (8 * (i & 3));
    hash.hash(words, len / 4);
    expect([hash.low >>> 0, hash.high >>> 0]).toEqual([low, high]);
  });
});

describe('bind', () => {
  test.each([
    // The first socket's address and options, the second's, and whether it may.
    ['the same address', LO, [], LO, [], false],
    ['another address', LO, [], OTHER, [], true],
    ['all, after one', LO, [], 0, [], false],
    ['one, after all', 0, [], LO, [], false],
    ['one, after all, with SO_REUSEADDR', 0, [], LO, [SO_REUSEADDR], true],
    ['all, after one, with SO_REUSEADDR', LO, [], 0, [SO_REUSEADDR], true],
    ['the same address, both with SO_REUSEADDR', LO, [SO_REUSEADDR], LO, [SO_REUSEADDR], false],
    ['the same address, both with SO_REUSEPORT', LO, [SO_REUSEPORT], LO, [SO_REUSEPORT], true],
    ['the same address, the second with SO_REUSEPORT', LO, [], LO, [SO_REUSEPORT], false],
  ] as [string, number, number[], number, number[], boolean][])('%s', (_what, addr, options, other, more, may) => {
    for (const type of [SOCK_STREAM, SOCK_DGRAM]) {
      const { k, p } = kernel();
      p.sys.bind(socket(p, type, ...options), sockaddrIn(addr, 5000));
      expect([type, code(() => p.sys.bind(socket(p, type, ...more), sockaddrIn(other, 5000)))]).toEqual([type, may ? 'ok' : 'EADDRINUSE']);
      k.halt();
    }
  });
  test('SO_REUSEPORT does not let another user in', () => {
    const { k, p } = kernel();
    p.sys.bind(socket(p, SOCK_DGRAM, SO_REUSEPORT), sockaddrIn(LO, 5000));
    const q = k.newproc({ uid: 1000 });
    expect(code(() => q.sys.bind(socket(q, SOCK_DGRAM, SO_REUSEPORT), sockaddrIn(LO, 5000)))).toBe('EADDRINUSE');
  });
  test('ports below 1024 are the superuser’s', () => {
    const { k } = kernel();
    const q = k.newproc({ uid: 1000 });
    expect(code(() => q.sys.bind(socket(q, SOCK_DGRAM), sockaddrIn(LO, 1023)))).toBe('EACCES');
    expect(code(() => q.sys.bind(socket(q, SOCK_DGRAM), sockaddrIn(LO, 1024)))).toBe('ok');
  });
  test('an address that is not ours, an address of another length', () => {
    const { p } = kernel();
    expect(code(() => p.sys.bind(socket(p, SOCK_DGRAM), sockaddrIn(0x0101_0101, 9)))).toBe('EADDRNOTAVAIL');
    expect(code(() => p.sys.bind(socket(p, SOCK_DGRAM), sockaddrIn(LO, 9).subarray(0, 6)))).toBe('EINVAL');
  });
  test('a port is free again when its socket is closed', () => {
    const { p } = kernel();
    const fd = socket(p, SOCK_STREAM);
    p.sys.bind(fd, sockaddrIn(LO, 5000));
    p.sys.close(fd);
    expect(code(() => p.sys.bind(socket(p, SOCK_STREAM), sockaddrIn(LO, 5000)))).toBe('ok');
  });
});

describe('ports that the kernel chooses (RFC 6056)', () => {
  test.each([...PORT_ALGOS])('%s: in the range, and each another one', (algo) => {
    const { k, p } = kernel();
    k.sysctl.set('net.inet.ip.anonportalgo.selected', algo);
    const ports = Array.from({ length: 300 }, () => {
      const fd = socket(p, SOCK_DGRAM);
      p.sys.bind(fd, sockaddrIn(LO, 0));
      return portOf(p, fd);
    });
    expect([new Set(ports).size, Math.min(...ports) >= 49_152]).toEqual([300, true]);
  });
  test.each([...PORT_ALGOS])('%s: all of a range, and then no more', (algo) => {
    const { k, p } = kernel();
    k.sysctl.set('net.inet.ip.anonportalgo.selected', algo);
    k.sysctl.set('net.inet.ip.anonportmin', 50_000);
    k.sysctl.set('net.inet.ip.anonportmax', 50_019);
    const ports = Array.from({ length: 20 }, () => {
      const fd = socket(p, SOCK_DGRAM);
      p.sys.bind(fd, sockaddrIn(LO, 0));
      return portOf(p, fd);
    });
    expect([...ports].sort()).toEqual(Array.from({ length: 20 }, (_, i) => 50_000 + i));
    expect(code(() => p.sys.bind(socket(p, SOCK_DGRAM), sockaddrIn(LO, 0)))).toBe('EAGAIN');
  });
  test('one socket’s own algorithm, and the low range', () => {
    const { p } = kernel();
    const fd = socket(p, SOCK_DGRAM);
    p.sys.setsockopt(fd, IPPROTO_IP, IP_PORTALGO, Uint8Array.of(2, 0, 0, 0));
    p.sys.setsockopt(fd, IPPROTO_IP, IP_PORTRANGE, Uint8Array.of(IP_PORTRANGE_LOW, 0, 0, 0));
    p.sys.bind(fd, sockaddrIn(LO, 0));
    expect(portOf(p, fd) >= 600 && portOf(p, fd) <= 1023).toBe(true);
    expect(code(() => p.sys.setsockopt(socket(p, SOCK_DGRAM), IPPROTO_IP, IP_PORTALGO, Uint8Array.of(9, 0, 0, 0)))).toBe('EINVAL');
  });
  test('a name that is no algorithm is refused', () => {
    const { k } = kernel();
    expect(code(() => k.sysctl.set('net.inet.ip.anonportalgo.selected', 'none'))).toBe('EINVAL');
    expect(k.sysctl.get('net.inet.ip.anonportalgo.available')).toBe('bsd random_start random_pick hash doublehash randinc');
  });
  test('connections to different peers share ports, so that there may be more than ports', async () => {
    const { k, p } = kernel();
    k.sysctl.set('net.inet.ip.anonportmin', 50_000);
    k.sysctl.set('net.inet.ip.anonportmax', 50_003);
    const listener = socket(p, SOCK_STREAM);
    p.sys.bind(listener, sockaddrIn(0, 80));
    p.sys.listen(listener, 100);
    const to = async (addr: number): Promise<string> => {
      const fd = p.sys.socket(AF_INET, SOCK_STREAM, 0);
      try {
        await p.call.connect(fd, sockaddrIn(addr, 80));
        return 'ok';
      } catch (e) {
        return (e as { code: string }).code;
      }
    };
    const results: string[] = [];
    for (const addr of [LO, LO, LO, LO, LO, OTHER, OTHER, OTHER, OTHER, OTHER]) results.push(await to(addr));
    expect(results).toEqual(['ok', 'ok', 'ok', 'ok', 'EADDRNOTAVAIL', 'ok', 'ok', 'ok', 'ok', 'EADDRNOTAVAIL']);
  });
});

test('net.inet.tcp.pcblist: a record for each socket', () => {
  const { k, p } = kernel();
  const fd = socket(p, SOCK_STREAM);
  p.sys.bind(fd, sockaddrIn(LO, 80));
  p.sys.listen(fd, 5);
  socket(p, SOCK_STREAM);
  const list = k.sysctl.get('net.inet.tcp.pcblist') as Uint8Array;
  const one = list.subarray(KINFO_PCB_LEN);
  expect([list.length, one[24], one[28], one[32], one[48], [...one.subarray(72, 80)]]).toEqual([2 * KINFO_PCB_LEN, AF_INET, SOCK_STREAM, 6, TCPS_LISTEN, [16, AF_INET, 0, 80, 127, 0, 0, 1]]);
  expect((k.sysctl.get('net.inet.udp.pcblist') as Uint8Array).length).toBe(0);
});

test('net.inet.tcp.stats: what was counted, of both sides of a connection over lo0', async () => {
  const { k, p } = kernel();
  const fd = p.sys.socket(AF_INET, SOCK_STREAM, 0);
  p.sys.bind(fd, sockaddrIn(LO, 80));
  p.sys.listen(fd, 5);
  const client = p.sys.socket(AF_INET, SOCK_STREAM, 0);
  await p.call.connect(client, sockaddrIn(LO, 80));
  const server = await p.call.accept(fd);
  p.sys.write(client, new Uint8Array(1000));
  expect(p.sys.read(server, new Uint8Array(2000))).toBe(1000);
  const stats = parseStats(TCP_STATS, k.sysctl.get('net.inet.tcp.stats') as Uint8Array);
  expect(stats).toMatchObject({ connattempt: 1, accepts: 1, connects: 2, sndbyte: 1000, rcvbyte: 1000, scAdded: 1, scCompleted: 1, rcvbadsum: 0 });
  expect(parseStats(IP_STATS, k.sysctl.get('net.inet.ip.stats') as Uint8Array)['delivered']).toBe(stats['rcvtotal']);
});

test('what is counted has a place in the arrays', () => {
  const { k } = kernel();
  const { tcp, udp, ip, arp, igmp } = k.modules.use(netinet);
  const pairs = [[TCP_STATS, tcp.stats], [UDP_STATS, udp.stats], [IP_STATS, ip.stats], [ICMP_STATS, ip.icmp.stats], [ARP_STATS, arp.stats], [IGMP_STATS, igmp.stats]] as const;
  expect(pairs.flatMap(([layout, counters]) => Object.keys(counters).filter((name) => layout.at[name] === undefined))).toEqual([]);
});

test('settings are as NetBSD’s rump kernels have them', () => {
  const { k } = kernel();
  const names = ['ip.forwarding', 'ip.redirect', 'ip.ttl', 'ip.mtudisc', 'ip.anonportmin', 'ip.anonportmax', 'ip.lowportmin', 'ip.lowportmax', 'ip.maxfragpackets', 'tcp.sendspace', 'tcp.recvspace',
    'tcp.mssdflt', 'tcp.minmss', 'tcp.keepidle', 'tcp.keepintvl', 'tcp.keepcnt', 'tcp.msl', 'tcp.ecn.enable', 'udp.checksum', 'udp.sendspace', 'udp.recvspace', 'tcp.congctl.selected'];
  expect(names.map((name) => k.sysctl.get(`net.inet.${name}`))).toEqual([
    1, 1, 64, 1, 49_152, 65_535, 600, 1023, 200, 32_768, 32_768, 536, 216, 14_400, 150, 8, 30, 0, 1, 9216, 41_600, 'newreno',
  ]);
  for (const [name, value] of [['ip.ttl', 0], ['tcp.keepcnt', 0], ['ip.forwarding', 2], ['tcp.congctl.selected', 'vegas']] as const) {
    expect([name, code(() => k.sysctl.set(`net.inet.${name}`, value))]).toEqual([name, 'EINVAL']);
  }
});
