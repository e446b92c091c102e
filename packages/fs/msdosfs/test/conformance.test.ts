import { kernelSubject, vnodeConformance } from '@anykernel/conformance-vnode';
import { DiskImage, hostSim } from '@anykernel/host-sim';
import { boot } from '@anykernel/rumpkern';
import { rumpvfs, etfsRegister } from '@anykernel/rumpvfs';
import { type FatBits, msdosfs, newfs } from '../src/index.js';

function image(bytes: number, fatBits: FatBits): DiskImage {
  const b = DiskImage.of(new Uint8Array(0), bytes);
  newfs({ size: bytes, write: (off, data) => b.write(data, off) }, { time: 1_000_000_000, serial: 7, fatBits, zeroed: true });
  return b;
}

vnodeConformance({
  name: 'msdosfs',
  lacks: [
    'hardlinks', 'symlinks', 'devices', 'fifos', 'owners', 'modes', 'xattr', 'sparse', 'handles', 'flags', 'fdiscard', 'dirlinks', 'atime', 'ctime',
    'anynames',
  ],
  make({ small }) {
    const host = hostSim();
    host.sim.disk('disk', { image: small ? image(4 << 20, 12) : image(128 << 20, 32), record: 'none' });
    const k = boot(host, [msdosfs]);
    etfsRegister(k.modules.use(rumpvfs), '/disk', 'disk', 'blk');
    const limits = { maxFileSize: 0xffff_ffff, timeGranularityNs: 2_000_000_000, timeMin: 315_532_800 };
    return kernelSubject(k, { type: 'msdosfs', args: { fspec: '/disk', mask: 0o777 }, limits, advance: (ns) => host.sim.advance(ns) });
  },
});
