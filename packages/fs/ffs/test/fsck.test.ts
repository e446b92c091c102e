/** The checker: each kind of damage, what is said of it, and what is left after the repair. */
import { beforeEach, describe, expect, test } from '@jest/globals';
import { O_CREAT, O_RDWR } from '@anykernel/lib-sys';
import { DINODE1, DINODE2, direntIno, direntReclen, emitDirent, inodeOffset, putDirentIno, set64 } from '@anykernel/ufs';
import { type FsckReport, fsck } from '../src/index.js';
import { CG_CS, CG_FRSUM, CG_NCLUSTERBLKS, FS_CSTOTAL, FS_SBLKNO } from '../src/ondisk.js';
import { type World, check, errnoOf, ioOf, made, mounted, pattern } from './kit.js';
import { names, readFile } from '@anykernel/conformance-diskfs';

const KINDS = [
  ['UFS1, big-endian', { version: 1, byteOrder: 'big', blockSize: 8192, fragSize: 1024, inodes: 900 }],
  ['UFS2', { blockSize: 4096, fragSize: 512, inodes: 900 }],
] as const;

describe.each(KINDS)('%s', (_name, options) => {
  const le = !('byteOrder' in options);
  const lay = 'version' in options ? DINODE1 : DINODE2;
  const { fragSize } = options;
  let image: Uint8Array;
  let view: DataView;
  let ino: (path: string) => number;
  /** Bytes: where a file's inode is, and its first block. */
  let at: (path: string) => number;
  let block: (path: string) => number;
  let cg: number;
  let loc: number;
  let csaddr: number;

  beforeEach(() => {
    const w = mounted(made(2400, options));
    const { sys } = w;
    const put = (path: string, len: number): void => {
      const fd = sys.open(path, O_CREAT | O_RDWR, 0o644);
      sys.write(fd, pattern(len, len));
      sys.close(fd);
    };
    for (const dir of ['d', 'd/sub', 'd/sub/deep', 'e', 'e/inner']) sys.mkdir(dir, 0o755);
    for (const path of ['f', 'd/f', 'd/sub/deep/f', 'e/inner/f']) put(path, 5000);
    put('large', 200_000);
    put('twin', 8000);
    sys.link('f', 'd/link');
    sys.sync();
    const inos = new Map<string, number>();
    for (const path of ['.', 'd', 'd/sub', 'd/sub/deep', 'e', 'e/inner', 'f', 'd/f', 'large', 'twin']) inos.set(path, sys.stat(path).ino);
    const fs = w.fs();
    const places = new Map([...inos].map(([path, n]) => [path, fs.inodeFrag(n) * fs.fsize + inodeOffset(fs, n)]));
    cg = fs.info.cblkno * fs.fsize;
    loc = fs.info.loc;
    csaddr = fs.info.csaddr * fs.fsize;
    w.k.halt();
    image = w.bytes();
    view = new DataView(image.buffer);
    const known = <T>(v: T | undefined): T => {
      if (v === undefined) throw new Error('not there');
      return v;
    };
    ino = (path) => known(inos.get(path));
    at = (path) => known(places.get(path));
    block = (path) => ptr(path, 0) * fragSize;
  });

  function ptr(path: string, i: number): number {
    return lay.wide ? view.getUint32(at(path) + lay.db + 8 * i + (le ? 0 : 4), le) : view.getUint32(at(path) + lay.db + 4 * i, le);
  }
  function setPtr(path: string, i: number, addr: number): void {
    if (lay.wide) set64(view, at(path) + lay.db + 8 * i, addr, le);
    else view.setUint32(at(path) + lay.db + 4 * i, addr, le);
  }

  /** Where the entry of a directory's first block that names `child` is. */
  function entry(dir: string, child: number): number {
    for (let off = block(dir); ; off += direntReclen(image, off, le)) if (direntIno(image, off, le) === child) return off;
  }

  /** A check writes nothing and says the same as the repair, after which there is nothing to say. */
  function repair(): FsckReport {
    const before = image.slice();
    const found = fsck(ioOf(image), { time: 7 });
    expect(Buffer.compare(before, image)).toBe(0);
    expect(found.clean).toBe(false);
    const report = fsck(ioOf(image), { time: 7, repair: true });
    expect(report.problems).toEqual(found.problems);
    expect(report.clean).toBe(true);
    expect(check(image)).toBe('');
    return report;
  }

  function after(body: (w: World) => void): void {
    const w = mounted(image);
    body(w);
    expect(w.k.msgbuf.text()).not.toMatch(/ffs:/);
    w.k.halt();
    expect(check(w.bytes())).toBe('');
  }

  const said = (r: FsckReport): string => r.problems.map((p) => p.text).join('\n');
  const lostName = (n: number): string => `lost+found/#${String(n).padStart(8, '0')}`;

  test('a file without a name goes to lost+found, which is made', () => {
    putDirentIno(image, entry('d', ino('d/f')), 0, le);
    expect(said(repair())).toMatch(/lost\+found is not there: made\ninode \d+ has no name: it is in lost\+found now/);
    after((w) => {
      expect(names(w.sys, '.')).toContain('lost+found');
      expect(Buffer.compare(readFile(w.sys, lostName(ino('d/f'))), pattern(5000, 5000))).toBe(0);
    });
  });

  test('a directory that nobody names goes there with all that is in it', () => {
    putDirentIno(image, entry('d', ino('d/sub')), 0, le);
    expect(said(repair())).toMatch(/directory \d+ is not in any other/);
    after((w) => {
      expect(Buffer.compare(readFile(w.sys, `${lostName(ino('d/sub'))}/deep/f`), pattern(5000, 5000))).toBe(0);
      expect(w.sys.stat(`${lostName(ino('d/sub'))}/..`).ino).toBe(w.sys.stat('lost+found').ino);
      expect(w.sys.stat('d').nlink).toBe(2);
    });
  });

  test('directories in a circle come out of it', () => {
    // d is in deep, and no longer in the root.
    putDirentIno(image, entry('.', ino('d')), 0, le);
    const off = entry('d/sub/deep', direntIno(image, entry('d/sub/deep', ino('d/sub/deep')), le));
    const last = off + 24;
    emitDirent(image, last, { le, typed: true }, ino('d'), direntReclen(image, last, le), 0o040000, 'd');
    repair();
    after((w) => {
      expect(names(w.sys, 'lost+found').length).toBeGreaterThan(0);
      expect(names(w.sys, '.')).toContain('e');
    });
  });

  test('hundreds of lost files make lost+found grow', () => {
    const w = mounted(image);
    w.sys.mkdir('many', 0o755);
    for (let i = 0; i < 450; i++) {
      const fd = w.sys.open(`many/${i}`, O_CREAT | O_RDWR, 0o644);
      w.sys.write(fd, pattern(10, i));
      w.sys.close(fd);
    }
    w.sys.sync();
    const many = w.fs().inodeFrag(w.sys.stat('many').ino) * fragSize + inodeOffset(w.fs(), w.sys.stat('many').ino);
    w.k.halt();
    image = w.bytes();
    view = new DataView(image.buffer);
    image.fill(0, many, many + lay.len);
    repair();
    after((x) => {
      expect(names(x.sys, 'lost+found').filter((n) => n.startsWith('#')).length).toBe(450);
      expect(names(x.sys, '.')).not.toContain('many');
    });
  });

  test('of two files with one block the first keeps it, and the other has a hole', () => {
    setPtr('twin', 0, ptr('large', 0));
    expect(said(repair())).toMatch(/for block 0, is in use already: a hole now/);
    after((w) => {
      expect(Buffer.compare(readFile(w.sys, 'large'), pattern(200_000, 200_000))).toBe(0);
      expect(w.sys.stat('twin').size === 8000 || w.sys.stat('twin').size === 0).toBe(true);
    });
  });

  test('a file whose pointers are all wrong is cleared', () => {
    for (let i = 0; i < 12; i++) setPtr('large', i, 0x3fffffff + i);
    expect(said(repair())).toMatch(/has \d+ pointers to blocks that it cannot have: cleared/);
    after((w) => expect(errnoOf(() => w.sys.stat('large'))).toBe('ENOENT'));
  });

  test('counts: links, sectors, free blocks, runs, totals', () => {
    view.setInt16(at('f') + 2, 9, le);
    view.setUint32(at('d/f') + lay.blocks + (lay.wide && !le ? 4 : 0), 999, le);
    view.setInt32(cg + CG_CS + 4, 1, le);
    view.setInt32(cg + CG_FRSUM + 4, 77, le);
    view.setInt32(cg + CG_NCLUSTERBLKS, 1, le);
    view.setInt32(csaddr + 8, 3, le);
    set64(view, loc + FS_CSTOTAL + 8, 12345, le);
    const text = said(repair());
    for (const says of [/counts 9 links, and has 2/, /counts 999 sectors, and has/, /its head is wrong/, /maps and sums/, /table of groups/, /totals in the superblock/]) expect(text).toMatch(says);
    after((w) => expect(w.sys.stat('f').nlink).toBe(2));
  });

  test('entries: what is dropped, what is corrected', () => {
    putDirentIno(image, entry('e', ino('e/inner')), 12_345_678, le);
    image[entry('.', ino('f')) + 6] = 4;
    putDirentIno(image, block('d') + 12, ino('e'), le);
    const text = said(repair());
    for (const says of [/makes no sense: dropped/, /has the type 4: corrected to 8/, /its \.\. is \d+: corrected to 2/]) expect(text).toMatch(says);
    after((w) => {
      expect(names(w.sys, 'e')).toEqual([]);
      expect(Buffer.compare(readFile(w.sys, `${lostName(ino('e/inner'))}/f`), pattern(5000, 5000))).toBe(0);
    });
  });

  test('an inode of no type, one that is free and not empty, a directory without its first block', () => {
    view.setUint16(at('f'), 0o030644, le);
    view.setUint16(at('twin'), 0, le);
    setPtr('e/inner', 0, 0);
    const text = said(repair());
    for (const says of [/has the type 030000: cleared/, /is free, and not empty: cleared/, /has lost its first block: cleared/]) expect(text).toMatch(says);
    after((w) => expect(names(w.sys, '.').sort()).toEqual(['d', 'e', 'large', 'lost+found']));
  });

  test('a root that is none is made anew, and all else is found', () => {
    image.fill(0, at('.'), at('.') + lay.len);
    expect(said(repair())).toMatch(/there is no root: made/);
    after((w) => {
      expect(names(w.sys, '.')).toEqual(['lost+found']);
      expect(Buffer.compare(readFile(w.sys, `${lostName(ino('d'))}/sub/deep/f`), pattern(5000, 5000))).toBe(0);
    });
  });

  test('a superblock and the groups that are zeros', () => {
    const sblkno = view.getInt32(loc + FS_SBLKNO, le) * fragSize;
    image.fill(0, loc, loc + 1376);
    image.fill(0, cg, cg + 4096);
    expect(image[sblkno + 209]).toBe(1);
    expect(said(repair())).toMatch(/the superblock is spoiled: restored from the copy/);
    after((w) => expect(Buffer.compare(readFile(w.sys, 'd/sub/deep/f'), pattern(5000, 5000))).toBe(0));
  });
});
