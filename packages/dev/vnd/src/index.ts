/** vnd: files as disks. */
import { disk } from '@anykernel/disk';
import { type Component, component } from '@anykernel/lib-component';
import { rumpdev } from '@anykernel/rumpdev';
import { rumpkern } from '@anykernel/rumpkern';
import { rumpvfs } from '@anykernel/rumpvfs';
import { Vnd } from './vnd.js';

export { Vnd, type VndOptions } from './vnd.js';

/** Files as disks. */
export const vnd: Component<Vnd, readonly [typeof rumpkern, typeof rumpdev, typeof rumpvfs, typeof disk]> = component({
  name: 'vnd',
  class: 'driver',
  requires: [rumpkern, rumpdev, rumpvfs, disk],
  attach(k) {
    return new Vnd(k.use(rumpkern), k.use(rumpdev), k.use(rumpvfs));
  },
  detach(_k, state) {
    state.release();
  },
});
