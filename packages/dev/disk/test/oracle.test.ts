/** Tables made by other people's programs, and what those programs, and the kernel of this machine, see in them. */
import { openSync, closeSync, ftruncateSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, expect } from '@jest/globals';
import { mustRun, oracle, run, withFolder } from '@anykernel/tools-oracle';
import { type Table, scanTable } from '../src/index.js';
import { Bytes, putApple, putGpt, putLabel, putMbr, rng } from './kit.js';

interface Theirs {
  readonly partitiontable: {
    readonly label: string;
    readonly id: string;
    readonly partitions: readonly { node: string; start: number; size: number; type: string; uuid?: string; name?: string; bootable?: boolean }[];
  };
}

function withDisk(size: number, body: (file: string) => void): void {
  withFolder((folder) => {
    const file = `${folder}/disk.img`;
    const fd = openSync(file, 'w');
    ftruncateSync(fd, size);
    closeSync(fd);
    body(file);
  });
}

function ours(file: string): Table | undefined {
  return scanTable(new Bytes(readFileSync(file)));
}

/** Number, first sector, sectors, type, name and identifier of each partition, as sfdisk says. */
function theirs(file: string): unknown[] {
  const { partitiontable: t } = JSON.parse(mustRun('sfdisk', ['--json', file])) as Theirs;
  return t.partitions.map((p) => [/\d+$/.exec(p.node)?.[0], p.start, p.size, p.type.toLowerCase(), p.name ?? '', (p.uuid ?? '').toLowerCase(), p.bootable === true]);
}

/** The same of ours. sfdisk gives MBR types without a leading zero, and no identifiers. */
function seen(t: Table | undefined): unknown[] {
  const gpt = t?.scheme === 'gpt';
  return (t?.parts ?? []).map((p) => {
    const uuid = gpt ? p.uuid : '';
    const code = gpt ? p.code : p.code.replace(/^0/, '');
    return [p.id, p.off / 512, p.size / 512, code, Buffer.from(p.label, 'latin1').toString(), uuid, !gpt && p.flags.includes('boot')];
  });
}

