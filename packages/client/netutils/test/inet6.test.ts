/** The tools on IPv6: kernels on a bus. */
import { Sim } from '@anykernel/host-sim';
import { netinet6 } from '@anykernel/netinet6';
import { type ToolIo, runTool } from '@anykernel/netutils';
import { type Kernel, type Proc, boot } from '@anykernel/rumpkern';
import { shmif } from '@anykernel/shmif';

const sim = new Sim({ seed: 3 });

class Host {
  readonly k: Kernel = boot(sim.host(), [netinet6, shmif]);
  readonly p: Proc = this.k.newproc();

  async run(line: string): Promise<{ out: string[]; err: string[]; status: number }> {
    const out: string[] = [];
    const err: string[] = [];
    const io: ToolIo = { p: this.p, out: (text) => void out.push(text), err: (text) => void err.push(text) };
    return { status: await sim.settle(runTool(io, line.split(' ')), { maxEvents: 100_000 }), out, err };
  }

  async must(line: string): Promise<string[]> {
    const { out, err, status } = await this.run(line);
    if (status !== 0) throw new Error(`${line}: status ${status}: ${[...out, ...err].join('\n')}`);
    return out;
  }
}

let a: Host;
let b: Host;

beforeAll(async () => {
  a = new Host();
  b = new Host();
  for (const [host, last] of [[a, 1], [b, 2]] as const) {
    await host.must('ifconfig shmif0 create linkstr wire up');
    await host.must(`ifconfig shmif0 inet6 2001:db8::${last}/64`);
  }
  sim.advance(3e9);
});

/** Numbers of time and link addresses taken out. */
function plain(lines: readonly string[]): string[] {
  return lines.map((line) => line.replace(/\d+\.\d{3}/g, 'T').replace(/b2:a0(:[0-9a-f]{2}){4}/g, 'MAC').replace(/fe80::[0-9a-f:]+/g, 'fe80::x'));
}

test('ifconfig shows addresses, gives them, and takes them away', async () => {
  expect(plain(await a.must('ifconfig shmif0')).slice(3)).toEqual(['\tinet6 fe80::x%2/64', '\tinet6 2001:db8::1/64']);
  await a.must('ifconfig shmif0 inet6 2001:db8:1::5 prefixlen 48 pltime 100 vltime 200 alias');
  sim.advance(3e9);
  expect((await a.must('ifconfig shmif0')).slice(5)).toEqual(['\tinet6 2001:db8:1::5/48']);
  await a.must('ifconfig shmif0 inet6 2001:db8:1::5 -alias');
  expect((await a.must('ifconfig shmif0')).length).toBe(5);
});
test('ifconfig -w waits until no address is tentative', async () => {
  await a.must('ifconfig shmif0 inet6 2001:db8:2::5 alias');
  expect((await a.must('ifconfig shmif0')).at(-1)).toBe('\tinet6 2001:db8:2::5/64 tentative');
  expect((await a.run('ifconfig -w 0')).status).toBe(1);
  await a.must('ifconfig -w 5');
  expect((await a.must('ifconfig shmif0')).at(-1)).toBe('\tinet6 2001:db8:2::5/64');
  await a.must('ifconfig shmif0 inet6 2001:db8:2::5 -alias');
  expect((await a.run('ifconfig -w')).status).toBe(2);
});
test('ping6 asks, and sums up', async () => {
  expect(plain(await a.must('ping6 -c 2 2001:db8::2'))).toEqual([
    'PING6(104=40+8+56 bytes) 2001:db8::2', '64 bytes from 2001:db8::2, icmp_seq=0 time=T ms', '64 bytes from 2001:db8::2, icmp_seq=1 time=T ms', '',
    '--- 2001:db8::2 ping6 statistics ---', '2 packets transmitted, 2 packets received, 0.0% packet loss', 'round-trip min/avg/max = T/T/T ms',
  ]);
});
test('ping6 reaches an address of link-local scope by its interface', async () => {
  const local = /fe80::[0-9a-f:]+/.exec((await b.must('ifconfig shmif0')).join(' '))![0];
  expect((await a.must(`ping6 -q -c 1 ${local}%shmif0`)).at(-2)).toBe('1 packets transmitted, 1 packets received, 0.0% packet loss');
});
test('route shows, adds, changes and deletes routes of IPv6', async () => {
  await a.must('route add -inet6 default 2001:db8::2');
  await a.must('route add 2001:db8:5::/48 2001:db8::9');
  const local = /fe80::[0-9a-f:]+/.exec((await b.must('ifconfig shmif0')).join(' '))![0];
  await a.must(`route change 2001:db8:5::/48 ${local}%shmif0`);
  const shown = await a.must('route show');
  expect(shown.some((line) => /^default +2001:db8::2 +UGS /.test(line))).toBe(true);
  expect(shown.some((line) => line.startsWith('2001:db8:5::/48') && line.includes(`${local}%2`))).toBe(true);
  expect((await a.must('route get 2001:db8:77::1')).some((line) => line.includes('gateway: 2001:db8::2'))).toBe(true);
  await a.must('route delete 2001:db8:5::/48');
  await a.must('route delete -inet6 default');
  expect((await a.run('route get 2001:db8:77::1')).status).toBe(1);
});
test('ping6 of nobody says that he cannot be reached', async () => {
  const { out, status } = await a.run('ping6 -c 1 2001:db8::9');
  expect([status, out.some((line) => line.includes('Destination Unreachable (code 3)'))]).toEqual([1, true]);
});
test('ndp shows neighbours, sets and forgets them', async () => {
  await a.must('ping6 -q -c 1 2001:db8::2');
  expect(plain(await a.must('ndp 2001:db8::2'))[1]).toBe('2001:db8::2                             MAC  shmif0');
  await a.must('ndp -s 2001:db8::7 02:00:00:00:00:07');
  expect((await a.must('ndp -a')).some((line) => /^2001:db8::7 +02:00:00:00:00:07 +shmif0 permanent$/.test(line))).toBe(true);
  await a.must('ndp -d 2001:db8::7');
  expect(await a.run('ndp 2001:db8::7')).toMatchObject({ status: 1, out: ['2001:db8::7 -- no entry'] });
});
test.each([
  ['ifconfig shmif0 inet6 nonsense', 2],
  ['ifconfig shmif0 inet6 2001:db8::9/129', 2],
  ['ifconfig shmif0 inet6 ff02::5', 1],
  ['ping6 10.0.0.1', 2],
  ['ping6 fe80::1%none0', 2],
  ['ndp -s 2001:db8::7', 2],
  ['route add 2001:db8::/200 2001:db8::2', 2],
])('%s: status %d', async (line, status) => {
  expect((await a.run(line)).status).toBe(status);
});
