/** cp and mv: copies in and out are the same to the byte, the mode and the time. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { oracle, run, withMount } from '@anykernel/tools-oracle';
import { folder, freshImage, ran, rump } from './kit.js';

const path = folder();

/** Bytes that differ from place to place. */
function pattern(len: number): Buffer {
  const bytes = Buffer.alloc(len);
  for (let i = 0; i < len; i++) bytes[i] = (i * 31 + (i >> 8) * 7 + 1) & 0xff;
  return bytes;
}

/** A tree with all that a copy has to keep. */
function makeTree(dir: string): void {
  fs.mkdirSync(`${dir}/sub/deep`, { recursive: true });
  fs.writeFileSync(`${dir}/small`, 'hello\n', { mode: 0o640 });
  fs.writeFileSync(`${dir}/empty`, '');
  fs.writeFileSync(`${dir}/sub/large`, pattern(700_001));
  fs.writeFileSync(`${dir}/sub/deep/grüße`, 'ü');
  fs.writeFileSync(Buffer.concat([Buffer.from(`${dir}/sub/`), Buffer.from([0xff, 0xfe, 0x41])]), 'no UTF-8');
  fs.linkSync(`${dir}/small`, `${dir}/sub/second-name`);
  fs.symlinkSync('../small', `${dir}/sub/link`);
  fs.symlinkSync('nowhere/at/all', `${dir}/dangling`);
  const sparse = fs.openSync(`${dir}/sparse`, 'w');
  fs.writeSync(sparse, 'start', 0);
  fs.writeSync(sparse, 'end', 3_000_000);
  fs.closeSync(sparse);
  fs.truncateSync(`${dir}/sparse`, 5_000_001);
  fs.chmodSync(`${dir}/small`, 0o4751);
  fs.chmodSync(`${dir}/sub/deep`, 0o1770);
  fs.lutimesSync(`${dir}/dangling`, 1_000_000_000.25, 1_100_000_000.75);
  fs.utimesSync(`${dir}/small`, 1_500_000_000.123456, 1_400_000_000.654321);
  fs.utimesSync(`${dir}/sub/deep`, 1_000_000_000, 1_200_000_000);
}

/** What is below a folder: names in bytes, types, modes, times to the microsecond, links, contents. */
function describeTree(dir: string): string[] {
  const lines: string[] = [];
  const visit = (at: Buffer, name: string): void => {
    const st = fs.lstatSync(at, { bigint: true });
    const isDir = st.isDirectory();
    const what = isDir ? '' : st.isSymbolicLink() ? fs.readlinkSync(at) : createHash('sha256').update(fs.readFileSync(at)).digest('hex');
    lines.push([name, st.mode.toString(8), isDir ? '' : st.nlink, isDir ? '' : st.size, st.mtimeNs / 1000n, what].join(' '));
    if (!isDir) return;
    for (const entry of fs.readdirSync(at, 'buffer'))
      visit(Buffer.concat([at, Buffer.from('/'), entry]), `${name}/${entry.toString('latin1')}`);
  };
  visit(Buffer.from(dir), '');
  return lines.sort();
}

describe('a tree that is copied in and out', () => {
  test('is the same: bytes, modes, times, links, names', async () => {
    const [source, back] = [path('source'), path('back')];
    makeTree(source);
    const image = await freshImage(path, '16m');
    await ran('cp', '-r', source, `${image}:/tree`);
    await ran('cp', '-r', `${image}:/tree`, back);
    expect(describeTree(back)).toEqual(describeTree(source));
  });

  test('keeps its holes', async () => {
    const image = await freshImage(path, '16m');
    await ran('cp', path('source/sparse'), `${image}:/`);
    const [row] = JSON.parse(await ran('stat', '--json', `${image}:/sparse`)) as { size: number; blocks: number }[];
    expect(row?.size).toBe(5_000_001);
    expect((row?.blocks ?? 0) * 512).toBeLessThan(40_000);
    await ran('cp', `${image}:/sparse`, path('sparse-back'));
    expect(fs.readFileSync(path('sparse-back')).equals(fs.readFileSync(path('source/sparse')))).toBe(true);
  });

  oracle('e2fsck', 'loop:ext2').test('is the same for the kernel of this machine, and the image is clean', async () => {
    const image = await freshImage(path, '16m');
    await ran('cp', '-r', path('source'), `${image}:/tree`);
    expect(run('e2fsck', ['-fn', image]).status).toBe(0);
    withMount(image, 'ext2', (root) => expect(describeTree(`${root}/tree`)).toEqual(describeTree(path('source'))), ['ro']);
  });

  test('goes from one image to another', async () => {
    const [a, b] = [await freshImage(path, '16m'), await freshImage(path, '16m', '-b', '4096')];
    await ran('cp', '-r', path('source'), `${a}:/`);
    await ran('cp', '-r', `${a}:/source`, `${b}:/`);
    await ran('cp', '-r', `${b}:/source`, path('third'));
    expect(describeTree(path('third'))).toEqual(describeTree(path('source')));
  });

  test('goes within an image', async () => {
    const image = await freshImage(path, '16m');
    await ran('cp', '-r', path('source'), `${image}:/one`);
    await ran('cp', '-r', `${image}:/one`, `${image}:/two`);
    await ran('cp', '-r', `${image}:/two`, path('fourth'));
    expect(describeTree(path('fourth'))).toEqual(describeTree(path('source')));
  });

  test('has the root of an image as its contents', async () => {
    const image = await freshImage(path);
    await ran('mkdir', '-p', `${image}:/a/b`);
    await ran('cp', '-r', `${image}:/`, path('whole'));
    expect(fs.readdirSync(path('whole')).sort()).toEqual(['a', 'lost+found']);
  });
});

