/** The command line: help, suggestions, statuses, and operands that make no sense. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { ext2fs } from '@anykernel/ext2fs';
import { hostNode } from '@anykernel/host-node';
import { bootStack } from '@anykernel/stack-boot';
import { mustRun, oracle } from '@anykernel/tools-oracle';
import { folder, freshImage, ran, rump } from './kit.js';

const path = folder();
const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));

describe('help', () => {
  test('without a command is on the error output, with status 2', async () => {
    const { status, out, err } = await rump([]);
    expect([status, out]).toEqual([2, '']);
    expect(err).toContain('Usage: rump [options] [command]');
  });

  test.each([['--help'], ['-h'], ['help']])('%s is on the output, with status 0', async (word) => {
    const { status, out, err } = await rump([word]);
    expect([status, err]).toEqual([0, '']);
    for (const command of ['ls', 'cp', 'newfs', 'shell', 'compose', 'graph', 'why', 'completion'])
      expect(out).toMatch(new RegExp(`^  ${command} `, 'm'));
    expect(out.split('\n').every((line) => line.length <= 120)).toBe(true);
  });

  test('of one command says its options', async () => {
    for (const words of [
      ['help', 'cp'],
      ['cp', '--help'],
    ]) {
      const { status, out } = await rump(words);
      expect(status).toBe(0);
      expect(out).toMatch(/<sources...> <destination>[\s\S]*--recursive[\s\S]*--no-clobber[\s\S]*--type/);
    }
  });

  test('the version is that of the package', async () => {
    const { version } = JSON.parse(fs.readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
    expect(await ran('--version')).toBe(`${version}\n`);
  });
});

describe('a command line that makes no sense has status 2', () => {
  test.each([
    [['lss'], /unknown command 'lss'[\s\S]*Did you mean ls/],
    [['ls', '--lnog'], /^rump: unknown option '--lnog'/],
    [['net', 'demo', '--lnog'], /^rump: unknown option '--lnog'/],
    [['ls', '--recursve'], /Did you mean --recursive/],
    [['cp', 'one'], /missing required argument 'destination'/],
    [['cp'], /missing required argument/],
    [['newfs', 'x.img'], /required option '-t, --type/],
    [['newfs', '-t', 'vfat', 'x.img'], /type vfat: newfs makes .*msdosfs/],
    [['find', '.', '--kind', 'q'], /kind q: is one of/],
    [['find', '.', '-name', '[z-a]'], /pattern .* makes no sense/],
    [['find', '.', '-maxdepth', 'deep'], /maxdepth deep: is a number/],
    [['graph'], /name components/],
    [['graph', 'ext2fs', '-f', 'jpeg'], /format jpeg: is text, svg or json/],
    [['compose', 'ext2fs', '--host', 'toaster'], /host toaster: is node or worker/],
    [['completion', 'tcsh'], /shell tcsh: is bash, zsh or fish/],
    [['stat', 'a', '--type'], /argument missing/],
  ])('%j', async (words, reason) => {
    const { status, out, err } = await rump(words);
    expect([status, out]).toEqual([2, '']);
    expect(err).toMatch(reason);
  });
});

describe('operands that name no image', () => {
  test.each([
    ['that is not there', 'none.img:/etc', /none\.img: no such file or directory \(in /],
    ['that is empty', 'empty.img:/', /empty\.img: is empty/],
    ['that is text', 'text.img:/', /text\.img: no file system that is known here \(ext2fs, .*\); -t names one/],
    ['that is short', 'short.img:/', /short\.img: no file system that is known here/],
    ['that is a directory', 'folder:/', /folder: is a directory, and no image \(in /],
    ['that is packed', 'packed.img.gz:/', /packed\.img\.gz: is packed with gzip: gunzip it first\n/],
    ['of zeros', 'zeros.img:/', /zeros\.img: no file system that is known here/],
  ])('a file %s is named', async (_what, operand, reason) => {
    fs.writeFileSync(path('empty.img'), '');
    fs.writeFileSync(path('text.img'), 'hello\n'.repeat(1000));
    fs.writeFileSync(path('short.img'), 'x');
    fs.mkdirSync(path('folder'), { recursive: true });
    fs.writeFileSync(path('packed.img.gz'), gzipSync(Buffer.alloc(100_000)));
    fs.writeFileSync(path('zeros.img'), Buffer.alloc(100_000));
    const { status, out, err } = await rump(['ls', path(operand)]);
    expect([status, out]).toEqual([1, '']);
    expect(err).toMatch(reason);
    expect(err).toMatch(/^rump: [^\n]+\n$/);
  });

  test('a type that is not here, and options that are none, are status 2', async () => {
    const image = await freshImage(path);
    expect(await rump(['ls', '-t', 'ntfs', `${image}:/`])).toMatchObject({
      status: 2,
      err: expect.stringContaining('type ntfs: is one of auto, ext2fs'),
    });
    expect(await rump(['ls', '-o', 'fast', `${image}:/`])).toMatchObject({ status: 2, err: expect.stringContaining('mount option fast') });
    fs.writeFileSync(path('text.img'), 'hello\n'.repeat(1000));
    expect(await rump(['ls', '-t', 'ext2fs', `${path('text.img')}:/`])).toMatchObject({
      status: 1,
      err: expect.stringMatching(/text\.img: .*superblock/),
    });
  });

  test('an image that a kernel has mounted for writing is written by nothing else', async () => {
    const image = await freshImage(path);
    const own = bootStack(hostNode(), [ext2fs], [{ type: 'ext2fs', source: image, on: '/' }]);
    const reason = /is mounted for writing/;
    for (const words of [['fsck', '--repair', image], ['newfs', '-f', '-t', 'ext2fs', image], ['touch', `${image}:/x`]])
      expect(await rump(words)).toMatchObject({ status: 1, err: expect.stringMatching(reason) });
    own.halt();
    expect(await rump(['fsck', '--repair', image])).toMatchObject({ status: 0 });
  });

  test('a colon in the name of a file of this machine is a colon', async () => {
    fs.mkdirSync(path('a:b'), { recursive: true });
    fs.writeFileSync(path('a:b/c:d'), '');
    fs.writeFileSync(path('plain:/x'.replace('/', '')), 'x');
    expect(await ran('ls', path('a:b'))).toBe('c:d\n');
    expect(await ran('cat', path('plain:x'))).toBe('x');
  });

  test('paths cannot leave the image', async () => {
    const image = await freshImage(path);
    await ran('ln', '-s', '/etc', `${image}:/escape`);
    expect(await rump(['ls', `${image}:/escape/`])).toMatchObject({ status: 1 });
    expect(await ran('ls', `${image}:/../../..`)).toContain('lost+found');
    expect(await rump(['cat', `${image}:/../../../../../../etc/passwd`])).toMatchObject({ status: 1, out: '' });
  });
});

describe('an image with features that are not here', () => {
  oracle('mke2fs').test('is refused by their names, or can only be read', async () => {
    mustRun('mke2fs', ['-q', '-t', 'ext4', '-O', 'bigalloc', path('big.img'), '8M']);
    mustRun('mke2fs', ['-q', '-t', 'ext4', '-O', 'quota', path('quota.img'), '8M']);
    expect(await rump(['ls', `${path('big.img')}:/`])).toMatchObject({
      status: 1,
      err: expect.stringMatching(/big\.img: .*not supported: bigalloc/),
    });
    expect(await ran('ls', `${path('quota.img')}:/`)).toBe('lost+found\n');
    const { status, err } = await rump(['touch', `${path('quota.img')}:/x`]);
    expect([status, err]).toEqual([1, expect.stringMatching(/quota\.img: can only be read: .*quota/)]);
  });
});

describe('a damaged image', () => {
  const seed = 20_261;

  /** Small, quick, and the same every time. */
  function numbers(from: number): () => number {
    let x = from;
    const imul = Math.imul;
    return () => {
      x = (imul(x, 1_664_525) + 1_013_904_223) >>> 0;
      return x / 2 ** 32;
    };
  }

  test(`gives errors that name things, never a crash (seed ${seed})`, async () => {
    const whole = await freshImage(path, '512k');
    await ran('mkdir', '-p', `${whole}:/a/b`);
    await rump(['write', `${whole}:/a/f`], { input: 'x'.repeat(50_000) });
    const bytes = fs.readFileSync(whole);
    const next = numbers(seed);
    for (let round = 0; round < 60; round++) {
      const bad = Buffer.from(bytes);
      // The structures are in the first blocks: that is where harm is done.
      for (let i = 0; i < 12; i++) bad[Math.floor(next() * (round % 2 === 0 ? 2048 : 60_000))] = Math.floor(next() * 256);
      fs.writeFileSync(path('bad.img'), round % 7 === 6 ? bad.subarray(0, Math.floor(next() * bad.length)) : bad);
      for (const words of [['ls', '-lR'], ['cat'], ['rm', '-r']]) {
        const operand = `${path('bad.img')}:${words[0] === 'ls' ? '/' : words[0] === 'cat' ? '/a/f' : '/a'}`;
        const { status, err } = await rump([...words, operand]);
        if (status !== 0 && !/^(rump: [^\n]+\n)+$/.test(err)) throw new Error(`round ${round}: ${words.join(' ')}: ${err}`);
        if (/panic|TypeError|RangeError|undefined/.test(err)) throw new Error(`round ${round}: ${words.join(' ')}: ${err}`);
      }
    }
  });
});

