/** What NetBSD's own tests of the network look at, where nothing else here does; docs/netbsd-tests.md has the list. */
import {
  AF_INET, AF_INET6, F_SETFL, INADDR_LOOPBACK, IPPROTO_IP, IP_ADD_MEMBERSHIP, O_NONBLOCK, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM, type SocketName, inetText, parseSockaddrIn, sockaddrIn, sockaddrIn6,
} from '@anykernel/lib-sys';
import { netinet6 } from '@anykernel/netinet6';
import { type Host, Lan, routed } from './lan.js';

let lan: Lan;
afterEach(() => lan.halt());

/** `count` hosts on one bus, 10.0.0.1 and up. */
async function bus(count: number): Promise<Host[]> {
  lan = new Lan();
  const hosts: Host[] = [];
  for (let i = 1; i <= count; i++) {
    const host = lan.host();
    await host.must(`ifconfig shmif0 create linkstr bus inet 10.0.0.${i}/24`);
    hosts.push(host);
  }
  return hosts;
}

function code(fn: () => unknown): string {
  try {
    fn();
    return 'ok';
  } catch (e) {
    return (e as { code: string }).code;
  }
}

function datagrams(host: Host, port: number): number {
  const fd = host.p.sys.socket(AF_INET, SOCK_DGRAM, 0);
  host.p.sys.bind(fd, sockaddrIn(0, port));
  host.p.sys.fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

const GROUP = 0xe000_0c0c;

function join(host: Host, fd: number, last: number): void {
  host.p.sys.setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, Uint8Array.of(224, 0, 12, 12, 10, 0, 0, last));
}

test('crossping: of eight kernels on a bus each reaches all others', async () => {
  const hosts = await bus(8);
  for (const [i, host] of hosts.entries()) {
    for (let to = 1; to <= 8; to++) if (to !== i + 1) expect(await host.must(`ping -q -c 1 10.0.0.${to}`)).toContain('1 packets transmitted, 1 packets received, 0.0% packet loss');
  }
});

test('floodping: five hundred at once are all answered, and from two hosts to each other as well', async () => {
  const [a, b] = await bus(2);
  const all = await Promise.all([a.must('ping -f -c 500 10.0.0.2'), b.must('ping -f -c 500 10.0.0.1')]);
  for (const lines of all) expect(lines.join('\n')).toContain('500 packets transmitted, 500 packets received');
});

test('redirect: who sends through the wrong router is told the right one, and goes there', async () => {
  const [a, first, second] = await bus(3);
  const far = lan.host();
  await second.must('ifconfig shmif1 create linkstr beyond inet 10.9.0.1/24');
  await far.must('ifconfig shmif0 create linkstr beyond inet 10.9.0.2/24');
  await far.must('route add default 10.9.0.1');
  await a.must('route add default 10.0.0.2');
  await first.must('route add -net 10.9.0.0/24 10.0.0.3');
  expect(await a.must('ping -q -c 2 10.9.0.2')).toContain('2 packets transmitted, 2 packets received, 0.0% packet loss');
  const line = (await a.must('route -n show')).find((text) => text.includes('10.9.0.2'));
  expect(line?.split(/\s+/).slice(0, 3)).toEqual(['10.9.0.2', '10.0.0.3', 'UGHD']);
});

test.each([1500, 576, 33_648, 65_535])('loopmtu: with an MTU of %i on lo0 datagrams and streams arrive whole', async (mtu) => {
  const [a] = await bus(1);
  await a.must(`ifconfig lo0 mtu ${mtu}`);
  expect(await a.must('ping -q -c 1 -s 8000 127.0.0.1')).toContain('1 packets transmitted, 1 packets received, 0.0% packet loss');
  const { sys } = a.p;
  const listener = sys.socket(AF_INET, SOCK_STREAM, 0);
  sys.bind(listener, sockaddrIn(INADDR_LOOPBACK, 7));
  sys.listen(listener, 1);
  const fd = sys.socket(AF_INET, SOCK_STREAM, 0);
  await lan.done(a.p.call.connect(fd, sockaddrIn(INADDR_LOOPBACK, 7)));
  const other = sys.accept(listener);
  const data = Uint8Array.from({ length: 30_000 }, (_, i) => i * 7);
  await lan.done(a.p.call.write(fd, data));
  const got = new Uint8Array(data.length);
  for (let at = 0; at < got.length; ) at += await lan.done(a.p.call.read(other, got.subarray(at)));
  expect(got).toEqual(data);
});

test('same_address: an address that is there is given again, and nothing is different', async () => {
  const [a, b] = await bus(2);
  const before = [await a.must('ifconfig shmif0'), await a.must('route -n show')];
  await a.must('ifconfig shmif0 inet 10.0.0.1/24');
  expect([await a.must('ifconfig shmif0'), await a.must('route -n show')]).toEqual(before);
  await b.must('ping -q -c 1 10.0.0.1');
});

