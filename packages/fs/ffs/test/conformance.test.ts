import { kernelSubject, vnodeConformance } from '@anykernel/conformance-vnode';
import { DiskImage, hostSim } from '@anykernel/host-sim';
import { boot } from '@anykernel/rumpkern';
import { rumpvfs } from '@anykernel/rumpvfs';
import { type NewfsOptions, ffs, newfs } from '../src/index.js';

function image(bytes: number, options: Partial<NewfsOptions>): DiskImage {
  const b = DiskImage.of(new Uint8Array(0), bytes);
  const writer = { size: bytes, write: (off: number, data: Uint8Array): void => b.write(data, off) };
  newfs(writer, { time: 1_000_000, id: 7, zeroed: true, ...options });
  return b;
}

vnodeConformance({
  name: 'ffs, UFS2',
  make({ small }) {
    const host = hostSim();
    host.sim.disk('disk', { image: image(small ? 8 << 20 : 128 << 20, { blockSize: 16384, minfree: 0 }), record: 'none' });
    const k = boot(host, [ffs]);
    k.modules.use(rumpvfs).etfsRegister('/disk', 'disk', 'blk');
    return kernelSubject(k, { type: 'ffs', args: { fspec: '/disk' }, limits: { linkMax: 32_767, symlinkMax: 1023, maxFileSize: 16384 * (12 + 2048 + 2048 ** 2 + 2048 ** 3) - 1 }, advance: (ns) => host.sim.advance(ns) });
  },
});
