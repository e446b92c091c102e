/** A kernel on a TAP device, with the TCP/IP of Linux on the other side, in a network namespace of the test's own. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { oracle } from '@anykernel/tools-oracle';
import { LinuxNet } from './linuxnet.js';

const MIB = 1 << 20;
const GIB = 1 << 30;
/** Of the first GiB of the stream that linuxhost.ts has, as openssl 3.0.19 says: `head -c 1G /dev/zero | openssl enc -aes-128-ctr -K 0 -iv 0 | sha256sum`. */
const GIB_SHA256 = 'a110c53382d90198328a45c24dfc98a504911e2abf65c16d6c879ae958528cbd';
/** And of its first 256 MiB, which is a fourth of the time. */
const QUARTER_SHA256 = '87ce2d77e0b6dd1326c473b66de288b27003c21c03a110cdb31323491ab28f44';

const net = new LinuxNet('linux');
const all = oracle('ip', 'ping', 'nc', 'curl', 'iperf3', 'nmap', 'hping3', 'busybox', 'openssl', 'setpriv');

const FAMILIES = [
  { name: 'IPv4', ours: '10.9.0.2', theirs: '10.9.0.1', url: 'http://10.9.0.2', flag: '-4', mib: 1024, sha256: GIB_SHA256 },
  { name: 'IPv6', ours: '2001:db8:9::2', theirs: '2001:db8:9::1', url: 'http://[2001:db8:9::2]', flag: '-6', mib: 256, sha256: QUARTER_SHA256 },
];
const [{ ours: OURS }] = FAMILIES as [(typeof FAMILIES)[0]];

if (all.missing.length === 0) {
  beforeAll(async () => {
    await net.boot({
      setup: ['ifconfig virt0 create linkstr aktap0', 'ifconfig virt0 10.9.0.2/24', 'ifconfig virt0 inet6 2001:db8:9::2/64', 'route add default 10.9.0.1'],
      linux: ['addr add 10.9.0.1/24 dev aktap0', 'addr add 2001:db8:9::1/64 dev aktap0 nodad', 'link set aktap0 up'],
    });
    await net.web(0, 8080);
    await net.until(() => net.linux('ping', '-c', '1', '-W', '1', '2001:db8:9::2').status, (status) => status === 0);
  });
  afterAll(() => net.close());
}

describe.each(FAMILIES)('Linux, by $name,', ({ ours, theirs, url, flag, mib, sha256: wanted }) => {
  all.test('pings, small and large, and as fast as it can', () => {
    expect(net.must('ping', '-c', '3', '-i', '0.2', ours)).toContain(' 0% packet loss');
    expect(net.must('ping', '-c', '2', '-i', '0.2', '-s', '30000', ours)).toContain(' 0% packet loss');
    expect(net.must('ping', '-q', '-f', '-c', '2000', ours)).toContain('2000 received');
  });

  all.test('fetches 1 GiB with curl, each byte as it was sent', () => {
    const out = net.must('sh', '-c', `curl -g -s -m 280 ${url}/${GIB} | openssl dgst -sha256 -r`);
    expect(out.split(' ')[0]).toBe(GIB_SHA256);
  }, 300_000);

  all.test(`serves ${mib} MiB, each byte as it was sent`, async () => {
    expect(await net.fetch(theirs, 8080, `/cgi-bin/stream?${mib * MIB}`)).toEqual({ len: mib * MIB, sha256: wanted });
  }, 300_000);

  all.test('posts 64 MiB', () => {
    expect(net.must('sh', '-c', `head -c ${64 * MIB} /dev/zero | curl -g -s -m 280 --data-binary @- ${url}/`)).toBe(String(64 * MIB));
  });

  all.test('hears its own words from the echo, with the connection half closed', () => {
    expect(net.must('sh', '-c', `printf 'hello, kernel' | nc -N -w 60 ${ours} 7`)).toBe('hello, kernel');
  });

  all.test('listens with nc, and the kernel sends', async () => {
    const file = `${net.folder}/got`;
    const listener = net.start(0, 'sh', '-c', `nc ${flag} -l 9007 > ${file}`);
    await net.until(() => net.must('ss', '-tln'), (text) => text.includes(':9007 '));
    const ended = new Promise((resolve) => listener.once('exit', resolve));
    const { sha256 } = await net.send(theirs, 9007, 3_000_000);
    await ended;
    expect(createHash('sha256').update(readFileSync(file)).digest('hex')).toBe(sha256);
  });

  all.test('measures with iperf3, both ways and with several streams', () => {
    for (const how of [[], ['-R'], ['-P', '4']]) {
      const report = JSON.parse(net.must('iperf3', '-c', ours, '-t', '1', '-J', ...how)) as { end: { sum_received: { bytes: number } } };
      expect(report.end.sum_received.bytes).toBeGreaterThan(MIB);
    }
  });

  all.test('is refused at once where nobody listens', () => {
    expect(net.linux('nc', '-w', '60', '-v', ours, '9').stderr).toContain('refused');
  });
});

