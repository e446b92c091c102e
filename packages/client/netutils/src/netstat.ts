/** netstat(1): sockets, what protocols have counted, interfaces with their counters, routes, mbufs. */
import { getU32le } from '@anykernel/lib-bytes';
import { AF_INET, AF_INET6, AF_LOCAL, type KinfoPcb, TCPS_LISTEN, TCPS_NAMES, linkText, parseSockaddrIn, parseSockaddrIn6 } from '@anykernel/lib-sys';
import { NUMBERS, type Names, namesOf } from './names.js';
import { STATS_NAMES, statsLines } from './protostats.js';
import { named, showRoutes } from './route.js';
import { type ProtocolSockets, endText, localType, sockets, value } from './sockets.js';
import { interfaces, routes } from './tables.js';
import { type Tool, type ToolIo, ToolUsage, getopt } from './tool.js';

const USAGE = `usage: netstat [-aln] [-f inet|inet6|local] [-p protocol]
       netstat -s [-f inet|inet6] [-p protocol]
       netstat [-n] -i | -m | -r [-f inet|inet6]`;

const FAMILIES: Readonly<Record<string, number>> = { inet: AF_INET, inet6: AF_INET6, local: AF_LOCAL, unix: AF_LOCAL };

const TITLES: readonly (readonly [family: number, title: string])[] = [[AF_INET, 'Internet'], [AF_INET6, 'Internet6']];

export const netstat: Tool = {
  name: 'netstat',
  usage: USAGE,
  about: 'show sockets, counters of protocols and interfaces, routes and mbufs',
  async run(io, args) {
    const { options: o, rest } = getopt(USAGE, args, 'ailmnrs', 'fp');
    const family = familyOption(o.get('f'));
    if (rest.length > 0) throw new ToolUsage(USAGE);
    if (o.has('m')) showMbufs(io);
    if (o.has('i')) showInterfaces(io);
    if (o.has('r')) showTables(io, family, o.has('n') ? NUMBERS : await namesOf(io.p));
    if (o.has('s')) return showStats(io, family, o.get('p'));
    if (['m', 'i', 'r'].some((letter) => o.has(letter))) return 0;
    showSockets(io, { all: o.has('a'), listening: o.has('l'), family, protocol: o.get('p') }, o.has('n') ? NUMBERS : await namesOf(io.p));
    return 0;
  },
};

/** ToolUsage. */
function familyOption(word: string | undefined): number | undefined {
  if (word === undefined) return undefined;
  const family = FAMILIES[word];
  if (family === undefined) throw new ToolUsage(`${word}: no family that is known\n${USAGE}`);
  return family;
}

// -- sockets

interface Wanted {
  /** Those that listen, or have no peer, as well; only those. */
  readonly all: boolean;
  readonly listening: boolean;
  readonly family: number | undefined;
  readonly protocol: string | undefined;
}

function showSockets(io: ToolIo, wanted: Wanted, names: Names): void {
  const lists = sockets(io.p).filter((list) => (wanted.family ?? list.family) === list.family && (wanted.protocol ?? list.name) === list.name);
  for (const [family, title] of TITLES) showInternet(io, lists.filter((list) => list.family === family), title, wanted, names);
  showLocal(io, lists.filter((list) => list.family === AF_LOCAL), names);
}

/** Whether it waits for anybody. */
function isServer(pcb: KinfoPcb, protocol: string): boolean {
  if (protocol.startsWith('tcp')) return pcb.tcpState === TCPS_LISTEN;
  return (parseSockaddrIn(pcb.peer)?.port ?? parseSockaddrIn6(pcb.peer)?.port ?? 0) === 0;
}

