/** shmif: an Ethernet interface on a bus that several kernels share, in memory or in a file. */
import { type Component, component } from '@anykernel/lib-component';
import { ERR } from '@anykernel/lib-sys';
import { type Ifnet, type Net, net } from '@anykernel/net';
import { type Kernel, rumpkern } from '@anykernel/rumpkern';
import { type Shmif, shmifCreate } from './shmif.js';

export { BUS_HDR_LEN, BUS_LEN, BUS_MAGIC, BUS_VERSION, Bus, PKT_HDR_LEN, initBus, isBus } from './bus.js';
export { type BusPort, SHMIF_HALF, type ShmifHalf } from './half.js';
export { IFLINKSTR_QUERYLEN, IFLINKSTR_UNSET, type Shmif } from './shmif.js';

/** The interfaces of one kernel. */
export class Shmifs {
  readonly #k: Kernel;
  readonly #net: Net;
  readonly #drivers = new Map<Ifnet, Shmif>();
  readonly #remove: () => void;

  constructor(k: Kernel, state: Net) {
    this.#k = k;
    this.#net = state;
    this.#remove = state.cloner('shmif', {
      create: (unit) => {
        const { ifp, driver } = shmifCreate(k, state, unit);
        this.#drivers.set(ifp, driver);
        return ifp;
      },
      destroy: (ifp) => {
        this.#drivers.get(ifp)?.unlink();
        this.#drivers.delete(ifp);
      },
    });
  }

  /** Makes the next free interface and joins it to a bus (rump_pub_shmif_create). Errors of the host: then there is no interface. */
  create(bus: string): Ifnet {
    let unit = 0;
    while (this.#net.ifByName(`shmif${unit}`) !== undefined) unit++;
    const ifp = this.#k.run(() => this.#net.create(`shmif${unit}`));
    try {
      this.#k.run(() => this.#drivers.get(ifp)?.link(bus));
    } catch (e) {
      this.#k.run(() => this.#net.destroy(ifp.name));
      throw e;
    }
    return ifp;
  }

  /** The driver of an interface of this kind. */
  driverOf(ifp: Ifnet): Shmif | undefined {
    return this.#drivers.get(ifp);
  }

  /** All leave their buses: the kernel lets go. EBUSY while it runs and there are some. */
  release(halting: boolean): void {
    if (this.#drivers.size > 0 && !halting) throw ERR.EBUSY;
    for (const ifp of [...this.#drivers.keys()]) this.#net.destroy(ifp.name);
    this.#remove();
  }
}

/** Interfaces on a shared bus. */
export const shmif: Component<Shmifs, readonly [typeof rumpkern, typeof net]> = component({
  name: 'shmif',
  class: 'net',
  requires: [rumpkern, net],
  attach(k) {
    return new Shmifs(k.use(rumpkern), k.use(net));
  },
  detach(k, state) {
    state.release(k.use(rumpkern).procs.find(1) === undefined);
  },
});
