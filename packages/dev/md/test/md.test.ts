import { describe, expect, test } from '@jest/globals';
import { bdevConformance } from '@anykernel/conformance-bdevsw';
import { hostSim } from '@anykernel/host-sim';
import { DIOCGDINFO, DIOCGMEDIASIZE, DISKLABEL_LEN, Errno, parseDisklabel } from '@anykernel/lib-sys';
import { FREAD, FWRITE, type Kernel, Uio, boot, makedev, major, minor } from '@anykernel/rumpkern';
import { rumpdev } from '@anykernel/rumpdev';
import { MD_CONF_LEN, MD_GETCONF, MD_KMEM_ALLOCATED, MD_SETCONF, md } from '../src/index.js';

function kernelWith(config?: string, memLimitBytes?: number): Kernel {
  return boot(hostSim({ params: { RUMP_MD: config } }), [md], memLimitBytes === undefined ? {} : { memLimitBytes });
}

function errnoOf(fn: () => unknown): string | undefined {
  try {
    fn();
    return undefined;
  } catch (e) {
    if (e instanceof Errno) return e.code;
    throw e;
  }
}

/** The number of a node that was announced. */
function nodeOf(k: Kernel, name: string): number | undefined {
  let dev: number | undefined;
  k.devsw.listen({ made: (node) => void (node.name === name && (dev = node.dev)), gone: () => undefined });
  k.devsw.listen(undefined);
  return dev;
}

bdevConformance({
  name: 'md',
  make: () => {
    const k = kernelWith('1m');
    const dev = k.modules.use(md).dev(0);
    return { k, dev, absent: makedev(major(dev), minor(dev) + 16), settle: () => undefined, close: () => k.halt() };
  },
});

