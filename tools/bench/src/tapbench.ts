/**
 * Run within a network namespace: a kernel on a TAP device serves Linux, Linux measures, and its report is printed. iperf3 from Linux, with `-R` to Linux, with
 * `--plain` in frames of 1514 bytes with their checksums, with `--cubic` Linux sends with CUBIC, whatever the machine's choice is; with `--ping` echo requests, each when
 * the last one has been answered.
 */
import { execFileSync, spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { hostNode } from '@anykernel/host-node';
import { netinet } from '@anykernel/netinet';
import { runTool, setUp } from '@anykernel/netutils';
import { boot } from '@anykernel/rumpkern';
import { virtif } from '@anykernel/virtif';

/** Of the report that `iperf3 -J` writes. */
export interface Report {
  readonly end: { readonly sum_received: { readonly bits_per_second: number } };
}

export interface Ping {
  readonly averageMs: number;
}

const PLAIN = '-lro -tso4 -tso6 -tcp4csum -udp4csum -tcp6csum -udp6csum';
const PINGS = 20_000;

const words = process.argv.slice(2);
const k = boot(hostNode({ input: false }), [netinet, virtif]);
await setUp(k, ['ifconfig virt0 create linkstr aktap0', ...(words.includes('--plain') ? [`ifconfig virt0 ${PLAIN}`] : []), 'ifconfig virt0 10.9.0.2/24']);
execFileSync('ip', ['addr', 'add', '10.9.0.1/24', 'dev', 'aktap0']);
execFileSync('ip', ['link', 'set', 'aktap0', 'up']);
process.stdout.write(await (words.includes('--ping') ? pinged() : measured([...(words.includes('-R') ? ['-R'] : []), ...(words.includes('--cubic') ? ['-C', 'cubic'] : [])])));
process.exit(0);

function run(program: string, args: readonly string[]): ChildProcessByStdio<null, Readable, null> {
  return spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
}

function measured(args: readonly string[]): Promise<string> {
  void runTool({ p: k.newproc(), out: () => {}, err: console.error }, ['iperf3', '-s']);
  return text(run('iperf3', ['-c', '10.9.0.2', '-t', '2', '-J', ...args]).stdout);
}

async function pinged(): Promise<string> {
  const said = await text(run('ping', ['-f', '-q', '-c', String(PINGS), '10.9.0.2']).stdout);
  const found = /= [\d.]+\/([\d.]+)\//.exec(said);
  if (found === null || !said.includes(` ${PINGS} received`)) throw new Error(said);
  return JSON.stringify({ averageMs: Number(found[1]) } satisfies Ping);
}
