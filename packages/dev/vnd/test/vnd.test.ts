/** Files as disks: configured, used, mounted from, and let go. */
import { writeFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { bdevConformance } from '@anykernel/conformance-bdevsw';
import { ext2fs, newfs } from '@anykernel/ext2fs';
import { Sim, type SimDisk } from '@anykernel/host-sim';
import {
  ERR, Errno, MNT_FORCE, MNT_RDONLY, O_CREAT, O_RDONLY, O_RDWR, VNDIOCCLR, VNDIOCGET, VNDIOCSET, VNDIOF_FORCE, VNDIOF_HASGEOM, VNDIOF_READONLY, VND_USER_LEN, newVndIoctl,
} from '@anykernel/lib-sys';
import { type Kernel, boot, makedev, major, minor } from '@anykernel/rumpkern';
import { oracle, run, withFolder } from '@anykernel/tools-oracle';
import { etfsRegister, rumpvfs } from '@anykernel/rumpvfs';
import { vnd } from '../src/index.js';

type Sys = Kernel['proc1']['sys'];

function ext2(size: number): Uint8Array {
  const image = new Uint8Array(size);
  newfs({ size, write: (off, data) => image.set(data, off) }, { time: 1, uuid: new Uint8Array(16).fill(1), hashSeed: new Uint8Array(16) });
  return image;
}

function codeOf(fn: () => unknown): string {
  try {
    fn();
    return 'none';
  } catch (e) {
    return e instanceof Errno ? e.code : ((e as { code?: string }).code ?? String(e));
  }
}

function put(sys: Sys, path: string, bytes: Uint8Array): void {
  const fd = sys.open(path, O_RDWR | O_CREAT, 0o644);
  sys.write(fd, bytes);
  sys.close(fd);
}

/** A kernel with files in memory, of which /image is one. */
function kernelWith(bytes: Uint8Array = new Uint8Array(1 << 20)): { k: Kernel; sys: Sys; raw: number } {
  const k = boot(new Sim().host(), [vnd, ext2fs]);
  const { sys } = k.proc1;
  put(sys, '/image', bytes);
  return { k, sys, raw: sys.open('/dev/rvnd0d', O_RDWR, 0) };
}

const set = (sys: Sys, fd: number, v: Parameters<typeof newVndIoctl>[0] = {}): number => sys.ioctl(fd, VNDIOCSET, newVndIoctl({ file: '/image', ...v }));
const clear = (sys: Sys, fd: number, flags = 0): number => sys.ioctl(fd, VNDIOCCLR, newVndIoctl({ flags }));

bdevConformance({
  name: 'a file in memory',
  make: () => {
    const { k, sys } = kernelWith();
    put(sys, '/kept', new Uint8Array(1 << 20));
    const state = k.modules.use(vnd);
    const [dev, readonly] = k.run(() => [state.dev(state.set(k.curlwp, '/image')), state.dev(state.set(k.curlwp, '/kept', { readonly: true }))] as const);
    return { k, dev, readonly, absent: makedev(major(dev), minor(dev) + 16 * 7), settle: () => undefined, close: () => k.halt() };
  },
});

/** A kernel with /mnt on a disk that has /mnt/image on it. The simulator's clock moves while it works. */
function onDisk(sync: boolean): { sim: Sim; k: Kernel; disk: SimDisk; work: <T>(p: Promise<T>) => Promise<T> } {
  const sim = new Sim();
  const disk = sim.disk('outer', { bytes: ext2(8 << 20), sync });
  const k = boot(sim.host(), [vnd, ext2fs]);
  k.run(() => etfsRegister(k.modules.use(rumpvfs), '/outer', 'outer', 'blk'));
  k.proc1.sys.mkdir('/mnt', 0o755);
  return { sim, k, disk, work: worker(sim) };
}

/** Moves a simulator's clock until a promise has ended. */
function worker(sim: Sim): <T>(p: Promise<T>) => Promise<T> {
  return async (p) => {
    let ended = false;
    const end = (): void => void (ended = true);
    p.then(end, end);
    for (let i = 0; !ended && i < 100_000; i++) {
      sim.step();
      await Promise.resolve();
    }
    return p;
  };
}

async function putSlowly(k: Kernel, path: string, bytes: Uint8Array): Promise<void> {
  const { call } = k.proc1;
  const fd = await call.open(path, O_RDWR | O_CREAT, 0o644);
  await call.write(fd, bytes);
  await call.close(fd);
}

for (const sync of [true, false]) {
  bdevConformance({
    name: `a file on a disk (${sync ? 'synchronous' : 'asynchronous'} host)`,
    // What is in the cache is there at once on any host: the file is read through it.
    make: async () => {
      const { sim, k, work } = onDisk(sync);
      await work(k.proc1.call.mount('ext2fs', '/mnt', 0, { fspec: '/outer' }));
      await work(putSlowly(k, '/mnt/image', new Uint8Array(1 << 20).fill(5)));
      const state = k.modules.use(vnd);
      const unit = await work(k.wait((l) => state.set(l, '/mnt/image')));
      const dev = state.dev(unit);
      return { k, dev, absent: makedev(major(dev), minor(dev) + 16 * 7), settle: () => void sim.step(), close: () => k.halt({ nosync: true }) };
    },
    ...(sync ? {} : { asynchronous: false }),
  });
}

describe('vnd', () => {
  test('is configured by VNDIOCSET on the raw device, told of by VNDIOCGET, and ended by VNDIOCCLR', () => {
    const { k, sys, raw } = kernelWith();
    expect(codeOf(() => sys.open('/dev/vnd0a', O_RDONLY, 0))).toBe('ENXIO');
    const b = newVndIoctl({ file: '/image' });
    sys.ioctl(raw, VNDIOCSET, b);
    expect(new DataView(b.buffer).getUint32(32, true)).toBe(1 << 20);
    expect(codeOf(() => set(sys, raw))).toBe('EBUSY');
    const user = new Uint8Array(VND_USER_LEN).fill(0xff, 0, 4);
    sys.ioctl(raw, VNDIOCGET, user);
    const view = new DataView(user.buffer);
    const st = sys.stat('/image');
    expect([view.getInt32(0, true), Number(view.getBigUint64(8, true)), Number(view.getBigUint64(16, true))]).toEqual([0, st.dev, st.ino]);
    view.setInt32(0, 1, true);
    sys.ioctl(raw, VNDIOCGET, user);
    expect([view.getInt32(0, true), view.getBigUint64(16, true)]).toEqual([1, 0n]);
    view.setInt32(0, 9, true);
    expect(codeOf(() => sys.ioctl(raw, VNDIOCGET, user))).toBe('ENXIO');
    clear(sys, raw);
    expect([codeOf(() => clear(sys, raw)), codeOf(() => sys.open('/dev/vnd0a', O_RDONLY, 0))]).toEqual(['ENXIO', 'ENXIO']);
    set(sys, raw);
    clear(sys, raw);
    sys.close(raw);
    k.modunload('vnd');
    k.halt();
  });

  test('writes into the file, and sees what is written there', () => {
    const { k, sys, raw } = kernelWith();
    set(sys, raw);
    sys.pwrite(raw, new Uint8Array(512).fill(9), 1024);
    const fd = sys.open('/image', O_RDWR, 0);
    const b = new Uint8Array(512);
    sys.pread(fd, b, 1024);
    expect(b).toEqual(new Uint8Array(512).fill(9));
    sys.pwrite(fd, new Uint8Array([1, 2, 3]), 4096);
    sys.pread(raw, b, 4096);
    expect([...b.subarray(0, 4)]).toEqual([1, 2, 3, 0]);
    k.halt();
  });

  test.each([
    ['without a path', { file: '' }, 'EFAULT'],
    ['that is not there', { file: '/none' }, 'ENOENT'],
    ['that is a directory', { file: '/dev' }, 'EISDIR'],
    ['that is a device', { file: '/dev/null' }, 'EOPNOTSUPP'],
    ['that is empty', { file: '/empty' }, 'EINVAL'],
    ['with odd sectors', { flags: VNDIOF_HASGEOM, secsize: 1000 }, 'EINVAL'],
    ['with a geometry larger than itself', { flags: VNDIOF_HASGEOM, secsize: 512, nsectors: 64, ntracks: 64, ncylinders: 2 }, 'EINVAL'],
    ['with an absurd geometry', { flags: VNDIOF_HASGEOM, secsize: 512, nsectors: 0xffff_ffff, ntracks: 0xffff_ffff, ncylinders: 0xffff_ffff }, 'EINVAL'],
    ['with flags that there are not', { flags: 0x100 }, 'EINVAL'],
  ])('a file %s is refused', (_what, v, code) => {
    const { k, sys, raw } = kernelWith();
    put(sys, '/empty', new Uint8Array(100));
    expect(codeOf(() => set(sys, raw, v))).toBe(code);
    set(sys, raw);
    k.halt();
  });

  test('wrong calls are errors of their caller', () => {
    const { k, sys, raw } = kernelWith();
    expect([codeOf(() => sys.ioctl(raw, VNDIOCSET)), codeOf(() => sys.ioctl(raw, VNDIOCSET, new Uint8Array(10))), codeOf(() => sys.ioctl(raw, VNDIOCGET, new Uint8Array(10)))]).toEqual(['EFAULT', 'EINVAL', 'EFAULT']);
    const other = k.newproc({ uid: 7, gid: 7 }).sys;
    const fd = other.open('/dev/rvnd0d', O_RDWR, 0);
    expect(codeOf(() => set(other, fd))).toBe('EPERM');
    k.halt();
  });

  test('has the sectors and the size of its geometry', () => {
    const { k, sys, raw } = kernelWith();
    set(sys, raw, { flags: VNDIOF_HASGEOM, secsize: 2048, nsectors: 4, ntracks: 8, ncylinders: 2 });
    expect(codeOf(() => sys.pread(raw, new Uint8Array(512), 0))).toBe('EINVAL');
    expect(sys.pread(raw, new Uint8Array(4096), 2048 * 63)).toBe(2048);
    k.halt();
  });

  test('that is only read can only be read; a file is written through one unit', () => {
    const { k, sys, raw } = kernelWith();
    set(sys, raw, { flags: VNDIOF_READONLY });
    expect(codeOf(() => sys.open('/dev/rvnd0d', O_RDWR, 0))).toBe('EROFS');
    const second = sys.open('/dev/rvnd1d', O_RDWR, 0);
    expect(codeOf(() => set(sys, second))).toBe('EBUSY');
    set(sys, second, { flags: VNDIOF_READONLY });
    clear(sys, second);
    clear(sys, raw);
    set(sys, second);
    expect(codeOf(() => set(sys, raw, { flags: VNDIOF_READONLY }))).toBe('EBUSY');
    k.halt();
  });

  test('another unit appears when the last one has its file', () => {
    const { k, sys, raw } = kernelWith();
    expect(codeOf(() => sys.stat('/dev/vnd1a'))).toBe('ENOENT');
    set(sys, raw);
    expect(codeOf(() => sys.stat('/dev/vnd1a'))).toBe('none');
    k.halt();
  });

  test('in use is not ended but by force, and its file is not unmounted; then whoever has it open has nothing', () => {
    const { k, sys, raw } = kernelWith(ext2(1 << 20));
    set(sys, raw);
    sys.mkdir('/in', 0o755);
    sys.mount('ext2fs', '/in', 0, { fspec: '/dev/vnd0a' });
    expect([codeOf(() => clear(sys, raw)), codeOf(() => k.modunload('vnd'))]).toEqual(['EBUSY', 'EBUSY']);
    const fd = sys.open('/dev/rvnd0a', O_RDONLY, 0);
    clear(sys, raw, VNDIOF_FORCE);
    expect(codeOf(() => sys.pread(fd, new Uint8Array(512), 0))).toBe('ENXIO');
    sys.unmount('/in', MNT_FORCE);
    sys.close(fd);
    set(sys, raw);
    k.halt();
  });

  test('whose file has become shorter is EIO where nothing is', () => {
    const { k, sys, raw } = kernelWith();
    set(sys, raw);
    sys.truncate('/image', 4096);
    expect([sys.pread(raw, new Uint8Array(512), 0), codeOf(() => sys.pread(raw, new Uint8Array(512), 8192))]).toEqual([512, 'EIO']);
    k.halt();
  });

  test('whose file system was taken away by force is EIO', async () => {
    const { k, work } = onDisk(true);
    const { sys } = k.proc1;
    sys.mount('ext2fs', '/mnt', 0, { fspec: '/outer' });
    await work(putSlowly(k, '/mnt/image', new Uint8Array(65536)));
    const raw = sys.open('/dev/rvnd0d', O_RDWR, 0);
    set(sys, raw, { file: '/mnt/image' });
    expect(codeOf(() => sys.unmount('/mnt', 0))).toBe('EBUSY');
    sys.unmount('/mnt', MNT_FORCE);
    expect([codeOf(() => sys.pread(raw, new Uint8Array(512), 0)), codeOf(() => sys.pwrite(raw, new Uint8Array(512), 0))]).toEqual(['EIO', 'EIO']);
    clear(sys, raw, VNDIOF_FORCE);
    k.halt();
  });
});

describe('an image in a file system', () => {
  const READ_BACK = 'in the inner one';

  async function writeInner(sync: boolean): Promise<SimDisk> {
    const { k, disk, work } = onDisk(sync);
    const { call } = k.proc1;
    await work(call.mount('ext2fs', '/mnt', 0, { fspec: '/outer' }));
    await work(putSlowly(k, '/mnt/image', ext2(2 << 20)));
    const raw = k.proc1.sys.open('/dev/rvnd0d', O_RDWR, 0);
    await work(call.ioctl(raw, VNDIOCSET, newVndIoctl({ file: '/mnt/image' })));
    await work(call.close(raw));
    k.proc1.sys.mkdir('/in', 0o755);
    await work(call.mount('auto', '/in', 0, { fspec: '/dev/vnd0d' }));
    for (let i = 0; i < 20; i++) await work(putSlowly(k, `/in/file${i}`, new TextEncoder().encode(`${READ_BACK} ${i}`.repeat(2000))));
    await work(k.shutdown());
    expect(k.msgbuf.text()).not.toMatch(/halt:|unmount of/);
    return disk;
  }

  for (const sync of [true, false]) {
    test(`is mounted, written, and whole after the kernel has halted (${sync ? 'synchronous' : 'asynchronous'} host)`, async () => {
      const disk = await writeInner(sync);
      const sim = new Sim();
      sim.disk('outer', { image: disk.snapshot(), sync });
      const k = boot(sim.host(), [vnd, ext2fs]);
      const { sys, call } = k.proc1;
      const work = worker(sim);
      k.run(() => etfsRegister(k.modules.use(rumpvfs), '/outer', 'outer', 'blk'));
      for (const dir of ['/mnt', '/in']) sys.mkdir(dir, 0o755);
      await work(call.mount('ext2fs', '/mnt', MNT_RDONLY, { fspec: '/outer' }));
      const state = k.modules.use(vnd);
      await expect(work(k.wait((l) => state.set(l, '/mnt/image')))).rejects.toBe(ERR.EROFS);
      await work(k.wait((l) => state.set(l, '/mnt/image', { readonly: true })));
      await work(call.mount('ext2fs', '/in', MNT_RDONLY, { fspec: '/dev/vnd0a' }));
      const b = new Uint8Array(18);
      await work(call.pread(await work(call.open('/in/file19', O_RDONLY, 0)), b, 0));
      expect(new TextDecoder().decode(b)).toBe(`${READ_BACK} 1`);
      k.halt();
    });
  }

  oracle('e2fsck', 'debugfs').test('is clean, inside and outside, to other people’s checker', async () => {
    const disk = await writeInner(true);
    withFolder((folder) => {
      const bytes = new Uint8Array(8 << 20);
      disk.snapshot().read(bytes, 0);
      writeFileSync(`${folder}/outer`, bytes);
      expect(run('e2fsck', ['-fn', `${folder}/outer`]).status).toBe(0);
      run('debugfs', ['-R', `dump /image ${folder}/inner`, `${folder}/outer`]);
      const inner = run('e2fsck', ['-fn', `${folder}/inner`]);
      expect([inner.status, inner.stdout]).toEqual([0, expect.stringMatching(/: 31\/\d+ files/)]);
    });
  });

  test('with partitions has wedges, which are mounted by name of their disk', () => {
    const image = new Uint8Array(2 << 20);
    image.set(ext2(1 << 20), 64 * 512);
    image.set([0x83], 450);
    new DataView(image.buffer).setUint32(454, 64, true);
    new DataView(image.buffer).setUint32(458, 2048, true);
    image.set([0x55, 0xaa], 510);
    const { k, sys, raw } = kernelWith(image);
    set(sys, raw);
    sys.mkdir('/in', 0o755);
    sys.mount('ext2fs', '/in', 0, { fspec: 'NAME=vnd0s1' });
    put(sys, '/in/f', new Uint8Array(10));
    expect([codeOf(() => clear(sys, raw)), codeOf(() => sys.mount('ext2fs', '/in', 0, { fspec: '/dev/vnd0d' })), codeOf(() => sys.mount('ext2fs', '/in', 0, { fspec: 'NAME=no' }))]).toEqual(['EBUSY', 'EBUSY', 'ENOENT']);
    k.halt();
    expect(k.msgbuf.text()).not.toMatch(/halt:|unmount of/);
  });

  test('on an image that is mounted on the root: devices that come later make no nodes in it', () => {
    const sim = new Sim();
    const disk = sim.disk('outer', { bytes: ext2(4 << 20), sync: true });
    const k = boot(sim.host(), [vnd, ext2fs]);
    k.run(() => etfsRegister(k.modules.use(rumpvfs), '/outer', 'outer', 'blk'));
    const { sys } = k.proc1;
    sys.mount('ext2fs', '/', 0, { fspec: '/outer' });
    for (const dir of ['/dev', '/in']) sys.mkdir(dir, 0o755);
    put(sys, '/image', ext2(1 << 20));
    const unit = k.run(() => k.modules.use(vnd).set(k.curlwp, '/image'));
    expect(codeOf(() => sys.stat('/dev/vnd1a'))).toBe('ENOENT');
    sys.mount('ext2fs', '/in', 0, { fspec: `/dev/vnd${unit}a` });
    put(sys, '/in/f', new Uint8Array(10));
    k.halt();
    expect([k.msgbuf.text(), disk.stats.writes > 0]).toEqual([expect.not.stringMatching(/halt:|unmount of \/in|dev\/vnd/), true]);
  });
});
