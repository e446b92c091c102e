/**
 * What a file system has to do, seen through `fs`: each check makes files in a directory of its own and throws if something is not as POSIX has it, and
 * Linux. All are made as the superuser with a umask of 022.
 */
import { ok, strictEqual } from 'node:assert';
import type nodeFs from 'node:fs';

export type Fs = typeof nodeFs;
export type Check = (fs: Fs, d: string) => void;

/** The code that a call fails with. */
function fails(codes: string | readonly string[], call: () => unknown): void {
  let code = 'nothing';
  try {
    call();
  } catch (e) {
    code = String((e as { code?: string }).code ?? e);
  }
  ok([codes].flat().includes(code), `${code} in the place of ${String(codes)}`);
}

/** Compared by what they contain: results may be of another realm. */
function same(is: unknown, should: unknown): void {
  strictEqual(JSON.stringify(is), JSON.stringify(should));
}

function text(fs: Fs, path: string): string {
  return String(fs.readFileSync(path));
}

function bytes(fs: Fs, fd: number, len: number, at: number): string {
  const buf = Buffer.alloc(len);
  return buf.toString('latin1', 0, fs.readSync(fd, buf, 0, len, at));
}

const O = { EXCL: 0o200, CREAT: 0o100, WRONLY: 1, RDONLY: 0, NOFOLLOW: 0o400000, DIRECTORY: 0o200000 };

