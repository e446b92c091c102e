import { bdevConformance } from '@anykernel/conformance-bdevsw';
import { Sim } from '@anykernel/host-sim';
import { boot, makedev } from '@anykernel/rumpkern';
import { RUMPBLK_MAJOR } from '../src/rumpblk.js';
import { rumpvfs, etfsRegister } from '../src/index.js';

for (const sync of [true, false]) {
  bdevConformance({
    name: `a host file (${sync ? 'synchronous' : 'asynchronous'} host)`,
    asynchronous: !sync,
    make: () => {
      const sim = new Sim();
      sim.disk('image', { size: 128 << 10, sync });
      sim.disk('kept', { size: 128 << 10, sync, readonly: true });
      const k = boot(sim.host(), [rumpvfs]);
      const vfs = k.modules.use(rumpvfs);
      k.run(() => {
        etfsRegister(vfs, '/dev/image', 'image', 'blk');
        etfsRegister(vfs, '/dev/kept', 'kept', 'blk');
      });
      const unit = (n: number): number => makedev(RUMPBLK_MAJOR, n);
      return { k, dev: unit(0), readonly: unit(1), absent: unit(9), settle: () => void sim.step(), close: () => k.halt() };
    },
  });
}
