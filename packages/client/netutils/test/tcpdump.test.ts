/** tcpdump: the packets between two kernels on a bus, as lines and as a capture. */
import { Machine, bpf, parseFilter } from '@anykernel/bpf';
import { Sim } from '@anykernel/host-sim';
import { AF_INET, BPF_PROGRAM_LEN, DLT_EN10MB, DLT_NULL, DLT_RAW, SOCK_DGRAM, bpfProgram, sockaddrIn } from '@anykernel/lib-sys';
import { parsePcapng } from '@anykernel/lib-wire';
import { netinet } from '@anykernel/netinet';
import { type ToolIo, runTool } from '@anykernel/netutils';
import { type Kernel, type Proc, boot } from '@anykernel/rumpkern';
import { rumpvfs } from '@anykernel/rumpvfs';
import { shmif } from '@anykernel/shmif';
import { compileFilter } from '../src/bpffilter.js';

const sim = new Sim({ seed: 5 });

class Host {
  readonly k: Kernel = boot(sim.host(), [netinet, shmif, rumpvfs, bpf]);
  readonly p: Proc = this.k.newproc();
  readonly lines: string[] = [];
  readonly said: string[] = [];
  readonly bytes: Uint8Array[] = [];

  start(line: string): Promise<number> {
    const io: ToolIo = { p: this.p, out: (text) => void this.lines.push(text), err: (text) => void this.said.push(text), write: (b) => void this.bytes.push(b) };
    return runTool(io, line.split(' '));
  }

  run(line: string): Promise<number> {
    return sim.settle(this.start(line), { maxEvents: 100_000 });
  }
}

async function two(): Promise<[Host, Host]> {
  const hosts = [new Host(), new Host()] as [Host, Host];
  for (const [i, host] of hosts.entries()) {
    await host.run('ifconfig shmif0 create linkstr dumped up');
    await host.run(`ifconfig shmif0 10.0.0.${i + 1}/24`);
  }
  sim.advance(10e9);
  return hosts;
}

test('packets are shown as lines, until there were enough', async () => {
  const [a, b] = await two();
  const done = a.start('tcpdump -i shmif0 -c 4 ip');
  await b.run('ping -c 1 10.0.0.1');
  const fd = b.p.sys.socket(AF_INET, SOCK_DGRAM, 0);
  b.p.sys.bind(fd, sockaddrIn(0, 4000));
  b.p.sys.sendto(fd, Uint8Array.of(1, 2, 3), 0, sockaddrIn(0x0a00_0001, 9));
  expect(await sim.settle(done)).toBe(0);
  expect(a.lines.map((line) => line.replace(/^\d\d:\d\d:\d\d\.\d{6} /, ''))).toEqual([
    'IP 10.0.0.2 > 10.0.0.1: ICMP, length 64', 'IP 10.0.0.1 > 10.0.0.2: ICMP, length 64', 'IP 10.0.0.2.4000 > 10.0.0.1.9: UDP, length 3',
    'IP 10.0.0.1 > 10.0.0.2: ICMP, length 36',
  ]);
  expect(a.said[1]).toMatch(/^4 packets captured, \d+ received by filter, 0 dropped by kernel$/);
  for (const host of [a, b]) host.k.halt();
});

test('-w -: a capture in pcapng', async () => {
  const [a, b] = await two();
  const done = a.start('tcpdump -i shmif0 -c 2 -w - icmp');
  await b.run('ping -c 1 10.0.0.1');
  expect(await sim.settle(done)).toBe(0);
  const file = parsePcapng(Uint8Array.from(a.bytes.flatMap((bytes) => [...bytes])))!;
  expect([file.interfaces[0]!.name, file.packets.map(({ data }) => [data[12], data[14 + 9], data[34]])]).toEqual(['shmif0', [[8, 1, 8], [8, 1, 0]]]);
  for (const host of [a, b]) host.k.halt();
});

test('words that make no sense, an interface that is not there', async () => {
  const [a, b] = await two();
  expect([await a.run('tcpdump foo'), await a.run('tcpdump port x'), await a.run('tcpdump host 1.2.3'), await a.run('tcpdump -i nix0')]).toEqual([2, 2, 2, 1]);
  for (const host of [a, b]) host.k.halt();
});

describe('filters', () => {
  const v4 = (protocol: number, ports: number[], frag = 0): number[] => [
    0x45, 0, 0, 28, 0, 0, frag >> 8, frag & 255, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, ...ports.flatMap((port) => [port >> 8, port & 255]), 0, 0, 0, 0,
  ];
  const ADDRESS = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
  const v6 = (next: number, ports: number[]): number[] => [0x60, 0, 0, 0, 0, 8, next, 64, ...ADDRESS, 1, ...ADDRESS, 2, ...ports.flatMap((port) => [port >> 8, port & 255]), 0, 0, 0, 0];
  const arp = [0, 1, 8, 0, 6, 4, 0, 1, 2, 6, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2];
  const packets = { tcp4: v4(6, [1000, 80]), udp4: v4(17, [53, 2000]), icmp: v4(1, [0, 0]), later: v4(17, [53, 80], 100), tcp6: v6(6, [80, 1000]), icmp6: v6(58, [0, 0]), arp };
  const type = (packet: number[]): number[] => (packet === arp ? [8, 6] : packet[0] === 0x60 ? [0x86, 0xdd] : [8, 0]);

  test.each([
    ['', 'tcp4 udp4 icmp later tcp6 icmp6 arp'], ['ip', 'tcp4 udp4 icmp later'], ['ip6', 'tcp6 icmp6'], ['arp', 'arp'], ['tcp', 'tcp4 tcp6'], ['udp', 'udp4 later'],
    ['icmp', 'icmp'], ['icmp6', 'icmp6'], ['port 80', 'tcp4 tcp6'], ['udp port 53', 'udp4'], ['host 10.0.0.2', 'tcp4 udp4 icmp later'], ['host 10.0.0.3', ''],
    ['host 2001:db8::2', 'tcp6 icmp6'], ['host 2001:db8::1 and tcp', 'tcp6'], ['host 2001:db8::3', ''], ['tcp port 80 host 10.0.0.1', 'tcp4'],
  ])('"%s" takes: %s', (words, want) => {
    const taken = (dlt: number, front: (packet: number[]) => number[]): string => {
      const insns = compileFilter(words === '' ? [] : words.split(' '), dlt, 100)!;
      const filter = parseFilter(bpfProgram(insns), BPF_PROGRAM_LEN, insns.length)!;
      const wanted = Object.entries(packets).filter(([, packet]) => {
        const bytes = Uint8Array.from([...front(packet), ...packet]);
        return new Machine().run(filter, bytes, 0, bytes.length) === 100;
      });
      return wanted.map(([name]) => name).join(' ');
    };
    const noArp = (names: string): string => names.split(' ').filter((name) => name !== 'arp').join(' ');
    expect(taken(DLT_EN10MB, (packet) => [...new Array<number>(12).fill(2), ...type(packet)])).toBe(want);
    if (words !== '') {
      expect(taken(DLT_NULL, () => [0, 0, 0, 0])).toBe(noArp(want));
      expect(taken(DLT_RAW, () => [])).toBe(noArp(want));
    }
  });
});
