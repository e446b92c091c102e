/**
 * The suite for file systems that are only ever read: a tree is made in a folder of the host, somebody else's program makes an image of it, and what is
 * on the image must be what is in the folder. Every call that changes something is refused with EROFS. NetBSD t_ro.
 */
import { chmodSync, linkSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Dirent, MNT_RDONLY, O_CREAT, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY, S_IFCHR, S_IFMT, type Stat, makedev, parseDirents } from '@anykernel/lib-sys';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { bytes, codeOf, fails, pattern, readAll } from './context.js';
import type { Actor, SuiteSys } from './subject.js';

/** A mounted image. */
export interface ReadonlySubject {
  /** Where the tree is, an absolute path. */
  readonly dir: string;
  process(actor: Actor): SuiteSys;
  dispose(): void;
}

/** What an image of the tree may be without. */
export type ReadonlyLack = 'symlinks' | 'hardlinks' | 'modes' | 'case';

export interface ReadonlySuite {
  readonly name: string;
  readonly lacks?: readonly ReadonlyLack[];
  /** Makes an image of the folder and mounts it. */
  make(folder: string): ReadonlySubject;
}

const ROOT: Actor = { uid: 0, gid: 0 };
const MTIME = 1_234_567_890;

/** The tree: names of several kinds, sizes round those of blocks, many files in one directory. */
function plant(folder: string, lacks: ReadonlySet<ReadonlyLack>): void {
  const put = (path: string, data: string | Uint8Array, mode = 0o644): void => {
    writeFileSync(join(folder, path), data);
    chmodSync(join(folder, path), mode);
  };
  chmodSync(folder, 0o755);
  for (const dir of ['empty', 'many', 'deep', 'deep/er', 'deep/er/still']) mkdirSync(join(folder, dir));
  put('text', 'some text\n');
  put('none', '');
  for (const size of [1, 2047, 2048, 2049, 4096, 100_000]) put(`bytes${size}`, pattern(size, size));
  for (let i = 0; i < 300; i++) put(`many/file${i}`, `${i}`);
  put('deep/er/still/bottom', 'bottom');
  if (!lacks.has('case')) put('A name of Many Letters, and blanks.Text', 'long');
  if (!lacks.has('modes')) {
    put('secret', 'secret', 0o600);
    put('program', 'program', 0o755);
  }
  if (!lacks.has('symlinks')) {
    symlinkSync('text', join(folder, 'link'));
    symlinkSync('../deep/er', join(folder, 'deep/up'));
    symlinkSync('nowhere', join(folder, 'dangling'));
  }
  if (!lacks.has('hardlinks')) linkSync(join(folder, 'text'), join(folder, 'deep/text2'));
  for (const path of ['text', 'bytes2048']) utimesSync(join(folder, path), MTIME, MTIME);
}

/** Declares the suite's tests for one kind of image. */
export function readonlyConformance(suite: ReadonlySuite): void {
  const lacks: ReadonlySet<ReadonlyLack> = new Set(suite.lacks ?? []);
  describe(`${suite.name}: conformance, read-only`, () => {
    let folder = '';
    let subject: ReadonlySubject | undefined;
    let sys: SuiteSys;
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'anykernel-readonly-'));
      plant(folder, lacks);
      subject = suite.make(folder);
      sys = subject.process(ROOT);
      sys.chdir(subject.dir);
    });
    afterAll(() => {
      subject?.dispose();
      rmSync(folder, { recursive: true, force: true });
    });
    reading(() => ({ folder, sys, lacks, as: (actor) => as(subject as ReadonlySubject, actor) }));
    refusing(() => sys);
  });
}

function as(subject: ReadonlySubject, actor: Actor): SuiteSys {
  const sys = subject.process(actor);
  sys.chdir(subject.dir);
  return sys;
}

interface World {
  readonly folder: string;
  readonly sys: SuiteSys;
  readonly lacks: ReadonlySet<ReadonlyLack>;
  as(actor: Actor): SuiteSys;
}

