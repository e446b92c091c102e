/** The network of a stack file, from the command line and in the shell; several kernels at once. */
import fs from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { parsePcapng } from '@anykernel/lib-wire';
import { folder, ran, rump } from './kit.js';

const path = folder();

/** A stack file with one interface; its path. */
function stack(setup: readonly string[] = ['ifconfig shmif0 create linkstr lan', 'ifconfig shmif0 10.0.0.1/24'], components = ['netinet', 'shmif']): string {
  const file = path('net.json');
  fs.writeFileSync(file, JSON.stringify({ components, setup }));
  return file;
}

describe('tools on the kernel of a stack file', () => {
  test('see what its setup has made', async () => {
    expect(await ran('ifconfig', '--stack', stack(), '-l')).toBe('lo0 shmif0\n');
    expect(await ran('route', '--stack', stack(), 'get', '10.0.0.9')).toContain('interface: shmif0');
    expect(await ran('ping', '--stack', stack(), '-c', '1', '-q', '10.0.0.1')).toContain('1 packets transmitted, 1 packets received');
  });

  test('a setup that fails is named, with what it said', async () => {
    const { status, err } = await rump(['ifconfig', '--stack', stack(['ifconfig nonesuch0 up']), '-l']);
    expect([status, err]).toEqual([1, 'rump: ifconfig nonesuch0 up: ifconfig: no such device or address\n']);
  });

  test('words that make no sense have status 2', async () => {
    const { status, err } = await rump(['arp', '--stack', stack()]);
    expect(status).toBe(2);
    expect(err).toContain('usage: arp');
    expect((await rump(['ping', '10.0.0.1'])).status).toBe(2);
  });

  test('a stack without a network says so', async () => {
    const { status, err } = await rump(['ifconfig', '--stack', stack([], ['tmpfs']), 'lo0', 'up']);
    expect(status).toBe(1);
    expect(err).toMatch(/^ifconfig: /);
  });
});

describe('the shell', () => {
  test('has the tools on the kernel of a stack file, and files if there are some', async () => {
    const file = stack(undefined, ['netinet', 'shmif', 'tmpfs']);
    const out = await ran('shell', '--stack', file, '-c', 'ifconfig -l', '-c', 'mkdir /x', '-c', 'ls /', '-c', 'sysctl -n net.inet.ip.ttl');
    expect(out).toMatch(/^lo0 shmif0\n[\s\S]*x\n[\s\S]*64\n$/);
  });

  test('needs an image or a stack file, not both', async () => {
    expect((await rump(['shell'])).status).toBe(2);
    expect((await rump(['shell', 'disk.img', '--stack', stack()])).status).toBe(2);
  });
});

test('the demonstration sends each byte through the router, and its capture has both sides', async () => {
  const file = path('demo.pcapng');
  const rows = JSON.parse(await ran('net', 'demo', '--json', '-w', file)) as { bytes: number }[];
  expect(rows.map((row) => row.bytes)).toEqual([4 << 20]);
  const capture = parsePcapng(new Uint8Array(fs.readFileSync(file)));
  expect(capture?.interfaces.map((i) => i.name)).toEqual(['shmif0', 'shmif1']);
  expect(new Set(capture?.packets.map((p) => `${p.iface} ${p.direction}`))).toEqual(new Set(['0 in', '0 out', '1 in', '1 out']));
}, 60_000);
