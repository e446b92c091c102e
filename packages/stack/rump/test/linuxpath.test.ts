/** Path MTU: a router of Linux with a link that is smaller, which says so or does not; and the kernel as the router of Linux. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { oracle } from '@anykernel/tools-oracle';
import { LinuxNet } from './linuxnet.js';

const LEN = 1_000_000;
const SMALL = 1300;
const all = oracle('ip', 'nc', 'nft', 'setpriv');

/** kernel -- 1500 -- namespace 0, a router -- 1300 -- namespace 1; from there all links take 1500. */
const net = new LinuxNet('path');
/** namespace 0 -- 1500 -- kernel -- 1300 -- namespace 1. */
const through = new LinuxNet('through');

const FAMILIES = [
  { name: 'IPv4', far: '10.8.0.2', flag: '-4' },
  { name: 'IPv6', far: '2001:db8:8::2', flag: '-6' },
];

if (all.missing.length === 0) {
  beforeAll(async () => {
    await net.boot({
      setup: [
        'ifconfig virt0 create linkstr aktap0', 'ifconfig virt0 10.9.0.2/24', 'ifconfig virt0 inet6 2001:db8:9::2/64', 'route add default 10.9.0.1',
        'route add -inet6 default 2001:db8:9::1',
      ],
      linux: [
        'addr add 10.9.0.1/24 dev aktap0', 'addr add 2001:db8:9::1/64 dev aktap0 nodad', 'link set aktap0 up', 'link add near type veth peer name far netns {1}',
        'addr add 10.8.0.1/24 dev near', 'addr add 2001:db8:8::1/64 dev near nodad', `link set near mtu ${SMALL} up`,
        '-n {1} addr add 10.8.0.2/24 dev far', '-n {1} addr add 2001:db8:8::2/64 dev far nodad', '-n {1} link set far up', '-n {1} route add default via 10.8.0.1',
        '-n {1} -6 route add default via 2001:db8:8::1',
      ],
    });
    net.must('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding');
    for (const { far } of FAMILIES) await net.until(async () => (await net.tool(`${far.includes(':') ? 'ping6' : 'ping'} -c 1 -w 1 ${far}`)).status, (status) => status === 0);
  });
  beforeAll(async () => {
    await through.boot({
      setup: [
        'sysctl -w net.inet6.ip6.forwarding=1', 'ifconfig virt0 create linkstr aktap0', 'ifconfig virt0 10.9.0.2/24', 'ifconfig virt0 inet6 2001:db8:9::2/64',
        'ifconfig virt1 create linkstr aktap1', `ifconfig virt1 10.8.0.1/24 mtu ${SMALL}`, 'ifconfig virt1 inet6 2001:db8:8::1/64',
      ],
      linux: [
        'addr add 10.9.0.1/24 dev aktap0', 'addr add 2001:db8:9::1/64 dev aktap0 nodad', 'link set aktap0 up', 'route add default via 10.9.0.2',
        '-6 route add default via 2001:db8:9::2', 'link set aktap1 netns {1}', '-n {1} addr add 10.8.0.2/24 dev aktap1', '-n {1} addr add 2001:db8:8::2/64 dev aktap1 nodad',
        '-n {1} link set aktap1 up', '-n {1} route add default via 10.8.0.1', '-n {1} -6 route add default via 2001:db8:8::1',
      ],
    });
    for (const { far } of FAMILIES) await through.until(() => through.linux('ping', '-c', '1', '-W', '1', far).status, (status) => status === 0);
  });
  afterAll(() => Promise.all([net.close(), through.close()]));
}

/** Sends to nc in namespace 1 by `send`, and gives the digest of what came. */
async function received(on: LinuxNet, flag: string, send: () => Promise<unknown>): Promise<string> {
  const file = `${on.folder}/got`;
  const listener = on.start(1, 'sh', '-c', `nc ${flag} -l 9007 > ${file}`);
  await on.until(() => on.mustIn(1, 'ss', '-tln'), (text) => text.includes(':9007 '));
  const ended = new Promise((resolve) => listener.once('exit', resolve));
  await send();
  await ended;
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

describe.each(FAMILIES)('a path whose second link is smaller, $name:', ({ far, flag }) => {
  all.test('the router says nothing, and the kernel finds it out (RFC 4821 7.7)', async () => {
    net.must('sh', '-c', 'nft add table inet t; nft "add chain inet t out { type filter hook output priority 0; }"');
    net.must('sh', '-c', 'nft add rule inet t out icmp type destination-unreachable drop; nft add rule inet t out icmpv6 type packet-too-big drop');
    const before = await net.count('tcp', 'black hole');
    let sent = '';
    const got = await received(net, flag, async () => (sent = (await net.send(far, 9007, LEN)).sha256));
    net.must('nft', 'flush', 'ruleset');
    expect(got).toBe(sent);
    expect(await net.count('tcp', 'black hole')).toBe(before + 1);
  });

  all.test('the router says so, and the kernel keeps to it', async () => {
    const [changes, holes] = await mtuCounters();
    let sent = '';
    const got = await received(net, flag, async () => (sent = (await net.send(far, 9007, LEN)).sha256));
    expect(got).toBe(sent);
    expect(await mtuCounters()).toEqual([changes + 1, holes]);
  });

  all.test('the kernel as the router says so, and Linux keeps to it', async () => {
    const got = await received(through, flag, () => Promise.resolve(through.must('sh', '-c', `head -c ${LEN} /dev/zero | nc -N ${far} 9007`)));
    expect(got).toBe(createHash('sha256').update(new Uint8Array(LEN)).digest('hex'));
    expect(through.must('ip', 'route', 'get', far)).toContain(`mtu ${SMALL}`);
  });
});

/** Changes of a path's MTU, and black holes, that TCP has counted. */
async function mtuCounters(): Promise<[number, number]> {
  const { out } = await net.tool('netstat -s -p tcp');
  const [, holes, changes] = /(\d+) path MTU black holes? found, (\d+) path MTU change/.exec(out.join('\n')) ?? [];
  return [Number(changes), Number(holes)];
}
