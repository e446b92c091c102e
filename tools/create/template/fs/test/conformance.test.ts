/** foofs through the suite of the vnode seam. Whatever you add, take it from `lacks`: the suite then demands it. */
import { kernelSubject, vnodeConformance } from '@anykernel/conformance-vnode';
import { hostSim } from '@anykernel/host-sim';
import { boot } from '@anykernel/rumpkern';
import { foofs } from '../src/index.js';

vnodeConformance({
  name: 'foofs',
  lacks: [
    'birthtime',
    'devices',
    'fallocate',
    'fdiscard',
    'fifos',
    'flags',
    'handles',
    'hardlinks',
    'remount',
    'rename',
    'sparse',
    'symlinks',
    'xattr',
  ],
  make({ small }) {
    const host = hostSim();
    const k = boot(host, [foofs]);
    const limits = { maxFileSize: 2 ** 30 };
    return kernelSubject(k, { type: 'foofs', args: { size: small ? 4 << 20 : 256 << 20 }, limits, advance: (ns) => host.sim.advance(ns) });
  },
});
