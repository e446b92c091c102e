/** Trees as objects, and snapshots: there and back, through tar, and from hostile bytes. */
import { execFileSync } from 'node:child_process';
import hostFs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Ukfs, file, fromSnapshot, fromTree, symlink, toSnapshot, toTree } from '@anykernel/ukfs';
import { type KernelName, type Subject, kernelOn } from './kernel.js';

const NAMES = ['tmpfs, in the simulator', 'ext2fs, in the simulator'] as const;

test('a tree of an object, and an object of the tree', () => {
  const { k, fs } = kernelOn('tmpfs of a bare kernel, on Node');
  const tree = { 'src/a.js': 'text', 'src/deep': { 'b.bin': new Uint8Array([0xff, 0]), empty: {} }, link: symlink('src/a.js'), run: file('#!', 0o755) };
  fromTree(fs, tree, '/t');
  expect(toTree(fs, '/t')).toEqual({
    link: symlink('src/a.js'),
    run: '#!',
    src: { 'a.js': 'text', deep: { 'b.bin': Buffer.from([0xff, 0]), empty: {} } },
  });
  expect(fs.statSync('/t/run').mode & 0o777).toBe(0o755);
  fromTree(fs, JSON.parse('{"__proto__": "a name like others", "toString": ""}') as never, '/odd');
  expect(Object.keys(toTree(fs, '/odd')).sort()).toEqual(['__proto__', 'toString']);
  for (const bad of [5, null, [1], { x: 5 }, { '../x': '' }, { '': '' }]) expect(() => fromTree(fs, bad as never, '/t')).toThrow(TypeError);
  fs.writeFileSync(Buffer.from([0x2f, 0x74, 0x2f, 0xff]), '');
  expect(() => toTree(fs, '/t')).toThrow('no UTF-8');
  expect(() => toTree({} as never)).toThrow('ukfs()');
  k.halt();
});

/** All that can be known of a tree, in words. */
function listing(fs: Ukfs, dir: string | Buffer, at = ''): string[] {
  const root = Buffer.from(dir);
  return fs.readdirSync(root, { encoding: 'buffer' }).flatMap((name) => {
    const path = Buffer.concat([root, Buffer.from('/'), name]);
    const st = fs.lstatSync(path, { bigint: true });
    const shown = `${at}/${name.toString('latin1')}`;
    const what = st.isSymbolicLink() ? fs.readlinkSync(path) : st.isFile() ? `${st.size} ${sum(fs.readFileSync(path))}` : '';
    const line = `${shown} ${st.mode.toString(8)} ${st.uid}:${st.gid} ${st.mtimeNs} ${st.isDirectory() ? '' : st.nlink} ${st.rdev} ${what}`;
    return st.isDirectory() ? [line, ...listing(fs, path, shown)] : [line];
  });
}

function sum(bytes: Uint8Array): number {
  return bytes.reduce((a, b) => (a * 31 + b) >>> 0, 7);
}

/** One of each kind. */
function fill(s: Subject): void {
  const { fs } = s;
  fs.mkdirSync('/t/deep/er', { recursive: true });
  fs.writeFileSync('/t/f', 'contents', { mode: 0o640 });
  fs.linkSync('/t/f', '/t/deep/same');
  fs.symlinkSync('../f', '/t/deep/link');
  fs.symlinkSync('x'.repeat(150), '/t/longlink');
  fs.writeFileSync(`/t/${'n'.repeat(120)}`, 'long name');
  fs.writeFileSync(Buffer.from([0x2f, 0x74, 0x2f, 0xff, 0xfe]), 'no UTF-8');
  fs.writeFileSync('/t/grüße', 'ü');
  fs.writeFileSync('/t/holes', 'begin');
  const fd = fs.openSync('/t/holes', 'r+');
  fs.writeSync(fd, 'middle', 1 << 20);
  fs.ftruncateSync(fd, 3 << 20);
  fs.closeSync(fd);
  fs.writeFileSync('/t/empty', '');
  s.k.proc1.sys.mknod('/t/fifo', 0o010600, 0);
  fs.chownSync('/t/f', 1000, 100);
  fs.chmodSync('/t/f', 0o4751);
  fs.chmodSync('/t/deep', 0o1700);
  s.k.proc1.sys.utimensat(-100, '/t/f', [{ sec: 1, nsec: 2 }, { sec: 1_700_000_000, nsec: 123_456_789 }], 0);
  fs.utimesSync('/t/empty', new Date(-5500), new Date(-1250));
  fs.utimesSync('/t/deep', 5, 6);
}

