/** Wedges in a kernel: found, opened, made and taken away. */
import { describe, expect, test } from '@jest/globals';
import { bdevConformance } from '@anykernel/conformance-bdevsw';
import { Sim, hostSim } from '@anykernel/host-sim';
import {
  DIOCAWEDGE, DIOCDWEDGE, DIOCGMEDIASIZE, DIOCGWEDGEINFO, DIOCLWEDGES, DIOCMWEDGES, DIOCRMWEDGES, DKWEDGE_INFO_LEN, type DkwedgeInfo, Errno, O_RDONLY, O_RDWR, S_IFBLK,
  S_IFMT, emitDkwedgeInfo, newDkwedgeList, parseDkwedgeInfo, parseDkwedgeList,
} from '@anykernel/lib-sys';
import { md } from '@anykernel/md';
import { type Kernel, boot, makedev, major, minor } from '@anykernel/rumpkern';
import { etfsRegister, etfsRemove, openDisk, rumpvfs } from '@anykernel/rumpvfs';
import { disk } from '../src/index.js';
import { SECTOR, putGpt, putLabel, putMbr } from './kit.js';

type Sys = ReturnType<Kernel['newproc']>['sys'];

function gptBytes(): Uint8Array {
  const b = new Uint8Array(1 << 20);
  putGpt(b, [{ start: 64, end: 319, name: 'boot' }, { start: 320, end: 1999, name: 'root' }, { start: 2000, end: 2010, name: 'root' }]);
  return b;
}

/** A kernel with a memory disk that has these bytes, and a look at them by DIOCMWEDGES. */
function withMd(bytes: Uint8Array): { k: Kernel; sys: Sys; raw: number } {
  const k = boot(hostSim({ params: { RUMP_MD: String(bytes.length) } }), [md, disk]);
  const { sys } = k.newproc();
  const raw = sys.open('/dev/rmd0d', O_RDWR, 0);
  sys.pwrite(raw, bytes, 0);
  sys.ioctl(raw, DIOCMWEDGES, new Uint8Array(4));
  return { k, sys, raw };
}

function list(sys: Sys, fd: number, count = 16): readonly DkwedgeInfo[] {
  const b = newDkwedgeList(count);
  sys.ioctl(fd, DIOCLWEDGES, b);
  return parseDkwedgeList(b).wedges;
}

function codeOf(fn: () => unknown): string {
  try {
    fn();
    return 'none';
  } catch (e) {
    return e instanceof Errno ? e.code : ((e as { code?: string }).code ?? String(e));
  }
}

for (const sync of [true, false]) {
  bdevConformance({
    name: `a wedge (${sync ? 'synchronous' : 'asynchronous'} host)`,
    asynchronous: !sync,
    make: () => {
      const sim = new Sim();
      const image = gptBytes();
      for (const [name, readonly] of [['image', false], ['kept', true]] as const) {
        sim.disk(name, { bytes: image, sync, readonly });
      }
      const k = boot(sim.host(), [disk]);
      const vfs = k.modules.use(rumpvfs);
      k.run(() => {
        etfsRegister(vfs, '/image', 'image', 'blk');
        etfsRegister(vfs, '/kept', 'kept', 'blk');
      });
      while (sim.step()) continue;
      const dev = (name: string): number => k.newproc().sys.stat(`/dev/${name}`).rdev;
      const first = dev('dk1');
      return { k, dev: first, readonly: dev('dk4'), absent: makedev(major(first), 77), settle: () => void sim.step(), close: () => k.halt() };
    },
  });
}

