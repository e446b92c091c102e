/** route(8): the routing table, shown and changed. */
import {
  AF_INET, AF_INET6, IFT_OTHER, PF_ROUTE, RTA_DST, RTA_GATEWAY, RTA_IFA, RTA_IFP, RTA_NETMASK, RTF_BLACKHOLE, RTF_CONNECTED, RTF_DYNAMIC, RTF_GATEWAY, RTF_HOST, RTF_LLDATA,
  RTF_LOCAL, RTF_MODIFIED, RTF_REJECT, RTF_STATIC, RTF_UP, RTM_ADD, RTM_CHANGE, RTM_DELETE, RTM_GET, RTV_MTU, SOCK_RAW, SO_USELOOPBACK, SOL_SOCKET, sockaddrDl,
  sockaddrIn,
} from '@anykernel/lib-sys';
import { type RtMessage, emitRtMessage, parseRtMessage } from '@anykernel/net';
import type { Proc } from '@anykernel/rumpkern';
import { embeddedAddress6, mask6 } from './inet6.js';
import { NUMBERS, type Names, namesOf } from './names.js';
import { type Route, interfaces, routes, saText } from './tables.js';
import { type Tool, type ToolIo, ToolUsage, addressOf, withSocket } from './tool.js';

const USAGE = `usage: route [-n] add|change [-inet|-inet6] [-net|-host] destination[/len] gateway [-netmask mask] [-interface] [-reject|-blackhole] [-mtu n]
       route [-n] delete [-net|-host] destination[/len] [-netmask mask]
       route [-n] get destination
       route [-n] show | flush`;

const LETTERS: readonly [number, string][] = [
  [RTF_UP, 'U'], [RTF_GATEWAY, 'G'], [RTF_HOST, 'H'], [RTF_REJECT, 'R'], [RTF_DYNAMIC, 'D'], [RTF_MODIFIED, 'M'], [RTF_CONNECTED, 'C'], [RTF_LLDATA, 'L'],
  [RTF_STATIC, 'S'], [RTF_BLACKHOLE, 'B'], [RTF_LOCAL, 'l'],
];

/** The flags of a route in letters, as netstat(1) has them. */
function flagLetters(flags: number): string {
  return LETTERS.filter(([bit]) => (flags & bit) !== 0).map(([, letter]) => letter).join('');
}

export const route: Tool = {
  name: 'route',
  usage: USAGE,
  about: 'show and change the routing table',
  async run(io, args) {
    const words = args.filter((word) => word !== '-n');
    const verb = words.shift();
    const names = await namesOf(io.p);
    switch (verb) {
      case 'show':
        showRoutes(io, named(routes(io.p), args.includes('-n') ? NUMBERS : names));
        return 0;
      case 'flush':
        await flush(io);
        return 0;
      case 'add':
      case 'change':
      case 'delete':
      case 'get':
        await change(io, verb, words, names);
        return 0;
      default:
        throw new ToolUsage(USAGE);
    }
  },
};

/** Routes with names in place of addresses, where there are some. */
export function named(all: readonly Route[], names: Names): Route[] {
  return all.map((rt) => ({ ...rt, destination: names.host(rt.destination), gateway: names.host(rt.gateway) }));
}

/** The table, one line a route. */
export function showRoutes(io: ToolIo, all: readonly Route[]): void {
  const names = new Map(interfaces(io.p).map((ifp) => [ifp.index, ifp.name]));
  io.out(`${'Destination'.padEnd(24)}${'Gateway'.padEnd(20)}${'Flags'.padEnd(8)}${'Use'.padStart(8)}  ${'Mtu'.padStart(6)}  Interface`);
  for (const rt of all) {
    const mtu = rt.mtu === 0 ? '-' : String(rt.mtu);
    io.out(
      `${rt.destination.padEnd(24)}${rt.gateway.padEnd(20)}${flagLetters(rt.flags).padEnd(8)}${String(rt.use).padStart(8)}  ${mtu.padStart(6)}  ${names.get(rt.index) ?? '-'}`,
    );
  }
}

interface Request {
  addrs: Map<number, Uint8Array>;
  flags: number;
  inits: number;
  mtu: number;
}

async function change(io: ToolIo, verb: 'add' | 'change' | 'delete' | 'get', words: readonly string[], names = NUMBERS): Promise<void> {
  const type = { add: RTM_ADD, change: RTM_CHANGE, delete: RTM_DELETE, get: RTM_GET }[verb];
  const request = parse(io.p, verb, [...words], names);
  const answer = await send(io.p, { type, ...request });
  if (verb === 'get') {
    told(io, answer);
    return;
  }
  const gateway = request.addrs.get(RTA_GATEWAY);
  io.out(`${verb} ${(request.flags & RTF_HOST) !== 0 ? 'host' : 'net'} ${words.find((w) => !w.startsWith('-'))}${gateway === undefined ? '' : `: gateway ${saText(gateway)}`}`);
}