describe.each(NAMES)('a snapshot of %s', (kernel) => {
  let s: Subject;
  beforeEach(() => {
    s = kernelOn(kernel);
    fill(s);
  });
  afterEach(() => s.k.halt());

  test.each(NAMES)('comes back on %s as it was', (other: KernelName) => {
    const to = kernelOn(other);
    fromSnapshot(to.fs, toSnapshot(s.fs, '/t'), '/');
    const lost = (line: string): boolean => !line.startsWith('/lost+found');
    expect(listing(to.fs, '/').filter(lost)).toEqual(listing(s.fs, '/t'));
    expect(to.fs.statSync('/holes').blocks).toBeLessThan(1000);
    to.k.halt();
  });

  test('is read by GNU tar, which makes another that comes back', () => {
    const dir = hostFs.mkdtempSync(join(tmpdir(), 'anykernel-snapshot-'));
    try {
      const tar = join(dir, 'a.tar');
      hostFs.writeFileSync(tar, toSnapshot(s.fs, '/t'));
      hostFs.mkdirSync(join(dir, 'out'));
      execFileSync('tar', ['-xpf', tar, '-C', join(dir, 'out')], { stdio: 'pipe' });
      const out = (name: string): string => join(dir, 'out', name);
      expect(hostFs.readFileSync(out('deep/same'), 'utf8')).toBe('contents');
      expect(hostFs.statSync(out('f')).nlink).toBe(2);
      expect(hostFs.statSync(out('f'), { bigint: true }).mtimeNs).toBe(1_700_000_000_123_456_789n);
      expect(sum(hostFs.readFileSync(out('holes')))).toBe(sum(s.fs.readFileSync('/t/holes')));
      expect(hostFs.readdirSync(join(dir, 'out'), 'latin1')).toContain('\xff\xfe');
      for (const format of ['pax', 'gnu', 'ustar']) {
        const args = ['--numeric-owner', `--format=${format}`, '-C', join(dir, 'out'), '-cf', `${tar}.${format}`];
        const names = format === 'ustar' ? ['f', 'deep'] : ['.'];
        if (format === 'pax') args.unshift('-S');
        execFileSync('tar', [...args, ...names], { stdio: 'pipe' });
        fromSnapshot(s.fs, hostFs.readFileSync(`${tar}.${format}`), s.fs.mkdtempSync('/'));
      }
    } finally {
      hostFs.rmSync(dir, { recursive: true, force: true });
    }
  });

  test('a process without the right to give files away restores what it may', () => {
    const bytes = toSnapshot(s.fs, '/t/deep');
    const to = kernelOn('tmpfs of a bare kernel, on Node', { uid: 1000, gid: 1000 });
    to.fs.mkdirSync('/mine');
    fromSnapshot(to.fs, bytes, '/mine');
    expect(to.fs.statSync('/mine/same')).toMatchObject({ uid: 1000, mode: 0o100751 });
    to.k.halt();
  });
});

describe('hostile bytes', () => {
  let s: Subject;
  let bytes: Uint8Array;
  beforeEach(() => {
    s = kernelOn('tmpfs of a bare kernel, on Node');
    fill(s);
    bytes = toSnapshot(s.fs, '/t');
  });
  afterEach(() => s.k.halt());

  /** Restores into a new directory; an error has a code. */
  function attempt(hostile: Uint8Array): string | undefined {
    const at = s.fs.mkdtempSync('/r-');
    try {
      fromSnapshot(s.fs, hostile, at);
      return undefined;
    } catch (e) {
      const { code } = e as { code?: string };
      expect([String(e), typeof code]).toEqual([String(e), 'string']);
      return code;
    } finally {
      s.fs.rmSync(at, { recursive: true });
    }
  }

  test('cut short anywhere, it is no snapshot', () => {
    for (let len = 0; len < bytes.length - 1024; len += 1021) expect(attempt(bytes.subarray(0, len))).toBe('ERR_INVALID_SNAPSHOT');
  });

  test('changed anywhere (seed 12345), it is an error or another tree', () => {
    let seed = 12345;
    const random = (below: number): number => (seed = (seed * 1103515245 + 12345) % 2147483648) % below;
    for (let i = 0; i < 150; i++) {
      const changed = bytes.slice();
      for (let n = random(4); n >= 0; n--) changed[random(Math.min(changed.length, 8192))] = random(256);
      attempt(fixSums(changed));
    }
    expect(s.fs.readdirSync('/')).toEqual(['t']);
  });

  test('nothing is made outside, whatever names and links say', () => {
    s.fs.mkdirSync('/outside');
    const entry = (name: string, type: string, target = ''): Uint8Array => fixSums(header(name, type, target));
    const whole = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat([...parts, Buffer.alloc(1024)]));
    for (const name of ['../outside/f', '/outside/f', 'a/../../outside/f']) expect(attempt(whole(entry(name, '0')))).toBe('ERR_INVALID_SNAPSHOT');
    expect(attempt(whole(entry('out', '2', '/outside'), entry('out/f', '0')))).toBe('ERR_INVALID_SNAPSHOT');
    expect(attempt(whole(entry('in', '1', '../outside')))).toBe('ERR_INVALID_SNAPSHOT');
    expect(attempt(whole(entry('.', '2', '/outside')))).toBe('ERR_INVALID_SNAPSHOT');
    expect(attempt(whole(entry('f', '0'), entry('f', '0')))).toBe('EEXIST');
    expect(s.fs.readdirSync('/outside')).toEqual([]);
    for (const bad of ['text', 5, null, {}]) expect(() => fromSnapshot(s.fs, bad as never)).toThrow(TypeError);
  });
});

function header(name: string, type: string, target: string): Uint8Array {
  const block = new Uint8Array(512);
  const put = (off: number, text: string): void => block.set(Buffer.from(text, 'latin1'), off);
  put(0, name);
  put(100, '0000644 0000000 0000000 00000000000 00000000000 ');
  put(156, type);
  put(157, target);
  put(257, 'ustar\0' + '00');
  return block;
}

/** Headers that were changed have right checksums again, so that more than those is looked at. */
function fixSums(bytes: Uint8Array): Uint8Array {
  for (let off = 0; off + 512 <= bytes.length; off += 512) {
    if (Buffer.from(bytes.subarray(off + 257, off + 262)).toString('latin1') !== 'ustar') continue;
    bytes.fill(32, off + 148, off + 156);
    const total = bytes.subarray(off, off + 512).reduce((a, b) => a + b, 0);
    bytes.set(Buffer.from(`${total.toString(8).padStart(6, '0')}\0 `), off + 148);
  }
  return bytes;
}
