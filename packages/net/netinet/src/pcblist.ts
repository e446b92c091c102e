/**
 * Who has which port, for `netstat` and `sockstat`: the control blocks of a protocol as records (sysctl net.inet.tcp.pcblist, NetBSD's struct kinfo_pcb).
 *
 * A record, 640 bytes, little-endian: addresses of the block 0, of the protocol's part 8, of the socket 16 (here numbers that tell them apart), family
 * 24, type 28, protocol 32, flags 36, socket's state 40, 44, TCP's state 48, flags 52, bytes received 56 and to be sent 64, the local sockaddr at
 * 72 in 264 bytes, the foreign one at 336, then five numbers of local sockets.
 */
import { putU32le, putU64le } from '@anykernel/lib-bytes';
import type { SysctlLeaf } from '@anykernel/rumpkern';
import type { Inet } from './inet.js';
import type { Inpcb } from './inpcb.js';
import type { PcbTable } from './pcbtable.js';
import { Tcpcb } from './tcp/tcpcb.js';

export const KINFO_PCB_LEN = 640;
const LOCAL_OFF = 72;
const FOREIGN_OFF = 336;

/** All control blocks of a table whose sockets are of family `af`. */
export function pcbRecords(inet: Inet, table: PcbTable, af: number, type: number, protocol: number): Uint8Array {
  const all: Inpcb[] = [];
  for (let inp = table.first; inp !== undefined; inp = inp.anext) if (inp.af === af) all.push(inp);
  const b = new Uint8Array(all.length * KINFO_PCB_LEN);
  all.forEach((inp, i) => {
    emit(inet, inp, b.subarray(i * KINFO_PCB_LEN, (i + 1) * KINFO_PCB_LEN), i + 1, type, protocol);
  });
  return b;
}

function emit(inet: Inet, inp: Inpcb, b: Uint8Array, number: number, type: number, protocol: number): void {
  const { so, ppcb } = inp;
  putU64le(b, 0, number);
  putU64le(b, 8, number);
  putU64le(b, 16, so === undefined ? 0 : number);
  putU32le(b, 24, inp.af);
  putU32le(b, 28, type);
  putU32le(b, 32, protocol);
  putU32le(b, 36, inp.flags);
  if (so !== undefined) {
    putU32le(b, 40, so.state);
    putU64le(b, 56, so.rcv.cc);
    putU64le(b, 64, so.snd.cc);
  }
  if (ppcb instanceof Tcpcb) {
    putU32le(b, 48, ppcb.state);
    putU32le(b, 52, ppcb.flags);
  }
  b.set(inet.localName(inp), LOCAL_OFF);
  b.set(inet.peerName(inp), FOREIGN_OFF);
}

/** The leaf `pcblist`; the rest of its name (which, how many) is not looked at: all are given. */
export function pcblistLeaf(inet: Inet, table: PcbTable, af: number, type: number, protocol: number): SysctlLeaf {
  return { type: 'struct', rest: true, get: () => pcbRecords(inet, table, af, type, protocol) };
}
