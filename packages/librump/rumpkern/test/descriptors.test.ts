import {
  ERR, FD_CLOEXEC, FIOCLEX, FIONBIO, FIONCLEX, F_CLOSEM, F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_GETFL, F_GETLK, F_GETNOSIGPIPE, F_MAXFD, F_SETFD, F_SETFL,
  F_SETNOSIGPIPE, O_CLOEXEC, O_NONBLOCK, O_RDONLY, O_WRONLY, RLIMIT_NOFILE, Stat,
} from '@anykernel/lib-sys';
import { FREAD, FWRITE, File, type Fileops, RFCFDG, RFFDG, ROOT, SLEEP, closeOnExec } from '@anykernel/rumpkern';
import { box, bytes, codeOf, now, text } from './help.js';

const NONE: Fileops = {
  name: 'test',
  read: () => {},
  write: () => {},
  ioctl: () => 0,
  poll: () => 0,
  stat: () => {},
  close: () => {},
  kqfilter: () => {},
};

test('the lowest free descriptor is always taken', () => {
  const { p } = box();
  expect([p.sys.pipe(), p.sys.pipe(), p.sys.pipe()]).toEqual([[0, 1], [2, 3], [4, 5]]);
  for (const fd of [1, 4, 2]) p.sys.close(fd);
  expect([p.sys.dup(0), p.sys.dup(0), p.sys.dup(0), p.sys.dup(0)]).toEqual([1, 2, 4, 6]);
  expect(p.sys.fcntl(0, F_DUPFD, 100)).toBe(100);
  expect(p.sys.dup(0)).toBe(7);
});

test("a process's descriptors may begin at a number of its own, and its children's with them", () => {
  const { k } = box();
  const base = 1 << 29;
  const p = k.newproc({ fdBase: base });
  expect(p.sys.pipe()).toEqual([base, base + 1]);
  expect(p.sys.dup(base)).toBe(base + 2);
  expect(p.sys.dup2(base, base + 9)).toBe(base + 9);
  expect(p.sys.fcntl(base, F_DUPFD, 3)).toBe(base + 3);
  expect(p.sys.fcntl(0, F_MAXFD)).toBe(base + 9);
  for (const fd of [0, 3, base - 1, base + 4]) expect(codeOf(() => p.sys.fstat(fd))).toBe('EBADF');
  expect(codeOf(() => p.sys.dup2(base, 5))).toBe('EBADF');
  expect(p.rfork(RFFDG).sys.dup(base)).toBe(base + 4);
  expect(p.rfork(RFCFDG).sys.pipe()).toEqual([base, base + 1]);
  expect(p.sys.fcntl(base + 3, F_CLOSEM)).toBe(0);
  expect(p.sys.fcntl(0, F_MAXFD)).toBe(base + 2);
  p.sys.setrlimit(RLIMIT_NOFILE, { cur: 4, max: 4 });
  expect(p.sys.dup(base)).toBe(base + 3);
  expect(codeOf(() => p.sys.dup(base))).toBe('EMFILE');
  p.exit();
});

test('what is no descriptor is EBADF', () => {
  const { p } = box();
  const [r] = p.sys.pipe();
  for (const fd of [-1, 99, 0.5, Number.NaN, 1e9]) {
    expect(codeOf(() => p.sys.fstat(fd))).toBe('EBADF');
    expect(codeOf(() => p.sys.close(fd))).toBe('EBADF');
    expect(codeOf(() => p.sys.dup2(fd, 5))).toBe('EBADF');
    if (fd !== 99) expect(codeOf(() => p.sys.dup2(r, fd))).toBe('EBADF');
  }
});

test('a descriptor is for what it was opened for', () => {
  const { p } = box();
  const [r, w] = p.sys.pipe();
  expect(codeOf(() => p.sys.read(w, new Uint8Array(1)))).toBe('EBADF');
  expect(codeOf(() => p.sys.write(r, new Uint8Array(1)))).toBe('EBADF');
  expect([p.sys.fcntl(r, F_GETFL), p.sys.fcntl(w, F_GETFL)]).toEqual([O_RDONLY, O_WRONLY]);
});

test('dup2 closes what was there, and onto itself does nothing', () => {
  const { p } = box();
  const [r, w] = p.sys.pipe();
  const [r2, w2] = p.sys.pipe();
  expect(p.sys.dup2(w, w2)).toBe(w2);
  p.sys.write(w2, bytes('x'));
  expect(p.sys.read(r, new Uint8Array(1))).toBe(1);
  expect(p.sys.read(r2, new Uint8Array(1))).toBe(0);
  expect(p.sys.dup2(r, r)).toBe(r);
  expect(codeOf(() => p.sys.dup3(r, r, 0))).toBe('EINVAL');
  expect(codeOf(() => p.sys.dup3(r, 9, 0x4000_0000))).toBe('EINVAL');
  expect(p.sys.dup3(r, 9, O_CLOEXEC)).toBe(9);
  expect(p.sys.fcntl(9, F_GETFD)).toBe(FD_CLOEXEC);
});

