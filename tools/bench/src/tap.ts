/** Between Linux and a kernel on a TAP device, in a network namespace of its own: by iperf3 and ping of Linux. */
import { spawnSync } from 'node:child_process';
import type { Case, Subject } from './measure.js';
import type { Ping, Report } from './tapbench.js';

/** Runs tapbench.ts with words in a namespace. What it prints. */
function inNamespace(words: readonly string[]): string {
  const ns = `ak-bench-${process.pid}`;
  const ip = (...args: string[]): void => void spawnSync('ip', args, { stdio: 'ignore' });
  ip('netns', 'add', ns);
  try {
    const script = new URL('tapbench.ts', import.meta.url).pathname;
    const made = spawnSync('ip', ['netns', 'exec', ns, process.execPath, ...process.execArgv, script, ...words], { encoding: 'utf8', timeout: 60_000 });
    if (made.status !== 0) throw new Error(`no report: ${made.stdout}${made.stderr}`);
    return made.stdout;
  } finally {
    ip('netns', 'delete', ns);
  }
}

/** Gigabytes a second. */
function bulk(...words: readonly string[]): Subject {
  return { name: 'rump', figure: true, run: () => (JSON.parse(inNamespace(words)) as Report).end.sum_received.bits_per_second / 8e9 };
}

/** Milliseconds of a round trip. */
function ping(): Subject {
  return { name: 'rump', figure: true, run: () => (JSON.parse(inNamespace(['--ping'])) as Ping).averageMs };
}

const has = (program: string): boolean => spawnSync(program, ['-V'], { stdio: 'ignore' }).error === undefined;
/** TAP devices and namespaces are root's. */
const root = process.getuid?.() === 0 && has('ip') && has('iperf3') && has('ping');

export const TAP_CASES: readonly Case[] = root
  ? [
      { name: 'TCP from Linux over a TAP device', unit: 'GB/s', reach: 1, c: 0.15, subjects: () => [bulk()] },
      { name: 'TCP from Linux over a TAP device, with CUBIC', unit: 'GB/s', reach: 1, c: 0.15, subjects: () => [bulk('--cubic')] },
      { name: 'TCP to Linux over a TAP device', unit: 'GB/s', reach: 1, c: 0.15, subjects: () => [bulk('-R')] },
      { name: 'TCP from Linux over a TAP device, MTU 1500 without offload', unit: 'GB/s', reach: 0.25, subjects: () => [bulk('--plain')] },
      { name: 'TCP to Linux over a TAP device, MTU 1500 without offload', unit: 'GB/s', reach: 0.25, subjects: () => [bulk('--plain', '-R')] },
      { name: 'ping from Linux over a TAP device', unit: 'ms', reach: 0.06, c: 0.088, subjects: () => [ping()] },
    ]
  : [];
