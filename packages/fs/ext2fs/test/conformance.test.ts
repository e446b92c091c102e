import { kernelSubject, vnodeConformance } from '@anykernel/conformance-vnode';
import { DiskImage, hostSim } from '@anykernel/host-sim';
import { boot } from '@anykernel/rumpkern';
import { etfsRegister, rumpvfs } from '@anykernel/rumpvfs';
import { type Ext2fsType, ext2fs, newfs } from '../src/index.js';

function image(bytes: number, type: Ext2fsType): DiskImage {
  const b = DiskImage.of(new Uint8Array(0), bytes);
  const writer = { size: bytes, write: (off: number, data: Uint8Array): void => b.write(data, off) };
  newfs(writer, { type, time: 1_000_000, uuid: new Uint8Array(16).fill(7), hashSeed: new Uint8Array(16).fill(9), blockSize: 4096, zeroed: true });
  return b;
}

/** Bytes of the largest file: what pointers reach, what 32 bits of sectors count, what 32 bits of blocks name. */
const TYPES: readonly (readonly [Ext2fsType, number, number, number])[] = [
  ['ext2', 32_000, 2_196_873_666_560, 8 << 20],
  ['ext3', 32_000, 2_196_873_666_560, 16 << 20],
  ['ext4', 65_000, 0xffff_ffff * 4096, 16 << 20],
];

for (const [type, linkMax, maxFileSize, smallBytes] of TYPES) {
  vnodeConformance({
    name: type,
    make({ small }) {
      const host = hostSim();
      host.sim.disk('disk', { image: image(small ? smallBytes : 128 << 20, type), record: 'none' });
      const k = boot(host, [ext2fs]);
      etfsRegister(k.modules.use(rumpvfs), '/disk', 'disk', 'blk');
      const limits = { linkMax, maxFileSize, symlinkMax: 1023 };
      return kernelSubject(k, { type: 'ext2fs', args: { fspec: '/disk' }, limits, advance: (ns) => host.sim.advance(ns) });
    },
  });
}
