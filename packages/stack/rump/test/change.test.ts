/** Commands that change names and attributes. */
import { describe, expect, test } from '@jest/globals';
import { oracle, run } from '@anykernel/tools-oracle';
import { modeChange } from '../src/commands/change.js';
import { folder, freshImage, ran, results, rump } from './kit.js';

const path = folder();

interface Row {
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: string;
  readonly type: string;
  readonly nlink: number;
  readonly target?: string;
}

async function stat(place: string): Promise<Row> {
  return (await results<Row>('stat', place))[0] as Row;
}

describe('mkdir, rmdir, rm', () => {
  test('make and remove, one or many', async () => {
    const image = await freshImage(path);
    await ran('mkdir', `${image}:/a`, `${image}:/b`);
    await ran('mkdir', '-p', `${image}:/c/d/e`);
    await ran('mkdir', '-m', '700', `${image}:/private`);
    expect((await stat(`${image}:/private`)).mode).toBe('0700');
    await ran('rmdir', `${image}:/a`);
    await ran('rm', '-r', `${image}:/c`, `${image}:/b`);
    expect(await ran('ls', `${image}:/`)).toBe('lost+found\nprivate\n');
  });

  test.each([
    [['rmdir', 'full'], /full: directory not empty/],
    [['rm', 'full'], /full: is a directory \(-r removes it\)/],
    [['rm', 'none'], /none: no such file or directory/],
    [['rm', '-r', ''], /: is the root of an image, and stays/],
    [['rm', '-r', 'full/..'], /is the root of an image, and stays/],
    [['mkdir', 'full'], /full: file already exists/],
    [['mkdir', 'no/where'], /no\/where: no such file or directory/],
    [['rmdir', 'none'], /none: no such file or directory/],
  ])('%j is refused by name', async ([command = '', ...words], reason) => {
    const image = await freshImage(path, '512k');
    await ran('mkdir', '-p', `${image}:/full/of`);
    const operand = words.pop() ?? '';
    const { status, err } = await rump([command, ...words, `${image}:/${operand}`]);
    expect([status, err]).toEqual([1, expect.stringMatching(reason)]);
    expect(err).toMatch(/^rump: [^\n]+\n$/);
  });

  test('rm -f says nothing of what is not there', async () => {
    const image = await freshImage(path, '512k');
    expect(await rump(['rm', '-f', `${image}:/none`])).toMatchObject({ status: 0, err: '' });
  });
});

describe('ln', () => {
  test('makes symbolic links to any text, and further names of a file', async () => {
    const image = await freshImage(path);
    await rump(['write', `${image}:/f`], { input: 'x' });
    await ran('ln', '-s', 'any/text at all', `${image}:/s`);
    await ran('ln', `${image}:/f`, `${image}:/g`);
    expect((await stat(`${image}:/s`)).target).toBe('any/text at all');
    expect((await stat(`${image}:/g`)).nlink).toBe(2);
    await ran('ln', '-sf', 'other', `${image}:/s`);
    expect((await stat(`${image}:/s`)).target).toBe('other');
    const { status, err } = await rump(['ln', '/etc/hostname', `${image}:/h`]);
    expect([status, err]).toEqual([1, expect.stringContaining('a hard link is on the same file system as its file')]);
  });
});

