import { ifnetConformance } from '@anykernel/conformance-ifnet';
import { hostSim } from '@anykernel/host-sim';
import { boot } from '@anykernel/rumpkern';
import { VIRTIF_HALF, virtif } from '@anykernel/virtif';
import { Device } from './device.js';

for (const offload of [false, true]) {
  ifnetConformance({
    name: offload ? 'virtif on a device that sums and cuts' : 'virtif',
    make() {
      const devices: Device[] = [];
      const open = (name: string): Device => {
        devices.push(new Device(name, offload));
        return devices[devices.length - 1];
      };
      const host = hostSim({ halves: [{ ...VIRTIF_HALF, impl: { open } }] });
      const k = boot(host, [virtif]);
      const header = offload ? 10 : 0;
      return {
        k,
        kind: 'virt',
        wire: {
          sent: () => devices.flatMap((device) => device.written.splice(0)).map((frame) => frame.subarray(header)),
          deliver(frame) {
            const bytes = new Uint8Array(header + frame.length);
            bytes.set(frame, header);
            devices[0]?.ring(bytes);
          },
        },
        advance: () => void host.sim.runUntilIdle(),
        close: () => k.halt(),
      };
    },
  });
}
