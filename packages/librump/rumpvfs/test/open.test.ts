import {
  FIONREAD, FIOSEEKDATA, FIOSEEKHOLE, F_GETFL, F_SETFL, O_APPEND, O_CREAT, O_DIRECTORY, O_EXCL, O_RDONLY, O_RDWR, O_REGULAR, O_TRUNC, O_WRONLY, RLIMIT_FSIZE, RLIMIT_NOFILE, SEEK_CUR,
  SEEK_END, SEEK_SET, SIGXFSZ,
} from '@anykernel/lib-sys';
import { box, bytes, codeOf, get, ls, put, text } from './box.js';

test('open makes, refuses and empties as its flags say', () => {
  const { s } = box();
  expect(codeOf(() => s.open('/f', O_RDONLY))).toBe('ENOENT');
  put(s, '/f', 'abc');
  expect(codeOf(() => s.open('/f', O_RDWR | O_CREAT | O_EXCL, 0o644))).toBe('EEXIST');
  s.close(s.open('/f', O_WRONLY | O_TRUNC));
  expect(s.stat('/f').size).toBe(0);
  expect(codeOf(() => s.open('/f', 3))).toBe('EINVAL');
  expect(codeOf(() => s.open('/f', O_RDONLY | O_DIRECTORY))).toBe('ENOTDIR');
  expect(codeOf(() => s.open('/tmp', O_RDONLY | O_REGULAR))).toBe('EFTYPE');
  expect(codeOf(() => s.open('/tmp', O_RDWR))).toBe('EISDIR');
  expect(codeOf(() => s.open('/tmp', O_RDONLY | O_CREAT, 0o644))).toBe('EISDIR');
  expect(codeOf(() => s.open('/tmp', O_RDONLY | O_CREAT | O_DIRECTORY, 0o644))).toBe('EINVAL');
});

test('the mode of a new file is what the umask leaves', () => {
  const { s } = box();
  expect(s.umask(0o027)).toBe(0o022);
  put(s, '/f', '', 0o666);
  s.mkdir('/d', 0o777);
  expect([s.stat('/f').mode & 0o7777, s.stat('/d').mode & 0o7777]).toEqual([0o640, 0o750]);
  expect(s.umask(0)).toBe(0o027);
});

test('a new file that may not be written can be written by who made it', () => {
  const { s, proc } = box();
  const user = proc({ uid: 3 }).sys;
  const fd = user.open('/tmp/f', O_RDWR | O_CREAT, 0o400);
  expect(user.write(fd, bytes('x'))).toBe(1);
  expect(codeOf(() => user.open('/tmp/f', O_RDWR))).toBe('EACCES');
  expect(get(s, '/tmp/f')).toBe('x');
});

test('without a free descriptor no file is made', () => {
  const { s, proc } = box();
  const fd = s.open('/tmp', O_RDONLY);
  s.setrlimit(RLIMIT_NOFILE, { cur: fd + 1, max: 100 });
  expect(codeOf(() => s.open('/tmp/f', O_WRONLY | O_CREAT, 0o644))).toBe('EMFILE');
  expect(ls(proc().sys, '/tmp')).toEqual([]);
});

test('positions: read, write and lseek share one, pread and pwrite do not touch it', () => {
  const { s } = box();
  const fd = s.open('/f', O_RDWR | O_CREAT, 0o644);
  s.write(fd, bytes('abcdef'));
  expect([s.lseek(fd, 0, SEEK_CUR), s.lseek(fd, -2, SEEK_END), s.lseek(fd, 1, SEEK_SET)]).toEqual([6, 4, 1]);
  const buf = new Uint8Array(2);
  expect([s.read(fd, buf), text(buf)]).toEqual([2, 'bc']);
  expect([s.pread(fd, buf, 4), text(buf), s.lseek(fd, 0, SEEK_CUR)]).toEqual([2, 'ef', 3]);
  s.pwrite(fd, bytes('XY'), 0);
  expect(get(s, '/f')).toBe('XYcdef');
  expect(codeOf(() => s.lseek(fd, -1, SEEK_SET))).toBe('EINVAL');
  expect(codeOf(() => s.lseek(fd, 0, 9))).toBe('EINVAL');
  expect(codeOf(() => s.lseek(fd, Number.MAX_SAFE_INTEGER, SEEK_CUR))).toBe('EOVERFLOW');
  expect(codeOf(() => s.pread(fd, buf, -1))).toBe('EINVAL');
  expect(s.lseek(fd, 2 ** 40, SEEK_SET)).toBe(2 ** 40);
  expect(s.read(fd, buf)).toBe(0);
  const [r, w] = s.pipe();
  expect([codeOf(() => s.lseek(r, 0, SEEK_SET)), codeOf(() => s.pwrite(w, buf, 0))]).toEqual(['ESPIPE', 'ESPIPE']);
});

