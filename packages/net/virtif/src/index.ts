/** virtif: an Ethernet interface on a packet device of the host, such as a TAP device of Linux. */
import { type Component, component } from '@anykernel/lib-component';
import { LinkedIfs, net } from '@anykernel/net';
import { rumpkern } from '@anykernel/rumpkern';
import { Virtif } from './virtif.js';

export { VIRTIF_HALF, type VirtPort, type VirtifHalf } from './half.js';
export type { Virtif } from './virtif.js';
export { VNET_HDR_LEN, applyVnetHdr, emitVnetHdr } from './vnethdr.js';

/** Interfaces on packet devices of the host. Its state makes them: create(device). */
export const virtif: Component<LinkedIfs<Virtif>, readonly [typeof rumpkern, typeof net]> = component({
  name: 'virtif',
  class: 'net',
  requires: [rumpkern, net],
  attach(k) {
    const kernel = k.use(rumpkern);
    const state = k.use(net);
    return new LinkedIfs(kernel, state, 'virt', (unit) => new Virtif(kernel, state, unit));
  },
  detach(_k, state) {
    state.release();
  },
});
