/** The tools of the network, as functions on a process of a kernel. */
import type { Kernel } from '@anykernel/rumpkern';
import { arp } from './arp.js';
import { ifconfig } from './ifconfig.js';
import { iperf3 } from './iperf3.js';
import { nc } from './nc.js';
import { ndp } from './ndp.js';
import { netstat } from './netstat.js';
import { ping } from './ping.js';
import { ping6 } from './ping6.js';
import { route } from './route.js';
import { sockstat } from './sockstat.js';
import { sysctl } from './sysctl.js';
import { tcpdump } from './tcpdump.js';
import { type Tool, type ToolIo, ToolUsage, reason } from './tool.js';
import { traceroute, traceroute6 } from './traceroute.js';

export { type Counter, type Interface, type InterfaceAddress, type Route, interfaces, neighbours, routes } from './tables.js';
export { type AbortSignalLike, type Tool, type ToolIo, ToolUsage } from './tool.js';
export { arp, ifconfig, iperf3, nc, ndp, netstat, ping, ping6, route, sockstat, sysctl, tcpdump, traceroute, traceroute6 };

/** All of them. */
export const TOOLS: readonly Tool[] = [ifconfig, route, arp, ndp, ping, ping6, traceroute, traceroute6, netstat, sockstat, sysctl, nc, iperf3, tcpdump];

/** A line of a setup has failed. */
export class SetupError extends Error {
  override readonly name = 'SetupError';
}

/** Runs lines of tools as a new process of the superuser's, in order. SetupError names the first that fails, and says what it said. */
export async function setUp(k: Kernel, lines: readonly string[]): Promise<void> {
  const p = k.newproc({ comm: 'setup' });
  for (const line of lines) {
    const said: string[] = [];
    const words = line.split(/\s+/).filter((word) => word !== '');
    const status = await runTool({ p, out: () => {}, err: (text) => void said.push(text) }, words);
    if (status !== 0) throw new SetupError(`${line}: ${said.join('; ')}`);
  }
}

/**
 * Runs a tool by its words, `['ping', '-c', '3', '10.0.0.1']`. What goes wrong is said, and the status is 1; 2: the words make no sense. ToolUsage: there
 * is no tool of that name.
 */
export async function runTool(io: ToolIo, words: readonly string[]): Promise<number> {
  const [name, ...args] = words;
  const tool = TOOLS.find((t) => t.name === name);
  if (tool === undefined) throw new ToolUsage(`${name}: there are ${TOOLS.map((t) => t.name).join(', ')}`);
  try {
    return await tool.run(io, args);
  } catch (e) {
    if (e instanceof ToolUsage) {
      io.err(e.message);
      return 2;
    }
    if ((e as { code?: string }).code === undefined) throw e;
    io.err(`${name}: ${reason(e)}`);
    return 1;
  }
}
