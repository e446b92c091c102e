/** ext3 and ext4 by the command: made, filled, checked, repaired; other people's checker agrees, and other people's kernel mounts them. */
import fs from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { mustRun, oracle, run, withMount } from '@anykernel/tools-oracle';
import { folder, ran, rump } from './kit.js';

const path = folder();

describe.each(['ext3', 'ext4'])('%s', (type) => {
  oracle('e2fsck', 'dumpe2fs').test('is made, filled and found in order by e2fsck, and by fsck', async () => {
    const file = path(`${type}.img`);
    await ran('newfs', '-t', type, '-s', '20m', file);
    expect(run('dumpe2fs', ['-h', file]).stdout).toMatch(type === 'ext4' ? /has_journal.*extent.*metadata_csum/ : /has_journal/);
    fs.mkdirSync(path(`tree-${type}/a/b`), { recursive: true });
    fs.writeFileSync(path(`tree-${type}/a/b/file`), 'x'.repeat(300_000));
    await ran('cp', '-r', path(`tree-${type}`), `${file}:/tree`);
    expect(run('e2fsck', ['-fn', file]).status).toBe(0);
    expect(await ran('fsck', file)).toMatch(/in order: \d+ files/);
    expect(await ran('cat', `${file}:/tree/a/b/file`)).toBe('x'.repeat(300_000));
  });

  oracle('loop:ext4').test('is mounted and written by the kernel of this machine', async () => {
    const file = path(`theirs-${type}.img`);
    await ran('newfs', '-t', type, '-s', '20m', file);
    withMount(file, 'ext4', (root) => {
      fs.mkdirSync(`${root}/d`);
      for (let i = 0; i < 300; i++) fs.writeFileSync(`${root}/d/a rather long name of a file ${i}`, `${i}`);
    });
    expect(await ran('cat', `${file}:/d/a rather long name of a file 299`)).toBe('299');
    await ran('rm', `${file}:/d/a rather long name of a file 7`);
    expect(run('e2fsck', ['-fn', file]).status).toBe(0);
  });
});

describe('fsck', () => {
  oracle('e2fsck').test('says what is wrong, mends it when asked, and e2fsck agrees', async () => {
    const file = path('broken.img');
    await ran('newfs', '-t', 'ext4', '-s', '8m', file);
    fs.writeFileSync(path('small'), 'small');
    await ran('cp', path('small'), `${file}:/small`);
    const fd = fs.openSync(file, 'r+');
    // The free counts of the superblock.
    fs.writeSync(fd, Buffer.from([1, 2, 3, 0]), 0, 4, 1024 + 12);
    fs.closeSync(fd);
    const said = await rump(['fsck', file]);
    expect([said.status, said.out]).toEqual([1, expect.stringMatching(/blocks are free by the superblock/)]);
    expect(await ran('fsck', '--repair', file)).toMatch(/repaired/);
    expect(run('e2fsck', ['-fn', file]).status).toBe(0);
  });

  oracle('e2fsck').test('finds a file system whose superblock is gone', async () => {
    const file = path('headless.img');
    await ran('newfs', '-t', 'ext4', '-s', '20m', file);
    const fd = fs.openSync(file, 'r+');
    fs.writeSync(fd, new Uint8Array(1024), 0, 1024, 1024);
    fs.closeSync(fd);
    expect(await ran('fsck', '--repair', file)).toMatch(/copy at block 8193 is used/);
    expect(run('e2fsck', ['-fn', file]).status).toBe(0);
  });

  oracle('sfdisk', 'e2fsck').test('mends what is in a partition, and nothing beside it', async () => {
    const disk = path('parts.img');
    fs.writeFileSync(disk, '');
    fs.truncateSync(disk, 32 << 20);
    mustRun('sfdisk', ['-q', disk], { input: 'label: gpt\nstart=4096, size=40960\n' });
    await ran('newfs', '-t', 'ext4', `${disk}@1`);
    fs.writeFileSync(path('small'), 'small');
    await ran('cp', path('small'), `${disk}@1:/small`);
    const start = 4096 * 512;
    const before = fs.readFileSync(disk);
    const after = Buffer.from(before);
    after.set([1, 2, 3, 0], start + 1024 + 12);
    fs.writeFileSync(disk, after);
    expect((await rump(['fsck', `${disk}@1`])).out).toMatch(/blocks are free by the superblock/);
    expect(await ran('fsck', '--repair', `${disk}@1`)).toMatch(/repaired/);
    const mended = fs.readFileSync(disk);
    expect(mended.subarray(0, start).equals(before.subarray(0, start))).toBe(true);
    expect(mended.subarray(start + 40960 * 512).equals(before.subarray(start + 40960 * 512))).toBe(true);
    fs.writeFileSync(path('part.img'), mended.subarray(start, start + 40960 * 512));
    expect(run('e2fsck', ['-fn', path('part.img')]).status).toBe(0);
    expect(await ran('cat', `${disk}@1:/small`)).toBe('small');
  });

  test('does not write unless it is asked to', async () => {
    const file = path('untouched.img');
    await ran('newfs', '-t', 'ext3', '-s', '8m', file);
    const before = fs.readFileSync(file);
    before[1024 + 12] = (before[1024 + 12] ?? 0) ^ 1;
    fs.writeFileSync(file, before);
    await rump(['fsck', file]);
    expect(fs.readFileSync(file).equals(before)).toBe(true);
  });
});
