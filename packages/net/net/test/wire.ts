/** Ethernet interfaces on one wire, for the tests: what one sends all others get, at once. */
import { linkParse } from '@anykernel/lib-sys';
import { type EtherInit, type Ifnet, type Net, etherIf, net } from '@anykernel/net';
import { type Kernel, boot } from '@anykernel/rumpkern';
import { hostSim } from '@anykernel/host-sim';

export class Wire {
  readonly ends: Ifnet[] = [];
  /** Every frame that was sent. */
  readonly frames: Uint8Array[] = [];

  /** A new interface `e<unit>` in a kernel. */
  plug(k: Kernel, init: Partial<EtherInit> = {}): Ifnet {
    const state = netOf(k);
    const unit = this.ends.length;
    const lladdr = linkParse(`02:00:00:00:00:0${unit + 1}`) as Uint8Array;
    const ifp = etherIf(k, state, `e${unit}`, { start: (self) => this.#send(self) }, { lladdr, ...init });
    state.ifattach(ifp);
    this.ends.push(ifp);
    return ifp;
  }

  #send(from: Ifnet): void {
    for (let m = from.snd.dequeue(); m !== undefined; m = from.snd.dequeue()) {
      const frame = from.mbufs.toBytes(m);
      from.mbufs.free(m);
      this.frames.push(frame);
      for (const to of this.ends) if (to !== from) to.k.intr(() => to.input(to.mbufs.fromBytes(frame)));
    }
  }
}

export function netOf(k: Kernel): Net {
  return k.modules.use(net);
}

export function netKernel(): Kernel {
  return boot(hostSim(), [net]);
}
