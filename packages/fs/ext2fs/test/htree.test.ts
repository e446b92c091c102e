/** Hash trees: directories get them when they grow past a block, and what they hold is found by everybody. */
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { names } from '@anykernel/conformance-diskfs';
import type { DiskImage } from '@anykernel/host-sim';
import { O_CREAT, O_RDONLY, O_RDWR } from '@anykernel/lib-sys';
import { mustRun, oracle, run, withMount } from '@anykernel/tools-oracle';
import { newfs } from '../src/index.js';
import { errnoOf, fsck, mke2fs, mounted, pattern, withImage } from './kit.js';

/** mke2fs's image, whose trees go by another hash. */
function hashing(image: Uint8Array, alg: string | undefined): Uint8Array {
  if (alg === undefined) return image;
  return withImage(image, (path) => {
    mustRun('tune2fs', ['-E', `hash_alg=${alg}`, path]);
    return new Uint8Array(readFileSync(path));
  });
}

/** What debugfs says of the tree of `/d`: how deep it is, and by which hash; undefined: there is none. */
function treeOf(image: Uint8Array | DiskImage): { levels: number; hash: number } | undefined {
  return withImage(image, (path) => {
    const said = run('debugfs', ['-R', 'htree_dump /d', path]).stdout;
    const levels = /Indirect Levels: (\d+)/i.exec(said);
    const hash = /Hash Version: (\d+)/i.exec(said);
    return levels === null || hash === null ? undefined : { levels: Number(levels[1]), hash: Number(hash[1]) };
  });
}

/** Names of `/d`, each a link to a file; no file has more than 30,000. */
function linkMany(sys: ReturnType<typeof mounted>['sys'], count: number, nameOf: (i: number) => string): void {
  for (let i = 0; i < count; i++) {
    const file = `f${Math.floor(i / 30_000)}`;
    if (i % 30_000 === 0) sys.close(sys.open(file, O_CREAT | O_RDWR, 0o644));
    sys.link(file, `d/${nameOf(i)}`);
  }
}

const short = (i: number): string => `name-${i}`;
const SHAPES: Readonly<Record<string, { readonly args: readonly string[]; readonly count: number; readonly levels: number; readonly hash?: number; readonly alg?: string }>> = {
  'ext3, 1 KiB': { args: ['-t', 'ext3', '-b', '1024'], count: 300, levels: 0 },
  'ext3, 4 KiB': { args: ['-t', 'ext3', '-b', '4096'], count: 1000, levels: 0 },
  'ext4, 1 KiB, two levels': { args: ['-t', 'ext4', '-b', '1024'], count: 8000, levels: 1 },
  'ext4 without checksums, by TEA': { args: ['-t', 'ext4', '-b', '1024', '-O', '^metadata_csum'], count: 300, levels: 0, hash: 2, alg: 'tea' },
  'ext4, by the legacy hash': { args: ['-t', 'ext4', '-b', '1024'], count: 300, levels: 0, hash: 0, alg: 'legacy' },
  'ext4 with inline_data': { args: ['-t', 'ext4', '-b', '1024', '-O', 'inline_data', '-I', '256'], count: 300, levels: 0 },
};

for (const [name, { args, count, levels, hash = 1, alg }] of Object.entries(SHAPES)) {
  oracle('mke2fs', 'e2fsck', 'debugfs', 'loop:ext4').test(`a directory that outgrows its block has a tree, by which the host finds all names: ${name}`, () => {
    const w = mounted(hashing(mke2fs(12_000, args), alg));
    w.sys.mkdir('d', 0o755);
    linkMany(w.sys, count, short);
    const all = Array.from({ length: count }, (_, i) => short(i)).sort();
    expect(names(w.sys, 'd').sort()).toEqual(all);
    for (let i = 0; i < count; i += 9) w.sys.unlink(`d/${short(i)}`);
    const left = all.filter((n) => Number(n.slice(5)) % 9 !== 0);
    w.unmount();
    const image = w.disk.snapshot();
    expect(fsck(image)).toBe('');
    expect(treeOf(image)).toEqual({ levels, hash });
    withImage(image, (path) => withMount(path, 'ext4', (root) => {
      expect(readdirSync(join(root, 'd')).sort()).toEqual(left);
      for (const n of left) expect(statSync(join(root, 'd', n)).size).toBe(0);
    }, ['ro']));
    w.mount();
    for (const n of left) w.sys.stat(`d/${n}`);
    expect(errnoOf(() => w.sys.stat('d/name-0'))).toBe('ENOENT');
    w.k.halt();
  });
}