test('close-on-exec is of the descriptor, not of the file', () => {
  const { p } = box();
  const [r, w] = p.sys.pipe2(O_CLOEXEC);
  expect(p.sys.fcntl(r, F_GETFD)).toBe(FD_CLOEXEC);
  const plain = p.sys.dup(r);
  expect(p.sys.fcntl(plain, F_GETFD)).toBe(0);
  p.sys.fcntl(r, F_SETFD, 0);
  expect(p.sys.fcntl(r, F_GETFD)).toBe(0);
  p.sys.ioctl(r, FIOCLEX);
  expect(p.sys.fcntl(r, F_GETFD)).toBe(FD_CLOEXEC);
  p.sys.ioctl(r, FIONCLEX);
  expect(p.sys.fcntl(r, F_GETFD)).toBe(0);
  expect(p.sys.fcntl(p.sys.fcntl(r, F_DUPFD_CLOEXEC, 20), F_GETFD)).toBe(FD_CLOEXEC);
  closeOnExec(p.fd, p.lwp);
  expect([codeOf(() => p.sys.fstat(w)), codeOf(() => p.sys.fstat(20)), codeOf(() => p.sys.fstat(r))]).toEqual(['EBADF', 'EBADF', 'ok']);
});

test('status flags are of the file, and are changed by fcntl and FIONBIO', () => {
  const { p } = box();
  const [r] = p.sys.pipe();
  const twin = p.sys.dup(r);
  p.sys.fcntl(r, F_SETFL, O_NONBLOCK | O_WRONLY);
  expect(p.sys.fcntl(twin, F_GETFL)).toBe(O_NONBLOCK);
  expect(codeOf(() => p.sys.read(twin, new Uint8Array(1)))).toBe('EAGAIN');
  p.sys.ioctl(twin, FIONBIO, new Uint8Array([0, 0, 0, 0]));
  expect(codeOf(() => p.sys.read(r, new Uint8Array(1)))).toBe('WouldSleep');
  expect(codeOf(() => p.sys.ioctl(r, FIONBIO))).toBe('EFAULT');
  expect(p.sys.fcntl(r, F_GETNOSIGPIPE)).toBe(0);
  p.sys.fcntl(r, F_SETNOSIGPIPE, 1);
  expect(p.sys.fcntl(twin, F_GETNOSIGPIPE)).toBe(1);
});

test('fcntl: the largest descriptor, closing from one on, and refusals', () => {
  const { p } = box();
  const [r] = p.sys.pipe();
  expect(codeOf(() => p.sys.fcntl(r, F_DUPFD, -1))).toBe('EINVAL');
  expect(codeOf(() => p.sys.fcntl(r, F_DUPFD, 1e9))).toBe('EINVAL');
  expect(codeOf(() => p.sys.fcntl(r, F_GETLK))).toBe('EINVAL');
  expect(codeOf(() => p.sys.fcntl(r, 999))).toBe('EINVAL');
  p.sys.dup2(r, 50);
  expect(p.sys.fcntl(0, F_MAXFD)).toBe(50);
  p.sys.fcntl(1, F_CLOSEM);
  expect(p.sys.fcntl(0, F_MAXFD)).toBe(0);
});

test('commands of fcntl that are the file\'s go to the file', () => {
  const { p } = box();
  const f = new File('misc', { ...NONE, fcntl: (_f, cmd, arg) => cmd * 100 + (arg as number) }, undefined, FREAD, ROOT);
  const fd = p.fd.alloc(f, 10);
  expect(p.sys.fcntl(fd, F_GETLK, 5)).toBe(705);
});

test('vectors move in order, and are checked', () => {
  const { p } = box();
  const [r, w] = p.sys.pipe();
  expect(p.sys.writev(w, [bytes('ab'), bytes(''), bytes('cdef')])).toBe(6);
  const parts = [new Uint8Array(1), new Uint8Array(0), new Uint8Array(3), new Uint8Array(9)];
  expect(p.sys.readv(r, parts)).toBe(6);
  expect(parts.map((b) => text(b)).join('|')).toBe('a||bcd|ef\0\0\0\0\0\0\0');
  expect(codeOf(() => p.sys.writev(w, []))).toBe('EINVAL');
  expect(codeOf(() => p.sys.writev(w, new Array(1025).fill(bytes('a'))))).toBe('EINVAL');
  expect(codeOf(() => p.sys.writev(w, [7 as never]))).toBe('EFAULT');
  expect(codeOf(() => p.sys.writev(w, 'no' as never))).toBe('EFAULT');
  expect(codeOf(() => p.sys.write(w, 'no' as never))).toBe('EFAULT');
});