describe('cp', () => {
  test('puts several into a directory, and into nothing else', async () => {
    const image = await freshImage(path);
    await ran('mkdir', `${image}:/d`);
    await ran('cp', path('source/small'), path('source/empty'), `${image}:/d`);
    expect(await ran('ls', `${image}:/d`)).toBe('empty\nsmall\n');
    const { status, err } = await rump(['cp', path('source/small'), path('source/empty'), `${image}:/none`]);
    expect([status, err]).toEqual([1, expect.stringMatching(/:\/none: is no directory, and there are several/)]);
  });

  test('replaces a file, or with -n leaves it', async () => {
    const image = await freshImage(path);
    await ran('cp', path('source/empty'), `${image}:/f`);
    await ran('cp', '-n', path('source/small'), `${image}:/f`);
    expect(await ran('cat', `${image}:/f`)).toBe('');
    await ran('cp', path('source/small'), `${image}:/f`);
    expect(await ran('cat', `${image}:/f`)).toBe('hello\n');
  });

  test.each([
    ['a directory without -r', () => ['cp', path('source'), `${path('r.img')}:/`], /source: is a directory \(-r copies it\)/],
    ['what is not there', () => ['cp', path('nothing'), `${path('r.img')}:/`], /nothing: no such file or directory/],
    ['a file over a directory', () => ['cp', path('source/small'), `${path('r.img')}:/d`], /small: is a directory, and .* is none/],
    ['a directory over a file', () => ['cp', '-r', path('source'), `${path('r.img')}:/file`], /file: is no directory, and .* is one/],
    ['a directory into itself', () => ['cp', '-r', `${path('r.img')}:/d`, `${path('r.img')}:/d/deeper`], /cannot be put into itself/],
    ['a file onto itself', () => ['cp', `${path('r.img')}:/file`, `${path('r.img')}:/file`], /is the same file/],
    [
      'into a directory that is not there',
      () => ['cp', path('source/small'), `${path('r.img')}:/no/where`],
      /small: no such file or directory/,
    ],
  ])('refuses %s, and says so', async (_what, args, reason) => {
    await ran('newfs', '-f', '-t', 'ext2fs', '-s', '1m', path('r.img'));
    await ran('mkdir', '-p', `${path('r.img')}:/d/small`);
    await ran('cp', path('source/small'), `${path('r.img')}:/file`);
    const { status, err } = await rump(args());
    expect(status).toBe(1);
    expect(err).toMatch(reason);
    expect(err.trim().split('\n')).toHaveLength(1);
  });

  test('goes on after a failure, which gives the status', async () => {
    const image = await freshImage(path);
    const { status, err } = await rump(['cp', path('nothing'), path('source/small'), `${image}:/`]);
    expect([status, err]).toEqual([1, expect.stringContaining('nothing: no such file')]);
    expect(await ran('ls', `${image}:/`)).toContain('small');
  });

  oracle('e2fsck').test('that runs out of space names the file, and leaves no half of it', async () => {
    const image = await freshImage(path, '256k');
    const { status, err } = await rump(['cp', '-r', path('source/sub'), `${image}:/`]);
    expect(status).toBe(1);
    expect(err).toMatch(/sub\/large: no space left on device \(in .+\)/);
    expect(await ran('find', `${image}:/sub`)).not.toContain('large');
    expect(run('e2fsck', ['-fn', image]).status).toBe(0);
  });

  test('names what it copies with -v', async () => {
    const image = await freshImage(path);
    expect(await ran('cp', '-v', path('source/small'), `${image}:/`)).toBe(`${path('source/small')} -> /small\n`);
  });
});

describe('mv', () => {
  test('renames within an image', async () => {
    const image = await freshImage(path);
    await ran('mkdir', '-p', `${image}:/a/b`, `${image}:/c`);
    await ran('mv', `${image}:/a/b`, `${image}:/c`);
    expect(await ran('find', `${image}:/c`)).toBe(`${image}:/c\n${image}:/c/b\n`);
    const { status, err } = await rump(['mv', `${image}:/c`, `${image}:/c/b/d`]);
    expect([status, err]).toEqual([1, expect.stringMatching(/invalid argument|into itself/)]);
  });

  test('copies and removes between a machine and an image', async () => {
    const image = await freshImage(path);
    fs.mkdirSync(path('moved/x'), { recursive: true });
    fs.writeFileSync(path('moved/x/y'), 'y');
    await ran('mv', path('moved'), `${image}:/`);
    expect(fs.existsSync(path('moved'))).toBe(false);
    await ran('mv', `${image}:/moved`, path('returned'));
    expect(fs.readFileSync(path('returned/x/y'), 'utf8')).toBe('y');
    expect(await ran('ls', `${image}:/`)).toBe('lost+found\n');
  });

  test('removes nothing that it could not copy', async () => {
    const image = await freshImage(path, '128k');
    fs.mkdirSync(path('heavy'));
    fs.writeFileSync(path('heavy/light'), '');
    fs.writeFileSync(path('heavy/load'), pattern(300_000));
    const { status } = await rump(['mv', path('heavy'), `${image}:/`]);
    expect(status).toBe(1);
    expect(fs.readdirSync(path('heavy')).sort()).toEqual(['light', 'load']);
  });
});
