/**
 * struct if_data, 136 bytes: type 0, length of the link address 1, of the link header 2, link state 4, then 64 bits each: MTU 8, metric 16, baudrate 24,
 * packets in 32, errors 40, packets out 48, errors 56, collisions 64, bytes in 72, out 80, multicasts in 88, out 96, drops 104, unknown protocol 112,
 * and the time of the last change 120.
 */
import { putU32le, putU64le } from '@anykernel/lib-bytes';
import { IF_DATA_LEN } from '@anykernel/lib-sys';
import type { Ifnet } from './ifnet.js';

/** Fills in an interface's record at `at`. */
export function emitIfData(ifp: Ifnet, b: Uint8Array, at: number): void {
  b.fill(0, at, at + IF_DATA_LEN);
  b[at] = ifp.type;
  b[at + 1] = ifp.lladdr.length;
  b[at + 2] = ifp.hdrlen;
  putU32le(b, at + 4, ifp.linkState);
  const counters = [
    ifp.mtu, ifp.metric, ifp.baudrate, ifp.ipackets, ifp.ierrors, ifp.opackets, ifp.oerrors, 0, ifp.ibytes, ifp.obytes, ifp.imcasts, ifp.omcasts,
    ifp.iqdrops, ifp.noproto,
  ];
  for (let i = 0; i < counters.length; i++) putU64le(b, at + 8 + 8 * i, counters[i]);
}