describe('chmod', () => {
  test.each([
    [0o644, '600', 0o600],
    [0o644, 'u+x,go-r', 0o700],
    [0o644, 'a=rw', 0o666],
    [0o644, '+x', 0o755],
    [0o644, 'g+s,u+s', 0o6644],
    [0o4755, 'u-s', 0o755],
    [0o644, '+t', 0o1644],
    [0o640, 'o=r,g=', 0o604],
    [0o644, 'u+X', 0o644],
    [0o744, 'go+X', 0o755],
  ])('%o with %s is %o', (before, words, after) => {
    expect(modeChange(words)(before, false)).toBe(after);
  });

  test('X of a directory is x', () => {
    expect(modeChange('a+X')(0o600, true)).toBe(0o711);
  });

  test.each(['', '9', '77777', 'u', 'x+y', 'u+q', 'u+x,'])('%j is no mode: status 2', async (mode) => {
    const image = await freshImage(path, '512k');
    expect(await rump(['chmod', mode, `${image}:/`])).toMatchObject({ status: 2, err: expect.stringContaining('mode') });
  });

  test('changes trees with -R, but not what links mean', async () => {
    const image = await freshImage(path);
    await ran('mkdir', '-p', `${image}:/d/e`);
    await rump(['write', '-m', '0640', `${image}:/d/f`], { input: '' });
    await ran('ln', '-s', '/lost+found', `${image}:/d/l`);
    await ran('chmod', '-R', 'go-rwx', `${image}:/d`);
    expect([(await stat(`${image}:/d/e`)).mode, (await stat(`${image}:/d/f`)).mode, (await stat(`${image}:/lost+found`)).mode]).toEqual([
      '0700',
      '0600',
      '0700',
    ]);
  });
});

describe('chown', () => {
  test('changes owner, group or both, of links themselves with -R', async () => {
    const image = await freshImage(path);
    await ran('mkdir', `${image}:/d`);
    await ran('ln', '-s', '/lost+found', `${image}:/d/l`);
    await ran('chown', '1000:100', `${image}:/d`);
    await ran('chown', ':200', `${image}:/d`);
    await ran('chown', '-R', '1001', `${image}:/d`);
    expect(await stat(`${image}:/d`)).toMatchObject({ uid: 1001, gid: 200 });
    expect((await stat(`${image}:/d/l`)).uid).toBe(1001);
    expect((await stat(`${image}:/lost+found`)).uid).toBe(0);
  });

  test.each(['', 'root', '1:2:3', '-1', '99999999999'])('%j is no owner: status 2', async (owner) => {
    const image = await freshImage(path, '512k');
    const { status } = await rump(['chown', '--', owner, `${image}:/`]);
    expect(status).toBe(2);
  });
});

describe('touch and write', () => {
  test('touch makes a file, and sets times', async () => {
    const image = await freshImage(path);
    await ran('touch', '-d', '2001-02-03T04:05:06.789Z', `${image}:/f`);
    expect(await stat(`${image}:/f`)).toMatchObject({ size: 0, mtime: '2001-02-03T04:05:06.789Z' });
    await ran('touch', '-c', `${image}:/none`);
    expect(await ran('ls', `${image}:/`)).not.toContain('none');
    expect((await rump(['touch', '-d', 'yesterday-ish', `${image}:/f`])).status).toBe(2);
  });

  test('write takes the standard input as it is, and may append', async () => {
    const image = await freshImage(path);
    const bytes = Buffer.from([0, 0xff, 0x0a, 0x80, ...Array.from({ length: 100_000 }, (_, i) => i & 0xff)]);
    await rump(['write', `${image}:/f`], { input: bytes });
    expect((await rump(['cat', `${image}:/f`])).bytes.equals(bytes)).toBe(true);
    await rump(['write', '-a', `${image}:/f`], { input: 'end' });
    expect((await stat(`${image}:/f`)).size).toBe(bytes.length + 3);
  });

  oracle('e2fsck').test('all of it leaves a clean image', async () => {
    const image = await freshImage(path);
    for (let i = 0; i < 20; i++) await rump(['write', `${image}:/f${i}`], { input: 'x'.repeat(i * 1000) });
    await ran('rm', ...Array.from({ length: 10 }, (_, i) => `${image}:/f${i * 2}`));
    await ran('mkdir', '-p', `${image}:/a/b/c`);
    await ran('mv', `${image}:/f1`, `${image}:/a/b/c`);
    expect(run('e2fsck', ['-fn', image]).status).toBe(0);
  });

  test('an image that is mounted read-only is not changed', async () => {
    const image = await freshImage(path);
    const { status, err } = await rump(['touch', '-o', 'ro', `${image}:/f`]);
    expect([status, err]).toEqual([1, expect.stringContaining('read-only file system')]);
  });
});
