/** Who has which port, and what was counted, for `netstat` and `sockstat`: sysctl net.inet.tcp.pcblist and net.inet.tcp.stats, and those of the other protocols. */
import { type Counters, KINFO_PCB_LEN, type StatsLayout, emitKinfoPcb, emitStats } from '@anykernel/lib-sys';
import type { SysctlLeaf } from '@anykernel/rumpkern';
import type { Inet } from './inet.js';
import type { Inpcb } from './inpcb.js';
import type { PcbTable } from './pcbtable.js';
import { Tcpcb } from './tcp/tcpcb.js';

/** struct kinfo_pcb of each control block of a table whose socket is of family `af`. A connection that goes on without a socket has 0 for it. */
export function pcbRecords(inet: Inet, table: PcbTable, af: number, type: number, protocol: number): Uint8Array {
  const all: Inpcb[] = [];
  for (let inp = table.first; inp !== undefined; inp = inp.anext) if (inp.af === af) all.push(inp);
  const b = new Uint8Array(all.length * KINFO_PCB_LEN);
  all.forEach((inp, i) => {
    const { so, ppcb } = inp;
    emitKinfoPcb(b, i * KINFO_PCB_LEN, {
      socket: so?.id ?? 0, family: af, type, protocol, state: so?.state ?? 0, tcpState: ppcb instanceof Tcpcb ? ppcb.state : 0, recvq: so?.rcv.cc ?? 0,
      sendq: so?.snd.cc ?? 0, local: inet.localName(inp), peer: inet.peerName(inp), inode: 0, conn: 0,
    });
  });
  return b;
}

/** The leaf `pcblist`; the rest of its name (which, how many) is not looked at: all are given. */
export function pcblistLeaf(inet: Inet, table: PcbTable, af: number, type: number, protocol: number): SysctlLeaf {
  return { type: 'struct', rest: true, get: () => pcbRecords(inet, table, af, type, protocol) };
}

/** The leaf `stats`. */
export function statsLeaf<T extends object>(layout: StatsLayout, counters: T): SysctlLeaf {
  return { type: 'struct', get: () => emitStats(layout, counters as Counters) };
}
