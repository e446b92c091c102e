/** Sockets, counters, names: netstat, sockstat, nc and traceroute6 on kernels with files. */
import { Sim } from '@anykernel/host-sim';
import { AF_LOCAL, O_CREAT, O_WRONLY, SOCK_STREAM, sockaddrUn } from '@anykernel/lib-sys';
import { local } from '@anykernel/local';
import { netinet6 } from '@anykernel/netinet6';
import { type ToolIo, runTool } from '@anykernel/netutils';
import { type Kernel, type Proc, boot } from '@anykernel/rumpkern';
import { shmif } from '@anykernel/shmif';
import { tmpfs } from '@anykernel/tmpfs';

const sim = new Sim({ seed: 5 });

class Host {
  readonly k: Kernel = boot(sim.host(), [netinet6, shmif, local, tmpfs]);
  readonly p: Proc = this.k.newproc({ comm: 'tools' });

  run(line: string, more: Partial<ToolIo> = {}): Promise<{ out: string[]; err: string[]; status: number }> {
    return sim.settle(this.start(line, more), { maxEvents: 100_000 });
  }

  /** The same, where time goes on by itself. */
  async start(line: string, more: Partial<ToolIo> = {}): Promise<{ out: string[]; err: string[]; status: number }> {
    const out: string[] = [];
    const err: string[] = [];
    const io: ToolIo = { p: this.p, out: (text) => void out.push(text), err: (text) => void err.push(text), ...more };
    return { status: await runTool(io, line.split(' ')), out, err };
  }

  async must(line: string, more: Partial<ToolIo> = {}): Promise<string[]> {
    const { out, err, status } = await this.run(line, more);
    if (status !== 0) throw new Error(`${line}: status ${status}: ${[...out, ...err].join('\n')}`);
    return out;
  }

  write(path: string, text: string): void {
    const fd = this.p.sys.open(path, O_CREAT | O_WRONLY, 0o644);
    this.p.sys.write(fd, new TextEncoder().encode(text));
    this.p.sys.close(fd);
  }
}

/** What a tool reads, piece by piece, and what it has written. */
function pipes(...pieces: readonly string[]) {
  const queue = pieces.map((text) => new TextEncoder().encode(text));
  const got: string[] = [];
  return { got, read: () => Promise.resolve(queue.shift()), write: (bytes: Uint8Array) => void got.push(new TextDecoder().decode(bytes)) };
}

let a: Host;
let router: Host;
let b: Host;

beforeAll(async () => {
  [a, router, b] = [new Host(), new Host(), new Host()];
  await a.must('ifconfig shmif0 create linkstr left inet 10.0.1.1/24 inet6 2001:db8:1::1/64');
  await router.must('ifconfig shmif0 create linkstr left inet 10.0.1.254/24 inet6 2001:db8:1::fe/64');
  await router.must('ifconfig shmif1 create linkstr right inet 10.0.2.254/24 inet6 2001:db8:2::fe/64');
  await router.must('sysctl -w net.inet6.ip6.forwarding=1');
  await b.must('ifconfig shmif0 create linkstr right inet 10.0.2.2/24 inet6 2001:db8:2::2/64');
  for (const [host, n] of [[a, 1], [b, 2]] as const) {
    await host.must(`route add default 10.0.${n}.254`);
    await host.must(`route add -inet6 default 2001:db8:${n}::fe`);
  }
  a.p.sys.mkdir('/etc', 0o755);
  a.write('/etc/hosts', '# hosts\n10.0.2.2\tserver server.example # both\n2001:DB8:2::2 server\n10.0.1.254 gateway\n2001:db8:1::fe gateway\nnonsense line\n');
  a.write('/etc/services', 'echo 7/tcp\nfancy 7000/tcp fine\nfancy 7000/udp\n');
  a.write('/etc/passwd', 'root:*:0:0::/:/bin/sh\nalice:*:1000:100::/:/bin/sh\n');
  sim.advance(3e9);
});

