/** disk: partition tables, and wedges for what is in them. */
import { type Component, component } from '@anykernel/lib-component';
import { rumpdev } from '@anykernel/rumpdev';
import { rumpkern } from '@anykernel/rumpkern';
import { rumpvfs } from '@anykernel/rumpvfs';
import { Wedges } from './wedges.js';

export { Wedges } from './wedges.js';
export { scanTable } from './scan.js';
export { type Medium, PARTS_MAX, type Part, type Scheme, type Table } from './table.js';

/** Partitions of disks as devices. */
export const disk: Component<Wedges, readonly [typeof rumpkern, typeof rumpdev, typeof rumpvfs]> = component({
  name: 'disk',
  class: 'driver',
  requires: [rumpkern, rumpdev, rumpvfs],
  attach(k) {
    return new Wedges(k.use(rumpkern), k.use(rumpdev), k.use(rumpvfs));
  },
  detach(_k, state) {
    state.release();
  },
});
