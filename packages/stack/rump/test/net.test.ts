/** The network of a stack file, from the command line and in the shell; several kernels at once. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { parsePcapng } from '@anykernel/lib-wire';
import { folder, ran, rump } from './kit.js';

const path = folder();

/** A stack file with one interface; its path. */
function stack(setup: readonly string[] = ['ifconfig shmif0 create linkstr lan', 'ifconfig shmif0 10.0.0.1/24'], components = ['netinet', 'shmif'], name = 'net'): string {
  const file = path(`${name}.json`);
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

describe('sockets', () => {
  test('of two stacks talk by nc, over IPv4 and IPv6', async () => {
    for (const [flag, address] of [['-4', '10.0.0.1'], ['-6', '2001:db8::1']] as const) {
      const link = `talk${flag}`;
      const end = (n: number): string =>
        stack([`ifconfig shmif0 create linkstr ${link}`, `ifconfig shmif0 10.0.0.${n}/24`, `ifconfig shmif0 inet6 2001:db8::${n}/64`, 'ifconfig -w 5'], ['netinet6', 'shmif'], `end${n}`);
      const [one, two] = [end(1), end(2)];
      const serving = rump(['nc', '--stack', one, flag, '-l', '7000'], { input: 'from the server' });
      const ask = () => rump(['nc', '--stack', two, '-v', flag, address, '7000'], { input: 'from the client' });
      let asking = await ask();
      // Whose addresses are settled first is a matter of chance.
      for (let left = 100; asking.status !== 0 && left > 0; left--) asking = await ask();
      expect([asking.status, asking.out, asking.err]).toEqual([0, 'from the server', `Connection to ${address} 7000 port [tcp/*] succeeded!\n`]);
      expect((await serving).out).toBe('from the client');
    }
  });

  test('of two processes talk on a bus file, and who listens waits', async () => {
    const end = (n: number): string => stack([`ifconfig shmif0 create linkstr ${path('lan.bus')}`, `ifconfig shmif0 10.0.0.${n}/24`], ['netinet', 'shmif'], `process${n}`);
    const loader = `${import.meta.dirname}/../../../../tools/run/typescript.mjs`;
    const script = (...args: readonly string[]) => ['--import', loader, '-e', `import('${import.meta.dirname}/../src/index.ts').then(({ main }) => main(${JSON.stringify(args)})).then((n) => (process.exitCode = n))`];
    const server = spawn(process.execPath, script('nc', '--stack', end(1), '-l', '7000'), { stdio: ['ignore', 'pipe', 'inherit'] });
    let got = '';
    server.stdout.on('data', (b: Buffer) => (got += b.toString()));
    const ended = new Promise((resolve) => server.once('exit', resolve));
    let asked = await rump(['nc', '--stack', end(2), '10.0.0.1', '7000'], { input: 'hello' });
    for (let left = 500; asked.status !== 0 && left > 0; left--) asked = await rump(['nc', '--stack', end(2), '10.0.0.1', '7000'], { input: 'hello' });
    expect([asked.status, await ended, got]).toEqual([0, 0, 'hello']);
  });

  test('are in the lists of netstat and sockstat', async () => {
    const out = await ran('shell', '--stack', stack(undefined, ['netinet6', 'shmif', 'tmpfs']), '-c', 'netstat -an', '-c', 'sockstat -n', '-c', 'netstat -s -p udp', '-c', 'netstat -m');
    expect(out).toMatch(/^USER +COMMAND +PID +FD +PROTO +LOCAL ADDRESS +FOREIGN ADDRESS\nudp:\n\t0 datagrams received\n[\s\S]*mbufs in use/);
  });

  test('have the names that the file system of the stack has', async () => {
    const file = stack(undefined, ['netinet', 'shmif', 'tmpfs']);
    const out = await ran('shell', '--stack', file, '-c', 'mkdir /etc', '-c', 'write /etc/hosts 10.0.0.1 me', '-c', 'ping -q -c 1 me', '-c', 'netstat -r -f inet');
    expect(out).toContain('PING me (10.0.0.1): 56 data bytes');
    expect(out).toMatch(/^me +link#1 +UHl/m);
  });
});

describe('the shell', () => {
  test('has the tools on the kernel of a stack file, and files if there are some', async () => {
    const file = stack(undefined, ['netinet', 'shmif', 'tmpfs']);
    const out = await ran('shell', '--stack', file, '-c', 'ifconfig -l', '-c', 'mkdir /x', '-c', 'ls /', '-c', 'sysctl -n net.inet.ip.ttl');
    expect(out).toMatch(/^lo0 shmif0\n[\s\S]*x\n[\s\S]*64\n$/);
  });

  test('is there without files, too', async () => {
    expect(await ran('shell', '--stack', stack(), '-c', 'ifconfig -l', '-c', 'pwd')).toBe('lo0 shmif0\n/\n');
    expect((await rump(['shell', '--stack', stack(), '-c', 'ls /'])).err).toContain('function not implemented');
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
});
