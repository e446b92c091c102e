/** A kernel on a TAP device, with the TCP/IP of Linux on the other side, in a network namespace of the test's own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { type Interface, createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { type Result, mustRun, oracle, run } from '@anykernel/tools-oracle';
import type { Counters } from './linuxhost.js';

const NS = `ak-linux-${process.pid}`;
const OURS = '10.9.0.2';
const MIB = 1 << 20;
let host: ChildProcess | undefined;
let lines: Interface | undefined;

/** A program on the Linux side. */
function linux(program: string, ...args: string[]): Result {
  return run('ip', ['netns', 'exec', NS, program, ...args], { timeoutMs: 60_000 });
}

function must(program: string, ...args: string[]): string {
  return mustRun('ip', ['netns', 'exec', NS, program, ...args], { timeoutMs: 60_000 });
}

/** The next line of the kernel's side. */
function line(): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the kernel says nothing')), 30_000);
    host?.once('exit', () => reject(new Error('the kernel has ended')));
    lines?.once('line', (text) => {
      clearTimeout(timer);
      resolve(text);
    });
  });
}

async function counters(): Promise<Counters> {
  host?.stdin?.write('\n');
  return JSON.parse(await line()) as Counters;
}

const all = oracle('ip', 'ping', 'nc', 'curl', 'iperf3', 'nmap', 'hping3');

if (all.missing.length === 0) {
  beforeAll(async () => {
    mustRun('ip', ['netns', 'add', NS]);
    mustRun('ip', ['-n', NS, 'link', 'set', 'lo', 'up']);
    const script = `import(${JSON.stringify(`${import.meta.dirname}/linuxhost.ts`)}).then((host) => host.main('aktap0', '${OURS}', '10.9.0.1'))`;
    const loader = `${import.meta.dirname}/../../../../tools/run/typescript.mjs`;
    host = spawn('ip', ['netns', 'exec', NS, process.execPath, '--import', loader, '-e', script], { stdio: ['pipe', 'pipe', 'inherit'] });
    lines = createInterface({ input: host.stdout as NodeJS.ReadableStream });
    expect(await line()).toBe('ready');
  }, 60_000);
  afterAll(async () => {
    if (host?.exitCode === null) {
      const ended = new Promise((resolve) => host?.once('exit', resolve));
      host.stdin?.end();
      await ended;
    }
    run('ip', ['netns', 'delete', NS]);
  }, 30_000);
}

describe('Linux', () => {
  all.test('pings, small and large, and as fast as it can', () => {
    expect(must('ping', '-c', '3', '-i', '0.2', OURS)).toContain(' 0% packet loss');
    expect(must('ping', '-c', '2', '-i', '0.2', '-s', '30000', OURS)).toContain(' 0% packet loss');
    expect(must('ping', '-q', '-f', '-c', '2000', OURS)).toContain('2000 received');
  });

  all.test('fetches 256 MiB, each byte as it was sent', () => {
    const hash = createHash('sha256');
    const pattern = Uint8Array.from({ length: 65_536 }, (_, i) => i * 7 + (i >> 8));
    for (let i = 0; i < (256 * MIB) / pattern.length; i++) hash.update(pattern);
    const out = must('sh', '-c', `curl -s -m 50 http://${OURS}/${256 * MIB} | sha256sum`);
    expect(out.split(' ')[0]).toBe(hash.digest('hex'));
  }, 60_000);

  all.test('posts 64 MiB', () => {
    expect(must('sh', '-c', `head -c ${64 * MIB} /dev/zero | curl -s -m 50 --data-binary @- http://${OURS}/`)).toBe(String(64 * MIB));
  }, 60_000);

  all.test('hears its own words from the echo, with the connection half closed', () => {
    expect(must('sh', '-c', `printf 'hello, kernel' | nc -N -w 5 ${OURS} 7`)).toBe('hello, kernel');
  });

  all.test('measures with iperf3, both ways and with several streams', () => {
    for (const how of [[], ['-R'], ['-P', '4']]) {
      const report = JSON.parse(must('iperf3', '-c', OURS, '-t', '1', '-J', ...how)) as { end: { sum_received: { bytes: number } } };
      expect(report.end.sum_received.bytes).toBeGreaterThan(MIB);
    }
  }, 60_000);

  all.test('finds the open ports with nmap, and no others', () => {
    const out = must('nmap', '-n', '-Pn', '-p', '1-100,5201', OURS);
    expect(out.match(/^\d+\/tcp +open/gm)?.map((l) => Number.parseInt(l))).toEqual([7, 80, 5201]);
    expect(out).toMatch(/98 closed tcp ports \(reset\)/);
  }, 60_000);

  all.test('a refused connection is refused at once', () => {
    expect(linux('nc', '-w', '5', '-v', OURS, '9').stderr).toContain('refused');
  });

  all.test('a flood of SYNs leaves established connections alone, and the memory bounded', async () => {
    const before = await counters();
    const talk = spawn('ip', ['netns', 'exec', NS, 'sh', '-c', `(printf one; sleep 4; printf two) | nc -N -w 10 ${OURS} 7`], { stdio: ['ignore', 'pipe', 'ignore'] });
    let said = '';
    talk.stdout.on('data', (b: Buffer) => (said += b.toString()));
    linux('timeout', '3', 'hping3', '-q', '-S', '--flood', '--rand-source', '-p', '80', OURS);
    const during = await counters();
    expect(during.memory - before.memory).toBeLessThan(32 * MIB);
    await new Promise((resolve) => talk.once('exit', resolve));
    expect(said).toBe('onetwo');
    expect(must('curl', '-s', '-m', '10', `http://${OURS}/5`).length).toBe(5);
  }, 60_000);

  all.test('in the end nothing is left but what is listening', async () => {
    const { stopped, used } = await counters();
    expect(stopped).toBeNull();
    expect(used).toBeLessThan(200);
  });
});
