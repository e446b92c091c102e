/** The component `rumpnet`: its state is the kernel's Rumpnet. */
import { type Component, component } from '@anykernel/lib-component';
import { ERR } from '@anykernel/lib-sys';
import { type Kernel, rumpkern } from '@anykernel/rumpkern';
import { type Mbufs, mbufsOf } from './mbufs.js';
import { attachMbufSysctl } from './mbufsysctl.js';

/** The net faction's state in one kernel. */
export class Rumpnet {
  readonly k: Kernel;
  readonly mbufs: Mbufs;

  constructor(k: Kernel) {
    this.k = k;
    this.mbufs = mbufsOf(k);
    attachMbufSysctl(k, this.mbufs);
  }
}

/** Sockets and mbufs. */
export const rumpnet: Component<Rumpnet, readonly [typeof rumpkern]> = component({
  name: 'rumpnet',
  class: 'faction',
  requires: [rumpkern],
  attach(kernel) {
    return new Rumpnet(kernel.use(rumpkern));
  },
  /** EBUSY: the kernel runs. */
  detach(kernel) {
    if (kernel.use(rumpkern).procs.find(1) !== undefined) throw ERR.EBUSY;
  },
});