describe('as a program of its own', () => {
  const start = (args: readonly string[], options: { input?: string | Buffer } = {}): ReturnType<typeof spawnSync> => {
    const code = `import { main } from ${JSON.stringify(fileURLToPath(new URL('../src/main.ts', import.meta.url)))}; process.exitCode = await main(process.argv.slice(1));`;
    const node = ['--import', `${ROOT}/tools/run/typescript.mjs`, '--input-type=module', '-e', code, '--'];
    return spawnSync(process.execPath, [...node, ...args], { cwd: ROOT, timeout: 170_000, ...options });
  };

  test('it has its status and its two outputs', () => {
    const done = start(['ls', path('nothing.img:/')]);
    expect(done.status).toBe(1);
    expect(String(done.stderr)).toMatch(/^rump: .*nothing\.img: no such file/);
    expect(String(done.stdout)).toBe('');
  });

  test('it takes its standard input, and gives bytes as they are', async () => {
    const image = await freshImage(path);
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7) & 0xff));
    expect(start(['write', `${image}:/f`], { input: bytes }).status).toBe(0);
    expect((start(['cat', `${image}:/f`]).stdout as Buffer).equals(bytes)).toBe(true);
  });

  test('whoever reads may stop to read', async () => {
    const image = await freshImage(path, '8m');
    await rump(['write', `${image}:/f`], { input: 'line\n'.repeat(500_000) });
    const code = `import { main } from ${JSON.stringify(fileURLToPath(new URL('../src/main.ts', import.meta.url)))}; process.exitCode = await main(process.argv.slice(1));`;
    const line = `${process.execPath} --no-deprecation --import ${ROOT}/tools/run/typescript.mjs --input-type=module -e '${code}' -- cat ${image}:/f | head -1; echo "\${PIPESTATUS[0]}"`;
    const done = spawnSync('bash', ['-c', line], { cwd: ROOT, timeout: 170_000, encoding: 'utf8' });
    expect([done.stdout, done.stderr]).toEqual(['line\n0\n', '']);
  });
});