test('a file keeps its position over calls and duplicates; what fails half way counts', () => {
  const { p } = box();
  const data = bytes('0123456789');
  let fail: unknown;
  const ops: Fileops = {
    ...NONE,
    read(_f, uio) {
      uio.move(data, uio.offset, Math.min(4, data.length - uio.offset));
      if (fail !== undefined) throw fail;
    },
  };
  const f = new File('misc', ops, undefined, FREAD | FWRITE, ROOT);
  const fd = p.fd.alloc(f, 10);
  const twin = p.sys.dup(fd);
  const buf = new Uint8Array(4);
  expect([p.sys.read(fd, buf), text(buf)]).toEqual([4, '0123']);
  expect([p.sys.read(twin, buf), text(buf)]).toEqual([4, '4567']);
  fail = ERR.EIO;
  expect([p.sys.read(fd, buf), codeOf(() => p.sys.read(fd, buf))]).toEqual([2, 'EIO']);
  f.offset = 0;
  fail = SLEEP;
  expect([p.sys.read(fd, buf), p.sys.readv(fd, [buf]), f.offset]).toEqual([4, 4, 8]);
});

test('fstat fills the record that it is given', () => {
  const { p } = box();
  const [r, w] = p.sys.pipe();
  p.sys.write(w, bytes('abc'));
  const st = new Stat();
  expect(p.sys.fstat(r, st)).toBe(st);
  expect([st.mode, st.size]).toEqual([0o010600, 3]);
});

test('closing a descriptor ends the calls of that table which sleep on it', async () => {
  const { p } = box();
  const [r] = p.sys.pipe();
  const twin = p.sys.dup(r);
  const read = p.call.read(r, new Uint8Array(1));
  const other = p.call.read(twin, new Uint8Array(1));
  expect(await now(read)).toBe('waits');
  p.sys.close(r);
  expect(await now(read)).toBe('EBADF');
  expect(await now(other)).toBe('waits');
  const again = p.call.read(twin, new Uint8Array(1));
  p.sys.dup2(p.sys.pipe()[0], twin);
  expect([await now(other), await now(again)]).toEqual(['EBADF', 'EBADF']);
});

test('the last descriptor closes the file, once, and hooks hear of each', () => {
  const { p, k } = box();
  const closed: string[] = [];
  k.onFdClose.push((fd) => closed.push(`fd ${fd}`));
  const f = new File('misc', { ...NONE, close: () => void closed.push('file') }, undefined, FREAD, ROOT);
  const fd = p.fd.alloc(f, 10);
  const twin = p.sys.dup(fd);
  const child = p.rfork(1);
  p.sys.close(fd);
  p.sys.close(twin);
  expect(closed).toEqual(['fd 0', 'fd 1']);
  child.exit();
  expect(closed).toEqual(['fd 0', 'fd 1', 'fd 0', 'fd 1', 'file']);
});

test('a close that has to wait has not happened: the descriptor stays until it is over', async () => {
  const { p, k } = box();
  const chan = {};
  let ready = false;
  let closed = 0;
  const close = (): void => {
    if (!ready) k.sleep(chan);
    closed++;
  };
  const fd = p.fd.alloc(new File('misc', { ...NONE, close }, undefined, FREAD, ROOT), 10);
  expect(codeOf(() => p.sys.close(fd))).toBe('WouldSleep');
  expect(p.sys.fcntl(fd, F_GETFD)).toBe(0);
  const parked = p.call.close(fd);
  expect([await now(parked), closed]).toEqual(['waits', 0]);
  ready = true;
  k.run(() => k.wakeup(chan));
  expect([await now(parked), closed, codeOf(() => p.sys.close(fd))]).toEqual([undefined, 1, 'EBADF']);
});

test('a close that fails frees the descriptor all the same', () => {
  const { p } = box();
  const close = (): void => {
    throw ERR.ENOSPC;
  };
  const fd = p.fd.alloc(new File('misc', { ...NONE, close }, undefined, FREAD, ROOT), 10);
  expect([codeOf(() => p.sys.close(fd)), codeOf(() => p.sys.close(fd))]).toEqual(['ENOSPC', 'EBADF']);
});

test('what a process leaves open and has to wait for is closed by the kernel', async () => {
  const { p, k } = box();
  const chan = {};
  let ready = false;
  let closed = 0;
  const close = (): void => {
    if (!ready) k.sleep(chan);
    closed++;
  };
  p.fd.alloc(new File('misc', { ...NONE, close }, undefined, FREAD, ROOT), 10);
  p.exit();
  expect([k.procs.find(p.pid), closed]).toEqual([undefined, 0]);
  let hooks = 0;
  k.onHalt.push(() => hooks++);
  const down = k.shutdown();
  expect([await now(down), hooks]).toEqual(['waits', 0]);
  ready = true;
  k.run(() => k.wakeup(chan));
  expect([await now(down), closed, hooks, k.stopped]).toEqual([undefined, 1, 1, 'the kernel has been halted']);
});
