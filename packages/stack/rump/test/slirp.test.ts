/**
 * The TCP/IP of libslirp (4.4BSD's, and its own ND and RA) on the other side: a bridge of Linux in a namespace carries frames between the kernel's TAP device and that
 * of slirp4netns, whose other side is a second namespace.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect } from '@jest/globals';
import { oracle } from '@anykernel/tools-oracle';
import { LinuxNet } from './linuxnet.js';

const MIB = 1 << 20;
/** libslirp's names for the loopback of where it runs. */
const PEERS = ['10.0.2.2', 'fd00::2'];

const net = new LinuxNet('slirp');
const all = oracle('ip', 'nc', 'busybox', 'openssl', 'slirp4netns', 'setpriv');

if (all.missing.length === 0) {
  beforeAll(async () => {
    const slirp = net.start(1, 'slirp4netns', '--netns-type=path', '--enable-ipv6', '--disable-dns', `/run/netns/${net.space(0)}`, 'aksl0');
    slirp.stdout?.resume();
    await net.until(() => net.must('ip', 'link'), (text) => text.includes('aksl0'));
    await net.boot({
      setup: ['ifconfig virt0 create linkstr aktap0', 'ifconfig virt0 10.0.2.100/24', 'route add default 10.0.2.2'],
      linux: ['link add br0 type bridge', 'link set aktap0 master br0 up', 'link set aksl0 master br0 up', 'link set br0 up'],
    });
    await net.web(1, 8080);
  });
  afterAll(() => net.close());
}

/** The digest of the first bytes of the stream. */
function digest(len: number): string {
  return net.must('sh', '-c', `head -c ${len} /dev/zero | openssl enc -aes-128-ctr -K 00000000000000000000000000000000 -iv 00000000000000000000000000000000 | openssl dgst -sha256 -r`).split(' ')[0] as string;
}

all.test('its router advertisements give the kernel an address and a route', async () => {
  const { out } = await net.until(() => net.tool('ifconfig virt0'), (said) => said.out.some((line) => /inet6 fd00:/.test(line) && !line.includes('tentative')));
  expect(out.some((line) => /inet6 fd00:[0-9a-f:]+\/64$/.test(line))).toBe(true);
  expect((await net.tool('route get 2001:db8::1')).out.some((line) => /gateway: fe80::/.test(line))).toBe(true);
});

all.test('it answers pings of either family', async () => {
  expect((await net.tool('ping -c 3 -i 0.1 10.0.2.2')).out).toContain('3 packets transmitted, 3 packets received, 0.0% packet loss');
  expect((await net.tool('ping6 -c 3 -i 0.1 fd00::2')).out).toContain('3 packets transmitted, 3 packets received, 0.0% packet loss');
});

all.test('32 MiB come through its TCP, each byte as it was sent', async () => {
  const sha256 = digest(32 * MIB);
  for (const peer of PEERS) expect([peer, await net.fetch(peer, 8080, `/cgi-bin/stream?${32 * MIB}`)]).toEqual([peer, { len: 32 * MIB, sha256 }]);
});

all.test('16 MiB go through its TCP, each byte as it was sent', async () => {
  for (const [i, peer] of PEERS.entries()) {
    const file = `${net.folder}/got${i}`;
    const listener = net.start(1, 'sh', '-c', `nc -l ${i === 0 ? '127.0.0.1' : '::1'} 9007 > ${file}`);
    await net.until(() => net.mustIn(1, 'ss', '-tln'), (text) => text.includes(':9007 '));
    const ended = new Promise((resolve) => listener.once('exit', resolve));
    await net.send(peer, 9007, 16 * MIB);
    await ended;
    expect([peer, createHash('sha256').update(readFileSync(file)).digest('hex')]).toEqual([peer, digest(16 * MIB)]);
  }
});

all.test('a port where nobody listens is refused, in whatever way it does', async () => {
  expect((await net.tool('nc -z -w 60 10.0.2.2 9')).status).toBe(1);
});
