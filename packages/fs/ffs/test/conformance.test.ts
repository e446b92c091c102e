import { type Subject, kernelSubject, vnodeConformance } from '@anykernel/conformance-vnode';
import { DiskImage, hostSim } from '@anykernel/host-sim';
import { MNT_LOG } from '@anykernel/lib-sys';
import { boot } from '@anykernel/rumpkern';
import { rumpvfs, etfsRegister } from '@anykernel/rumpvfs';
import { type NewfsOptions, ffs, newfs } from '../src/index.js';

function image(bytes: number, options: Partial<NewfsOptions>): DiskImage {
  const b = DiskImage.of(new Uint8Array(0), bytes);
  const writer = { size: bytes, write: (off: number, data: Uint8Array): void => b.write(data, off) };
  newfs(writer, { time: 1_000_000, id: 7, zeroed: true, ...options });
  return b;
}

/** The largest file: direct pointers, and three levels of blocks full of others. */
function largest(bsize: number, pointer: number): number {
  const per = bsize / pointer;
  return bsize * (12 + per + per ** 2 + per ** 3) - 1;
}

function subject(small: boolean, options: Partial<NewfsOptions>, flags: number, maxFileSize: number): Subject {
  const host = hostSim();
  host.sim.disk('disk', { image: image(small ? 8 << 20 : 128 << 20, { minfree: 0, ...options }), record: 'none' });
  const k = boot(host, [ffs]);
  etfsRegister(k.modules.use(rumpvfs), '/disk', 'disk', 'blk');
  return kernelSubject(k, { type: 'ffs', args: { fspec: '/disk' }, flags, limits: { maxFileSize }, advance: (ns) => host.sim.advance(ns) });
}

vnodeConformance({
  name: 'ffs, UFS2',
  make: ({ small }) => subject(small, { blockSize: 16384 }, 0, largest(16384, 8)),
});

vnodeConformance({
  name: 'ffs, UFS1, big-endian, with a journal',
  lacks: ['xattr', 'birthtime'],
  make: ({ small }) => subject(small, { version: 1, byteOrder: 'big', blockSize: 8192 }, MNT_LOG, largest(8192, 4)),
});
