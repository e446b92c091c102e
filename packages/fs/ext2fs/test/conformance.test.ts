import { kernelSubject, vnodeConformance } from '@anykernel/conformance-vnode';
import { DiskImage, hostSim } from '@anykernel/host-sim';
import { boot } from '@anykernel/rumpkern';
import { rumpvfs } from '@anykernel/rumpvfs';
import { ext2fs, newfs } from '../src/index.js';

function image(bytes: number): DiskImage {
  const b = DiskImage.of(new Uint8Array(0), bytes);
  const writer = { size: bytes, write: (off: number, data: Uint8Array): void => b.write(data, off) };
  newfs(writer, { time: 1_000_000, uuid: new Uint8Array(16).fill(7), hashSeed: new Uint8Array(16).fill(9), blockSize: 4096, zeroed: true });
  return b;
}

vnodeConformance({
  name: 'ext2fs',
  make({ small }) {
    const host = hostSim();
    host.sim.disk('disk', { image: image(small ? 8 << 20 : 128 << 20), record: 'none' });
    const k = boot(host, [ext2fs]);
    k.modules.use(rumpvfs).etfsRegister('/disk', 'disk', 'blk');
    const limits = { linkMax: 32_000, maxFileSize: 2_196_873_666_560, symlinkMax: 1023 };
    return kernelSubject(k, { type: 'ext2fs', args: { fspec: '/disk' }, limits, advance: (ns) => host.sim.advance(ns) });
  },
});
