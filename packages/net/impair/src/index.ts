/** impair: bad weather on an interface, from one seed. */
import { type Component, component } from '@anykernel/lib-component';
import { ERR } from '@anykernel/lib-sys';
import { type Net, net } from '@anykernel/net';
import { type Kernel, rumpkern } from '@anykernel/rumpkern';
import { Impairment, type Weather } from './impairment.js';

export { Impairment, type Weather } from './impairment.js';

/** The impairments of one kernel. */
export class Impair {
  /** Those in force. */
  count = 0;
  readonly #k: Kernel;
  readonly #net: Net;

  constructor(k: Kernel, state: Net) {
    this.#k = k;
    this.#net = state;
  }

  /** Makes the weather of an interface; the result ends it, and what is still on its way is lost. ENXIO: no such interface. EINVAL. */
  on(name: string, weather: Weather): () => void {
    const ifp = this.#net.ifByName(name);
    if (ifp === undefined) throw ERR.ENXIO;
    const impairment = new Impairment(this.#k, ifp, weather);
    const remove = ifp.interpose(impairment);
    let over = false;
    this.count++;
    return () => {
      if (over) return;
      over = true;
      this.count--;
      remove();
      impairment.drop();
    };
  }
}

/** Loss, delay, reordering, duplication, corruption and rate. */
export const impair: Component<Impair, readonly [typeof rumpkern, typeof net]> = component({
  name: 'impair',
  class: 'net',
  requires: [rumpkern, net],
  attach(k) {
    return new Impair(k.use(rumpkern), k.use(net));
  },
  /** EBUSY: an impairment is in force. */
  detach(_k, state) {
    if (state.count > 0) throw ERR.EBUSY;
  },
});
