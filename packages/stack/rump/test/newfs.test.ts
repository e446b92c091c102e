/** newfs: other people's checker finds what we make clean, and other people's kernel mounts it. */
import fs from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { oracle, run, withMount } from '@anykernel/tools-oracle';
import { folder, ran, results, rump } from './kit.js';

const path = folder();

interface Row {
  readonly bytes: number;
  readonly blockSize: number;
  readonly blocks: number;
  readonly inodes: number;
}

describe('newfs', () => {
  oracle('e2fsck', 'dumpe2fs').test('makes clean file systems of many shapes', async () => {
    const shapes = [
      ['-s', '64k'],
      ['-s', '1m'],
      ['-s', '9m'],
      ['-s', '64m', '-b', '1024'],
      ['-s', '40m', '-b', '2k'],
      ['-s', '300m', '-b', '4096', '-I', '128'],
      ['-s', '2m', '-L', 'a label', '-N', '50'],
      ['-s', '1000001'],
    ];
    for (const [i, shape] of shapes.entries()) {
      const file = path(`shape-${i}.img`);
      await ran('newfs', '-t', 'ext2fs', ...shape, file);
      const checked = run('e2fsck', ['-fn', file]);
      expect([shape.join(' '), checked.status, checked.stderr.replace(/^e2fsck.*\n/, '')]).toEqual([shape.join(' '), 0, '']);
    }
    const said = run('dumpe2fs', ['-h', path('shape-6.img')]).stdout;
    expect(said).toMatch(/Filesystem volume name: +a label/);
    expect(said).toMatch(/Filesystem UUID: +[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-/);
    expect(run('dumpe2fs', ['-h', path('shape-5.img')]).stdout).toMatch(/Inode size:\s+128/);
  });

  oracle('loop:ext2').test('is mounted and written by the kernel of this machine', async () => {
    await ran('newfs', '-t', 'ext2fs', '-s', '4m', path('theirs.img'));
    withMount(path('theirs.img'), 'ext2', (root) => fs.writeFileSync(`${root}/written`, 'there'));
    expect(await ran('cat', `${path('theirs.img')}:/written`)).toBe('there');
  });

  test('says what it has made', async () => {
    expect(await ran('newfs', '-t', 'ext2fs', '-s', '16m', path('said.img'))).toMatch(
      /said\.img: ext2fs, 16\.0MB in 16384 blocks of 1024, \d+ inodes, 2 groups\n/,
    );
    const [row] = await results<Row>('newfs', '-f', '-t', 'ext2fs', '-b', '4096', path('said.img'));
    expect(row).toMatchObject({ bytes: 16 << 20, blockSize: 4096, blocks: 4096 });
    expect(fs.statSync(path('said.img')).size).toBe(16 << 20);
  });

  test('leaves nothing of what was there before', async () => {
    fs.writeFileSync(path('old.img'), 'secret '.repeat(100_000));
    await ran('newfs', '-t', 'ext2fs', path('old.img'));
    expect(fs.readFileSync(path('old.img')).includes('secret')).toBe(false);
  });

  test.each([
    ['over a file system that is there', ['-s', '1m', 'there.img'], 1, /there\.img: has an ext2 file system already \(-f makes/],
    ['in a file that is not there, of no size', ['none.img'], 1, /none\.img: is not there \(--size makes it\)/],
    ['in an empty file, of no size', ['empty.img'], 1, /empty\.img: is empty/],
    ['in a folder', ['.'], 1, /: illegal operation on a directory|is neither a file nor/],
    ['in a folder that is not there', ['-s', '1m', 'no/where.img'], 1, /where\.img: no such file or directory/],
    ['of no size at all', ['-s', '0', 'x.img'], 2, /size 0: is like 64m or 1g/],
    ['of a size that is a word', ['-s', 'large', 'x.img'], 2, /size large/],
    ['of a size that nobody has', ['-s', '99999t', 'x.img'], 2, /size 99999t/],
    ['that is too small', ['-s', '8k', 'small.img'], 1, /small\.img: 8\.0KB are too few/],
    ['of odd blocks', ['-s', '1m', '-b', '3000', 'x.img'], 2, /block size 3000: is 1024, 2048 or 4096/],
    ['of odd inodes', ['-s', '1m', '-I', '100', 'x.img'], 2, /inode size 100/],
    ['of inodes larger than blocks', ['-s', '1m', '-b', '1024', '-I', '2048', 'x.img'], 1, /do not go together/],
    ['with a long label', ['-s', '1m', '-L', 'seventeen letters', 'x.img'], 2, /label .* up to 16 bytes/],
  ])('%s is refused', async (_what, words, status, reason) => {
    fs.writeFileSync(path('empty.img'), '');
    if (!fs.existsSync(path('there.img'))) await ran('newfs', '-t', 'ext2fs', '-s', '256k', path('there.img'));
    const file = path(words[words.length - 1] ?? '');
    const said = await rump(['newfs', '-t', 'ext2fs', ...words.slice(0, -1), file]);
    expect([said.status, said.out, said.err]).toEqual([status, '', expect.stringMatching(reason)]);
  });

  test('that is refused leaves what was there, and makes nothing', async () => {
    await ran('newfs', '-t', 'ext2fs', '-s', '256k', path('kept.img'));
    const before = fs.readFileSync(path('kept.img'));
    await rump(['newfs', '-t', 'ext2fs', '-s', '1m', path('kept.img')]);
    await rump(['newfs', '-f', '-t', 'ext2fs', '-s', '1m', '-b', '5', path('kept.img')]);
    expect(fs.readFileSync(path('kept.img')).equals(before)).toBe(true);
    expect(fs.existsSync(path('x.img'))).toBe(false);
    expect(fs.existsSync(path('small.img'))).toBe(false);
  });
});
