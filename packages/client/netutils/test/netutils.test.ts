import { hostSim } from '@anykernel/host-sim';
import { TOOLS, runTool } from '@anykernel/netutils';
import { IFCAP_CSUM_TCPv4_Rx, IFCAP_CSUM_TCPv4_Tx, IFCAP_CSUM_UDPv6_Rx, IFCAP_TSOv4 } from '@anykernel/lib-sys';
import { net } from '@anykernel/net';
import { boot } from '@anykernel/rumpkern';
import { type Host, Lan, routed } from './lan.js';

let lan: Lan;
let a: Host;
let router: Host;
let b: Host;
beforeEach(async () => {
  ({ lan, a, router, b } = await routed());
});
afterEach(() => lan.halt());

/** Text with numbers of time and link addresses taken out. */
function plain(lines: readonly string[]): string[] {
  return lines.map((line) => line.replace(/[\d.]+\/[\d.]+\/[\d.]+\/[\d.]+ ms/, 'T').replace(/\d+\.\d{3} ms/g, 'T ms').replace(/b2:a0(:[0-9a-f]{2}){4}/g, 'MAC'));
}

test('ifconfig shows interfaces as they are', async () => {
  expect(plain(await router.must('ifconfig -a'))).toEqual([
    'lo0: flags=0x8049<UP,LOOPBACK,RUNNING,MULTICAST> mtu 33648',
    '\tinet 127.0.0.1/8',
    'shmif0: flags=0x8843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST> mtu 1500',
    '\tlinkstr: left',
    '\taddress: MAC',
    '\tinet 10.0.1.254/24 broadcast 10.0.1.255',
    'shmif1: flags=0x8843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST> mtu 1500',
    '\tlinkstr: right',
    '\taddress: MAC',
    '\tinet 10.0.2.254/24 broadcast 10.0.2.255',
  ]);
  expect(await router.must('ifconfig -l')).toEqual(['lo0 shmif0 shmif1']);
  expect(await router.must('ifconfig -C')).toEqual(['lo shmif']);
});

test('on a kernel without a network ping says so', async () => {
  const k = boot(hostSim(), []);
  const said: string[] = [];
  expect(await runTool({ p: k.newproc(), out: () => undefined, err: (line) => said.push(line) }, ['ping', '10.0.0.1'])).toBe(1);
  expect(said).toEqual(['ping: this kernel has no such network (components netinet and netinet6 bring one)']);
  k.halt();
});

test('ifconfig changes what there is', async () => {
  await a.must('ifconfig shmif0 mtu 9000');
  await a.must('ifconfig shmif0 10.0.9.1 netmask 0xffff0000 broadcast 10.0.0.255 alias');
  await a.must('ifconfig shmif0 10.0.1.1 -alias');
  await a.must('ifconfig shmif0 -arp promisc');
  expect(plain(await a.must('ifconfig shmif0'))).toEqual([
    'shmif0: flags=0x89c3<UP,BROADCAST,RUNNING,NOARP,PROMISC,SIMPLEX,MULTICAST> mtu 9000',
    '\tlinkstr: left',
    '\taddress: MAC',
    '\tinet 10.0.9.1/16 broadcast 10.0.0.255',
  ]);
  await a.must('ifconfig shmif0 down');
  await a.must('ifconfig shmif0 -linkstr');
  await a.must('ifconfig shmif0 destroy');
  expect(await a.must('ifconfig -l')).toEqual(['lo0']);
});

test('ifconfig says what an interface may do in place of the protocols', async () => {
  const able = (): number | undefined => a.k.modules.use(net).ifByName('shmif0')?.capenable;
  const before = able() ?? 0;
  await a.must('ifconfig shmif0 -tso4 -tcp4csum -udp6csum-rx');
  expect(able()).toBe(before & ~(IFCAP_TSOv4 | IFCAP_CSUM_TCPv4_Rx | IFCAP_CSUM_TCPv4_Tx | IFCAP_CSUM_UDPv6_Rx));
  await a.must('ifconfig shmif0 tso4 tcp4csum-tx tcp4csum-rx udp6csum');
  expect(able()).toBe(before);
});