function entries(sys: SuiteSys, path: string, bufLen: number): Dirent[] {
  const fd = sys.open(path, O_RDONLY);
  const all: Dirent[] = [];
  const buf = new Uint8Array(bufLen);
  for (let n = sys.getdents(fd, buf); n > 0; n = sys.getdents(fd, buf)) all.push(...parseDirents(buf.slice(), n));
  sys.close(fd);
  return all;
}

function names(sys: SuiteSys, path: string, bufLen = 4096): string[] {
  return entries(sys, path, bufLen).map((e) => e.name).filter((name) => name !== '.' && name !== '..').sort();
}

function whole(sys: SuiteSys, path: string): Uint8Array {
  const fd = sys.open(path, O_RDONLY);
  const data = readAll(sys, fd);
  sys.close(fd);
  return data;
}

/** Everything of the folder, on the image: kind, length, bytes, mode, target, time. */
function compare(w: World, path: string): void {
  const { folder, sys } = w;
  expect([path, names(sys, path === '' ? '.' : path)]).toEqual([path, readdirSync(join(folder, path)).sort()]);
  for (const name of readdirSync(join(folder, path))) {
    const at = path === '' ? name : `${path}/${name}`;
    const want = lstatSync(join(folder, at));
    const st = { ...sys.lstat(at) } as Stat;
    expect([at, st.mode & S_IFMT]).toEqual([at, want.mode & S_IFMT]);
    if (!w.lacks.has('modes') && !want.isSymbolicLink()) expect([at, st.mode & 0o7777]).toEqual([at, want.mode & 0o7777]);
    if (want.isFile()) {
      expect([at, st.size]).toEqual([at, want.size]);
      expect([at, Buffer.compare(whole(sys, at), readFileSync(join(folder, at)))]).toEqual([at, 0]);
      expect([at, st.mtime]).toEqual([at, Math.floor(want.mtimeMs / 1000)]);
    } else if (want.isSymbolicLink()) {
      const buf = new Uint8Array(1024);
      expect([at, String.fromCharCode(...buf.subarray(0, sys.readlink(at, buf)))]).toEqual([at, readlinkSync(join(folder, at))]);
    } else compare(w, at);
  }
}

function reading(world: () => World): void {
  test('what is on the image is what is in the folder', () => compare(world(), ''));

  test('parts of a file, from anywhere, and nothing behind its end', () => {
    const { sys } = world();
    const fd = sys.open('bytes100000', O_RDONLY);
    const want = pattern(100_000, 100_000);
    for (const [off, len] of [[0, 1], [2047, 2], [65_535, 3], [99_990, 100], [40_000, 50_000]] as const) {
      const buf = new Uint8Array(len);
      const n = sys.pread(fd, buf, off);
      expect(n).toBe(Math.min(len, 100_000 - off));
      expect(Buffer.compare(buf.subarray(0, n), want.subarray(off, off + n))).toBe(0);
    }
    expect(sys.pread(fd, new Uint8Array(10), 100_000)).toBe(0);
    sys.close(fd);
    const none = sys.open('none', O_RDONLY);
    expect(sys.read(none, new Uint8Array(10))).toBe(0);
    sys.close(none);
  });

  test('names that are not there, and paths through files', () => {
    const { sys } = world();
    fails(() => sys.stat('missing'), 'ENOENT');
    fails(() => sys.stat('missing/x'), 'ENOENT');
    fails(() => sys.stat('text/x'), 'ENOTDIR');
    fails(() => sys.stat('n'.repeat(256)), 'ENAMETOOLONG');
    fails(() => sys.open('text/', O_RDONLY), 'ENOTDIR');
    expect(sys.stat('deep/er/../er/still/./bottom').ino).toBe(sys.stat('deep/er/still/bottom').ino);
  });

  listing(world);
  attributes(world);
}

