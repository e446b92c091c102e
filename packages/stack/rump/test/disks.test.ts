/** Disks with partitions: looked at, made file systems in, and used by number and by name. */
import fs from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { mustRun, oracle, run, withMount } from '@anykernel/tools-oracle';
import { folder, ran, results, rump } from './kit.js';

const path = folder();
let disks = 0;

/** An image with an MBR: partitions 1 (1 MiB), 2 (4 MiB), and a logical one, 5 (2 MiB), written by hand. */
function mbrDisk(): string {
  const file = path(`disk-${++disks}.img`);
  const b = Buffer.alloc(10 << 20);
  const put = (record: number, index: number, type: number, start: number, count: number): void => {
    const at = record * 512 + 446 + index * 16;
    b[at + 4] = type;
    b.writeUInt32LE(start, at + 8);
    b.writeUInt32LE(count, at + 12);
    b.writeUInt16LE(0xaa55, record * 512 + 510);
  };
  put(0, 0, 0x83, 2048, 2048);
  put(0, 1, 0x83, 4096, 8192);
  put(0, 2, 0x05, 12288, 6144);
  put(12288, 0, 0x83, 2048, 4096);
  fs.writeFileSync(file, b);
  return file;
}

interface PartRow {
  readonly id: string;
  readonly offset: number;
  readonly size: number;
  readonly label: string;
  readonly fault: string | null;
}

describe('part', () => {
  test('lists the partitions of a disk', async () => {
    const disk = mbrDisk();
    expect((await ran('part', disk)).split('\n').slice(1)).toEqual([
      'Nr Start   End Sectors Size Type     Name Remarks',
      '1   2048  4095    2048 1.0M Linux',
      '2   4096 12287    8192 4.0M Linux',
      '3  12288 18431    6144 3.0M Extended',
      '5  14336 18431    4096 2.0M Linux',
      '',
    ]);
    const rows = await results<PartRow>('part', disk);
    expect(rows.map((r) => [r.id, r.offset, r.size])).toEqual([['1', 1 << 20, 1 << 20], ['2', 2 << 20, 4 << 20], ['3', 6 << 20, 3 << 20], ['5', 7 << 20, 2 << 20]]);
    expect(await ran('part', '--bytes', disk)).toMatch(/^1 +1048576 +2097151 +1048576 /m);
  });

  test('says what is wrong with a table, and with a file', async () => {
    const disk = mbrDisk();
    fs.truncateSync(disk, 5 << 20);
    expect(await ran('part', disk)).toMatch(/^2 .* reaches beyond the end of the disk$/m);
    const empty = path('nothing.img');
    fs.writeFileSync(empty, Buffer.alloc(65536));
    const said = await rump(['part', empty, path('absent.img'), mbrDisk()]);
    expect([said.status, said.out.split('\n').length, said.err.split('\n').map((l) => l.replace(/^rump: \S+: /, ''))]).toEqual([1, 7, ['has no partition table', 'no such file or directory', '']]);
  });
});