test.each([
  ['ifconfig nonesuch0', 'ifconfig: no such device or address', 1],
  ['ifconfig foo0 create', 'ifconfig: invalid argument', 1],
  ['ifconfig shmif0 create', 'ifconfig: file already exists', 1],
  ['ifconfig shmif0 lro', 'ifconfig: invalid argument', 1],
  ['ifconfig shmif0 10.0.0.999', '10.0.0.999: not an address', 2],
  ['ifconfig shmif0 mtu', 'usage: ifconfig', 2],
  ['route add default 10.0.1.9', 'route: file already exists', 1],
  ['route add -net 172.16.0.0/12 99.0.0.1', 'route: network is unreachable', 1],
  ['route delete -net 1.0.0.0/8', 'route: no such process', 1],
  ['route frobnicate', 'usage: route', 2],
  ['arp -s 10.0.1.9 nonsense', 'usage: arp', 2],
  ['ping', 'usage: ping', 2],
  ['ping -c 0 10.0.0.1', 'usage: ping', 2],
  ['netstat -f ipx', 'ipx: no family that is known', 2],
  ['netstat 7', 'usage: netstat', 2],
  ['netstat -s -p ipx', 'netstat: ipx: unknown or uninstrumented protocol', 1],
  ['sockstat -p 1-2-3', 'usage: sockstat', 2],
  ['traceroute', 'usage: traceroute', 2],
  ['nc -l', 'usage: nc', 2],
  ['sysctl no.such.name', 'sysctl: no such file or directory', 1],
  ['sysctl net.inet.ip.ttl=much', 'much: not a value for it', 2],
  ['nc 10.0.1.1 99999', 'usage: nc', 2],
])('%s: %s', async (line, message, status) => {
  const result = await a.run(line);
  expect(result.err[0]).toMatch(new RegExp(`^${message.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`));
  expect(result.status).toBe(status);
});

test('route shows, adds, gets, changes and deletes', async () => {
  expect(await a.must('route show')).toEqual([
    'Destination             Gateway             Flags        Use     Mtu  Interface',
    'default                 10.0.1.254          UGS            0       -  shmif0',
    '10.0.1.0/24             link#2              UC             0       -  shmif0',
    '10.0.1.1                link#2              UHl            0       -  shmif0'.replace('link#2 ', 'link#1 ').replace('shmif0', 'lo0'),
    '127.0.0.0/8             link#1              UC             0       -  lo0',
    '127.0.0.1               link#1              UHl            0       -  lo0',
  ]);
  expect(await a.must('route add -host 8.8.8.8 10.0.1.254 -mtu 1400')).toEqual(['add host 8.8.8.8: gateway 10.0.1.254']);
  expect(await a.must('route get 8.8.8.8')).toEqual([
    '    route to: 8.8.8.8', '     gateway: 10.0.1.254', '  local addr: 10.0.1.1', '   interface: shmif0', '       flags: <UGHS>', '         mtu: 1400',
  ]);
  await a.must('route change -host 8.8.8.8 -blackhole');
  expect((await a.must('route get 8.8.8.8'))[4]).toBe('       flags: <UGHSB>');
  await a.must('route delete -host 8.8.8.8');
  await a.must('route flush');
  expect((await a.run('route get 8.8.8.8')).err).toEqual(['route: no such process']);
});

test('ping goes through the router, and says what it saw', async () => {
  expect(plain(await a.must('ping -c 3 -i 0.1 10.0.2.2'))).toEqual([
    'PING 10.0.2.2 (10.0.2.2): 56 data bytes',
    '64 bytes from 10.0.2.2: icmp_seq=0 ttl=63 time=T ms',
    '64 bytes from 10.0.2.2: icmp_seq=1 ttl=63 time=T ms',
    '64 bytes from 10.0.2.2: icmp_seq=2 ttl=63 time=T ms',
    '',
    '----10.0.2.2 PING Statistics----',
    '3 packets transmitted, 3 packets received, 0.0% packet loss',
    'round-trip min/avg/max/stddev = T',
  ]);
});

test.each([0, 1, 7, 8, 1472, 1473, 8000, 65_507])('ping of %i bytes comes back, in as many pieces as it takes', async (size) => {
  const out = await a.must(`ping -c 2 -i 0.1 -s ${size} 10.0.2.2`);
  expect(out).toContain('2 packets transmitted, 2 packets received, 0.0% packet loss');
});

test('ping of nobody fails, with what the router says', async () => {
  const { out, status } = await a.run('ping -c 2 -w 20 10.0.2.77');
  expect(status).toBe(1);
  expect(out.join('\n')).toContain('Destination Unreachable');
  expect(out).toContain('2 packets transmitted, 0 packets received, 100.0% packet loss');
});

