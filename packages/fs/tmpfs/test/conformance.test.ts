import { kernelSubject, vnodeConformance } from '@anykernel/conformance-vnode';
import { hostSim } from '@anykernel/host-sim';
import { boot } from '@anykernel/rumpkern';
import { tmpfs } from '../src/index.js';

vnodeConformance({
  name: 'tmpfs',
  lacks: ['remount'],
  make({ small }) {
    const host = hostSim();
    const k = boot(host, [tmpfs]);
    const limits = { linkMax: 2 ** 31 - 1 };
    return kernelSubject(k, {
      type: 'tmpfs',
      args: small ? { size: 4 << 20, nodes: 3000 } : {},
      limits,
      advance: (ns) => host.sim.advance(ns),
    });
  },
});
