/** ndp(8): the link addresses of IPv6 neighbours, shown and set. */
import { AF_INET6, IFT_ETHER, RTA_DST, RTA_GATEWAY, RTF_HOST, RTF_LLDATA, RTF_STATIC, RTM_ADD, RTM_DELETE, linkParse, sockaddrDl } from '@anykernel/lib-sys';
import { embeddedAddress6 } from './inet6.js';
import { NUMBERS, type Names, namesOf } from './names.js';
import { send } from './route.js';
import { type Route, interfaces, neighbours } from './tables.js';
import { type Tool, type ToolIo, ToolUsage } from './tool.js';

const USAGE = `usage: ndp [-n] host[%zone]
       ndp [-n] -a
       ndp -d host[%zone] | -c
       ndp -s host[%zone] link-address`;

export const ndp: Tool = {
  name: 'ndp',
  usage: USAGE,
  about: 'show and set the link addresses of IPv6 neighbours',
  async run(io, args) {
    const words = args.filter((word) => word !== '-n');
    const names = await namesOf(io.p);
    const shown = words.length < args.length ? NUMBERS : names;
    const [verb, host, link, ...more] = words.map((word) => names.numeric(word, AF_INET6));
    const all = neighbours(io.p, AF_INET6);
    if (verb === '-a' && host === undefined) return show(io, all, shown);
    if (verb === '-c' && host === undefined) return remove(io, all.map((n) => n.destination));
    if (verb === '-d' && host !== undefined && link === undefined) return remove(io, [host]);
    if (verb === '-s' && link !== undefined && more.length === 0) return set(io, host, link);
    if (verb === undefined || verb.startsWith('-') || host !== undefined) throw new ToolUsage(USAGE);
    const wanted = embeddedAddress6(io.p, verb, USAGE);
    const found = all.filter((n) => embeddedAddress6(io.p, n.destination, USAGE).every((byte, i) => byte === wanted[i]));
    if (found.length > 0) return show(io, found, shown);
    io.out(`${words[0]} -- no entry`);
    return 1;
  },
};

function show(io: ToolIo, all: readonly Route[], hosts: Names): number {
  const names = new Map(interfaces(io.p).map((ifp) => [ifp.index, ifp.name]));
  io.out('Neighbor                                Linklayer Address  Netif');
  for (const n of all) io.out(`${hosts.host(n.destination).padEnd(39)} ${n.gateway.padEnd(18)} ${names.get(n.index) ?? '-'}${(n.flags & RTF_STATIC) !== 0 ? ' permanent' : ''}`);
  return 0;
}

async function remove(io: ToolIo, hosts: readonly string[]): Promise<number> {
  for (const host of hosts) {
    await send(io.p, { type: RTM_DELETE, flags: RTF_LLDATA | RTF_HOST, addrs: new Map([[RTA_DST, embeddedAddress6(io.p, host, USAGE)]]) });
    io.out(`${host} deleted`);
  }
  return 0;
}

async function set(io: ToolIo, host: string, text: string): Promise<number> {
  const link = linkParse(text);
  if (link === undefined) throw new ToolUsage(USAGE);
  const addrs = new Map([
    [RTA_DST, embeddedAddress6(io.p, host, USAGE)],
    [RTA_GATEWAY, sockaddrDl(0, IFT_ETHER, '', link)],
  ]);
  await send(io.p, { type: RTM_ADD, flags: RTF_LLDATA | RTF_HOST | RTF_STATIC, addrs });
  return 0;
}