export const CHECKS: Readonly<Record<string, Check>> = {
  'a file that was unlinked while open can be read and written'(fs, d) {
    const fd = fs.openSync(`${d}/f`, 'w+');
    fs.writeSync(fd, 'kept');
    fs.unlinkSync(`${d}/f`);
    fs.writeSync(fd, '!');
    strictEqual(bytes(fs, fd, 9, 0), 'kept!');
    strictEqual(fs.fstatSync(fd).nlink, 0);
    fs.closeSync(fd);
  },
  'a descriptor for reading is not written through: EBADF'(fs, d) {
    fs.writeFileSync(`${d}/f`, 'x');
    const fd = fs.openSync(`${d}/f`, 'r');
    fails('EBADF', () => fs.writeSync(fd, 'y'));
    fs.closeSync(fd);
  },
  'a descriptor for writing is not read from: EBADF'(fs, d) {
    const fd = fs.openSync(`${d}/f`, 'w');
    fails('EBADF', () => fs.readSync(fd, Buffer.alloc(1), 0, 1, 0));
    fs.closeSync(fd);
  },
  'descriptors have positions of their own'(fs, d) {
    fs.writeFileSync(`${d}/f`, 'abc');
    const [a, b] = [fs.openSync(`${d}/f`, 'r'), fs.openSync(`${d}/f`, 'r')];
    const read = (fd: number): string => {
      const buf = Buffer.alloc(1);
      fs.readSync(fd, buf, 0, 1, null);
      return String(buf);
    };
    same([read(a), read(a), read(b)], ['a', 'b', 'a']);
    fs.closeSync(a);
    fs.closeSync(b);
  },
  'a closed descriptor is none: EBADF'(fs, d) {
    const fd = fs.openSync(`${d}/f`, 'w');
    fs.closeSync(fd);
    fails('EBADF', () => fs.closeSync(fd));
  },
  'O_APPEND writes at the end, wherever it is told to'(fs, d) {
    fs.writeFileSync(`${d}/f`, 'abc');
    const fd = fs.openSync(`${d}/f`, 'a');
    fs.writeFileSync(`${d}/f`, 'abcdef');
    fs.writeSync(fd, '!');
    fs.closeSync(fd);
    strictEqual(text(fs, `${d}/f`), 'abcdef!');
  },
  'O_EXCL does not make a file through a dangling link: EEXIST'(fs, d) {
    fs.symlinkSync('target', `${d}/l`);
    fails('EEXIST', () => fs.openSync(`${d}/l`, O.CREAT | O.EXCL | O.WRONLY));
    strictEqual(fs.existsSync(`${d}/target`), false);
  },
  'O_CREAT makes a file through a dangling link'(fs, d) {
    fs.symlinkSync('target', `${d}/l`);
    fs.writeFileSync(`${d}/l`, 'x');
    strictEqual(text(fs, `${d}/target`), 'x');
  },
  'O_NOFOLLOW does not open a link: ELOOP'(fs, d) {
    fs.writeFileSync(`${d}/f`, '');
    fs.symlinkSync('f', `${d}/l`);
    fails('ELOOP', () => fs.openSync(`${d}/l`, O.RDONLY | O.NOFOLLOW));
  },
  'O_DIRECTORY opens no file: ENOTDIR'(fs, d) {
    fs.writeFileSync(`${d}/f`, '');
    fails('ENOTDIR', () => fs.openSync(`${d}/f`, O.RDONLY | O.DIRECTORY));
  },
  'a directory is not opened for writing: EISDIR'(fs, d) {
    fails('EISDIR', () => fs.openSync(d, 'w'));
    fails('EISDIR', () => fs.openSync(d, 'r+'));
  },
  'a directory is not read as a file: EISDIR'(fs, d) {
    fails('EISDIR', () => fs.readFileSync(d));
  },
  'a directory is not moved into itself: EINVAL'(fs, d) {
    fs.mkdirSync(`${d}/a/b`, { recursive: true });
    fails('EINVAL', () => fs.renameSync(`${d}/a`, `${d}/a/b/c`));
    ok(fs.statSync(`${d}/a/b`).isDirectory());
  },
  'a file does not replace a directory: EISDIR'(fs, d) {
    fs.mkdirSync(`${d}/a`);
    fs.writeFileSync(`${d}/f`, '');
    fails('EISDIR', () => fs.renameSync(`${d}/f`, `${d}/a`));
  },
  'a directory does not replace a file: ENOTDIR'(fs, d) {
    fs.mkdirSync(`${d}/a`);
    fs.writeFileSync(`${d}/f`, '');
    fails('ENOTDIR', () => fs.renameSync(`${d}/a`, `${d}/f`));
  },
  'a directory does not replace one with something in it: ENOTEMPTY'(fs, d) {
    fs.mkdirSync(`${d}/a`);
    fs.mkdirSync(`${d}/b/c`, { recursive: true });
    fails(['ENOTEMPTY', 'EEXIST'], () => fs.renameSync(`${d}/a`, `${d}/b`));
  },
  'a directory replaces an empty one'(fs, d) {
    fs.mkdirSync(`${d}/a/in`, { recursive: true });
    fs.mkdirSync(`${d}/b`);
    fs.renameSync(`${d}/a`, `${d}/b`);
    same([fs.readdirSync(d), fs.readdirSync(`${d}/b`)], [['b'], ['in']]);
  },
  'a file that was replaced is still there for who has it open'(fs, d) {
    fs.writeFileSync(`${d}/old`, 'old');
    fs.writeFileSync(`${d}/new`, 'new');
    const fd = fs.openSync(`${d}/old`, 'r');
    fs.renameSync(`${d}/new`, `${d}/old`);
    same([bytes(fs, fd, 3, 0), text(fs, `${d}/old`)], ['old', 'new']);
    fs.closeSync(fd);
  },
  'a name moved onto another of the same file: both stay'(fs, d) {
    fs.writeFileSync(`${d}/a`, 'x');
    fs.linkSync(`${d}/a`, `${d}/b`);
    fs.renameSync(`${d}/a`, `${d}/b`);
    same(fs.readdirSync(d).sort(), ['a', 'b']);
  },
  'two links are one file'(fs, d) {
    fs.writeFileSync(`${d}/a`, 'x');
    fs.linkSync(`${d}/a`, `${d}/b`);
    fs.appendFileSync(`${d}/b`, 'y');
    const [a, b] = [fs.statSync(`${d}/a`), fs.statSync(`${d}/b`)];
    same([a.ino === b.ino, a.nlink, text(fs, `${d}/a`)], [true, 2, 'xy']);
  },
  'a directory has no second link: EPERM'(fs, d) {
    fs.mkdirSync(`${d}/a`);
    fails('EPERM', () => fs.linkSync(`${d}/a`, `${d}/b`));
  },
  'a link does not replace: EEXIST'(fs, d) {
    fs.writeFileSync(`${d}/a`, '');
    fs.writeFileSync(`${d}/b`, '');
    fails('EEXIST', () => fs.linkSync(`${d}/a`, `${d}/b`));
  },
  'a directory counts those in it as links'(fs, d) {
    fs.mkdirSync(`${d}/a/b`, { recursive: true });
    fs.mkdirSync(`${d}/a/c`);
    strictEqual(fs.statSync(`${d}/a`).nlink, 4);
  },
  'links that go in a circle end: ELOOP'(fs, d) {
    fs.symlinkSync('b', `${d}/a`);
    fs.symlinkSync('a', `${d}/b`);
    fails('ELOOP', () => fs.statSync(`${d}/a`));
    fails('ELOOP', () => fs.openSync(`${d}/a`, 'r'));
  },
  'a link to nothing: lstat finds it, stat does not'(fs, d) {
    fs.symlinkSync('nothing', `${d}/l`);
    ok(fs.lstatSync(`${d}/l`).isSymbolicLink());
    fails('ENOENT', () => fs.statSync(`${d}/l`));
  },
  '.. behind a link is where the directory is, not where the link is'(fs, d) {
    fs.mkdirSync(`${d}/a/b`, { recursive: true });
    fs.writeFileSync(`${d}/a/here`, '');
    fs.symlinkSync('a/b', `${d}/l`);
    ok(fs.existsSync(`${d}/l/../here`));
  },
  'a slash behind a file: ENOTDIR'(fs, d) {
    fs.writeFileSync(`${d}/f`, '');
    fails('ENOTDIR', () => fs.statSync(`${d}/f/`));
  },
  'a name below a file: ENOTDIR'(fs, d) {
    fs.writeFileSync(`${d}/f`, '');
    fails('ENOTDIR', () => fs.statSync(`${d}/f/g`));
    fails('ENOTDIR', () => fs.writeFileSync(`${d}/f/g`, ''));
  },
  'names have 255 bytes and no more: ENAMETOOLONG'(fs, d) {
    fs.writeFileSync(`${d}/${'n'.repeat(255)}`, '');
    fails('ENAMETOOLONG', () => fs.writeFileSync(`${d}/${'n'.repeat(256)}`, ''));
    fails('ENAMETOOLONG', () => fs.statSync(`${d}/${'ü'.repeat(128)}`));
  },
  'names are bytes, also those that are no text'(fs, d) {
    const name = Buffer.from([0x6e, 0xff, 0xfe]);
    fs.writeFileSync(Buffer.concat([Buffer.from(`${d}/`), name]), 'x');
    same(fs.readdirSync(d, { encoding: 'buffer' }).map((n) => Buffer.from(n).toString('hex')), [name.toString('hex')]);
  },
  'mkdir does not replace: EEXIST'(fs, d) {
    fs.mkdirSync(`${d}/a`);
    fails('EEXIST', () => fs.mkdirSync(`${d}/a`));
  },
  'rmdir of what is not empty, or no directory: ENOTEMPTY, ENOTDIR'(fs, d) {
    fs.mkdirSync(`${d}/a/b`, { recursive: true });
    fs.writeFileSync(`${d}/f`, '');
    fails(['ENOTEMPTY', 'EEXIST'], () => fs.rmdirSync(`${d}/a`));
    fails('ENOTDIR', () => fs.rmdirSync(`${d}/f`));
  },
  'unlink of a directory: EISDIR or EPERM'(fs, d) {
    fs.mkdirSync(`${d}/a`);
    fails(['EISDIR', 'EPERM'], () => fs.unlinkSync(`${d}/a`));
  },
  'a hole reads as zeros, and takes no blocks'(fs, d) {
    const fd = fs.openSync(`${d}/f`, 'w+');
    fs.writeSync(fd, 'end', 10 << 20);
    strictEqual(bytes(fs, fd, 4, 5 << 20), '\0\0\0\0');
    const st = fs.fstatSync(fd);
    same([st.size, st.blocks * 512 < 1 << 20], [(10 << 20) + 3, true]);
    fs.closeSync(fd);
  },
  'what truncate cuts off is gone when the file grows again'(fs, d) {
    fs.writeFileSync(`${d}/f`, 'secret');
    fs.truncateSync(`${d}/f`, 2);
    fs.truncateSync(`${d}/f`, 6);
    strictEqual(text(fs, `${d}/f`), 'se\0\0\0\0');
  },
  'a file has more than 4 GiB'(fs, d) {
    const fd = fs.openSync(`${d}/f`, 'w+');
    fs.writeSync(fd, Buffer.from('far'), 0, 3, 5_000_000_000);
    same([fs.fstatSync(fd).size, bytes(fs, fd, 9, 5_000_000_000)], [5_000_000_003, 'far']);
    fs.closeSync(fd);
  },
  'a new file has the bits that the umask leaves'(fs, d) {
    fs.writeFileSync(`${d}/f`, '', { mode: 0o666 });
    fs.mkdirSync(`${d}/a`, { mode: 0o777 });
    same([fs.statSync(`${d}/f`).mode & 0o7777, fs.statSync(`${d}/a`).mode & 0o7777], [0o644, 0o755]);
  },
  'chmod keeps set-id and sticky bits'(fs, d) {
    fs.writeFileSync(`${d}/f`, '');
    fs.chmodSync(`${d}/f`, 0o6755);
    fs.mkdirSync(`${d}/a`);
    fs.chmodSync(`${d}/a`, 0o1777);
    same([fs.statSync(`${d}/f`).mode & 0o7777, fs.statSync(`${d}/a`).mode & 0o7777], [0o6755, 0o1777]);
  },
  'a directory has times: they can be set, and change with its names'(fs, d) {
    fs.mkdirSync(`${d}/a`);
    fs.utimesSync(`${d}/a`, 1000, 2000);
    strictEqual(fs.statSync(`${d}/a`).mtimeMs, 2_000_000);
    fs.writeFileSync(`${d}/a/f`, '');
    ok(fs.statSync(`${d}/a`).mtimeMs > 2_000_000);
  },
  'chmod changes ctime and leaves mtime alone'(fs, d) {
    fs.writeFileSync(`${d}/f`, '');
    fs.utimesSync(`${d}/f`, 1000, 2000);
    const before = fs.statSync(`${d}/f`);
    fs.chmodSync(`${d}/f`, 0o600);
    const after = fs.statSync(`${d}/f`);
    same([after.mtimeMs, after.ctimeMs >= before.ctimeMs, after.ctimeMs > 2_000_000], [2_000_000, true, true]);
  },
  'a directory that is emptied while it is read gives each name once'(fs, d) {
    for (let i = 0; i < 300; i++) fs.writeFileSync(`${d}/f${i}`, '');
    const seen: string[] = [];
    const dir = fs.opendirSync(d);
    for (let e = dir.readSync(); e !== null; e = dir.readSync()) {
      seen.push(e.name);
      fs.unlinkSync(`${d}/${e.name}`);
    }
    dir.closeSync();
    same([new Set(seen).size, seen.length, fs.readdirSync(d)], [300, 300, []]);
  },
};