describe('nmap', () => {
  /** The ports of which it does not say that they are closed, with what it says. */
  function scan(...args: string[]): Record<string, string> {
    const out = net.must('nmap', '-n', '-Pn', ...args, OURS);
    return Object.fromEntries([...out.matchAll(/^(\d+)\/\w+ +(\S+)/gm)].flatMap((row) => (row[2] === 'closed' ? [] : [[row[1], row[2]]])));
  }

  all.test('finds the open ports, and no others, by SYNs and by connecting', () => {
    const open = { 7: 'open', 80: 'open', 5201: 'open' };
    expect(scan('-sS', '-p', '1-100,5201')).toEqual(open);
    expect(scan('-sT', '-p', '1-100,5201')).toEqual(open);
  });

  all.test('finds them by FIN, by a Christmas tree and by nothing: what is closed answers, what is open does not (RFC 9293 3.10.7)', () => {
    const silent = { 7: 'open|filtered', 80: 'open|filtered' };
    for (const how of ['-sF', '-sX', '-sN']) expect([how, scan(how, '-p', '1-20,80')]).toEqual([how, silent]);
  });

  all.test('finds the port of datagrams that answers, and the others unreachable', () => {
    expect(scan('-sU', '-p', '1-20', '--max-retries', '3', '--data-string', 'x')).toEqual({ 7: 'open' });
  });

  all.test('guesses the system, and finds no pattern in the sequence numbers', () => {
    expect(net.must('nmap', '-n', '-Pn', '-O', '-v', '-p', '1-20', '--max-os-tries', '1', OURS)).toMatch(/TCP Sequence Prediction: Difficulty=2\d\d \(Good luck!\)/);
  });
});

all.test('a flood of SYNs leaves established connections alone, and the memory bounded', async () => {
  // So small that also a slow flood fills it: from then on there are cookies.
  await net.tool('sysctl -w net.inet.tcp.syn_cache_limit=500');
  const before = await net.counters();
  const talk = spawn('ip', ['netns', 'exec', net.space(), 'sh', '-c', `(printf one; sleep 4; printf two) | nc -N -w 60 ${OURS} 7`], { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = new Promise((resolve) => talk.once('exit', resolve));
  let said = '';
  talk.stdout.on('data', (b: Buffer) => (said += b.toString()));
  net.linux('timeout', '3', 'hping3', '-q', '-S', '--flood', '--rand-source', '-p', '80', OURS);
  const during = await net.counters();
  expect(during.memory - before.memory).toBeLessThan(32 * MIB);
  await ended;
  expect(said).toBe('onetwo');
  expect(await net.count('tcp', 'SYN cookie')).toBeGreaterThan(100);
  expect(net.must('curl', '-s', '-m', '60', `http://${OURS}/5`).length).toBe(5);
});

all.test('in the end nothing is left but what is listening', async () => {
  const { stopped, used } = await net.counters();
  expect(stopped).toBeNull();
  expect(used).toBeLessThan(200);
  const connected = await net.until(() => net.tool('netstat -n'), ({ out }) => out.every((line) => !line.startsWith('tcp') || line.endsWith('TIME_WAIT')));
  expect(connected.out.filter((line) => line.startsWith('tcp') && !line.endsWith('TIME_WAIT'))).toEqual([]);
});
