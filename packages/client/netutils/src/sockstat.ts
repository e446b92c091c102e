/** sockstat(1): which process has which socket open: kern.file2 and kern.proc2 joined with the lists of sockets. */
import {
  AF_INET, AF_INET6, AF_LOCAL, DTYPE_SOCKET, KERN_FILE_BYPID, KINFO_FILE_LEN, type KinfoFile, type KinfoPcb, parseKinfoFiles, parseKinfoProcs, parseSockaddrIn, parseSockaddrIn6,
  TCPS_LISTEN,
} from '@anykernel/lib-sys';
import type { Proc } from '@anykernel/rumpkern';
import { NUMBERS, type Names, namesOf } from './names.js';
import { endOf, sockets } from './sockets.js';
import { type Tool, ToolUsage, getopt } from './tool.js';

const USAGE = 'usage: sockstat [-46clnu] [-f inet|inet6|local] [-P protocol] [-p ports]';

/** Records that are asked for at once; there are no more. */
const FILES_MAX = 1_000_000;

const FAMILIES: Readonly<Record<string, number>> = { inet: AF_INET, inet6: AF_INET6, local: AF_LOCAL, unix: AF_LOCAL };

interface Open {
  readonly file: KinfoFile;
  readonly protocol: string;
  readonly family: number;
  readonly pcb: KinfoPcb;
}

export const sockstat: Tool = {
  name: 'sockstat',
  usage: USAGE,
  about: 'show which processes have which sockets open',
  async run(io, args) {
    const { options: o, rest } = getopt(USAGE, args, '46clnu', 'fPp');
    if (rest.length > 0) throw new ToolUsage(USAGE);
    const families = familiesOf(o);
    const ports = portsOf(o.get('p'));
    const names = await namesOf(io.p);
    const processes = new Map(parseKinfoProcs(io.p.sys.sysctl('kern.proc2') as Uint8Array).map((one) => [one.pid, one]));
    const found = openSockets(io.p).filter(
      (one) =>
        (families.size === 0 || families.has(one.family)) && (o.get('P') ?? one.protocol) === one.protocol && (ports === undefined || isOn(one.pcb, ports)) && inState(one, o),
    );
    io.out(`${'USER'.padEnd(8)} ${'COMMAND'.padEnd(10)} ${'PID'.padEnd(5)} ${'FD'.padEnd(3)} ${'PROTO'.padEnd(6)} ${'LOCAL ADDRESS'.padEnd(22)} FOREIGN ADDRESS`);
    for (const { file, protocol, pcb } of found) {
      const process = processes.get(file.pid);
      const who = `${names.user(process?.uid ?? file.uid).slice(0, 8).padEnd(8)} ${(process?.comm ?? '?').slice(0, 10).padEnd(10)} ${String(file.pid).padEnd(5)}`;
      const shown = o.has('n') ? NUMBERS : names;
      const [local, peer] = [pcb.local, pcb.peer].map((sa) => endText(sa, protocol, shown));
      io.out(`${who} ${String(file.fd).padEnd(3)} ${protocol.padEnd(6)} ${(local ?? '').padEnd(22)} ${peer ?? ''}`.trimEnd());
    }
    return 0;
  },
};

/** ToolUsage. */
function familiesOf(o: ReadonlyMap<string, string>): Set<number> {
  const all = new Set<number>();
  if (o.has('4')) all.add(AF_INET);
  if (o.has('6')) all.add(AF_INET6);
  if (o.has('u')) all.add(AF_LOCAL);
  const word = o.get('f');
  if (word === undefined) return all;
  const family = FAMILIES[word];
  if (family === undefined) throw new ToolUsage(USAGE);
  return all.add(family);
}

/** `22,80-90`. ToolUsage. */
function portsOf(text: string | undefined): ((port: number) => boolean) | undefined {
  if (text === undefined) return undefined;
  const ranges = text.split(',').map((part) => {
    const [, low, high = low] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? [];
    if (low === undefined) throw new ToolUsage(USAGE);
    return [Number(low), Number(high)] as const;
  });
  return (port) => ranges.some(([low, high]) => port >= low && port <= high);
}

/** Each socket of a descriptor, in the order of processes and descriptors. */
function openSockets(p: Proc): Open[] {
  const byNumber = new Map(sockets(p).flatMap(({ name, family, all }) => all.map((pcb) => [pcb.socket, { protocol: name, family, pcb }] as const)));
  const files = parseKinfoFiles(p.sys.sysctl([1, 77, KERN_FILE_BYPID, -1, KINFO_FILE_LEN, FILES_MAX]) as Uint8Array);
  return files.flatMap((file) => {
    const socket = file.type === DTYPE_SOCKET ? byNumber.get(file.data) : undefined;
    return socket === undefined ? [] : [{ file, ...socket }];
  });
}

function portOf(sa: Uint8Array): number {
  return parseSockaddrIn(sa)?.port ?? parseSockaddrIn6(sa)?.port ?? 0;
}

function isOn(pcb: KinfoPcb, ports: (port: number) => boolean): boolean {
  return ports(portOf(pcb.local)) || ports(portOf(pcb.peer));
}

/** -c: those with a peer; -l: those that wait for one; both or neither: all. */
function inState({ pcb, family }: Open, o: ReadonlyMap<string, string>): boolean {
  if (o.has('c') === o.has('l')) return true;
  const connected = family === AF_LOCAL ? pcb.peer.length > 0 : portOf(pcb.peer) !== 0;
  return o.has('c') ? connected : !connected || pcb.tcpState === TCPS_LISTEN;
}

function endText(sa: Uint8Array, protocol: string, names: Names): string {
  const end = endOf(sa, protocol, names);
  if (end === undefined) return '-';
  return typeof end === 'string' ? (end === '' ? '-' : end) : `${end.host}.${end.port}`;
}