describe('netstat', () => {
  test('-a shows what listens, what is connected, and what waits; without it only what is connected', async () => {
    const serving = b.start('nc -lk 7000', pipes('hi'));
    const talking = a.start('nc 10.0.2.2 7000', { ...pipes(), read: () => new Promise(() => {}) });
    await sim.settle(a.p.call.poll([], 500), { maxEvents: 10_000 });
    expect(await b.must('netstat -an -f inet')).toEqual([
      'Active Internet connections (including servers)',
      'Proto Recv-Q Send-Q  Local Address          Foreign Address        State',
      expect.stringMatching(/^tcp {8}0 {6}0 {2}10\.0\.2\.2\.7000 {10}10\.0\.1\.1\.\d+ +FIN_WAIT_2$/),
      'tcp        0      0  *.7000                 *.*                    LISTEN',
    ]);
    expect((await b.must('netstat -n -f inet')).map((line) => line.split(/\s+/).at(-1))).toEqual(['connections', 'State', 'FIN_WAIT_2']);
    expect((await b.must('netstat -nl -p tcp')).map((line) => line.split(/\s+/).at(-1))).toEqual(['servers)', 'State', 'LISTEN']);
    expect((await a.must('netstat -f inet')).at(-1)).toMatch(/^tcp {8}0 {6}0 {2}10\.0\.1\.1\.\d+ +server\.fancy {11}CLOSE_WAIT$/);
    expect((await a.must('netstat -an -p udp'))).toEqual([]);
    void [serving, talking];
  });

  test('shows sockets of IPv6 and local ones', async () => {
    const listening = b.start('nc -6 -l 7006', pipes());
    const datagrams = b.start('nc -6 -u -l 2001:db8:2::2 7007', pipes());
    const fd = b.p.sys.socket(AF_LOCAL, SOCK_STREAM, 0);
    b.p.sys.bind(fd, sockaddrUn('/sock'));
    b.p.sys.listen(fd, 1);
    await sim.settle(b.p.call.poll([], 10), { maxEvents: 10_000 });
    expect((await b.must('netstat -an -f inet6')).slice(2)).toEqual([
      'tcp6       0      0  *.7006                 *.*                    LISTEN',
      'udp6       0      0  2001:db8:2::2.7007     *.*',
    ]);
    expect((await b.must('netstat -a -f local'))[2]).toMatch(/^[0-9a-f]+ +stream +0 +0 +\d+ +0 {2}\/sock$/);
    b.p.sys.close(fd);
    void [listening, datagrams];
  });

  test('-s counts what happened', async () => {
    const counts = async (protocol: string): Promise<string[]> => (await a.must(`netstat -s -p ${protocol}`)).map((line) => line.trim());
    const number = (lines: readonly string[], words: string): number => Number(lines.find((line) => line.includes(words))?.split(' ')[0]);
    const before = { icmp: await counts('icmp'), ip: await counts('ip'), udp: await counts('udp'), icmp6: await counts('icmp6') };
    await a.must('ping -q -c 5 -i 0.01 10.0.2.2');
    await a.must('ping6 -q -c 4 -i 0.01 2001:db8:2::2');
    await a.run('nc -z -u 10.0.2.2 9');
    const after = { icmp: await counts('icmp'), ip: await counts('ip'), udp: await counts('udp'), icmp6: await counts('icmp6') };
    const histogram = (lines: readonly string[], title: string, name: string): number => {
      const from = lines.indexOf(title);
      return from < 0 ? 0 : Number(lines.slice(from).find((line) => line.startsWith(`${name}: `))?.split(': ')[1] ?? 0);
    };
    const more = (which: keyof typeof before, words: string): number => number(after[which], words) - number(before[which], words);
    expect([more('ip', 'sent from this host'), more('ip', 'for this host'), more('udp', 'output')]).toEqual([6, 6, 1]);
    expect(histogram(after.icmp, 'Input histogram:', 'echo reply') - histogram(before.icmp, 'Input histogram:', 'echo reply')).toBe(5);
    expect(histogram(after.icmp, 'Input histogram:', 'destination unreachable') - histogram(before.icmp, 'Input histogram:', 'destination unreachable')).toBe(1);
    expect(histogram(after.icmp6, 'Input packet histogram:', 'echo reply') - histogram(before.icmp6, 'Input packet histogram:', 'echo reply')).toBe(4);
    expect(number(await counts('tcp'), 'connection request')).toBe(1);
    const all = (await a.must('netstat -s')).filter((line) => !line.startsWith('\t'));
    expect(all).toEqual(['ip:', 'icmp:', 'igmp:', 'tcp:', 'udp:', 'arp:', 'ip6:', 'icmp6:']);
  });

  test('-m shows mbufs', async () => {
    expect((await a.must('netstat -m'))[0]).toMatch(/^\d+ mbufs in use, \d+ made$/);
  });
});