describe('wedges', () => {
  test('of a host file are there as soon as it is a device', () => {
    const sim = new Sim();
    sim.disk('image', { bytes: gptBytes(), sync: true });
    const k = boot(sim.host(), [disk]);
    k.run(() => etfsRegister(k.modules.use(rumpvfs), '/image', 'image', 'blk'));
    const { sys } = k.newproc();
    expect([sys.stat('/dev/dk0').mode & S_IFMT, sys.stat('/dev/rdk1').size]).toEqual([S_IFBLK, 0]);
    expect(k.sysctl.get('hw.disknames')).toBe('dk0 dk1 dk2');
    const parts = k.run(() => k.devsw.media.parts(sys.stat('/image').rdev, k.curlwp));
    expect(parts?.map((p) => [p.node, p.id, p.label, p.off, p.size])).toEqual([
      ['dk0', '1', 'boot', 64 * SECTOR, 256 * SECTOR],
      ['dk1', '2', 'root', 320 * SECTOR, 1680 * SECTOR],
      ['dk2', '3', 'root', 2000 * SECTOR, 11 * SECTOR],
    ]);
    k.run(() => etfsRemove(k.modules.use(rumpvfs), '/image'));
    expect(codeOf(() => sys.stat('/dev/dk0'))).toBe('ENOENT');
    k.halt();
  });

  test('are told of by DIOCLWEDGES and DIOCGWEDGEINFO; names are one disk’s own', () => {
    const { k, sys, raw } = withMd(gptBytes());
    expect(list(sys, raw).map((w) => [w.devname, w.wname, w.parent, w.offset, w.size])).toEqual([
      ['dk0', 'boot', 'md0', 64, 256],
      ['dk1', 'root', 'md0', 320, 1680],
      ['dk2', '00000003-0000-0000-0000-000000000000', 'md0', 2000, 11],
    ]);
    const b = newDkwedgeList(1);
    sys.ioctl(raw, DIOCLWEDGES, b);
    expect([parseDkwedgeList(b).count, parseDkwedgeList(b).wedges.length]).toEqual([3, 1]);
    const dk = sys.open('/dev/rdk1', O_RDONLY, 0);
    const info = new Uint8Array(DKWEDGE_INFO_LEN);
    sys.ioctl(dk, DIOCGWEDGEINFO, info);
    expect(parseDkwedgeInfo(info).wname).toBe('root');
    const size = new Uint8Array(8);
    sys.ioctl(dk, DIOCGMEDIASIZE, size);
    expect(new DataView(size.buffer).getUint32(0, true)).toBe(1680 * SECTOR);
    k.halt();
  });

  test('are the bytes of their disk, from their place on, and not beyond', () => {
    const { k, sys, raw } = withMd(gptBytes());
    const dk = sys.open('/dev/rdk0', O_RDWR, 0);
    sys.pwrite(dk, new Uint8Array(SECTOR).fill(7), 255 * SECTOR);
    expect(codeOf(() => sys.pwrite(dk, new Uint8Array(SECTOR), 256 * SECTOR))).toBe('ENOSPC');
    expect(sys.pread(dk, new Uint8Array(1024), 255 * SECTOR)).toBe(SECTOR);
    const got = new Uint8Array(SECTOR);
    sys.pread(raw, got, 319 * SECTOR);
    expect(got).toEqual(new Uint8Array(SECTOR).fill(7));
    sys.pread(raw, got, 320 * SECTOR);
    expect(got).toEqual(new Uint8Array(SECTOR));
    k.halt();
  });

  test('come of an MBR with a label in a slice, by names of the disk', () => {
    const b = new Uint8Array(1 << 20);
    putMbr(b, 0, [{ type: 0x83, start: 64, count: 100 }, { type: 0xa9, start: 500, count: 1000 }]);
    putLabel(b, 501 * SECTOR, [{ offset: 516, size: 400, fstype: 7 }]);
    const { k, sys, raw } = withMd(b);
    expect(list(sys, raw).map((w) => [w.wname, w.offset, w.ptype])).toEqual([['md0s1', 64, 'ext2fs'], ['md0s2a', 516, 'ffs']]);
    k.halt();
  });

  test('are looked for again by DIOCMWEDGES; what is open stays', () => {
    const { k, sys, raw } = withMd(gptBytes());
    const dk1 = sys.open('/dev/dk1', O_RDONLY, 0);
    const b = new Uint8Array(1 << 20);
    putGpt(b, [{ start: 64, end: 100, name: 'new' }, { start: 320, end: 1999, name: 'root' }]);
    sys.pwrite(raw, b, 0);
    const made = new Uint8Array(4);
    sys.ioctl(raw, DIOCMWEDGES, made);
    expect([made[0], list(sys, raw).map((w) => [w.devname, w.wname])]).toEqual([1, [['dk0', 'new'], ['dk1', 'root']]]);
    sys.ioctl(raw, DIOCRMWEDGES, made);
    expect([made[0], list(sys, raw).map((w) => w.devname)]).toEqual([1, ['dk1']]);
    sys.close(dk1);
    sys.ioctl(raw, DIOCRMWEDGES, made);
    expect([made[0], list(sys, raw)]).toEqual([1, []]);
    k.halt();
  });

  test('are made and deleted by hand', () => {
    const { k, sys, raw } = withMd(new Uint8Array(1 << 20));
    const add = (w: Partial<DkwedgeInfo>): string => {
      const b = new Uint8Array(DKWEDGE_INFO_LEN);
      emitDkwedgeInfo(b, { devname: '', wname: 'mine', parent: '', offset: 10, size: 100, ptype: 'ffs', ...w });
      sys.ioctl(raw, DIOCAWEDGE, b);
      return parseDkwedgeInfo(b).devname;
    };
    expect(add({})).toBe('dk0');
    expect(add({ wname: 'other', offset: 110 })).toBe('dk1');
    const refused: readonly (readonly [string, Partial<DkwedgeInfo>])[] = [
      ['EEXIST', { offset: 500 }],
      ['EINVAL', { wname: '' }],
      ['EINVAL', { wname: 'x', offset: 50 }],
      ['EINVAL', { wname: 'x', offset: 2000, size: 49 }],
      ['EINVAL', { wname: 'x', offset: 300, size: 0 }],
      ['EINVAL', { wname: 'x', offset: 2 ** 62, size: 2 ** 62 }],
    ];
    for (const [code, w] of refused) expect([w, codeOf(() => add(w))]).toEqual([w, code]);
    const remove = (devname: string): void => {
      const b = new Uint8Array(DKWEDGE_INFO_LEN);
      emitDkwedgeInfo(b, { devname, wname: '', parent: '', offset: 0, size: 0, ptype: '' });
      sys.ioctl(raw, DIOCDWEDGE, b);
    };
    const fd = sys.open('/dev/dk0', O_RDONLY, 0);
    expect([codeOf(() => remove('dk0')), codeOf(() => remove('dk7'))]).toEqual(['EBUSY', 'ESRCH']);
    sys.close(fd);
    remove('dk0');
    expect(list(sys, raw).map((w) => w.devname)).toEqual(['dk1']);
    expect(codeOf(() => sys.ioctl(raw, DIOCAWEDGE, new Uint8Array(10)))).toBe('EFAULT');
    k.halt();
  });

  test('are changed by the superuser only', () => {
    const { k } = withMd(gptBytes());
    const { sys } = k.newproc({ uid: 5, gid: 5 });
    const raw = sys.open('/dev/rmd0d', O_RDONLY, 0);
    for (const cmd of [DIOCAWEDGE, DIOCDWEDGE, DIOCMWEDGES, DIOCRMWEDGES]) expect(codeOf(() => sys.ioctl(raw, cmd, new Uint8Array(DKWEDGE_INFO_LEN)))).toBe('EPERM');
    expect(list(sys, raw).length).toBe(3);
    k.halt();
  });

  test('that have bytes in common are written by one at a time', () => {
    const b = new Uint8Array(1 << 20);
    putMbr(b, 0, [{ type: 0x83, start: 64, count: 1000 }, { type: 0xef, start: 100, count: 10 }, { type: 0x83, start: 1200, count: 10 }]);
    const { k, sys } = withMd(b);
    const one = sys.open('/dev/dk0', O_RDWR, 0);
    expect([codeOf(() => sys.open('/dev/dk1', O_RDONLY, 0)), codeOf(() => sys.open('/dev/dk1', O_RDWR, 0))]).toEqual(['EBUSY', 'EBUSY']);
    sys.close(sys.open('/dev/dk2', O_RDWR, 0));
    sys.close(one);
    const two = sys.open('/dev/rdk0', O_RDONLY, 0);
    sys.close(sys.open('/dev/dk1', O_RDONLY, 0));
    expect(codeOf(() => sys.open('/dev/dk1', O_RDWR, 0))).toBe('EBUSY');
    sys.close(two);
    sys.close(sys.open('/dev/dk1', O_RDWR, 0));
    k.halt();
  });

  test('and their disk are not a file system’s both', () => {
    const { k } = withMd(gptBytes());
    const vfs = k.modules.use(rumpvfs);
    const opened = (path: string): string => codeOf(() => k.run(() => openDisk(vfs, k.curlwp, path, true).close(k.curlwp)));
    const one = k.run(() => openDisk(vfs, k.curlwp, '/dev/dk0', true));
    expect([opened('/dev/md0a'), opened('/dev/md0d'), opened('/dev/dk0'), opened('/dev/dk1')]).toEqual(['EBUSY', 'EBUSY', 'EBUSY', 'none']);
    k.run(() => one.close(k.curlwp));
    const whole = k.run(() => openDisk(vfs, k.curlwp, '/dev/md0a', true));
    expect([opened('/dev/dk0'), opened('/dev/md0d')]).toEqual(['EBUSY', 'EBUSY']);
    k.run(() => whole.close(k.curlwp));
    expect(opened('/dev/dk0')).toBe('none');
    k.halt();
  });

  test('keep their disk and their driver from going while they are open', () => {
    const { k, sys, raw } = withMd(gptBytes());
    sys.close(raw);
    const fd = sys.open('/dev/rdk2', O_RDONLY, 0);
    expect(codeOf(() => k.run(() => k.modules.use(md).destroy(0)))).toBe('EBUSY');
    expect(codeOf(() => k.modunload('disk'))).toBe('EBUSY');
    sys.close(fd);
    k.run(() => k.modules.use(md).destroy(0));
    expect(codeOf(() => sys.stat('/dev/dk0'))).toBe('ENOENT');
    k.modunload('disk');
    expect(k.modules.has('disk')).toBe(false);
    k.halt();
  });

  test('of media that were there before the driver are found when it comes', () => {
    const sim = new Sim();
    sim.disk('image', { bytes: gptBytes(), sync: true });
    const k = boot(sim.host(), [rumpvfs]);
    k.run(() => etfsRegister(k.modules.use(rumpvfs), '/image', 'image', 'blk'));
    const { sys } = k.newproc();
    expect(codeOf(() => sys.stat('/dev/dk0'))).toBe('ENOENT');
    k.modload(disk);
    expect(minor(sys.stat('/dev/dk2').rdev)).toBe(2);
    k.halt();
  });

  test('on an asynchronous host come later, and whoever asks waits', async () => {
    const sim = new Sim();
    sim.disk('image', { bytes: gptBytes(), sync: false });
    const k = boot(sim.host(), [disk]);
    k.run(() => etfsRegister(k.modules.use(rumpvfs), '/image', 'image', 'blk'));
    const p = k.newproc();
    const fd = p.sys.open('/image', O_RDONLY, 0);
    const b = newDkwedgeList(4);
    expect(codeOf(() => p.sys.ioctl(fd, DIOCLWEDGES, b))).toBe('EAGAIN');
    const asked = p.call.ioctl(fd, DIOCLWEDGES, b);
    const again = p.call.ioctl(fd, DIOCMWEDGES, new Uint8Array(4));
    while (sim.step()) await Promise.resolve();
    await asked;
    await again;
    expect([parseDkwedgeList(b).count, p.sys.stat('/dev/dk2').mode & S_IFMT]).toEqual([3, S_IFBLK]);
    k.halt();
  });

  test('are none where the disk cannot be read, or has no table', () => {
    const k = boot(hostSim({ params: { RUMP_MD: '64k' } }), [md, disk]);
    const dev = k.newproc().sys.stat('/dev/md0d').rdev;
    expect(k.run(() => k.modules.use(disk).table(dev, k.curlwp))).toBeUndefined();
    expect(codeOf(() => k.run(() => k.modules.use(disk).table(dev + 1, k.curlwp)))).toBe('ENXIO');
    k.halt();
    const sim = new Sim();
    sim.disk('image', { size: 1 << 20, sync: true });
    const bad = boot(sim.host({ params: { RUMP_BLKFAIL: '10000' } }), [disk]);
    bad.run(() => etfsRegister(bad.modules.use(rumpvfs), '/image', 'image', 'blk'));
    const { sys } = bad.newproc();
    const fd = sys.open('/image', O_RDONLY, 0);
    expect(codeOf(() => list(sys, fd))).toBe('EIO');
    bad.halt();
  });
});