describe('tables of other people', () => {
  oracle('sfdisk').test('sfdisk: a GPT of some partitions, with holes in the numbering', () => {
    withDisk(64 << 20, (file) => {
      const script = 'label: gpt\n2: start=2048, size=4096, type=U, name="EFI System"\n5: size=10000, type=L, name="wurzel ü"\n9: size=2M, type=S\n';
      mustRun('sfdisk', ['-q', file], { input: script });
      const t = ours(file);
      expect([t?.scheme, t?.faults]).toEqual(['gpt', []]);
      expect(seen(t)).toEqual(theirs(file));
      expect(t?.parts.map((p) => p.type)).toEqual(['EFI System', 'Linux filesystem', 'Linux swap']);
    });
  });

  oracle('sfdisk').test('sfdisk: an MBR with many logical partitions', () => {
    withDisk(256 << 20, (file) => {
      const logical = Array.from({ length: 20 }, () => 'size=4M, type=83').join('\n');
      mustRun('sfdisk', ['-q', file], { input: `label: dos\n,10M,c,*\n,10M\n,,E\n${logical}\n` });
      const t = ours(file);
      expect([t?.scheme, t?.faults, t?.parts.length]).toEqual(['mbr', [], 23]);
      expect(seen(t)).toEqual(theirs(file));
    });
  });

  oracle('sfdisk').test('sfdisk: tables of random shapes', () => {
    for (let seed = 1; seed <= 4; seed++) {
      const r = rng(seed);
      const kind = seed % 2 === 0 ? 'gpt' : 'dos';
      const lines = Array.from({ length: 1 + r(kind === 'gpt' ? 12 : 3) }, () => `size=${1 + r(3)}M`);
      withDisk(64 << 20, (file) => {
        mustRun('sfdisk', ['-q', file], { input: `label: ${kind}\n${lines.join('\n')}\n` });
        expect([seed, seen(ours(file))]).toEqual([seed, theirs(file)]);
      });
    }
  });

  oracle('sgdisk').test('sgdisk: attributes, a larger table, and a disk that has grown since', () => {
    withDisk(16 << 20, (file) => {
      mustRun('sgdisk', ['-S', '256', '-n', '1:0:+1M', '-A', '1:set:0', '-A', '1:set:2', '-A', '1:set:60', '-n', '200:0:+1M', '-c', '200:late', file]);
      const t = ours(file);
      expect(t?.parts.map((p) => [p.id, p.label, p.flags])).toEqual([['1', '', ['required', 'boot', 'read-only']], ['200', 'late', []]]);
      truncateSync(file, 32 << 20);
      expect(ours(file)?.parts.length).toBe(2);
      expect(ours(file)?.faults).toEqual([expect.stringMatching(/the second header is not in the last sector/)]);
      mustRun('sgdisk', ['-e', file]);
      expect(ours(file)?.faults).toEqual([]);
    });
  });

  oracle('sgdisk').test('sgdisk: finds sound what we take from a second header', () => {
    withDisk(16 << 20, (file) => {
      mustRun('sgdisk', ['-n', '1:0:+2M', '-c', '1:root', '-n', '2:0:+3M', file]);
      const before = seen(ours(file));
      const b = readFileSync(file);
      b.fill(0xff, 512, 17 * 512);
      writeFileSync(file, b);
      expect(run('sgdisk', ['-v', file]).stdout).toMatch(/problem|invalid|corrupt/i);
      expect(seen(ours(file))).toEqual(before);
    });
  });

  oracle('parted').test("parted: Apple's map", () => {
    withDisk(64 << 20, (file) => {
      mustRun('parted', ['-s', file, 'mklabel', 'mac', 'mkpart', 'first', 'hfs', '1MiB', '9MiB', 'mkpart', 'second', 'ext2', '10MiB', '30MiB']);
      const lines = mustRun('parted', ['-sm', file, 'unit', 's', 'print']).trim().split('\n').slice(2);
      const said = lines.map((line) => line.split(':')).map(([n, from, , size, , name]) => [n, Number.parseInt(from as string, 10), Number.parseInt(size as string, 10), name]);
      const t = ours(file);
      const found = t?.parts.filter((p) => p.type !== 'Apple_Free').map((p) => [p.id, p.off / 512, p.size / 512, p.label]);
      expect([t?.scheme, found]).toEqual(['apple', said]);
    });
  });

  oracle('fdisk', 'sfdisk').test('fdisk: a BSD label in a slice', () => {
    withDisk(64 << 20, (file) => {
      mustRun('sfdisk', ['-q', file], { input: 'label: dos\n,20M,83\n,30M,a5\n' });
      mustRun('fdisk', [file], { input: 'b\ny\nn\na\n45056\n+8M\nt\na\n7\nn\nb\n65536\n+4M\nt\nb\n1\nw\n' });
      const t = ours(file);
      expect([t?.parts.find((p) => p.id === '2')?.container, t?.faults]).toEqual([true, []]);
      const found = t?.parts.filter((p) => /^2./.test(p.id)).map((p) => [p.id, p.off / 512, p.type]);
      expect(found).toEqual([['2a', 45056, '4.2BSD'], ['2b', 65536, 'swap']]);
    });
  });

  oracle('mkfs.fat').test('mkfs.fat: a file system that is all of a disk is no table', () => {
    for (const bits of ['12', '16', '32']) {
      withDisk(40 << 20, (file) => {
        if (bits === '12') truncateSync(file, 4 << 20);
        mustRun('mkfs.fat', ['-F', bits, file]);
        expect([bits, ours(file)]).toEqual([bits, undefined]);
      });
    }
  });

  oracle('partx').test('partx finds the same in tables written by hand', () => {
    const parts = [{ offset: 64, size: 500, fstype: 7 }, { offset: 564, size: 100, fstype: 8 }];
    const makers: readonly ((b: Uint8Array) => void)[] = [
      (b) => putGpt(b, [{ start: 40, end: 99, name: 'one' }, { start: 100, end: 1000, name: 'two' }], { count: 128 }),
      (b) => putMbr(b, 0, [{ type: 0x83, start: 63, count: 100 }, { type: 0x0c, start: 200, count: 300 }], 1),
      (b) => putLabel(b, 512, parts),
      (b) => putApple(b, [{ start: 1, blocks: 7, name: 'Apple', type: 'Apple_partition_map' }, { start: 8, blocks: 30, name: 'x', type: 'Apple_HFS' }]),
    ];
    for (const make of makers) {
      withDisk(1 << 20, (file) => {
        const b = new Uint8Array(1 << 20);
        make(b);
        writeFileSync(file, b);
        expect(ours(file)?.parts.map((p) => [p.off / 512, p.size / 512])).toEqual(partx(file));
      });
    }
  });

  oracle('sfdisk', 'partx').test('partx finds the same in tables of sfdisk', () => {
    withDisk(64 << 20, (file) => {
      for (const script of ['label: gpt\n,4M\n,8M\n,,\n', 'label: dos\n,4M\n,8M\n,9M\n']) {
        mustRun('sfdisk', ['-q', '--wipe', 'always', file], { input: script });
        expect(ours(file)?.parts.map((p) => [p.off / 512, p.size / 512])).toEqual(partx(file));
      }
    });
  });
});

/** First sector and sectors of each partition, as libblkid finds them. */
function partx(file: string): number[][] {
  const lines = mustRun('partx', ['-g', '-o', 'START,SECTORS', '--show', file]).trim().split('\n');
  return lines.map((line) => line.trim().split(/\s+/).map(Number));
}
