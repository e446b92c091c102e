import { hostSim } from '@anykernel/host-sim';
import { boot } from '@anykernel/rumpkern';
import { rumpvfs } from '@anykernel/rumpvfs';
import { kernelSubject, vnodeConformance } from '../src/index.js';

vnodeConformance({
  name: 'rumpfs',
  lacks: ['figures', 'fallocate', 'remount'],
  make() {
    const host = hostSim();
    return kernelSubject(boot(host, [rumpvfs]), {
      limits: { maxFileSize: Number.MAX_SAFE_INTEGER },
      advance: (ns) => host.sim.advance(ns),
    });
  },
});
