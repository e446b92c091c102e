/** mapfs through the suite of the vnode seam: what it lacks it says, and the suite demands a clean refusal. */
import { kernelSubject, vnodeConformance } from '@anykernel/conformance-vnode';
import { hostSim } from '@anykernel/host-sim';
import { boot } from '@anykernel/rumpkern';
import { mapfs } from '../src/index.js';

vnodeConformance({
  name: 'mapfs',
  lacks: [
    'atime',
    'birthtime',
    'devices',
    'dirlinks',
    'dots',
    'fallocate',
    'fdiscard',
    'fifos',
    'figures',
    'flags',
    'handles',
    'hardlinks',
    'owners',
    'remount',
    'rename',
    'symlinks',
    'xattr',
  ],
  make() {
    const host = hostSim();
    return kernelSubject(boot(host, [mapfs]), { type: 'mapfs', limits: { maxFileSize: 2 ** 40 }, advance: (ns) => host.sim.advance(ns) });
  },
});