oracle('mke2fs', 'e2fsck', 'debugfs').test('a tree of two levels is full, which changes nothing; with large_dir it has a third one', () => {
  const w = mounted(mke2fs(40_000, ['-t', 'ext4', '-b', '1024', '-N', '200']));
  const long = (i: number): string => `${i}-`.padEnd(240, 'x');
  w.sys.mkdir('d', 0o755);
  let made = 0;
  expect(errnoOf(() => linkMany(w.sys, 60_000, (i) => long((made = i))))).toBe('ENOSPC');
  w.unmount();
  const full = w.disk.snapshot();
  expect(fsck(full)).toBe('');
  expect(treeOf(full)?.levels).toBe(1);
  w.k.halt();
  const larger = mounted(withImage(full, (path) => {
    mustRun('debugfs', ['-w', '-R', 'feature large_dir', path]);
    return new Uint8Array(readFileSync(path));
  }));
  expect(names(larger.sys, 'd').length).toBe(made);
  for (let i = made; i < made + 1000; i++) larger.sys.link(`d/${long(made - 1)}`, `d/${long(i)}`);
  for (let i = 0; i < made + 1000; i += 100) larger.sys.stat(`d/${long(i)}`);
  larger.unmount();
  expect(fsck(larger.disk.snapshot())).toBe('');
  expect(treeOf(larger.disk.snapshot())?.levels).toBe(2);
  larger.k.halt();
});

oracle('mke2fs', 'debugfs').test('without a journal a directory stays a plain one: its names do not move', () => {
  const w = mounted(mke2fs(8000, ['-t', 'ext2', '-b', '1024', '-O', 'dir_index']));
  w.sys.mkdir('d', 0o755);
  linkMany(w.sys, 300, short);
  w.unmount();
  expect(treeOf(w.disk.snapshot())).toBeUndefined();
  w.k.halt();
});

test('a listing that goes on while its directory gets a tree has what was there once', () => {
  for (const type of ['ext3', 'ext4'] as const) {
    const image = new Uint8Array(4 << 20);
    newfs({ size: image.length, write: (off, data) => image.set(data, off) }, { type, blockSize: 1024, dirIndex: true, zeroed: true, time: 1e9, uuid: pattern(16, 1), hashSeed: pattern(16, 2) });
    const w = mounted(image);
    const { sys } = w;
    sys.mkdir('d', 0o755);
    linkMany(sys, 40, short);
    const fd = sys.open('d', O_RDONLY);
    const seen: string[] = [];
    const buf = new Uint8Array(512);
    for (let n = sys.getdents(fd, buf), more = 0; n > 0; n = sys.getdents(fd, buf)) {
      const view = new DataView(buf.buffer);
      for (let off = 0; off < n; off += view.getUint16(off + 8, true)) seen.push(Buffer.from(buf.subarray(off + 13, off + 13 + view.getUint16(off + 10, true))).toString());
      for (let i = 0; i < 60 && more < 600; i++) sys.link('f0', `d/more-${more++}`);
    }
    sys.close(fd);
    expect(seen.filter((n) => n.startsWith('name-')).sort()).toEqual(Array.from({ length: 40 }, (_, i) => short(i)).sort());
    expect(new Set(seen).size).toBe(seen.length);
    w.k.halt();
  }
});

oracle('mke2fs', 'e2fsck').test('what was removed from a leaf makes room for names of any length there', () => {
  const w = mounted(mke2fs(8000, ['-t', 'ext4', '-b', '1024']));
  const { sys } = w;
  sys.mkdir('d', 0o755);
  linkMany(sys, 2000, short);
  const { size } = sys.stat('d');
  for (let i = 0; i < 2000; i++) sys.unlink(`d/${short(i)}`);
  for (let i = 0; i < 100; i++) sys.link('f0', `d/${'long-'.repeat(20)}${i}`);
  expect(sys.stat('d').size).toBe(size);
  w.unmount();
  expect(fsck(w.disk.snapshot())).toBe('');
  w.k.halt();
});

oracle('mke2fs', 'e2fsck', 'debugfs').test('names in a directory that folds case are found as they are, whatever its tree says', () => {
  const image = withImage(mke2fs(8000, ['-t', 'ext4', '-b', '1024', '-O', 'casefold', '-E', 'encoding=utf8']), (path) => {
    const made = Array.from({ length: 120 }, (_, i) => `write /dev/null d/Name-${i}`);
    mustRun('debugfs', ['-w', path], { input: ['mkdir d', ...made, 'set_inode_field d flags 0x40080000', ''].join('\n') });
    run('e2fsck', ['-fyD', path]);
    return new Uint8Array(readFileSync(path));
  });
  expect(treeOf(image)).toBeDefined();
  const w = mounted(image, {}, 1);
  expect(names(w.sys, 'd').length).toBe(120);
  for (let i = 0; i < 120; i++) expect(w.sys.stat(`d/Name-${i}`).nlink).toBe(1);
  w.k.halt();
});
