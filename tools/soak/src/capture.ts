/** What passes all interfaces of a run, in one capture: an interface of it for each port of each kernel. */
import type { Sim } from '@anykernel/host-sim';
import { LINKTYPE_ETHERNET, emitPcapInterface, emitPcapPacket, emitPcapSection } from '@anykernel/lib-wire';
import type { Node } from './node.js';

/** Bytes of a capture: what comes after is left out. */
const CAPTURE_MAX = 256 << 20;

/** Begins to capture; the blocks come one by one, whole. */
export function capture(nodes: readonly Node[], sink: (bytes: Uint8Array) => void): void {
  let room = CAPTURE_MAX;
  const write = (bytes: Uint8Array): void => {
    room -= bytes.length;
    if (room > 0) sink(bytes);
  };
  write(emitPcapSection());
  let iface = 0;
  for (const node of nodes) {
    const { sim } = node;
    for (const ifp of node.ifs) {
      write(emitPcapInterface({ linktype: LINKTYPE_ETHERNET, name: `kernel${node.index}-${ifp.name}` }));
      const index = iface++;
      ifp.taps.push((m, out) => {
        const data = new Uint8Array(m.pktlen);
        ifp.mbufs.copydata(m, 0, data.length, data);
        write(emitPcapPacket({ iface: index, timeUs: microseconds(sim), data, len: data.length, direction: out ? 'out' : 'in' }));
      });
    }
  }
}

function microseconds(sim: Sim): number {
  return sim.epochSec * 1e6 + Math.floor(sim.now / 1000);
}