function listing(world: () => World): void {
  test('a directory is listed through a small buffer, each name once, with the numbers and types of the files', () => {
    const { sys } = world();
    const all = entries(sys, 'many', 128);
    expect(all.length).toBe(302);
    expect(new Set(all.map((e) => e.name)).size).toBe(302);
    for (const e of all) expect([e.name, e.ino]).toEqual([e.name, sys.lstat(`many/${e.name}`).ino]);
    expect(all.find((e) => e.name === '..')?.ino).toBe(sys.stat('.').ino);
    expect(names(sys, 'empty')).toEqual([]);
  });

  test('a place in a directory can be gone back to', () => {
    const { sys } = world();
    const fd = sys.open('many', O_RDONLY);
    const buf = new Uint8Array(256);
    sys.getdents(fd, buf);
    const place = sys.lseek(fd, 0, 1);
    const next = parseDirents(buf, sys.getdents(fd, buf)).map((e) => e.name);
    sys.getdents(fd, buf);
    sys.lseek(fd, place, 0);
    expect(parseDirents(buf, sys.getdents(fd, buf)).map((e) => e.name)).toEqual(next);
    sys.lseek(fd, 0, 0);
    expect(parseDirents(buf, sys.getdents(fd, buf))[0]?.name).toBe('.');
    sys.close(fd);
  });
}

function attributes(world: () => World): void {
  test('files have numbers of their own, names of one file the same', () => {
    const { sys, lacks } = world();
    const inos = new Set(names(sys, 'many').map((name) => sys.stat(`many/${name}`).ino));
    expect(inos.size).toBe(300);
    if (lacks.has('hardlinks')) return;
    expect(sys.stat('deep/text2').ino).toBe(sys.stat('text').ino);
    expect(sys.stat('text').nlink).toBe(2);
  });

  test('symbolic links are followed', () => {
    const { sys, lacks } = world();
    if (lacks.has('symlinks')) return;
    expect(sys.stat('link').ino).toBe(sys.stat('text').ino);
    expect(sys.stat('deep/up/still/bottom').size).toBe(6);
    fails(() => sys.stat('dangling'), 'ENOENT');
    fails(() => sys.readlink('text', new Uint8Array(10)), 'EINVAL');
  });

  test('permissions hold', () => {
    const w = world();
    const user = w.as({ uid: 1000, gid: 1000 });
    user.close(user.open('text', O_RDONLY));
    if (w.lacks.has('modes')) return;
    fails(() => user.open('secret', O_RDONLY), 'EACCES');
    w.sys.close(w.sys.open('secret', O_RDONLY));
    user.access('program', 1);
    fails(() => user.access('text', 1), 'EACCES');
  });
}

const TIME = { sec: MTIME, nsec: 0 };

/** Calls that change something, by name. */
const CHANGES: Readonly<Record<string, (sys: SuiteSys) => unknown>> = {
  'open to write': (sys) => sys.open('text', O_WRONLY),
  'open to read and write': (sys) => sys.open('text', O_RDWR),
  'open and empty': (sys) => sys.open('text', O_WRONLY | O_TRUNC),
  'make a file': (sys) => sys.open('new', O_WRONLY | O_CREAT, 0o644),
  truncate: (sys) => sys.truncate('text', 0),
  unlink: (sys) => sys.unlink('text'),
  rmdir: (sys) => sys.rmdir('empty'),
  mkdir: (sys) => sys.mkdir('new', 0o755),
  mkfifo: (sys) => sys.mkfifo('new', 0o644),
  mknod: (sys) => sys.mknod('new', S_IFCHR | 0o644, makedev(1, 1)),
  symlink: (sys) => sys.symlink('x', 'new'),
  link: (sys) => sys.link('text', 'new'),
  rename: (sys) => sys.rename('text', 'new'),
  chmod: (sys) => sys.chmod('text', 0o600),
  chown: (sys) => sys.chown('text', 1, 1),
  'set times': (sys) => sys.utimensat(-100, 'text', [TIME, TIME]),
  'ask to write': (sys) => sys.access('text', 2),
};

function refusing(system: () => SuiteSys): void {
  test.each(Object.entries(CHANGES))('%s: EROFS', (_what, change) => {
    const sys = system();
    fails(() => change(sys), 'EROFS');
    expect(codeOf(() => sys.lstat('new'))).toBe('ENOENT');
    expect(sys.stat('text').size).toBe(10);
  });

  test('the mount says that it is read-only', () => {
    expect(system().statvfs1('.', 1).flag & MNT_RDONLY).toBe(MNT_RDONLY);
    system().sync();
    expect(codeOf(() => system().setxattr('text', 'user.a', bytes('1'), 0))).toMatch(/EROFS|EOPNOTSUPP/);
  });
}
