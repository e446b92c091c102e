import { hostSim } from '@anykernel/host-sim';
import { IFCAP_CSUM_TCPv4_Rx, IFCAP_CSUM_TCPv4_Tx, IFCAP_LRO, IFCAP_TSOv4, SIOCSIFCAP, IFCAPREQ_LEN, ifreq } from '@anykernel/lib-sys';
import { putU32le } from '@anykernel/lib-bytes';
import { ifioctl, net } from '@anykernel/net';
import { boot } from '@anykernel/rumpkern';
import { VIRTIF_HALF, virtif } from '@anykernel/virtif';

test.each([
  ['nothing', 0, [false, false]],
  ['checksums that are sent', IFCAP_CSUM_TCPv4_Tx | IFCAP_TSOv4, [false, false]],
  ['large segments, without their checksums', IFCAP_LRO, [false, false]],
  ['checksums', IFCAP_CSUM_TCPv4_Rx, [true, false]],
  ['checksums and large segments', IFCAP_CSUM_TCPv4_Rx | IFCAP_LRO, [true, true]],
])('the host hears what it may leave undone when the interface is to do %s', (_what, capabilities, told) => {
  const accepted: boolean[][] = [];
  const port = {
    name: 'wire', offload: true, in: new Uint8Array(0), inAt: 0, out: new Uint8Array(0),
    read: () => 0, reserve: () => -1, flush: () => 0, listen: () => undefined, close: () => undefined,
    accept: (checksums: boolean, segments: boolean) => void accepted.push([checksums, segments]),
  };
  const k = boot(hostSim({ halves: [{ ...VIRTIF_HALF, impl: { open: () => port } }] }), [virtif]);
  const ifp = k.modules.use(virtif).create('wire');
  const request = new Uint8Array(IFCAPREQ_LEN);
  request.set(ifreq(ifp.name).subarray(0, 16));
  putU32le(request, 24, capabilities);
  k.run(() => ifioctl(k.modules.use(net), SIOCSIFCAP, request, k.proc1.lwp, () => 0));
  expect(accepted).toEqual([told]);
  k.halt();
});
