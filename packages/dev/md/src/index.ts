/** md: disks in memory. */
import { type Component, component } from '@anykernel/lib-component';
import { rumpdev } from '@anykernel/rumpdev';
import { rumpkern } from '@anykernel/rumpkern';
import { Md } from './md.js';

export { Md, MD_CONF_LEN, MD_GETCONF, MD_KMEM_ALLOCATED, MD_SETCONF, MD_UNCONFIGURED } from './md.js';

/** The memory disk. */
export const md: Component<Md, readonly [typeof rumpkern, typeof rumpdev]> = component({
  name: 'md',
  class: 'driver',
  requires: [rumpkern, rumpdev],
  attach(k) {
    return new Md(k.use(rumpkern), k.use(rumpdev));
  },
  detach(_k, state) {
    state.release();
  },
});
