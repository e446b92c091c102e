/** xordisk through the suite of block devices, over disks whose transfers end at once and later; and a file system on it. */
import { type BdevSubject, bdevConformance } from '@anykernel/conformance-bdevsw';
import { ext2fs, newfs } from '@anykernel/ext2fs';
import { hostSim } from '@anykernel/host-sim';
import { type Kernel, boot, major, makedev } from '@anykernel/rumpkern';
import { etfsRegister, rumpvfs } from '@anykernel/rumpvfs';
import { describe, expect, test } from '@jest/globals';
import { xordisk } from '../src/index.js';

const KEY = Uint8Array.from({ length: 37 }, (_, i) => (i * 59 + 7) & 0xff);

/** A device over a host file of this name. */
function lowerDevice(k: Kernel, name: string): number {
  k.run(() => etfsRegister(k.modules.use(rumpvfs), `/dev/${name}`, name, 'blk'));
  return k.proc1.sys.stat(`/dev/${name}`).rdev;
}

function subject(sync: boolean): BdevSubject {
  const host = hostSim();
  host.sim.disk('disk', { size: 1 << 20, sync });
  host.sim.disk('fixed', { size: 1 << 20, sync, readonly: true });
  const k = boot(host, [rumpvfs, xordisk]);
  const [disk, fixed] = [lowerDevice(k, 'disk'), lowerDevice(k, 'fixed')];
  const [dev, readonly] = [k.run(() => k.modules.use(xordisk).add(disk, KEY)), k.run(() => k.modules.use(xordisk).add(fixed, KEY))];
  return { k, dev, readonly, absent: makedev(major(dev), 200), settle: () => void host.sim.advance(1_000_000), close: () => k.halt() };
}

bdevConformance({ name: 'xordisk', make: () => subject(true) });
bdevConformance({ name: 'xordisk on a disk that takes its time', asynchronous: true, make: () => subject(false) });

describe('a file system on xordisk', () => {
  test('is not seen by who looks at the disk below', () => {
    const host = hostSim();
    const bytes = new Uint8Array(1 << 20);
    newfs(
      { size: bytes.length, write: (off, data) => bytes.set(data, off) },
      { time: 1, uuid: new Uint8Array(16), hashSeed: new Uint8Array(16) },
    );
    const disk = host.sim.disk('disk', { bytes: bytes.map((b, i) => b ^ (KEY[i % KEY.length] as number)) });
    const k = boot(host, [ext2fs, xordisk]);
    const lower = lowerDevice(k, 'disk');
    k.run(() => k.modules.use(xordisk).add(lower, KEY));
    const { sys } = k.proc1;
    sys.mkdir('/mnt', 0o755);
    expect(() => sys.mount('ext2fs', '/mnt', 0, { fspec: '/dev/disk' })).toThrow(/EINVAL/);
    sys.mount('ext2fs', '/mnt', 0, { fspec: '/dev/xordisk0' });
    sys.mkdir('/mnt/a-name-that-is-seen', 0o755);
    expect(sys.stat('/mnt/a-name-that-is-seen').nlink).toBe(2);
    k.halt();
    const below = new Uint8Array(disk.size);
    disk.open({ read: true }).read(below, 0, () => undefined);
    expect(Buffer.from(below).includes('a-name-that-is-seen')).toBe(false);
  });

  test('needs a key and a disk', () => {
    const k = boot(hostSim(), [rumpvfs, xordisk]);
    expect(() => k.run(() => k.modules.use(xordisk).add(makedev(250, 0), KEY))).toThrow(expect.objectContaining({ code: 'ENXIO' }));
    expect(() => k.run(() => k.modules.use(xordisk).add(makedev(250, 0), new Uint8Array(0)))).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    k.halt();
  });
});
