/** Run within a network namespace: a kernel on a TAP device serves iperf3, Linux measures, and its report is printed. `-R`: to Linux. */
import { execFileSync, spawn } from 'node:child_process';
import { hostNode } from '@anykernel/host-node';
import { netinet } from '@anykernel/netinet';
import { runTool, setUp } from '@anykernel/netutils';
import { boot } from '@anykernel/rumpkern';
import { virtif } from '@anykernel/virtif';

/** Of the report that `iperf3 -J` writes. */
export interface Report {
  readonly end: { readonly sum_received: { readonly bits_per_second: number } };
}

const k = boot(hostNode({ input: false }), [netinet, virtif]);
await setUp(k, ['ifconfig virt0 create linkstr aktap0', 'ifconfig virt0 10.9.0.2/24']);
execFileSync('ip', ['addr', 'add', '10.9.0.1/24', 'dev', 'aktap0']);
execFileSync('ip', ['link', 'set', 'aktap0', 'up']);
void runTool({ p: k.newproc(), out: () => {}, err: console.error }, ['iperf3', '-s']);
const words = ['-c', '10.9.0.2', '-t', '2', '-J', ...process.argv.slice(2).filter((word) => word !== '')];
const client = spawn('iperf3', words, { stdio: ['ignore', 'pipe', 'inherit'] });
client.stdout.pipe(process.stdout);
client.on('exit', () => process.exit(0));
