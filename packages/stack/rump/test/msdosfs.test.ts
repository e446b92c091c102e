/** FAT volumes under the command: made, detected, filled and read back. */
import { describe, expect, test } from '@jest/globals';
import fs from 'node:fs';
import { mustRun, oracle, run } from '@anykernel/tools-oracle';
import { folder, ran, rump } from './kit.js';

describe('FAT', () => {
  const path = folder();

  oracle('fsck.fat').test('newfs makes each kind, and fsck.fat finds it in order', async () => {
    for (const [bits, size] of [['12', '1440k'], ['16', '16m'], ['32', '40m']] as const) {
      const file = path(`fat${bits}.img`);
      expect(await ran('newfs', '-t', 'msdosfs', '-F', bits, '-s', size, '-L', 'stick', file)).toMatch(new RegExp(`fat${bits}\\.img: msdosfs, FAT${bits}, .* clusters of \\d+\n`));
      expect(run('fsck.fat', ['-n', file]).status).toBe(0);
      expect((await rump(['newfs', '-t', 'msdosfs', '-s', size, file])).err).toMatch(/has a FAT file system already/);
    }
  });

  oracle('mcopy', 'fsck.fat').test('a tree goes in and out, and mtools reads it', async () => {
    const file = path('tree.img');
    await ran('newfs', '-t', 'msdosfs', '-s', '8m', file);
    fs.mkdirSync(path('tree/A Folder'), { recursive: true });
    fs.writeFileSync(path('tree/A Folder/Some Text.txt'), 'text '.repeat(10_000));
    fs.writeFileSync(path('tree/żółć'), 'x');
    fs.utimesSync(path('tree/żółć'), 1_500_000_000, 1_500_000_000);
    expect((await rump(['cp', '-r', path('tree'), `${file}:/`])).err).toBe('');
    expect(await ran('ls', `${file}:/tree`)).toBe('A Folder\nżółć\n');
    expect((await ran('cat', `${file}:/TREE/a folder/some text.TXT`)).length).toBe(50_000);
    expect(run('fsck.fat', ['-n', file]).status).toBe(0);
    mustRun('mcopy', ['-s', '-m', '-i', file, '::/tree', path('theirs')], { env: { MTOOLS_SKIP_CHECK: '1', LC_ALL: 'C.UTF-8' } });
    expect(fs.readFileSync(path('theirs/A Folder/Some Text.txt'), 'utf8')).toBe('text '.repeat(10_000));
    await ran('cp', '-r', `${file}:/tree`, path('back'));
    expect(fs.readdirSync(path('back')).sort()).toEqual(['A Folder', 'żółć']);
    expect(fs.statSync(path('back/żółć')).mtimeMs).toBe(1_500_000_000_000);
    await ran('mv', `${file}:/tree/żółć`, `${file}:/tree/ŻÓŁĆ`);
    expect(await ran('ls', `${file}:/tree`)).toBe('A Folder\nŻÓŁĆ\n');
    await ran('rm', '-r', `${file}:/tree`);
    expect(run('fsck.fat', ['-n', file]).status).toBe(0);
  });

  oracle('mkfs.fat').test('an image of mkfs.fat is detected, and mount options say whose its files are', async () => {
    mustRun('mkfs.fat', ['-C', path('theirs.img'), '2000']);
    await ran('mkdir', `${path('theirs.img')}:/d`);
    expect(await ran('ls', '-l', '-o', 'uid=1000,gid=100,mask=0644,dirmask=0700', `${path('theirs.img')}:/`)).toMatch(/^drwx------ +\d+ 1000 +100 .* d\n/m);
  });

  test.each([
    ['of a type of FAT that there is not', ['-F', '20'], 2, /FAT 20: is 12, 16 or 32/],
    ['with inodes', ['-N', '100'], 2, /--inodes: msdosfs has no such thing/],
    ['with a long label', ['-L', 'twelve chars'], 2, /label twelve chars: is up to 11/],
    ['of FAT16, too small', ['-F', '16'], 1, /do not go together/],
  ])('%s is refused', async (_what, words, status, reason) => {
    const said = await rump(['newfs', '-t', 'msdosfs', '-s', '1m', ...words, path('x.img')]);
    expect([said.status, said.out, said.err]).toEqual([status, '', expect.stringMatching(reason)]);
    expect(fs.existsSync(path('x.img'))).toBe(false);
  });
});

describe('fsck', () => {
  const path = folder();

  test('finds a FAT volume by itself, in order or not, and mends it', async () => {
    const file = path('card.img');
    await ran('newfs', '-t', 'msdosfs', '-s', '8m', file);
    await ran('mkdir', `${file}:/A Folder`);
    expect(await ran('fsck', file)).toMatch(/card\.img: msdosfs, in order: 0 files, 2 directories, 1 of \d+ clusters in use/);
    const bytes = fs.readFileSync(file);
    bytes[37] = 1;
    fs.writeFileSync(file, bytes);
    const { status, out } = await rump(['fsck', file]);
    expect([status, out]).toEqual([1, expect.stringMatching(/was not unmounted cleanly\n.*is not in order/)]);
    expect(await ran('fsck', '--repair', file)).toMatch(/msdosfs, repaired/);
    expect(await ran('fsck', file)).toMatch(/in order/);
  });
});
