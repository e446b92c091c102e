/** pcap: what passes an interface, as a capture in pcapng. */
import { type Component, component } from '@anykernel/lib-component';
import { ERR, IFT_ETHER } from '@anykernel/lib-sys';
import { LINKTYPE_ETHERNET, LINKTYPE_RAW, emitPcapInterface, emitPcapPacket, emitPcapSection } from '@anykernel/lib-wire';
import { type Ifnet, type Net, type Tap, net } from '@anykernel/net';
import { type Kernel, rumpkern } from '@anykernel/rumpkern';
import type { Mbuf } from '@anykernel/rumpnet';

/** Takes the capture's next bytes: a whole number of blocks. */
export type Sink = (bytes: Uint8Array) => void;

/** Bytes of a packet that a capture keeps, where nobody says otherwise. */
export const SNAPLEN = 262_144;

/** The captures of one kernel. */
export class Pcap {
  /** Captures that run. */
  count = 0;
  readonly #k: Kernel;
  readonly #net: Net;

  constructor(k: Kernel, state: Net) {
    this.#k = k;
    this.#net = state;
  }

  /**
   * Captures what passes the interfaces `names` from now on; the result ends it. A packet is at most `snaplen` bytes of it. ENXIO: no such interface.
   * An error of the sink's own is told, and ends nothing.
   */
  capture(names: readonly string[], sink: Sink, snaplen: number = SNAPLEN): () => void {
    const ifs = names.map((name) => this.#net.ifByName(name));
    if (ifs.includes(undefined)) throw ERR.ENXIO;
    const write = (bytes: Uint8Array): void => this.#k.hook('pcap', () => sink(bytes));
    write(emitPcapSection());
    const stops = (ifs as Ifnet[]).map((ifp, index) => {
      write(emitPcapInterface({ linktype: ifp.type === IFT_ETHER ? LINKTYPE_ETHERNET : LINKTYPE_RAW, name: ifp.name }));
      const tap = this.#tap(ifp, index, snaplen, write);
      ifp.taps.push(tap);
      return () => {
        const at = ifp.taps.indexOf(tap);
        if (at >= 0) ifp.taps.splice(at, 1);
      };
    });
    this.count++;
    return () => {
      this.count -= stops.length > 0 ? 1 : 0;
      for (const stop of stops.splice(0)) stop();
    };
  }

  #tap(ifp: Ifnet, iface: number, snaplen: number, write: Sink): Tap {
    const now = { sec: 0, nsec: 0 };
    return (m: Mbuf, out: boolean) => {
      this.#k.wall(now);
      const data = new Uint8Array(Math.min(m.pktlen, snaplen));
      ifp.mbufs.copydata(m, 0, data.length, data);
      const timeUs = now.sec * 1e6 + Math.floor(now.nsec / 1000);
      write(emitPcapPacket({ iface, timeUs, data, len: m.pktlen, direction: out ? 'out' : 'in' }));
    };
  }
}

/** Captures. */
export const pcap: Component<Pcap, readonly [typeof rumpkern, typeof net]> = component({
  name: 'pcap',
  class: 'net',
  requires: [rumpkern, net],
  attach(k) {
    return new Pcap(k.use(rumpkern), k.use(net));
  },
  /** EBUSY: a capture runs. */
  detach(_k, state) {
    if (state.count > 0) throw ERR.EBUSY;
  },
});
