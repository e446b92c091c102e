/** FFS under the command: made, detected, filled, read back, checked and repaired. */
import { describe, expect, test } from '@jest/globals';
import fs from 'node:fs';
import { mustRun, oracle } from '@anykernel/tools-oracle';
import { folder, ran, rump } from './kit.js';

describe('FFS', () => {
  const path = folder();

  test('newfs makes each kind, and fsck finds it in order', async () => {
    for (const [name, words, text] of [
      ['ufs1', ['--ufs', '1', '--byte-order', 'big'], 'UFS1'],
      ['ufs2', ['-b', '16k', '--frag-size', '4k', '-L', 'data', '-N', '500'], 'UFS2'],
    ] as const) {
      const file = path(`${name}.img`);
      expect(await ran('newfs', '-t', 'ffs', '-s', '16m', ...words, file)).toMatch(new RegExp(`${name}\\.img: ffs, ${text}, .* blocks of \\d+, \\d+ inodes`));
      expect(await ran('fsck', file)).toMatch(/ffs, in order: 1 files, \d+ of \d+ fragments in use\n$/);
      expect((await rump(['newfs', '-t', 'ffs', '-s', '16m', file])).err).toMatch(/has an FFS file system already/);
    }
  });

  oracle('grub-fstest').test('a tree goes in and out, and GRUB reads it', async () => {
    const file = path('tree.img');
    await ran('newfs', '-t', 'ffs', '-s', '8m', file);
    fs.mkdirSync(path('tree/a folder'), { recursive: true });
    fs.writeFileSync(path('tree/a folder/text'), 'text '.repeat(100_000));
    fs.symlinkSync('a folder/text', path('tree/link'));
    fs.utimesSync(path('tree/a folder/text'), 1_500_000_000, 1_500_000_000);
    expect((await rump(['cp', '-r', path('tree'), `${file}:/`])).err).toBe('');
    expect(await ran('ls', `${file}:/tree`)).toBe('a folder\nlink\n');
    mustRun('grub-fstest', [file, 'cmp', '(loop0)/tree/a folder/text', path('tree/a folder/text')]);
    await ran('cp', '-r', `${file}:/tree`, path('back'));
    expect(fs.readFileSync(path('back/a folder/text'), 'utf8')).toBe('text '.repeat(100_000));
    expect(fs.readlinkSync(path('back/link'))).toBe('a folder/text');
    expect(fs.statSync(path('back/a folder/text')).mtimeMs).toBe(1_500_000_000_000);
    await ran('rm', '-r', `${file}:/tree`);
    expect(await ran('fsck', file)).toMatch(/in order: 1 files/);
    await ran('mkdir', '-o', 'log', `${file}:/with-a-journal`);
    expect(await ran('fsck', file)).toMatch(/in order: 3 files/);
  });

  oracle('makefs').test('an image of makefs is detected', async () => {
    fs.mkdirSync(path('src/d'), { recursive: true });
    fs.writeFileSync(path('src/d/f'), 'hello\n');
    mustRun('makefs', ['-t', 'ffs', '-B', 'be', '-o', 'version=1', '-s', '2m', path('theirs.img'), path('src')]);
    expect(await ran('cat', `${path('theirs.img')}:/d/f`)).toBe('hello\n');
    expect(await ran('fsck', path('theirs.img'))).toMatch(/in order: 3 files/);
  });

  test('fsck says what is wrong, writes nothing unless it is told to, and repairs', async () => {
    const file = path('broken.img');
    await ran('newfs', '-t', 'ffs', '-s', '8m', file);
    await ran('mkdir', `${file}:/d`);
    const b = fs.readFileSync(file);
    b.fill(0, 65536, 65536 + 1376);
    fs.writeFileSync(file, b);
    const said = await rump(['fsck', file]);
    expect([said.status, said.out]).toEqual([1, expect.stringMatching(/superblock is spoiled: restored from the copy[\s\S]*is not in order/)]);
    expect(fs.readFileSync(file).equals(b)).toBe(true);
    expect(await ran('fsck', '--repair', file)).toMatch(/repaired: 2 files/);
    expect(await ran('ls', `${file}:/`)).toBe('d\n');
    expect(JSON.parse(await ran('fsck', '--json', file))).toEqual([expect.objectContaining({ type: 'ffs', clean: true, problems: [] })]);
  });

  test.each([
    ['newfs of a UFS that there is not', ['newfs', '-t', 'ffs', '-s', '1m', '--ufs', '3'], 2, /UFS 3: is 1 or 2/],
    ['newfs in a third byte order', ['newfs', '-t', 'ffs', '-s', '1m', '--byte-order', 'pdp'], 2, /byte order pdp: is little or big/],
    ['newfs with large inodes', ['newfs', '-t', 'ffs', '-s', '1m', '-I', '256'], 2, /--inode-size: ffs has no such thing/],
    ['newfs in no room', ['newfs', '-t', 'ffs', '-s', '64k'], 1, /too (few|small)|few for a file system/],
    ['fsck of an unknown type', ['fsck', '-t', 'zfs'], 2, /type zfs: fsck checks .*ffs/],
  ])('%s is refused', async (_what, words, status, reason) => {
    const said = await rump([...words, path('x.img')]);
    expect([said.status, said.out, said.err]).toEqual([status, '', expect.stringMatching(reason)]);
  });

  test('fsck of what is no file system is a failure with a reason', async () => {
    fs.writeFileSync(path('zeros.img'), new Uint8Array(1 << 20));
    expect((await rump(['fsck', path('zeros.img'), path('not-there.img')])).err).toMatch(/no file system that is known here[\s\S]*no such file/);
  });
});