test('two opens have positions of their own; duplicates and children share theirs', () => {
  const { s, k, p } = box();
  put(s, '/f', 'abcd');
  const a = s.open('/f', O_RDONLY);
  const b = s.open('/f', O_RDONLY);
  const buf = new Uint8Array(2);
  s.read(a, buf);
  expect([s.lseek(b, 0, SEEK_CUR), s.lseek(s.dup(a), 0, SEEK_CUR)]).toEqual([0, 2]);
  k.procs.rfork(p, 1).sys.read(a, buf);
  expect(s.lseek(a, 0, SEEK_CUR)).toBe(4);
});

test('with O_APPEND every write goes to the end, wherever that is', () => {
  const { s } = box();
  put(s, '/f', 'one');
  const fd = s.open('/f', O_WRONLY | O_APPEND);
  const other = s.open('/f', O_WRONLY | O_APPEND);
  s.write(fd, bytes('two'));
  s.write(other, bytes('three'));
  s.lseek(fd, 0, SEEK_SET);
  s.write(fd, bytes('four'));
  expect(get(s, '/f')).toBe('onetwothreefour');
  s.fcntl(fd, F_SETFL, s.fcntl(fd, F_GETFL) & ~O_APPEND);
  s.pwrite(fd, bytes('ONE'), 0);
  expect(get(s, '/f')).toBe('ONEtwothreefour');
});

test('descriptors do only what they were opened for', () => {
  const { s } = box();
  put(s, '/f', 'x');
  const reader = s.open('/f', O_RDONLY);
  const writer = s.open('/f', O_WRONLY);
  const buf = new Uint8Array(1);
  expect(codeOf(() => s.write(reader, buf))).toBe('EBADF');
  expect(codeOf(() => s.read(writer, buf))).toBe('EBADF');
  expect(codeOf(() => s.pread(writer, buf, 0))).toBe('EBADF');
  expect(codeOf(() => s.ftruncate(reader, 0))).toBe('EINVAL');
  expect(codeOf(() => s.fdatasync(reader))).toBe('EBADF');
  s.fsync(reader);
});

test('holes are zeros, and truncate cuts and stretches', () => {
  const { s } = box();
  const fd = s.open('/f', O_RDWR | O_CREAT, 0o644);
  s.pwrite(fd, bytes('end'), 200_000);
  const buf = new Uint8Array(200_003);
  expect(s.pread(fd, buf, 0)).toBe(200_003);
  expect([buf.subarray(0, 200_000).every((x) => x === 0), text(buf.subarray(200_000))]).toEqual([true, 'end']);
  s.ftruncate(fd, 200_001);
  s.truncate('/f', 200_010);
  expect(s.pread(fd, buf, 200_000)).toBe(10);
  expect(text(buf, 4)).toBe('e\0\0\0');
  expect(codeOf(() => s.truncate('/f', -1))).toBe('EINVAL');
  expect(codeOf(() => s.truncate('/tmp', 0))).toBe('EISDIR');
  s.ftruncate(fd, 2 ** 45);
  expect(s.fstat(fd).size).toBe(2 ** 45);
  expect(s.pread(fd, buf, 2 ** 44)).toBe(buf.length);
});