describe('sockstat', () => {
  test('says who has which socket, by which descriptor', async () => {
    const alice = a.k.newproc({ uid: 1000, gid: 100, comm: 'a-long-command' });
    const fd = alice.sys.socket(2, 1, 0);
    alice.sys.bind(fd, Uint8Array.of(16, 2, 0x1f, 0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
    alice.sys.listen(fd, 1);
    const [one, two] = alice.sys.socketpair(AF_LOCAL, SOCK_STREAM, 0);
    const again = alice.sys.dup(fd);
    const line = (n: number): string => `alice    a-long-com ${String(alice.pid).padEnd(5)} ${String(n).padEnd(3)} tcp    *.8080                 *.*`;
    expect(await a.must('sockstat -4 -l -p 8000-8100')).toEqual(['USER     COMMAND    PID   FD  PROTO  LOCAL ADDRESS          FOREIGN ADDRESS', line(fd), line(again)]);
    expect((await a.must('sockstat -u')).slice(1).map((text) => text.split(/\s+/)[3])).toEqual([String(one), String(two)]);
    expect((await a.must('sockstat -c -4')).slice(1)).toEqual([expect.stringMatching(/^root +tools +\d+ +\d+ +tcp +10\.0\.1\.1\.\d+ +server\.fancy$/)]);
    alice.exit();
    expect(await a.must('sockstat -4 -p 8080')).toHaveLength(1);
  });
});

describe('names', () => {
  test('of hosts and services are those of the kernel’s files', async () => {
    expect((await a.must('ping -c 1 server'))[0]).toBe('PING server (10.0.2.2): 56 data bytes');
    expect((await a.must('ping6 -c 1 server'))[0]).toBe('PING6(104=40+8+56 bytes) 2001:db8:2::2');
    expect((await a.must('arp -a'))[0]).toMatch(/^gateway \(10\.0\.1\.254\) at /);
    expect((await a.must('arp -n -a'))[0]).toMatch(/^\? \(10\.0\.1\.254\) at /);
    expect(await a.must('route get server')).toContain('     gateway: 10.0.1.254');
    expect((await a.must('netstat -r -f inet')).some((line) => /^default +gateway +UGS/.test(line))).toBe(true);
    expect((await a.must('route -n show')).some((line) => /^default +10\.0\.1\.254 +UGS/.test(line))).toBe(true);
    expect((await a.must('ndp -a')).some((line) => line.startsWith('gateway '))).toBe(true);
    expect((await a.run('ping nobody')).err[0]).toMatch(/^nobody: not an address/);
  });
});

describe('traceroute', () => {
  test('of IPv6 names the router and the host', async () => {
    const plain = (lines: readonly string[]): string[] => lines.map((line) => line.replace(/\d+\.\d{3} ms/g, 'T ms'));
    const wanted = ['traceroute6 to 2001:db8:2::2 (2001:db8:2::2), 30 hops max, 60 byte packets', ' 1  2001:db8:1::fe  T ms  T ms', ' 2  2001:db8:2::2  T ms  T ms'];
    expect(plain(await a.must('traceroute6 -n -q 2 2001:db8:2::2'))).toEqual(wanted);
    expect(plain(await a.must('traceroute -n -q 2 2001:db8:2::2'))).toEqual(wanted);
    expect(plain(await a.must('traceroute6 -q 1 server')).slice(1)).toEqual([' 1  gateway (2001:db8:1::fe)  T ms', ' 2  server (2001:db8:2::2)  T ms']);
    expect(plain(await a.must('traceroute -6 -q 1 server'))[0]).toContain('(2001:db8:2::2)');
    expect(plain(await a.must('traceroute -4 -q 1 server'))[0]).toContain('(10.0.2.2)');
  });

  test('says where nobody goes on', async () => {
    expect((await a.must('traceroute6 -n -q 1 2001:db8:2::77')).at(-1)).toMatch(/^ 2 {2}2001:db8:1::fe {2}\d+\.\d{3} ms !A$/);
  });
});

describe('nc', () => {
  test('carries bytes both ways over IPv6', async () => {
    const server = pipes('from the server');
    const client = pipes('hello ', 'world');
    const serving = b.start('nc -6 -l -v 7010', server);
    expect((await a.run('nc -v -6 server 7010', client)).err).toEqual(['Connection to server 7010 port [tcp/*] succeeded!']);
    expect((await serving).err).toEqual([expect.stringMatching(/^Connection from 2001:db8:1::1 \d+ received!$/)]);
    expect([server.got.join(''), client.got.join('')]).toEqual(['hello world', 'from the server']);
  });

  test('-k takes one connection after the other', async () => {
    const server = pipes();
    void b.start('nc -k -l 7011', server);
    for (const text of ['one', 'two', 'three']) await a.must('nc 10.0.2.2 7011', pipes(text));
    expect(server.got.join(' ')).toBe('one two three');
  });

  test('sends datagrams over IPv6, from a port of choice; -k takes those of everybody', async () => {
    const server = pipes();
    const serving = b.start('nc -6 -u -k -l -v -w 3 7012', server);
    await a.must('nc -u -w 1 -p 5555 2001:db8:2::2 7012', pipes('one'));
    await router.must('nc -u -w 1 2001:db8:2::2 7012', pipes('two'));
    const { err } = await sim.settle(serving, { maxEvents: 10_000 });
    expect([server.got, err[0]]).toEqual([['one', 'two'], 'Connection from 2001:db8:1::1 5555 received!']);
  });

  test('-z says which ports are open, of either protocol', async () => {
    expect(await a.run('nc -z -v 2001:db8:2::2 7005-7006')).toEqual({
      status: 0, out: ['Connection to 2001:db8:2::2 7006 port [tcp/*] succeeded!'], err: ['connect to 2001:db8:2::2 port 7005: connection refused'],
    });
    expect((await a.run('nc -z -u -v 2001:db8:2::2 7007-7008')).err).toEqual(['connect to 2001:db8:2::2 port 7008: connection refused']);
    expect((await a.run('nc -z 10.0.2.2 fancy')).status).toBe(0);
    expect((await a.run('nc -z -v -w 1 10.0.1.77 9')).err).toEqual(['connect to 10.0.1.77 port 9: timed out']);
  });
});
