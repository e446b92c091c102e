/** The interface layer's own loopback; its package cannot test itself with a suite that stands on it. */
import { ifnetConformance } from '@anykernel/conformance-ifnet';
import { hostSim } from '@anykernel/host-sim';
import { net } from '@anykernel/net';
import { boot } from '@anykernel/rumpkern';

ifnetConformance({
  name: 'lo',
  loopback: true,
  make() {
    const k = boot(hostSim(), [net]);
    return { k, kind: 'lo', advance: () => undefined, close: () => k.halt() };
  },
});