test('the file size limit cuts a write, and beyond it there is EFBIG with SIGXFSZ', () => {
  const { s, p } = box();
  s.setrlimit(RLIMIT_FSIZE, { cur: 10, max: 100 });
  const fd = s.open('/f', O_RDWR | O_CREAT, 0o644);
  expect(s.write(fd, new Uint8Array(25))).toBe(10);
  expect(p.sig.pending).toEqual([]);
  expect(codeOf(() => s.write(fd, new Uint8Array(1)))).toBe('EFBIG');
  expect(p.sig.pending).toEqual([SIGXFSZ]);
  expect(codeOf(() => s.truncate('/f', 11))).toBe('EFBIG');
  s.truncate('/f', 5);
  expect(s.stat('/f').size).toBe(5);
  expect(s.write(s.open('/f', O_WRONLY | O_APPEND), new Uint8Array(9))).toBe(5);
});

test('fdiscard makes a hole, fallocate is not for the root file system, both are for open regular files only', () => {
  const { s } = box();
  put(s, '/f', 'abcdef');
  const fd = s.open('/f', O_RDWR);
  expect(codeOf(() => s.posix_fallocate(fd, 0, 100))).toBe('EOPNOTSUPP');
  s.fdiscard(fd, 1, 4);
  const buf = new Uint8Array(6);
  s.pread(fd, buf, 0);
  expect(text(buf)).toBe('a\0\0\0\0f');
  expect(codeOf(() => s.posix_fallocate(fd, 0, 0))).toBe('EINVAL');
  expect(codeOf(() => s.posix_fallocate(fd, -1, 5))).toBe('EINVAL');
  expect(codeOf(() => s.posix_fallocate(fd, Number.MAX_SAFE_INTEGER, 5))).toBe('EFBIG');
  expect(codeOf(() => s.posix_fallocate(s.open('/f', O_RDONLY), 0, 5))).toBe('EBADF');
  const [, w] = s.pipe();
  expect(codeOf(() => s.posix_fallocate(w, 0, 5))).toBe('ESPIPE');
  s.posix_fadvise(fd, 0, 0, 3);
  expect(codeOf(() => s.posix_fadvise(fd, 0, 0, 99))).toBe('EINVAL');
});

test('ioctl tells what is left to read, and where data and holes are', () => {
  const { s } = box();
  put(s, '/f', 'abcdef');
  const fd = s.open('/f', O_RDONLY);
  s.read(fd, new Uint8Array(2));
  const n = new Uint8Array(8);
  const ioctl = (cmd: number, at: number): number => {
    new DataView(n.buffer).setBigUint64(0, BigInt(at), true);
    s.ioctl(fd, cmd, n);
    return Number(new DataView(n.buffer).getBigUint64(0, true));
  };
  s.ioctl(fd, FIONREAD, n.subarray(0, 4));
  expect([n[0], ioctl(FIOSEEKDATA, 3), ioctl(FIOSEEKHOLE, 3)]).toEqual([4, 3, 6]);
  expect([codeOf(() => ioctl(FIOSEEKDATA, 6)), codeOf(() => s.ioctl(fd, FIOSEEKDATA)), codeOf(() => s.ioctl(fd, 0x2000_7777))]).toEqual(['ENXIO', 'EFAULT', 'ENOTTY']);
});

test('vectors move in order, and a bad buffer is EFAULT', () => {
  const { s } = box();
  const fd = s.open('/f', O_RDWR | O_CREAT, 0o644);
  expect(s.pwritev(fd, [bytes('ab'), bytes(''), bytes('cde')], 1)).toBe(5);
  const a = new Uint8Array(3);
  const b = new Uint8Array(9);
  expect([s.preadv(fd, [a, b], 0), text(a), text(b, 3)]).toEqual([6, '\0ab', 'cde']);
  expect(codeOf(() => s.preadv(fd, [], 0))).toBe('EINVAL');
  expect(codeOf(() => s.read(fd, undefined as unknown as Uint8Array))).toBe('EFAULT');
});

test('pathconf tells limits, and EINVAL for what has none', () => {
  const { s } = box();
  expect([s.pathconf('/', 4), s.pathconf('/', 5), s.pathconf('/', 8)]).toEqual([255, 1024, 1]);
  expect(codeOf(() => s.pathconf('/', 99))).toBe('EINVAL');
  expect(s.fpathconf(s.open('/tmp', O_RDONLY), 4)).toBe(255);
});