test('a packet whose time is up is told by the router', async () => {
  const { out } = await a.run('ping -c 1 -T 1 -w 3 10.0.2.2');
  expect(out[1]).toMatch(/bytes from 10\.0\.1\.254: Time Exceeded \(code 0\)$/);
});

test('traceroute names the router and the host', async () => {
  expect(plain(await a.must('traceroute -q 2 10.0.2.2'))).toEqual([
    'traceroute to 10.0.2.2 (10.0.2.2), 30 hops max, 40 byte packets',
    ' 1  10.0.1.254  T ms  T ms',
    ' 2  10.0.2.2  T ms  T ms',
  ]);
});

test('arp shows, sets and deletes neighbours', async () => {
  await a.must('ping -c 1 10.0.1.254');
  expect(plain(await a.must('arp -a'))).toEqual(['? (10.0.1.254) at MAC on shmif0']);
  await a.must('arp -s 10.0.1.9 02:00:00:00:00:09 pub');
  expect(await a.must('arp 10.0.1.9')).toEqual(['? (10.0.1.9) at 02:00:00:00:00:09 on shmif0 permanent published']);
  await a.must('arp -d 10.0.1.9');
  expect((await a.run('arp 10.0.1.9')).out).toEqual(['10.0.1.9 -- no entry']);
  await a.must('arp -s 10.0.1.9 02:00:00:00:00:09 temp');
  lan.sim.advance(21 * 60e9);
  expect(plain(await a.must('arp -a'))).toEqual(['? (10.0.1.254) at MAC on shmif0']);
});

test('netstat counts', async () => {
  await a.must('ping -c 5 -i 0.1 10.0.1.254');
  const line = (await a.must('netstat -i')).find((text) => text.startsWith('shmif0') && text.includes('10.0.1.1')) ?? '';
  expect(line).toMatch(/^shmif0\s+1500\s+\/24\s+10\.0\.1\.1\s+\d+\s+0\s+\d+\s+0$/);
  expect((await a.must('netstat -rn')).slice(0, 3)).toEqual(['Routing tables', '', 'Internet:']);
});

test('sysctl shows and sets', async () => {
  expect(await a.must('sysctl net.inet.ip.ttl')).toEqual(['net.inet.ip.ttl = 64']);
  expect(await a.must('sysctl -w net.inet.ip.ttl=32')).toEqual(['net.inet.ip.ttl: 64 -> 32']);
  expect(await a.must('sysctl -n net.inet.ip.ttl')).toEqual(['32']);
  const all = await a.must('sysctl -a');
  expect(all).toContain('net.inet.ip.ttl = 32');
  expect(all).toContain('kern.ostype = Anykernel');
});

describe('nc', () => {
  /** What a tool reads, piece by piece, and what it has written. */
  function pipes(...pieces: readonly string[]) {
    const queue = pieces.map((text) => new TextEncoder().encode(text));
    const got: string[] = [];
    return { got, read: () => Promise.resolve(queue.shift()), write: (bytes: Uint8Array) => void got.push(new TextDecoder().decode(bytes)) };
  }

  test('carries bytes both ways over TCP, until both are at their end', async () => {
    const server = pipes('from the server');
    const client = pipes('hello ', 'world');
    const serving = b.run('nc -l 7000', server);
    const asking = a.run('nc -v 10.0.2.2 7000', client);
    expect((await asking).err).toEqual(['Connection to 10.0.2.2 7000 port [tcp/*] succeeded!']);
    expect((await serving).status).toBe(0);
    expect([server.got.join(''), client.got.join('')]).toEqual(['hello world', 'from the server']);
  });

  test('sends datagrams', async () => {
    const server = pipes();
    const serving = b.run('nc -lu -w 1 7001', server);
    await a.must('nc -u -w 1 10.0.2.2 7001', pipes('one', 'two'));
    await serving;
    expect(server.got).toEqual(['one', 'two']);
  });

  test('says which ports take connections', async () => {
    const serving = b.run('nc -l 7003', pipes());
    const { out, status } = await a.run('nc -z 10.0.2.2 7001-7004');
    expect([out, status]).toEqual([['Connection to 10.0.2.2 7003 port [tcp/*] succeeded!'], 0]);
    await serving;
    expect((await a.run('nc -z 10.0.2.2 7001')).status).toBe(1);
  });
});

test('each tool has its usage', () => {
  expect(TOOLS.map((tool) => tool.usage.startsWith(`usage: ${tool.name} `))).toEqual(TOOLS.map(() => true));
});
