/** Sources that are parts of disks. */
import { describe, expect, test } from '@jest/globals';
import { disk } from '@anykernel/disk';
import { ext2fs, newfs } from '@anykernel/ext2fs';
import { hostSim } from '@anykernel/host-sim';
import type { DiskPart } from '@anykernel/rumpkern';
import { PartitionError, bootStack, findPart, splitSource } from '@anykernel/stack-boot';

describe('a part of a disk as a source', () => {
  const parts: DiskPart[] = [
    { node: 'dk0', id: '1', label: 'EFI', uuid: 'aaaa-1', type: 'EFI System', off: 512, size: 512 },
    { node: 'dk1', id: '2', label: '3', uuid: '', type: 'Linux', off: 1024, size: 512 },
    { node: 'dk2', id: '3', label: 'gr\xc3\xb6\xc3\x9fe', uuid: '', type: 'Linux', off: 2048, size: 512 },
    { node: 'dk3', id: '4a', label: '', uuid: '', type: '4.2BSD', off: 4096, size: 512 },
  ];
  const found = (wanted: string): string => findPart(parts, wanted, 'd').id;

  test('is found by number, node, name and identifier; NAME= says that it is a name', () => {
    expect(['1', '4a', 'dk2', 'EFI', 'größe', 'AAAA-1', '3', 'NAME=3'].map(found)).toEqual(['1', '4a', '3', '1', '3', '1', '3', '2']);
    for (const wanted of ['', '5', 'efi', 'NAME=', 'NAME=1']) expect(() => found(wanted)).toThrow(PartitionError);
    expect(() => findPart([], '1', 'd')).toThrow('d: has no partition 1; no partitions at all');
  });

  test('stands behind an @ where there is no file of the whole name', () => {
    const split = (source: string, ...files: string[]): unknown[] => Object.values(splitSource(source, (file) => files.includes(file)));
    expect(split('a@1', 'a')).toEqual(['a', '1']);
    expect(split('a@1', 'a@1', 'a')).toEqual(['a@1', undefined]);
    expect(split('a@b@c', 'a')).toEqual(['a', 'b@c']);
    expect(split('a@b@c', 'a', 'a@b')).toEqual(['a@b', 'c']);
    expect([split('@1', ''), split('a@', 'a'), split('a')]).toEqual([['@1', undefined], ['a@', undefined], ['a', undefined]]);
  });

  test('needs the component disk, and says so', () => {
    const host = hostSim();
    host.sim.disk('disk', { bytes: new Uint8Array(65536) });
    expect(() => bootStack(host, [ext2fs], [{ type: 'ext2fs', source: 'disk@1', on: '/' }])).toThrow('disk: partitions need the component disk, which this kernel has not');
  });

  test('is mounted beside another, the second where the first is the root', () => {
    const bytes = new Uint8Array(4 << 20);
    const view = new DataView(bytes.buffer);
    [[0x83, 2048, 2048], [0x83, 4096, 4096]].forEach(([type, start, count], i) => {
      const at = 446 + i * 16;
      bytes[at + 4] = type as number;
      view.setUint32(at + 8, start as number, true);
      view.setUint32(at + 12, count as number, true);
      const write = (off: number, data: Uint8Array): void => bytes.set(data, (start as number) * 512 + off);
      newfs({ size: (count as number) * 512, write }, { time: 1, uuid: new Uint8Array(16), hashSeed: new Uint8Array(16) });
    });
    view.setUint16(510, 0xaa55, true);
    const host = hostSim();
    host.sim.disk('disk', { bytes });
    const mounts = [{ type: 'ext2fs', source: 'disk@1', on: '/' }, { type: 'auto', source: 'disk@2', on: '/home' }];
    const k = bootStack(host, [ext2fs, disk], mounts);
    k.proc1.sys.mkdir('/home/me', 0o755);
    k.halt();
    const again = bootStack(host, [ext2fs, disk], [{ type: 'ext2fs', source: 'disk@2', on: '/' }]);
    expect(again.proc1.sys.stat('/me').nlink).toBe(2);
    again.halt();
  });
});