function showInternet(io: ToolIo, lists: readonly ProtocolSockets[], title: string, wanted: Wanted, names: Names): void {
  const rows = lists.flatMap(({ name, all }) =>
    all
      .filter((pcb) => (wanted.listening ? isServer(pcb, name) : wanted.all || !isServer(pcb, name)))
      .map((pcb) => {
        const state = name.startsWith('tcp') ? ` ${TCPS_NAMES[pcb.tcpState] ?? String(pcb.tcpState)}` : '';
        return row(name, pcb, endText(pcb.local, name, names), endText(pcb.peer, name, names), state);
      }),
  );
  if (rows.length === 0) return;
  io.out(`Active ${title} connections${wanted.all || wanted.listening ? ' (including servers)' : ''}`);
  io.out(`${'Proto'.padEnd(5)} ${'Recv-Q'} ${'Send-Q'}  ${'Local Address'.padEnd(22)} ${'Foreign Address'.padEnd(22)} State`);
  for (const line of rows) io.out(line);
}

function row(name: string, pcb: KinfoPcb, local: string, peer: string, state: string): string {
  return `${name.padEnd(5)} ${String(pcb.recvq).padStart(6)} ${String(pcb.sendq).padStart(6)}  ${local.padEnd(22)} ${peer.padEnd(22)}${state}`.trimEnd();
}

function showLocal(io: ToolIo, lists: readonly ProtocolSockets[], names: Names): void {
  const all = lists.flatMap((list) => list.all);
  if (all.length === 0) return;
  io.out('Active UNIX domain sockets');
  io.out('Address  Type   Recv-Q Send-Q    Inode     Conn  Addr');
  for (const pcb of all) {
    const numbers = `${String(pcb.recvq).padStart(6)} ${String(pcb.sendq).padStart(6)} ${String(pcb.inode).padStart(8)} ${pcb.conn.toString(16).padStart(8)}`;
    const path = pcb.local.length < 2 ? '' : endText(pcb.local, '', names);
    io.out(`${pcb.socket.toString(16).padEnd(8)} ${localType(pcb.type).padEnd(6)} ${numbers}  ${path}`.trimEnd());
  }
}

// -- counters

function showStats(io: ToolIo, family: number | undefined, protocol: string | undefined): number {
  if (protocol !== undefined && !STATS_NAMES.includes(protocol)) {
    io.err(`netstat: ${protocol}: unknown or uninstrumented protocol`);
    return 1;
  }
  for (const line of statsLines(io.p, family, protocol)) io.out(line);
  return 0;
}

function showMbufs(io: ToolIo): void {
  const b = value(io.p, 'kern.mbuf.stats');
  if (b === undefined) return;
  const [used, made, bytes, peak, small, clusters, denied, drains] = Array.from({ length: 8 }, (_, i) => getU32le(b, 4 * i));
  io.out(`${used} mbufs in use, ${made} made`);
  io.out(`\t${bytes} bytes of storage in use (${peak} at most)`);
  io.out(`\t${small} chunks of small pieces, ${clusters} of clusters`);
  io.out(`${denied} requests for memory denied`);
  io.out(`${drains} calls to protocol drain routines`);
}

function showInterfaces(io: ToolIo): void {
  io.out(`${'Name'.padEnd(9)}${'Mtu'.padStart(6)}  ${'Network'.padEnd(14)}${'Address'.padEnd(22)}${'Ipkts'.padStart(9)}${'Ierrs'.padStart(7)}${'Opkts'.padStart(9)}${'Oerrs'.padStart(7)}`);
  for (const { name, mtu, link, addrs, counters: c } of interfaces(io.p)) {
    const counts = `${String(c.ipackets).padStart(9)}${String(c.ierrors).padStart(7)}${String(c.opackets).padStart(9)}${String(c.oerrors).padStart(7)}`;
    const line = (network: string, address: string): void => io.out(`${name.padEnd(9)}${String(mtu).padStart(6)}  ${network.padEnd(14)}${address.padEnd(22)}${counts}`);
    line('<Link>', linkText(link));
    for (const ia of addrs) line(`/${ia.prefixLen}`, ia.text);
  }
}

// -- routes

function showTables(io: ToolIo, wanted: number | undefined, names: Names): void {
  io.out('Routing tables');
  for (const [family, title] of TITLES) {
    const all = (wanted ?? family) === family ? routes(io.p, family) : [];
    if (all.length === 0) continue;
    io.out('');
    io.out(`${title}:`);
    showRoutes(io, named(all, names));
  }
}
