/** Stacks that boot, and stacks that do not. */
import { describe, expect, test } from '@jest/globals';
import { ext2fs, newfs } from '@anykernel/ext2fs';
import { hostSim } from '@anykernel/host-sim';
import { MNT_NOATIME, MNT_NOSUID, MNT_RDONLY } from '@anykernel/lib-sys';
import { type MountSpec, bootStack, deviceFor, foreignFormat, mountFs, parseOptions } from '@anykernel/stack-boot';
import { tmpfs } from '@anykernel/tmpfs';

const SIZE = 2 << 20;

/** A simulated host with ext2 images of these names. */
function hostWith(...names: string[]): ReturnType<typeof hostSim> {
  const host = hostSim();
  for (const name of names) {
    const image = new Uint8Array(SIZE);
    const random = new Uint8Array(16);
    newfs(
      { size: SIZE, write: (off, data) => image.set(data, off) },
      { time: 1, uuid: random, hashSeed: random, label: name.slice(0, 16) },
    );
    host.sim.disk(name, { bytes: image });
  }
  return host;
}

function fstypes(k: ReturnType<typeof bootStack>): string[] {
  return k.proc1.sys.getvfsstat(2).map((sb) => `${sb.mntonname} ${sb.fstypename}`);
}

describe('bootStack', () => {
  test('mounts what it is told, in order, and makes the directories', () => {
    const k = bootStack(
      hostWith('a.img', 'b.img'),
      [ext2fs, tmpfs],
      [
        { type: 'ext2fs', source: 'a.img', on: '/' },
        { type: 'auto', source: 'b.img', on: '/deep/down/b', options: ['ro'] },
        { type: 'tmpfs', on: '/tmp', options: ['size=1m'] },
      ],
    );
    expect(fstypes(k).slice(-3)).toEqual(['/ ext2fs', '/deep/down/b ext2fs', '/tmp tmpfs']);
    expect(() => k.proc1.sys.mkdir('/deep/down/b/x', 0o755)).toThrow(/read-only/);
    expect(k.proc1.sys.statvfs1('/tmp', 0).blocks * k.proc1.sys.statvfs1('/tmp', 0).frsize).toBe(1 << 20);
    k.halt();
  });

  test('what is written is there for the next kernel', () => {
    const host = hostWith('a.img');
    const first = bootStack(host, [ext2fs], [{ type: 'ext2fs', source: 'a.img', on: '/' }]);
    first.proc1.sys.mkdir('/kept', 0o700);
    first.halt();
    const second = bootStack(host, [ext2fs], [{ type: 'ext2fs', source: 'a.img', on: '/', options: ['ro'] }]);
    expect(second.proc1.sys.stat('/kept').mode & 0o777).toBe(0o700);
    second.halt();
  });

  test('a host file that is not there is named, and the kernel has ended', () => {
    const host = hostSim();
    expect(() => bootStack(host, [ext2fs], [{ type: 'ext2fs', source: 'no.img', on: '/' }])).toThrow(/ENOENT.*'no\.img'/);
    expect(host.allocated).toBe(0);
  });

  test('what cannot be mounted is refused with the reason', () => {
    const host = hostSim();
    host.sim.disk('junk.img', { size: SIZE });
    const message = (spec: Partial<MountSpec>): unknown => {
      try {
        return bootStack(host, [ext2fs, tmpfs], [{ type: 'auto', on: '/m', ...spec }]);
      } catch (e) {
        return (e as Error).message;
      }
    };
    const junk = { source: 'junk.img' };
    expect(message(junk)).toBe("ENODEV: no file system that is known here (ext2fs), mount 'junk.img' -> '/m'");
    expect(message({ ...junk, type: 'ext2fs' })).toBe("EINVAL: there is no ext2 superblock, mount 'junk.img' -> '/m'");
    expect(message({ type: 'tmpfs', options: ['size=1k'] })).toBe("EINVAL: tmpfs has no such options, or they have other values: size=1k, mount 'tmpfs' -> '/m'");
    expect(message({ type: 'ext2fs' })).toBe("EINVAL: ext2fs is on an image, and none is named, mount 'ext2fs' -> '/m'");
  });
});

test.each([
  ['of gzip', 0, '\x1f\x8b\x08', 'is packed with gzip: gunzip it first'],
  ['of zip', 0, 'PK\x03\x04', 'is packed with zip: unzip it first'],
  ['of qemu', 0, 'QFI\xfb', 'is a disk of a virtual machine (qcow2): "qemu-img convert -O raw" makes an image of it'],
  ['with NTFS', 3, 'NTFS    ', 'has NTFS on it, for which there is no driver'],
  ['with btrfs', 0x10040, '_BHRfS_M', 'has btrfs on it, for which there is no driver'],
])('an image %s is called what it is', (_what, off, mark, reason) => {
  const host = hostSim();
  const bytes = new Uint8Array(SIZE);
  bytes.set(Buffer.from(mark, 'latin1'), off);
  host.sim.disk('it.img', { bytes });
  expect(() => bootStack(host, [ext2fs], [{ type: 'auto', source: 'it.img', on: '/' }])).toThrow(
    expect.objectContaining({ code: 'ENODEV', reason, foreign: true }),
  );
  expect(foreignFormat(bytes.subarray(0, off + mark.length - 1))).toBeUndefined();
});

test('a type that no component brings is named, with those that there are', () => {
  const host = hostSim();
  expect(() => bootStack(host, [tmpfs], [{ type: 'foofs', on: '/m' }])).toThrow(/on \/m: no component .* type foofs; there are rumpfs, tmpfs/);
  expect(() => bootStack(host, [], [{ type: 'tmpfs', on: '/m' }])).toThrow(/type tmpfs; there are none/);
  expect(() => bootStack(host, [tmpfs], [{ type: 'tmpfs', on: '/m', options: ['sise=1m'] }])).toThrow(/EINVAL/);
  expect(host.allocated).toBe(0);
});

describe('deviceFor', () => {
  test('the same file has one device', () => {
    const k = bootStack(hostWith('a.img'), [ext2fs]);
    expect(deviceFor(k, 'a.img')).toBe(deviceFor(k, 'a.img'));
    mountFs(k, { type: 'ext2fs', source: 'a.img', on: '/one' });
    expect(() => mountFs(k, { type: 'ext2fs', source: 'a.img', on: '/two' })).toThrow(/EBUSY/);
    k.halt();
  });
});

describe('parseOptions', () => {
  test('knows the words of mount(8), and values with units', () => {
    expect(parseOptions(['ro', 'nosuid', 'noatime', 'size=64m', 'mode=0755', 'name=x'])).toEqual({
      flags: MNT_RDONLY | MNT_NOSUID | MNT_NOATIME,
      args: { size: 64 << 20, mode: 0o755, name: 'x' },
    });
  });

  test('takes several in one word, as mount -o does', () => {
    expect(parseOptions(['ro,size=1m', 'mode=0700'])).toEqual({ flags: MNT_RDONLY, args: { size: 1 << 20, mode: 0o700 } });
  });

  test('says which words there are', () => {
    expect(() => parseOptions(['readonly'])).toThrow(/readonly: there are ro, rw/);
    expect(() => parseOptions(['constructor'])).toThrow(/there are ro, rw/);
  });

  test('a value named __proto__ is a value', () => {
    expect(Object.keys(parseOptions(['__proto__=1']).args)).toEqual([]);
    expect(({} as Record<string, unknown>)['1']).toBeUndefined();
  });
});
