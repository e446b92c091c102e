/** The component `rumpnet`: its state is the kernel's Rumpnet. */
import { type Component, component } from '@anykernel/lib-component';
import { ERR, rumpnetCalls } from '@anykernel/lib-sys';
import { type Kernel, rumpkern } from '@anykernel/rumpkern';
import { netCalls } from './calls.js';
import { attachNetSysctl } from './netsysctl.js';
import { netRecords } from './records.js';
import { Rumpnet } from './rumpnet.js';

const KEY: object = {};

/** The net faction of kernel `k`. */
export function rumpnetOf(k: Kernel): Rumpnet {
  return k.specific(KEY, () => new Rumpnet(k));
}

/** Sockets and mbufs. */
export const rumpnet: Component<Rumpnet, readonly [typeof rumpkern]> = component({
  name: 'rumpnet',
  class: 'faction',
  requires: [rumpkern],
  attach(kernel) {
    const k = kernel.use(rumpkern);
    const net = rumpnetOf(k);
    attachNetSysctl(k, net);
    k.syscalls.establish(rumpnetCalls, netCalls(net), netRecords);
    return net;
  },
  /** EBUSY: the kernel runs. */
  detach(kernel) {
    if (kernel.use(rumpkern).procs.find(1) !== undefined) throw ERR.EBUSY;
  },
});