test('pru_sense: a raw socket has a status', async () => {
  const [a] = await bus(1);
  const fd = a.p.sys.socket(AF_INET, SOCK_RAW, 0);
  expect(a.p.sys.fstat(fd).mode & 0o170000).toBe(0o140000);
});

test.each([
  ['inet', AF_INET, '11.0.0.0/8', '127.0.0.1', sockaddrIn(0x0b00_0001, 9)],
  ['inet6', AF_INET6, '2001:db8:b::/48', '::1', sockaddrIn6(Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0xb, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), 9)],
] as const)('a route of %s is rejected, then a black hole: who sends hears of the first, and nothing of the second', async (family, af, net, gateway, name) => {
  lan = new Lan();
  const a = lan.host([netinet6]);
  await a.must('ifconfig shmif0 create linkstr bus inet 10.0.0.1/24');
  const fd = a.p.sys.socket(af, SOCK_DGRAM, 0);
  const send = (): string => code(() => a.p.sys.sendto(fd, Uint8Array.of(1), 0, name));
  expect(send()).toBe('EHOSTUNREACH');
  await a.must(`route add -${family} -net ${net} ${gateway} -reject`);
  expect(send()).toBe('EHOSTUNREACH');
  await a.must(`route change -${family} -net ${net} ${gateway} -blackhole`);
  expect(send()).toBe('ok');
  await a.must(`route delete -${family} -net ${net}`);
  expect(send()).toBe('EHOSTUNREACH');
});

test.each([['unconnected', false], ['connected', true]] as const)('mcast: what the %s socket sends to a group its members hear', async (_what, connected) => {
  const [a, b, c] = await bus(3);
  const ears = [b, c].map((host, i) => {
    const fd = datagrams(host, 4000);
    join(host, fd, i + 2);
    return () => {
      const from: SocketName = { addr: undefined };
      const text = code(() => host.p.sys.recvfrom(fd, new Uint8Array(8), 0, from));
      return text === 'ok' ? inetText(parseSockaddrIn(from.addr!)!.addr) : text;
    };
  });
  await a.must('route add default 10.0.0.2');
  const fd = datagrams(a, 0);
  const name = sockaddrIn(GROUP, 4000);
  if (connected) {
    a.p.sys.connect(fd, name);
    a.p.sys.write(fd, Uint8Array.of(1));
  } else a.p.sys.sendto(fd, Uint8Array.of(1), 0, name);
  lan.sim.advance(1e9);
  expect(ears.map((ear) => ear())).toEqual(['10.0.0.1', '10.0.0.1']);
  expect(ears.map((ear) => ear())).toEqual(['EAGAIN', 'EAGAIN']);
});

test('listen: a socket without a name gets one', async () => {
  const [a] = await bus(1);
  const { sys } = a.p;
  const listener = sys.socket(AF_INET, SOCK_STREAM, 0);
  sys.listen(listener, 1);
  const { port } = parseSockaddrIn(sys.getsockname(listener))!;
  expect(port).toBeGreaterThan(1023);
  const fd = sys.socket(AF_INET, SOCK_STREAM, 0);
  await lan.done(a.p.call.connect(fd, sockaddrIn(INADDR_LOOPBACK, port)));
  expect(sys.accept(listener)).toBeGreaterThan(fd);
});

test('connect: to somebody else than before it is EISCONN, and to port 0 it is refused', async () => {
  const [a, b] = await bus(2);
  const listener = b.p.sys.socket(AF_INET, SOCK_STREAM, 0);
  b.p.sys.bind(listener, sockaddrIn(0, 80));
  b.p.sys.listen(listener, 1);
  const fd = a.p.sys.socket(AF_INET, SOCK_STREAM, 0);
  expect(code(() => a.p.sys.connect(fd, sockaddrIn(0x0a00_0002, 0)))).toBe('EADDRNOTAVAIL');
  await lan.done(a.p.call.connect(fd, sockaddrIn(0x0a00_0002, 80)));
  expect(code(() => a.p.sys.connect(fd, sockaddrIn(0x0a00_0002, 81)))).toBe('EISCONN');
});

test('fastforward: ten thousand packets pass a router in order, and it counts them', async () => {
  const all = await routed();
  lan = all.lan;
  const fd = datagrams(all.b, 9);
  await all.a.must('ping -q -c 1 10.0.2.2');
  const out = datagrams(all.a, 0);
  const got: number[] = [];
  const into = new Uint8Array(4);
  for (let i = 0; i < 10_000; i++) {
    all.a.p.sys.sendto(out, Uint8Array.of(i >> 8, i), 0, sockaddrIn(0x0a00_0202, 9));
    if (i % 20 !== 19) continue;
    lan.sim.advance(1e6);
    while (code(() => all.b.p.sys.read(fd, into)) === 'ok') got.push((into[0] << 8) | into[1]);
  }
  expect(got).toEqual(Array.from({ length: 10_000 }, (_, i) => i));
});
