/** Other people's readers on images that we wrote, and their images in ours. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect } from '@jest/globals';
import { O_CREAT, O_RDWR } from '@anykernel/lib-sys';
import { mustRun, oracle } from '@anykernel/tools-oracle';
import { type NewfsOptions, newfs } from '../src/index.js';
import { CG_FREEOFF, CG_IROTOR, CG_TIME, FS_CSTOTAL, FS_FSMNT, FS_ID, FS_IPG, FS_OLD_CSTOTAL, FS_OLD_TIME, FS_SBLKNO, FS_TIME, FS_VOLNAME, SB_LEN } from '../src/ondisk.js';
import { type World, check, made, makefs, mounted, pattern, withFolder, withImage } from './kit.js';
import { readFile } from '@anykernel/conformance-diskfs';

/** Files of every kind of length. */
const LENGTHS = [0, 1, 511, 513, 4096, 5000, 49_153, 120_000, 1_200_000];

function fill(w: World): void {
  const { sys } = w;
  sys.mkdir('d', 0o755);
  for (const len of LENGTHS) {
    const fd = sys.open(`d/f${len}`, O_CREAT | O_RDWR, 0o644);
    for (let off = 0; off < len; off += 3000) sys.pwrite(fd, pattern(Math.min(3000, len - off), off), off);
    sys.close(fd);
  }
  const fd = sys.open('sparse', O_CREAT | O_RDWR, 0o644);
  sys.pwrite(fd, pattern(2000, 1), 1_500_000);
  sys.close(fd);
  sys.symlink('d/f5000', 'fast');
  sys.symlink(`d/${'x/../'.repeat(60)}f5000`, 'slow');
  for (let i = 0; i < 100; i++) sys.link('d/f1', `d/name-${i}`);
}

const KINDS: readonly (readonly [string, Partial<NewfsOptions>])[] = [
  ['UFS1', { version: 1 }],
  ['UFS1, big-endian', { version: 1, byteOrder: 'big', blockSize: 16384 }],
  ['UFS2', {}],
];

describe.each(KINDS)('what we wrote: %s', (_name, options) => {
  oracle('grub-fstest').test('GRUB reads every byte', () => {
    const w = mounted(made(6000, options));
    fill(w);
    // GRUB takes the pointers in indirect blocks to be little-endian, also those of makefs's images.
    const most = options.byteOrder === 'big' ? 12 * 16384 : Infinity;
    const long = most === Infinity ? ['sparse'] : [];
    const contents = [...long, ...LENGTHS.filter((n) => n > 0 && n < most).map((n) => `d/f${n}`)].map((path) => [path, readFile(w.sys, path)] as const);
    w.k.halt();
    withImage(w.bytes(), (image) => {
      withFolder((folder) => {
        for (const [path, data] of contents) {
          writeFileSync(`${folder}/want`, data);
          mustRun('grub-fstest', [image, 'cmp', `(loop0)/${path}`, `${folder}/want`]);
        }
      });
      expect(mustRun('grub-fstest', [image, 'ls', '(loop0)/d/']).split(/\s+/).filter((n) => n !== '').length).toBe(LENGTHS.length + 100);
    });
  });

  oracle('fls', 'icat').test('The Sleuth Kit lists every name and reads every byte', () => {
    const w = mounted(made(6000, options));
    fill(w);
    const at = LENGTHS.map((n) => [w.sys.stat(`d/f${n}`).ino, readFile(w.sys, `d/f${n}`)] as const);
    w.k.halt();
    withImage(w.bytes(), (image) => {
      const names = mustRun('fls', ['-f', 'ufs', '-r', '-p', '-u', image]);
      for (const len of LENGTHS) expect(names).toContain(`d/f${len}\n`);
      for (const [ino, data] of at) {
        withFolder((folder) => {
          mustRun('sh', ['-c', `icat -f ufs "$0" ${ino} > "$1"`, image, `${folder}/got`]);
          expect(readFileSync(`${folder}/got`).equals(data)).toBe(true);
        });
      }
    });
  });
});

describe('what makefs wrote', () => {
  const tree = (folder: string): void => {
    mkdirSync(`${folder}/d/e`, { recursive: true });
    for (const len of LENGTHS) writeFileSync(`${folder}/d/f${len}`, pattern(len, len));
    for (let i = 0; i < 60; i++) writeFileSync(`${folder}/d/e/a name of some length ${i}`, `${i}`);
    symlinkSync('d/f1', `${folder}/fast`);
    symlinkSync('x'.repeat(200), `${folder}/slow`);
  };
  for (const [order, version] of [['le', 1], ['be', 1], ['le', 2], ['be', 2]] as const) oracle('makefs').test(`we read it, and the checker has nothing to say: ${order}, UFS${version}`, () => {
    const image = makefs(5000, ['-B', order, '-o', `version=${version},bsize=8192,fsize=1024`, '-f', '20'], tree);
    expect(check(image)).toBe('');
    const w = mounted(image, {}, 1);
    for (const len of LENGTHS) expect(Buffer.compare(readFile(w.sys, `d/f${len}`), pattern(len, len))).toBe(0);
    for (let i = 0; i < 60; i++) expect(String.fromCharCode(...readFile(w.sys, `d/e/a name of some length ${i}`))).toBe(`${i}`);
    const target = new Uint8Array(300);
    expect(w.sys.readlink('slow', target)).toBe(200);
    expect(w.sys.statvfs1('.', 0).bsize).toBe(8192);
    w.k.halt();
  });
});

describe('newfs and makefs lay the same file system out in the same way', () => {
  for (const [order, version] of [['le', 1], ['be', 1]] as const) oracle('makefs').test(`${order}, UFS${version}`, () => {
    const theirs = makefs(4096, ['-B', order, '-o', `version=${version},bsize=8192,fsize=1024`]);
    const view = new DataView(theirs.buffer);
    const le = order === 'le';
    const inodes = view.getInt32(8192 + FS_IPG, le);
    const ours = new Uint8Array(theirs.length);
    newfs({ size: ours.length, write: (off, data) => ours.set(data, off) }, { time: 1, id: 2, version, byteOrder: le ? 'little' : 'big', blockSize: 8192, fragSize: 1024, inodes, zeroed: true });
    const free: readonly (readonly [number, number])[] = [[FS_OLD_TIME, 4], [FS_ID, 8], [FS_OLD_CSTOTAL, 16], [FS_FSMNT, 468], [FS_VOLNAME, 32], [728, 128], [FS_CSTOTAL, 64], [FS_TIME, 8]];
    const superOf = (b: Uint8Array): number[] => {
      const sb = b.slice(8192, 8192 + SB_LEN);
      for (const [off, len] of free) sb.fill(0, off, off + len);
      return [...sb];
    };
    expect(superOf(ours)).toEqual(superOf(theirs));
    const cgOf = (b: Uint8Array): number[] => {
      const cg = (view.getInt32(8192 + FS_SBLKNO + 4, le) * 1024);
      const v = new DataView(b.buffer, cg, 168);
      return Array.from({ length: (CG_TIME - CG_FREEOFF) / 4 }, (_x, i) => v.getInt32(CG_FREEOFF + 4 * i, le)).concat(v.getInt32(CG_IROTOR, le));
    };
    expect(cgOf(ours)).toEqual(cgOf(theirs));
  });
});
