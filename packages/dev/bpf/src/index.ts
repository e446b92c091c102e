/** bpf: packets of interfaces, captured and sent by programs through /dev/bpf (bpf(4)). */
import { type Component, component } from '@anykernel/lib-component';
import { net } from '@anykernel/net';
import { rumpkern } from '@anykernel/rumpkern';
import { Bpf } from './device.js';

export { Bpf } from './device.js';
export { type Filter, Machine, parseFilter } from './filter.js';

/** The packet filter device. */
export const bpf: Component<Bpf, readonly [typeof rumpkern, typeof net]> = component({
  name: 'bpf',
  class: 'driver',
  requires: [rumpkern, net],
  attach(k) {
    return new Bpf(k.use(rumpkern), k.use(net));
  },
  /** EBUSY: somebody has it open. */
  detach(_k, state) {
    state.release();
  },
});
