/** arp(8): the link addresses of neighbours, shown and set. */
import {
  AF_INET, IFT_ETHER, RTA_DST, RTA_GATEWAY, RTF_ANNOUNCE, RTF_HOST, RTF_LLDATA, RTF_STATIC, RTM_ADD, RTM_DELETE, linkParse, sockaddrDl, sockaddrIn,
} from '@anykernel/lib-sys';
import { NUMBERS, type Names, namesOf } from './names.js';
import { send } from './route.js';
import { type Route, interfaces, neighbours } from './tables.js';
import { type Tool, type ToolIo, ToolUsage, addressOf } from './tool.js';

const USAGE = `usage: arp [-n] host
       arp [-n] -a
       arp -d host | -d -a
       arp -s host link-address [temp] [pub]`;

/** Seconds for which a temporary entry is there. */
const TEMP_SECONDS = 20 * 60;

export const arp: Tool = {
  name: 'arp',
  usage: USAGE,
  about: 'show and set the link addresses of neighbours',
  async run(io, args) {
    const words = args.filter((word) => word !== '-n');
    const names = await namesOf(io.p);
    const shown = words.length < args.length ? NUMBERS : names;
    const [verb, host, link, ...how] = words;
    if (verb === '-a' && words.length === 1) return show(io, neighbours(io.p), shown);
    if (verb === '-d') return remove(io, host && names.numeric(host, AF_INET));
    if (verb === '-s' && host !== undefined && link !== undefined) return set(io, names.numeric(host, AF_INET), link, how);
    if (verb === undefined || verb.startsWith('-') || words.length > 1) throw new ToolUsage(USAGE);
    const wanted = names.numeric(verb, AF_INET);
    const found = neighbours(io.p).filter((n) => n.destination === wanted);
    if (found.length === 0) {
      io.out(`${verb} -- no entry`);
      return 1;
    }
    return show(io, found, shown);
  },
};

function show(io: ToolIo, all: readonly Route[], hosts: Names): number {
  const names = new Map(interfaces(io.p).map((ifp) => [ifp.index, ifp.name]));
  for (const n of all) {
    const words = [(n.flags & RTF_STATIC) !== 0 ? ' permanent' : '', (n.flags & RTF_ANNOUNCE) !== 0 ? ' published' : ''];
    const name = hosts.host(n.destination);
    io.out(`${name === n.destination ? '?' : name} (${n.destination}) at ${n.gateway} on ${names.get(n.index) ?? '-'}${words.join('')}`);
  }
  return 0;
}

async function remove(io: ToolIo, host: string | undefined): Promise<number> {
  if (host === undefined) throw new ToolUsage(USAGE);
  const all = host === '-a' ? neighbours(io.p).map((n) => n.destination) : [host];
  for (const one of all) {
    await send(io.p, { type: RTM_DELETE, flags: RTF_LLDATA | RTF_HOST, addrs: new Map([[RTA_DST, sockaddrIn(addressOf(one, USAGE))]]) });
    io.out(`${one} deleted`);
  }
  return 0;
}

async function set(io: ToolIo, host: string, text: string, how: readonly string[]): Promise<number> {
  const link = linkParse(text);
  if (link === undefined || how.some((word) => word !== 'temp' && word !== 'pub')) throw new ToolUsage(USAGE);
  const addrs = new Map([
    [RTA_DST, sockaddrIn(addressOf(host, USAGE))],
    [RTA_GATEWAY, sockaddrDl(0, IFT_ETHER, '', link)],
  ]);
  const now = how.includes('temp') ? io.p.sys.clock_gettime(3).sec : 0;
  await send(io.p, {
    type: RTM_ADD,
    flags: RTF_LLDATA | RTF_HOST | RTF_STATIC | (how.includes('pub') ? RTF_ANNOUNCE : 0),
    addrs,
    expire: how.includes('temp') ? now + TEMP_SECONDS : 0,
  });
  return 0;
}
