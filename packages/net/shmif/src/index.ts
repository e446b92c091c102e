/** shmif: an Ethernet interface on a bus that several kernels share, in memory or in a file. */
import { type Component, component } from '@anykernel/lib-component';
import { LinkedIfs, net } from '@anykernel/net';
import { rumpkern } from '@anykernel/rumpkern';
import { Shmif } from './shmif.js';

export { BUS_HDR_LEN, BUS_LEN, BUS_MAGIC, BUS_VERSION, Bus, PKT_HDR_LEN, initBus, isBus } from './bus.js';
export { type BusPort, SHMIF_HALF, type ShmifHalf } from './half.js';
export type { Shmif } from './shmif.js';

/** Interfaces on a shared bus. Its state makes them: create(bus) is rump_pub_shmif_create. */
export const shmif: Component<LinkedIfs<Shmif>, readonly [typeof rumpkern, typeof net]> = component({
  name: 'shmif',
  class: 'net',
  requires: [rumpkern, net],
  attach(k) {
    const kernel = k.use(rumpkern);
    const state = k.use(net);
    return new LinkedIfs(kernel, state, 'shmif', (unit) => new Shmif(kernel, state, unit));
  },
  detach(_k, state) {
    state.release();
  },
});
