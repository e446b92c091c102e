/** Listings, held against what other people's tools say of the same image. */
import fs from 'node:fs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { mustRun, oracle, run, withFolder, withMount } from '@anykernel/tools-oracle';
import { folder, freshImage, ran, results, rump } from './kit.js';

const path = folder();

interface Row {
  readonly name: string;
  readonly path: string;
  readonly directory: string;
  readonly type: string;
  readonly ino: number;
  readonly mode: string;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: string;
  readonly target?: string;
}

describe('an image of mke2fs', () => {
  const made = oracle('mke2fs', 'loop:ext2');

  beforeAll(() => {
    if (made.missing.length > 0) return;
    withFolder((dir) => {
      fs.mkdirSync(`${dir}/etc/very/deep/down`, { recursive: true });
      for (let i = 0; i < 300; i++) fs.writeFileSync(`${dir}/etc/file-${i}`, 'x'.repeat(i * 7));
      fs.symlinkSync('file-1', `${dir}/etc/link`);
      fs.symlinkSync('x'.repeat(200), `${dir}/etc/long-link`);
      fs.linkSync(`${dir}/etc/file-2`, `${dir}/second`);
      fs.chmodSync(`${dir}/etc/file-3`, 0o6711);
      fs.chownSync(`${dir}/etc/file-4`, 1000, 70_000);
      fs.utimesSync(`${dir}/etc/file-5`, 1, 2);
      mustRun('mkfifo', [`${dir}/fifo`]);
      mustRun('mknod', [`${dir}/device`, 'c', '5', '300']);
      mustRun('mke2fs', ['-q', '-t', 'ext2', '-d', dir, path('theirs.img'), '8M']);
    });
  });

  made.test('is listed as the kernel of this machine lists it', async () => {
    const rows = await results<Row>('ls', '-aR', `${path('theirs.img')}:/`);
    const ours = rows.map((r) => [
      `${r.directory.replace(/^.*:/, '')}/${r.name}`.replace('//', '/'),
      r.ino,
      r.mode,
      r.nlink,
      r.uid,
      r.gid,
      r.size,
      Date.parse(r.mtime),
      r.target,
    ]);
    withMount(
      path('theirs.img'),
      'ext2',
      (root) => {
        const names = fs.readdirSync(root, { recursive: true }) as string[];
        const theirs = names.map((name) => {
          const st = fs.lstatSync(`${root}/${name}`);
          const mode = (st.mode & 0o7777).toString(8).padStart(4, '0');
          const target = st.isSymbolicLink() ? fs.readlinkSync(`${root}/${name}`) : undefined;
          return [`/${name}`, st.ino, mode, st.nlink, st.uid, st.gid, st.size, Math.floor(st.mtimeMs), target];
        });
        const byName = (a: unknown[], b: unknown[]): number => (String(a[0]) < String(b[0]) ? -1 : 1);
        expect(ours.sort(byName)).toEqual(theirs.sort(byName));
      },
      ['ro'],
    );
  });

  made.test('is found, drawn and measured whole', async () => {
    const image = path('theirs.img');
    const all = (await ran('find', `${image}:/`)).trim().split('\n');
    expect(all).toHaveLength(1 + 1 + 300 + 2 + 4 + 3);
    expect(await ran('find', `${image}:/`, '-type', 'l')).toBe(`${image}:/etc/link\n${image}:/etc/long-link\n`);
    expect((await ran('find', `${image}:/etc`, '-name', 'file-1?')).trim().split('\n')).toHaveLength(10);
    expect((await ran('find', `${image}:/`, '-maxdepth', '1', '-print0')).split('\0')).toHaveLength(7);
    expect(await ran('tree', `${image}:/etc/very`)).toBe(`${image}:/etc/very\n└── deep\n    └── down\n\n2 directories, 0 files\n`);
    const [total] = await results<{ bytes: number }>('du', '-s', `${image}:/`);
    withMount(image, 'ext2', (root) => expect(total?.bytes).toBe(Number(mustRun('du', ['-s', '-B1', root]).split('\t')[0])), ['ro']);
  });

  made.test('shows devices, fifos and links for what they are', async () => {
    const long = await ran('ls', '-l', `${path('theirs.img')}:/`);
    expect(long).toMatch(/^crw-r--r-- 1 +0 +0 5, 300 \d{4}-\d\d-\d\d \d\d:\d\d:\d\d device$/m);
    expect(long).toMatch(/^prw-r--r-- .* fifo$/m);
    expect(await ran('ls', '-l', `${path('theirs.img')}:/etc/link`)).toMatch(/^lrwxrwxrwx .* -> file-1$/m);
  });

  oracle('mke2fs', 'dumpe2fs').test('has the space that dumpe2fs says', async () => {
    const [row] = await results<Record<string, number>>('df', path('theirs.img'));
    const said = run('dumpe2fs', ['-h', path('theirs.img')]).stdout;
    const number = (name: string): number => Number(new RegExp(`^${name}: +(\\d+)`, 'm').exec(said)?.[1]);
    expect(row?.['inodes']).toBe(number('Inode count'));
    expect(row?.['inodesFree']).toBe(number('Free inodes'));
    expect(((row?.['size'] ?? 0) - (row?.['used'] ?? 0)) / number('Block size')).toBe(number('Free blocks'));
  });
});