describe('md', () => {
  test('has nodes for the partitions of its units, block and raw', () => {
    const k = kernelWith('64k,1m');
    for (const name of ['md0a', 'md0g', 'rmd0a', 'rmd0d', 'md1a', 'rmd1g']) expect(nodeOf(k, name)).toBeDefined();
    for (const name of ['md2a', 'md0h']) expect(nodeOf(k, name)).toBeUndefined();
  });

  test('partitions a and d are the whole disk, others are ENXIO', () => {
    const k = kernelWith('64k');
    const sw = k.devsw.bdev(nodeOf(k, 'md0a')!);
    for (const [letter, code] of [['a', undefined], ['b', 'ENXIO'], ['d', undefined], ['g', 'ENXIO']] as const) {
      expect(errnoOf(() => sw.open(nodeOf(k, `md0${letter}`)!, FREAD, k.curlwp))).toBe(code);
    }
    expect(sw.psize(nodeOf(k, 'md0d')!)).toBe(65536);
  });

  test('memory that was never written is zeros and takes none; what was written goes back with the unit', () => {
    const k = kernelWith('1g');
    const before = k.mem.used;
    const sw = k.devsw.bdev(nodeOf(k, 'md0a')!);
    const dev = nodeOf(k, 'md0a')!;
    const b = new Uint8Array(4096).fill(9);
    sw.readv(dev, [b], 2 ** 29, () => undefined);
    expect([b.every((x) => x === 0), k.mem.used]).toEqual([true, before]);
    sw.writev(dev, [b.fill(7)], 2 ** 29 + 512, () => undefined);
    const around = new Uint8Array(65536);
    sw.readv(dev, [around], 2 ** 29, () => undefined);
    expect([around[511], around[512], around[512 + 4095], around[512 + 4096]]).toEqual([0, 7, 7, 0]);
    k.run(() => k.modules.use(md).destroy(0));
    expect(k.mem.used).toBe(before);
  });

  test('a write for which the kernel has no memory is ENOMEM, and changes nothing', () => {
    const k = kernelWith('1m', 256 << 10);
    const dev = nodeOf(k, 'md0a')!;
    const sw = k.devsw.bdev(dev);
    for (const chunk of [k.mem.alloc(65536), k.mem.alloc(65536)]) k.mem.free(chunk.fill(5));
    expect(errnoOf(() => sw.writev(dev, [new Uint8Array(512 << 10).fill(1)], 0, () => undefined))).toBe('ENOMEM');
    const b = new Uint8Array(512 << 10);
    sw.readv(dev, [b], 0, () => undefined);
    expect(b.every((x) => x === 0)).toBe(true);
  });

  test('a unit that is open is EBUSY to destroy, and so is the driver to unload', () => {
    const k = kernelWith('64k');
    const dev = nodeOf(k, 'md0a')!;
    const sw = k.devsw.bdev(dev);
    sw.open(dev, FREAD, k.curlwp);
    expect(errnoOf(() => k.run(() => k.modules.use(md).destroy(0)))).toBe('EBUSY');
    expect(errnoOf(() => k.run(() => k.modctl.unload('md')))).toBe('EBUSY');
    sw.close(dev, FREAD, k.curlwp);
    k.run(() => k.modctl.unload('md'));
    expect(nodeOf(k, 'md0a')).toBeUndefined();
    k.run(() => k.modctl.unload('rumpdev'));
    expect(k.modctl.list().map((m) => m.name)).toEqual(['rumpkern']);
  });

  test('a unit without a medium is ENXIO but for its raw device, on which MD_SETCONF gives it one', () => {
    const k = kernelWith();
    const block = nodeOf(k, 'md0a')!;
    const raw = nodeOf(k, 'rmd0d')!;
    const cdev = k.devsw.cdev(raw);
    expect(errnoOf(() => k.devsw.bdev(block).open(block, FREAD, k.curlwp))).toBe('ENXIO');
    expect(errnoOf(() => cdev.open(nodeOf(k, 'rmd0a')!, FREAD, k.curlwp))).toBe('ENXIO');
    cdev.open(raw, FREAD | FWRITE, k.curlwp);
    const conf = new DataView(new ArrayBuffer(MD_CONF_LEN));
    const set = (): number => cdev.ioctl(raw, MD_SETCONF, new Uint8Array(conf.buffer), k.curlwp);
    expect(errnoOf(set)).toBe('EINVAL');
    conf.setUint32(16, MD_KMEM_ALLOCATED, true);
    for (const size of [0n, 100n, 2n ** 50n]) {
      conf.setBigUint64(8, size, true);
      expect(errnoOf(set)).toBe('EINVAL');
    }
    conf.setBigUint64(8, 1_048_576n, true);
    expect(set()).toBe(0);
    expect(errnoOf(set)).toBe('EBUSY');
    const out = new Uint8Array(MD_CONF_LEN);
    cdev.ioctl(raw, MD_GETCONF, out, k.curlwp);
    expect(new DataView(out.buffer).getBigUint64(8, true)).toBe(1_048_576n);
    cdev.close(raw, FREAD | FWRITE, k.curlwp);
    k.devsw.bdev(block).open(block, FREAD, k.curlwp);
    k.devsw.bdev(block).close(block, FREAD, k.curlwp);
    k.run(() => k.modules.use(md).destroy(0));
  });

  test('only the superuser configures', () => {
    const k = kernelWith();
    const p = k.newproc({ uid: 100, gid: 100 });
    const raw = nodeOf(k, 'rmd0d')!;
    const conf = new Uint8Array(MD_CONF_LEN);
    conf[16] = MD_KMEM_ALLOCATED;
    conf[10] = 1;
    expect(errnoOf(() => k.devsw.cdev(raw).ioctl(raw, MD_SETCONF, conf, p.lwp))).toBe('EPERM');
  });

  test('has a label, statistics and a name in hw.disknames', () => {
    const k = kernelWith('1m,64k');
    const dev = nodeOf(k, 'md0a')!;
    const sw = k.devsw.bdev(dev);
    const label = new Uint8Array(DISKLABEL_LEN);
    sw.ioctl(dev, DIOCGDINFO, label, k.curlwp);
    expect(parseDisklabel(label)).toMatchObject({ typename: 'md0', secsize: 512, secperunit: 2048 });
    sw.writev(dev, [new Uint8Array(1024)], 0, () => undefined);
    sw.readv(dev, [new Uint8Array(512)], 4096, () => undefined);
    expect(k.sysctl.get('hw.disknames')).toBe('md0 md1');
    const stats = k.modules.use(rumpdev).disks.find('md0')!.stats;
    expect(stats).toMatchObject({ readTransfers: 1, readBytes: 512, writeTransfers: 1, writeBytes: 1024, seeks: 1, busy: 0 });
    const bytes = k.sysctl.get('hw.iostats') as Uint8Array;
    expect(bytes.length).toBe(2 * 104);
    expect(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(40, true)).toBe(1536n);
    expect(String.fromCharCode(...bytes.subarray(0, 3))).toBe('md0');
    expect(k.sysctl.get('hw.devices')).toBe('mainbus0\nmd0\nmd1');
  });

  describe('its raw device', () => {
    function raw(): { k: Kernel; move: (b: Uint8Array, off: number, rw: 'read' | 'write') => number } {
      const k = kernelWith('256k');
      const dev = nodeOf(k, 'rmd0d')!;
      const cdev = k.devsw.cdev(dev);
      const move = (b: Uint8Array, off: number, rw: 'read' | 'write'): number => {
        const uio = new Uio().init(b, off, rw);
        k.run(() => (rw === 'read' ? cdev.read(dev, uio, k.curlwp, 0) : cdev.write(dev, uio, k.curlwp, 0)));
        return uio.moved;
      };
      return { k, move };
    }

    test('moves whole sectors, in long transfers too, and refuses others', () => {
      const { move } = raw();
      const data = new Uint8Array(200 << 10).map((_x, i) => i % 251);
      expect(move(data, 512, 'write')).toBe(data.length);
      const got = new Uint8Array(data.length);
      expect(move(got, 512, 'read')).toBe(data.length);
      expect(got).toEqual(data);
      expect(errnoOf(() => move(new Uint8Array(512), 100, 'read'))).toBe('EINVAL');
      expect(errnoOf(() => move(new Uint8Array(100), 512, 'write'))).toBe('EINVAL');
    });

    test('ends where the disk ends: reads are short, writes are ENOSPC', () => {
      const { move } = raw();
      expect(move(new Uint8Array(1024), (256 << 10) - 512, 'read')).toBe(512);
      expect(move(new Uint8Array(1024), 256 << 10, 'read')).toBe(0);
      expect(move(new Uint8Array(1024), (256 << 10) - 512, 'write')).toBe(512);
      expect(errnoOf(() => move(new Uint8Array(512), 256 << 10, 'write'))).toBe('ENOSPC');
    });

    test('answers the ioctls of a disk', () => {
      const { k } = raw();
      const dev = nodeOf(k, 'rmd0d')!;
      const b = new Uint8Array(8);
      k.devsw.cdev(dev).ioctl(dev, DIOCGMEDIASIZE, b, k.curlwp);
      expect(new DataView(b.buffer).getBigUint64(0, true)).toBe(262_144n);
    });
  });

  test('a kernel that halts gives all memory back', () => {
    const host = hostSim({ params: { RUMP_MD: '1m' } });
    const k = boot(host, [md]);
    const dev = nodeOf(k, 'md0a')!;
    k.devsw.bdev(dev).writev(dev, [new Uint8Array(65536)], 0, () => undefined);
    k.halt();
    expect(host.allocated).toBe(0);
  });
});