/** ToolUsage. */
function parse(p: Proc, verb: string, words: string[], names: Names): Request {
  const request: Request = { addrs: new Map(), flags: RTF_UP | RTF_STATIC, inits: 0, mtu: 0 };
  const operands: string[] = [];
  let host: boolean | undefined;
  let mask: number | undefined;
  let byInterface = false;
  let six = false;
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const argument = (): string => words.shift() ?? usage();
    if (word === '-net') host = false;
    else if (word === '-host') host = true;
    else if (word === '-netmask') mask = addressOf(argument(), USAGE);
    else if (word === '-interface' || word === '-iface') byInterface = true;
    else if (word === '-reject') request.flags |= RTF_REJECT;
    else if (word === '-blackhole') request.flags |= RTF_BLACKHOLE;
    else if (word === '-inet') continue;
    else if (word === '-inet6') six = true;
    else if (word === '-mtu') {
      request.mtu = Number(argument());
      request.inits |= RTV_MTU;
    } else if (word.startsWith('-')) usage();
    else operands.push(names.numeric(word, six ? AF_INET6 : AF_INET));
  }
  const [destination, gateway] = operands;
  if (destination === undefined || (gateway === undefined && verb === 'add')) usage();
  if (six || destination.includes(':')) setDestination6(p, request, destination, host);
  else setDestination(request, destination, host, mask);
  if (gateway !== undefined) setGateway(p, request, gateway, byInterface);
  if (verb === 'get') request.addrs.set(RTA_IFP, sockaddrDl(0, IFT_OTHER));
  return request;
}

function usage(): never {
  throw new ToolUsage(USAGE);
}

function setDestination(request: Request, text: string, host: boolean | undefined, mask: number | undefined): void {
  const [addrText, lenText] = text === 'default' ? ['0.0.0.0', '0'] : text.split('/');
  const addr = addressOf(addrText, USAGE);
  let bits = mask;
  if (lenText !== undefined) {
    const len = Number(lenText);
    if (!/^\d+$/.test(lenText) || len > 32) usage();
    bits = len === 0 ? 0 : (-1 << (32 - len)) >>> 0;
  }
  request.addrs.set(RTA_DST, sockaddrIn(addr));
  if (host !== false && bits === undefined) request.flags |= RTF_HOST;
  else if (bits !== undefined) request.addrs.set(RTA_NETMASK, sockaddrIn(bits));
  else usage();
}

/** The same of IPv6. */
function setDestination6(p: Proc, request: Request, text: string, host: boolean | undefined): void {
  const [addrText, lenText] = text === 'default' ? ['::', '0'] : text.split('/');
  request.addrs.set(RTA_DST, embeddedAddress6(p, addrText, USAGE));
  if (lenText !== undefined) request.addrs.set(RTA_NETMASK, mask6(lenText, USAGE));
  else if (host !== false) request.flags |= RTF_HOST;
  else usage();
}

function setGateway(p: Proc, request: Request, text: string, byInterface: boolean): void {
  if (!byInterface) {
    request.flags |= RTF_GATEWAY;
    request.addrs.set(RTA_GATEWAY, text.includes(':') ? embeddedAddress6(p, text, USAGE) : sockaddrIn(addressOf(text, USAGE)));
    return;
  }
  // An interface by its name, or by an address that it has.
  const ifp = interfaces(p).find((x) => x.name === text || x.addrs.some((ia) => ia.text === text));
  if (ifp === undefined) usage();
  request.addrs.set(RTA_GATEWAY, sockaddrDl(ifp.index, IFT_OTHER, ifp.name));
}

/** Sends a request, and gives the kernel's answer. Errors of the routing socket: EEXIST, ESRCH, ENETUNREACH ... */
export async function send(p: Proc, msg: Partial<RtMessage> & Pick<RtMessage, 'type' | 'addrs'>): Promise<RtMessage> {
  return withSocket(
    p,
    SOCK_RAW,
    msg.addrs.get(RTA_DST)?.[1] ?? AF_INET,
    (fd) => {
      p.sys.setsockopt(fd, SOL_SOCKET, SO_USELOOPBACK, Uint8Array.of(1, 0, 0, 0));
      p.sys.write(fd, emitRtMessage({ seq: 1, ...msg }));
      const buf = new Uint8Array(2048);
      for (;;) {
        const answer = parseRtMessage(buf.slice(0, p.sys.read(fd, buf)));
        if (answer !== undefined && answer.pid === p.pid && answer.seq === 1) return answer;
      }
    },
    PF_ROUTE,
  );
}

function told(io: ToolIo, answer: RtMessage): void {
  const name = interfaces(io.p).find((ifp) => ifp.index === answer.index)?.name ?? '-';
  const line = (label: string, value: string): void => io.out(`${label.padStart(12)}: ${value}`);
  line('route to', saText(answer.addrs.get(RTA_DST)));
  const mask = answer.addrs.get(RTA_NETMASK);
  if (mask !== undefined) line('mask', saText(mask));
  if ((answer.flags & RTF_GATEWAY) !== 0) line('gateway', saText(answer.addrs.get(RTA_GATEWAY)));
  line('local addr', saText(answer.addrs.get(RTA_IFA)));
  line('interface', name);
  line('flags', `<${flagLetters(answer.flags)}>`);
  if (answer.mtu !== 0) line('mtu', String(answer.mtu));
}

/** Routes by routers go. */
async function flush(io: ToolIo): Promise<void> {
  for (const rt of routes(io.p, AF_INET)) {
    if ((rt.flags & RTF_GATEWAY) === 0) continue;
    await change(io, 'delete', [(rt.flags & RTF_HOST) !== 0 ? '-host' : '-net', rt.destination]);
  }
}