describe('a partition', () => {
  test('is an image: it is made, written, listed, copied from and to', async () => {
    const disk = mbrDisk();
    for (const part of ['2', '5']) await ran('newfs', '-t', 'ext2fs', '-L', `part${part}`, `${disk}@${part}`);
    fs.writeFileSync(path('note'), 'a note');
    await ran('cp', path('note'), `${disk}@2:/note`);
    await ran('cp', `${disk}@2:/note`, `${disk}@5:/other`);
    expect(await ran('cat', `${disk}@5:/other`)).toBe('a note');
    expect(await ran('ls', `${disk}@2:/`)).toBe('lost+found\nnote\n');
    expect(await ran('df', `${disk}@5`)).toMatch(/ext2fs/);
    expect(await ran('shell', '-c', 'cat other', `${disk}@5`)).toBe('a note');
    expect(await ran('disks', disk)).toMatch(/\.img +10\.0M mbr\n.*@1 +1\.0M - +Linux\n.*@2 +4\.0M ext2fs +Linux\n.*@5 +2\.0M ext2fs +Linux\n$/);
  });

  test('that is made leaves all the rest as it was', async () => {
    const disk = mbrDisk();
    const before = fs.readFileSync(disk);
    await ran('newfs', '-t', 'ext2fs', `${disk}@2`);
    const after = fs.readFileSync(disk);
    expect([after.subarray(0, 2 << 20).equals(before.subarray(0, 2 << 20)), after.subarray(6 << 20).equals(before.subarray(6 << 20))]).toEqual([true, true]);
    expect(after.equals(before)).toBe(false);
  });

  test.each([
    ['that is not there', ['ls', '@9:/'], /has no partition 9; there are 1 \(Linux\), 2 \(Linux\), 5 \(Linux\)/],
    ['by an empty name', ['ls', '@:/'], /no such file/],
    ['without a file system', ['ls', '@1:/'], /@1: no file system that is known here/],
    ['for the whole disk', ['ls', ':/'], /has partitions: 1 \(Linux\), .*@1 is one/],
    ['too small', ['newfs', '-t', 'ext2fs', '-s', '2m', '@1'], /@1: has only 1\.0MB/],
    ['that holds others', ['newfs', '-t', 'ext2fs', '@3'], /has no partition 3/],
    ['over them all', ['newfs', '-t', 'ext2fs', ''], /has partitions \(-f makes/],
  ])('%s is refused', async (_what, words, reason) => {
    const disk = mbrDisk();
    const before = fs.readFileSync(disk);
    const said = await rump([...words.slice(0, -1), disk + (words.at(-1) as string)]);
    expect([said.status, said.err]).toEqual([1, expect.stringMatching(reason)]);
    expect(fs.readFileSync(disk).equals(before)).toBe(true);
  });

  test('has a file system already: only -f makes another', async () => {
    const disk = mbrDisk();
    await ran('newfs', '-t', 'ext2fs', `${disk}@2`);
    expect((await rump(['newfs', '-t', 'ext2fs', `${disk}@2`])).err).toMatch(/@2: has an ext2 file system already/);
    await ran('newfs', '-f', '-t', 'ext2fs', `${disk}@2`);
  });

  test('is not meant where a file has an @ in its name', async () => {
    const file = path('odd@2');
    await ran('newfs', '-t', 'ext2fs', '-s', '256k', file);
    expect(await ran('ls', `${file}:/`)).toBe('lost+found\n');
    fs.copyFileSync(mbrDisk(), path('odd@name'));
    await ran('newfs', '-t', 'ext2fs', `${path('odd@name')}@5`);
    expect(await ran('ls', `${path('odd@name')}@5:/`)).toBe('lost+found\n');
  });

  oracle('sfdisk', 'e2fsck').test('is found by its name in a GPT; other people’s checker finds it clean where it is', async () => {
    const disk = path('gpt.img');
    fs.writeFileSync(disk, '');
    fs.truncateSync(disk, 32 << 20);
    mustRun('sfdisk', ['-q', disk], { input: 'label: gpt\nsize=4M,name="EFI"\nsize=8M,name="root"\nsize=8M,name="root 2"\nsize=1M,name="twin"\nsize=1M,name="twin"\n' });
    await ran('newfs', '-t', 'ext2fs', `${disk}@root`);
    await ran('newfs', '-t', 'ext2fs', `${disk}@root 2`);
    await rump(['write', `${disk}@NAME=root:/f`], { input: 'text' });
    expect(await ran('cat', `${disk}@2:/f`)).toBe('text');
    const uuid = (await results<PartRow & { uuid: string }>('part', disk))[1]?.uuid.toUpperCase();
    expect(await ran('cat', `${disk}@${uuid}:/f`)).toBe('text');
    expect((await rump(['ls', `${disk}@twin:/`])).err).toMatch(/2 partitions are named twin: 4, 5/);
    const { offset, size } = (await results<PartRow>('part', disk))[1] as PartRow;
    fs.writeFileSync(path('part.img'), fs.readFileSync(disk).subarray(offset, offset + size));
    expect(run('e2fsck', ['-fn', path('part.img')]).status).toBe(0);
    expect(run('sfdisk', ['--verify', disk]).stdout).toMatch(/No errors detected/);
  });

  oracle('loop:ext2').test('is mounted by the kernel of this machine', async () => {
    const disk = mbrDisk();
    await ran('newfs', '-t', 'ext2fs', `${disk}@5`);
    await rump(['write', `${disk}@5:/ours`], { input: 'ours' });
    withMount(disk, 'ext2', (root) => {
      expect(fs.readFileSync(`${root}/ours`, 'utf8')).toBe('ours');
      fs.writeFileSync(`${root}/theirs`, 'theirs');
    }, [`offset=${7 << 20}`, `sizelimit=${2 << 20}`]);
    expect(await ran('cat', `${disk}@5:/theirs`)).toBe('theirs');
  });
});
