/** netstat(1): interfaces with their counters, and routes. */
import { AF_INET, AF_INET6, linkText } from '@anykernel/lib-sys';
import { showRoutes } from './route.js';
import { interfaces, routes } from './tables.js';
import { type Tool, type ToolIo, ToolUsage, getopt } from './tool.js';

const USAGE = 'usage: netstat [-n] -i | -r';

export const netstat: Tool = {
  name: 'netstat',
  usage: USAGE,
  about: 'show interfaces with their counters, and routes',
  run(io, args) {
    const { options: o, rest } = getopt(USAGE, args, 'inr', '');
    if (rest.length > 0 || (!o.has('i') && !o.has('r'))) throw new ToolUsage(USAGE);
    if (o.has('i')) showInterfaces(io);
    if (o.has('r')) showTables(io);
    return Promise.resolve(0);
  },
};

function showInterfaces(io: ToolIo): void {
  io.out(`${'Name'.padEnd(9)}${'Mtu'.padStart(6)}  ${'Network'.padEnd(14)}${'Address'.padEnd(22)}${'Ipkts'.padStart(9)}${'Ierrs'.padStart(7)}${'Opkts'.padStart(9)}${'Oerrs'.padStart(7)}`);
  for (const { name, mtu, link, addrs, counters: c } of interfaces(io.p)) {
    const counts = `${String(c.ipackets).padStart(9)}${String(c.ierrors).padStart(7)}${String(c.opackets).padStart(9)}${String(c.oerrors).padStart(7)}`;
    const line = (network: string, address: string): void => io.out(`${name.padEnd(9)}${String(mtu).padStart(6)}  ${network.padEnd(14)}${address.padEnd(22)}${counts}`);
    line('<Link>', linkText(link));
    for (const ia of addrs) line(`/${ia.prefixLen}`, ia.text);
  }
}

function showTables(io: ToolIo): void {
  io.out('Routing tables');
  for (const [family, title] of [[AF_INET, 'Internet'], [AF_INET6, 'Internet6']] as const) {
    const all = routes(io.p, family);
    if (all.length === 0) continue;
    io.out('');
    io.out(`${title}:`);
    showRoutes(io, all);
  }
}
