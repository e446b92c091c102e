/** Who has which address: the kernel and Linux on one link, and each wants what the other has. */
import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { oracle } from '@anykernel/tools-oracle';
import { LinuxNet } from './linuxnet.js';

const DEVICE = 'aktap0';
const net = new LinuxNet('link');
const all = oracle('ip', 'ping', 'arping', 'ndisc6');

if (all.missing.length === 0) {
  beforeAll(async () => {
    await net.boot({
      setup: ['sysctl -w net.inet.ip.dad_count=3', `ifconfig virt0 create linkstr ${DEVICE}`, 'ifconfig virt0 10.9.0.2/24', 'ifconfig virt0 inet6 2001:db8:9::2/64'],
      linux: [`addr add 10.9.0.1/24 dev ${DEVICE}`, `addr add 2001:db8:9::1/64 dev ${DEVICE} nodad`, `link set ${DEVICE} up`],
    });
    await net.until(() => net.linux('ping', '-c', '1', '-W', '1', '2001:db8:9::2').status, (status) => status === 0);
  });
  afterAll(() => net.close());
}

/** What ifconfig says of an address, as soon as it is tentative no more. */
async function address(text: string): Promise<string> {
  const line = (out: readonly string[]): string => out.find((one) => one.includes(` ${text}/`)) ?? '';
  const { out } = await net.until(() => net.tool('ifconfig virt0'), (said) => line(said.out) !== '' && !line(said.out).includes('tentative'));
  return line(out).trim();
}

async function linkAddress(): Promise<string> {
  const { out } = await net.tool('ifconfig virt0');
  return /address: (\S+)/.exec(out.join('\n'))?.[1] ?? '';
}

describe('IPv4', () => {
  all.test('an address that Linux has is not used (RFC 5227 2.1)', async () => {
    net.must('ip', 'addr', 'add', '10.9.0.77/24', 'dev', DEVICE);
    await net.tool('ifconfig virt0 10.9.0.77/24 alias');
    expect(await address('10.9.0.77')).toMatch(/ duplicated$/);
    await net.tool('ifconfig virt0 10.9.0.78/24 alias');
    expect(await address('10.9.0.78')).not.toContain('duplicated');
  });

  all.test('who looks whether the kernel’s address is free hears that it is not', () => {
    expect(net.linux('arping', '-D', '-c', '2', '-w', '3', '-I', DEVICE, '10.9.0.2').status).toBe(1);
    expect(net.linux('arping', '-D', '-c', '1', '-w', '2', '-I', DEVICE, '10.9.0.200').status).toBe(0);
  });

  all.test('an address that is announced by another is defended, and counted (RFC 5227 2.4)', async () => {
    const before = await net.count('arp', 'duplicate');
    net.must('ip', 'addr', 'add', '10.9.0.2/24', 'dev', DEVICE);
    net.linux('arping', '-U', '-c', '1', '-w', '1', '-I', DEVICE, '10.9.0.2');
    net.must('ip', 'addr', 'del', '10.9.0.2/24', 'dev', DEVICE);
    expect(await net.count('arp', 'duplicate')).toBeGreaterThan(before);
    net.must('ip', 'neigh', 'flush', 'dev', DEVICE);
    expect(net.must('ping', '-c', '1', '-W', '5', '10.9.0.2')).toContain(' 1 received');
    expect(await address('10.9.0.2')).not.toContain('duplicated');
  });
});

describe('IPv6', () => {
  all.test('who asks for the link address of the kernel’s address gets it', async () => {
    expect(net.must('ndisc6', '-1', '-r', '3', '2001:db8:9::2', DEVICE).toLowerCase()).toContain(await linkAddress());
  });

  all.test('an address that Linux has is not used (RFC 4862 5.4)', async () => {
    net.must('ip', 'addr', 'add', '2001:db8:9::77/64', 'dev', DEVICE, 'nodad');
    await net.tool('ifconfig virt0 inet6 2001:db8:9::77/64');
    expect(await address('2001:db8:9::77')).toMatch(/ duplicated$/);
  });

  all.test('Linux does not use an address that the kernel has', async () => {
    net.must('ip', 'addr', 'add', '2001:db8:9::2/64', 'dev', DEVICE);
    const said = await net.until(() => net.must('ip', '-6', 'addr', 'show', 'dev', DEVICE), (text) => text.includes('dadfailed'));
    expect(said).toMatch(/2001:db8:9::2\/64 scope global dadfailed/);
  });
});
