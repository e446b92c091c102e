/** One line gives an `fs`: on a fresh tmpfs, on an image in a file or in memory, with contents from the start. */
import hostFs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { newfs } from '@anykernel/ext2fs';
import { boot } from '@anykernel/rumpkern';
import { hostNode } from '@anykernel/host-node';
import { tmpfs } from '@anykernel/tmpfs';
import { mustRun, oracle } from '@anykernel/tools-oracle';
import { symlink, toSnapshot, toTree, ukfs } from '@anykernel/stack-ukfs';

let dir: string;
beforeEach(() => {
  dir = hostFs.mkdtempSync(join(tmpdir(), 'anykernel-stack-ukfs-'));
});
afterEach(() => hostFs.rmSync(dir, { recursive: true }));

function image(): Uint8Array {
  const bytes = new Uint8Array(4 << 20);
  const id = Uint8Array.from({ length: 16 }, (_, i) => i + 1);
  newfs({ size: bytes.length, write: (off, data) => bytes.set(data, off) }, { time: 1, uuid: id, hashSeed: id });
  return bytes;
}

test('ukfs() is a fresh tmpfs, and each is its own', async () => {
  const [a, b] = [await ukfs(), await ukfs({ options: ['size=1m'] })];
  a.writeFileSync('/f', 'mine');
  expect([a.readdirSync('/'), b.readdirSync('/')]).toEqual([['f'], []]);
  expect(() => b.writeFileSync('/big', new Uint8Array(2 << 20))).toThrow('ENOSPC');
  a.halt();
  a.halt();
  expect(() => a.readdirSync('/')).toThrow();
  b.halt();
});

oracle('e2fsck').test('an image in a file keeps what was written, and e2fsck is content', async () => {
  const file = join(dir, 'disk.img');
  hostFs.writeFileSync(file, image());
  const fs = await ukfs({ mount: file });
  await fs.promises.writeFile('/hello', 'from a kernel');
  await fs[Symbol.asyncDispose]();
  mustRun('e2fsck', ['-fn', file]);
  const again = await ukfs({ mount: file, options: ['ro'] });
  expect(again.readFileSync('/hello', 'utf8')).toBe('from a kernel');
  expect(() => again.writeFileSync('/hello', 'x')).toThrow('EROFS');
  again.halt();
});

test('an image in memory is changed in place', async () => {
  const bytes = image();
  const fs = await ukfs({ mount: bytes });
  fs.mkdirSync('/made');
  fs.halt();
  const again = await ukfs({ mount: bytes, type: 'ext2fs' });
  expect(again.readdirSync('/')).toContain('made');
  again.halt();
});

oracle('mkfs.fat', 'fsck.fat').test('an image of FAT is found out to be one', async () => {
  const file = join(dir, 'fat.img');
  hostFs.writeFileSync(file, new Uint8Array(4 << 20));
  mustRun('mkfs.fat', [file]);
  const fs = await ukfs({ mount: file });
  fs.writeFileSync('/A Long Name.txt', 'on FAT');
  fs.halt();
  mustRun('fsck.fat', ['-n', file]);
  const again = await ukfs({ mount: file });
  expect(toTree(again)).toEqual({ 'A Long Name.txt': 'on FAT' });
  again.halt();
});

test('several mounts, credentials, umask and a current directory', async () => {
  const mount = [
    { type: 'tmpfs', on: '/', options: ['mode=0777'] },
    { type: 'tmpfs', on: '/home', options: ['mode=0700'] },
  ];
  const fs = await ukfs({ mount, uid: 1000, gid: 100, groups: [50], umask: 0o077, cwd: '/' });
  fs.writeFileSync('mine', '');
  expect(fs.statSync('/mine')).toMatchObject({ uid: 1000, mode: 0o100600 });
  expect(() => fs.readdirSync('/home')).toThrow('EACCES');
  fs.halt();
});

test('a tree and a snapshot to begin with', async () => {
  const tree = { 'src/index.js': 'export {}', bytes: new Uint8Array([0xff]), link: symlink('src') };
  const fs = await ukfs({ tree, cwd: '/src' });
  expect(fs.readFileSync('index.js', 'utf8')).toBe('export {}');
  const copy = await ukfs({ snapshot: toSnapshot(fs) });
  expect(toTree(copy)).toEqual({ src: { 'index.js': 'export {}' }, bytes: Buffer.from([0xff]), link: symlink('src') });
  fs.halt();
  copy.halt();
});

test('what cannot be mounted says so, and leaves nothing behind', async () => {
  await expect(ukfs({ mount: join(dir, 'nothing') })).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(ukfs({ mount: new Uint8Array(1 << 20) })).rejects.toMatchObject({ code: 'ENODEV' });
  await expect(ukfs({ type: 'nofs' })).rejects.toThrow('nofs');
  await expect(ukfs({ snapshot: new Uint8Array(7) })).rejects.toMatchObject({ code: 'ERR_INVALID_SNAPSHOT' });
  await expect(ukfs({ cwd: '/nowhere' })).rejects.toMatchObject({ code: 'ENOENT' });
});

test('ukfs(process) is the fs of a process that there is', () => {
  const k = boot(hostNode({ input: false }), [tmpfs]);
  k.proc1.sys.mount('tmpfs', '/', 0, {});
  const fs = ukfs(k.newproc());
  fs.writeFileSync('/f', 'x');
  expect(fs.readdirSync('/')).toEqual(['f']);
  k.halt();
});

test('an image is written back at the end of the program, halted or not; a URL names it as well', async () => {
  const file = join(dir, 'disk.img');
  hostFs.writeFileSync(file, image());
  const program = `import { ukfs } from '@anykernel/stack-ukfs';
const fs = await ukfs({ mount: new URL(${JSON.stringify(pathToFileURL(file).href)}) });
fs.writeFileSync('/left', 'words');`;
  const here = import.meta.dirname;
  mustRun(process.execPath, ['--import', join(here, '../../../../tools/run/typescript.mjs'), '--input-type=module', '-e', program], { cwd: here });
  const again = await ukfs({ mount: file, options: ['ro'] });
  expect(again.readFileSync('/left', 'utf8')).toBe('words');
  again.halt();
});

test.each([
  ['disk.img', "ukfs() takes options, as in ukfs({ mount: 'disk.img' }), and was given 'disk.img'"],
  [{ mout: 'disk.img' }, /^ukfs\(\) has no option mout; there are mount, type,/],
  [{ mount: 5 }, "ukfs() option mount is an image's name, file: URL or bytes, or a list of mounts, and was given 5"],
  [{ options: 'ro' }, "ukfs() option options is a list of texts, and was given 'ro'"],
  [{ uid: -1 }, 'ukfs() option uid is an integer from 0 to 4294967294, and was given -1'],
  [{ mount: [{}] }, /an instance of Array$/],
])('%j is refused with what would do', async (options, message) => {
  await expect(ukfs(options as object)).rejects.toThrow(message);
});