describe('ls', () => {
  test('lists names in the order of their bytes, hidden ones only with -a', async () => {
    const image = await freshImage(path);
    await ran('touch', ...['b', 'a', '.hidden', 'Z', 'ü'].map((n) => `${image}:/${n}`));
    expect(await ran('ls', `${image}:/`)).toBe('Z\na\nb\nlost+found\nü\n');
    expect(await ran('ls', '-a', `${image}:/`)).toBe('.hidden\nZ\na\nb\nlost+found\nü\n');
    expect(await ran('ls', '-d', `${image}:/`)).toBe(`${image}:/\n`);
    expect(await ran('ls', '-i', `${image}:/`)).toMatch(/^ *11 lost\+found$/m);
  });

  test('shows what a terminal would obey as text', async () => {
    const image = await freshImage(path);
    await ran('touch', `${image}:/a\x1b[31mb\nc`);
    expect(await ran('ls', `${image}:/`)).toContain('a\\x1b[31mb\\x0ac\n');
    expect((await results<Row>('ls', `${image}:/`)).some((r) => r.name === 'a\x1b[31mb\nc')).toBe(true);
  });

  test('of several goes on after one that is not there', async () => {
    const image = await freshImage(path);
    const { status, out, err } = await rump(['ls', `${image}:/none`, `${image}:/lost+found`]);
    expect([status, out, err]).toEqual([1, `${image}:/lost+found:\n`, `rump: ${image}:/none: no such file or directory\n`]);
  });

  test('works on this machine too', async () => {
    fs.mkdirSync(path('here'));
    fs.writeFileSync(path('here/x'), '');
    expect(await ran('ls', path('here'))).toBe('x\n');
    expect((await results<Row>('ls', path('here')))[0]?.name).toBe('x');
  });
});

describe('cat and stat', () => {
  test('cat of several is one after the other, and of a directory refused', async () => {
    const image = await freshImage(path);
    await rump(['write', `${image}:/a`], { input: 'one\n' });
    await rump(['write', `${image}:/b`], { input: 'two' });
    expect(await ran('cat', `${image}:/a`, `${image}:/b`)).toBe('one\ntwo');
    expect(await rump(['cat', `${image}:/`])).toMatchObject({
      status: 1,
      err: expect.stringContaining('illegal operation on a directory'),
    });
  });

  test('stat tells everything', async () => {
    const image = await freshImage(path);
    const text = await ran('stat', `${image}:/lost+found`);
    expect(text).toMatch(
      /File: .*:\/lost\+found\n +Size: \d+ +Blocks: \d+ .* directory\n Inode: 11 +Links: 2\nAccess: \(0700\/drwx------\) +Uid: 0 +Gid: 0\n/,
    );
  });

  test('info names the type and the figures', async () => {
    const image = await freshImage(path);
    expect(await ran('info', image)).toMatch(
      /: ext2fs\n +\d+ blocks of 1024 bytes .*\n +1024 inodes, 1013 free; names of up to 255 bytes\n +mounted ro\n/,
    );
  });
});
