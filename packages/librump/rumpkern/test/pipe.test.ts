import {
  EVFILT_READ, EVFILT_WRITE, EV_ADD, FIONREAD, FIONSPACE, FIONWRITE, F_SETFL, Kevent, O_NONBLOCK, O_NOSIGPIPE, PIPE_BUF, POLLHUP, POLLIN, POLLOUT,
} from '@anykernel/lib-sys';
import { PIPE_SIZE, Pipe, getInt } from '@anykernel/rumpkern';
import { box, bytes, codeOf, now, random, text } from './help.js';

function intOf(p: ReturnType<typeof box>['p'], fd: number, cmd: number): number {
  const data = new Uint8Array(4);
  p.sys.ioctl(fd, cmd, data);
  return getInt(data);
}

test('a pipe gives back what was put in, in order, whatever the sizes', () => {
  const { p } = box();
  const [r, w] = p.sys.pipe();
  const data = Uint8Array.from({ length: 251 * 400 }, (_, i) => i % 251);
  const into = new Uint8Array(20_000);
  for (const seed of [1, 2, 3]) {
    const next = random(seed);
    let put = 0;
    let got = 0;
    for (let i = 0; i < 700; i++) {
      const room = intOf(p, w, FIONSPACE);
      expect(room).toBe(PIPE_SIZE - (put - got));
      const size = Math.min(room, next(3) === 0 ? next(20_000) : next(600));
      if (size > 0) put += p.sys.write(w, data.subarray(put % 251, (put % 251) + size));
      const most = next(3) === 0 ? next(20_000) + 1 : next(600) + 1;
      if (put === got) continue;
      const n = p.sys.read(r, into.subarray(0, most));
      expect([seed, n]).toEqual([seed, Math.min(most, put - got)]);
      if (Buffer.compare(into.subarray(0, n), data.subarray(got % 251, (got % 251) + n)) !== 0) throw new Error(`seed ${seed}, step ${i}`);
      got += n;
    }
    if (got < put) p.sys.read(r, new Uint8Array(PIPE_SIZE));
  }
});

test('it holds 64 KiB; a writer of more waits, and the reader gets all of it', async () => {
  const { p } = box();
  const [r, w] = p.sys.pipe();
  const data = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7) & 0xff);
  const write = p.call.write(w, data);
  expect(await now(write)).toBe('waits');
  expect(intOf(p, r, FIONREAD)).toBe(65_536);
  const got = new Uint8Array(300_000);
  let len = 0;
  while (len < data.length) len += await p.call.read(r, got.subarray(len, len + 50_000));
  expect(await write).toBe(300_000);
  expect(Buffer.compare(got, data)).toBe(0);
});

test('a write of at most PIPE_BUF bytes is not torn', async () => {
  const { p } = box();
  const [r, w] = p.sys.pipe();
  p.sys.write(w, new Uint8Array(PIPE_SIZE - 100));
  const write = p.call.write(w, new Uint8Array(PIPE_BUF).fill(7));
  expect(await now(write)).toBe('waits');
  expect(intOf(p, w, FIONWRITE)).toBe(PIPE_SIZE - 100);
  expect(codeOf(() => p.sys.write(w, new Uint8Array(PIPE_BUF)))).toBe('WouldSleep');
  expect(p.sys.write(w, new Uint8Array(100).fill(9))).toBe(100);
  p.sys.read(r, new Uint8Array(511));
  expect(await now(write)).toBe('waits');
  p.sys.read(r, new Uint8Array(1));
  expect(await now(write)).toBe(512);
});

test('with O_NONBLOCK: EAGAIN when empty or full, and a part of a long write', () => {
  const { p } = box();
  const [r, w] = p.sys.pipe2(O_NONBLOCK);
  expect(codeOf(() => p.sys.read(r, new Uint8Array(1)))).toBe('EAGAIN');
  expect(p.sys.write(w, new Uint8Array(100_000))).toBe(PIPE_SIZE);
  expect(codeOf(() => p.sys.write(w, new Uint8Array(1)))).toBe('EAGAIN');
  p.sys.read(r, new Uint8Array(100));
  expect(codeOf(() => p.sys.write(w, new Uint8Array(200)))).toBe('EAGAIN');
  expect(p.sys.write(w, new Uint8Array(1000))).toBe(100);
});

test('without writers there is an end, for those who wait too', async () => {
  const { p } = box();
  const [r, w] = p.sys.pipe();
  const twin = p.sys.dup(w);
  p.sys.write(w, bytes('rest'));
  const buf = new Uint8Array(10);
  expect(p.sys.read(r, buf)).toBe(4);
  const read = p.call.read(r, buf);
  p.sys.close(w);
  expect(await now(read)).toBe('waits');
  p.sys.close(twin);
  expect(await now(read)).toBe(0);
  expect(p.sys.read(r, buf)).toBe(0);
});

test('without readers a write is EPIPE and SIGPIPE, for those who wait too', async () => {
  const { p } = box();
  const [r, w] = p.sys.pipe();
  p.sys.write(w, new Uint8Array(PIPE_SIZE));
  const write = p.call.write(w, new Uint8Array(10));
  expect(await now(write)).toBe('waits');
  p.sys.close(r);
  expect(await now(write)).toBe('EPIPE');
  expect(p.sig.take()).toBe(13);
  expect(codeOf(() => p.sys.write(w, bytes('x')))).toBe('EPIPE');
  expect(p.sig.take()).toBe(13);
  p.sys.fcntl(w, F_SETFL, O_NOSIGPIPE);
  expect(codeOf(() => p.sys.write(w, bytes('x')))).toBe('EPIPE');
  expect(p.sig.take()).toBeUndefined();
});

test('many readers get one message each, in the order in which they came', async () => {
  const { p } = box();
  const [r, w] = p.sys.pipe();
  const bufs = Array.from({ length: 50 }, () => new Uint8Array(1));
  const reads = bufs.map((b) => p.call.read(r, b));
  expect(await now(reads[0])).toBe('waits');
  p.sys.write(w, Uint8Array.from({ length: 20 }, (_, i) => i + 1));
  for (let i = 20; i < 50; i++) p.sys.write(w, new Uint8Array([i + 1]));
  expect(await Promise.all(reads)).toEqual(new Array(50).fill(1));
  expect(bufs.map((b) => b[0])).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
});

test('one that is woken and ends before it runs passes the word on', async () => {
  const { p, k } = box();
  const [r, w] = p.sys.pipe();
  const child = p.rfork(1);
  const first = child.call.read(r, new Uint8Array(1));
  const second = p.call.read(r, new Uint8Array(1));
  k.run(() => {
    p.sys.write(w, bytes('x'));
    child.exit();
  });
  expect([await now(first), await now(second)]).toEqual(['EINTR', 1]);
});

test('poll tells what can be done, and that the other end is gone', () => {
  const { p } = box();
  const [r, w] = p.sys.pipe();
  const poll = (fd: number): number => {
    const fds = [{ fd, events: POLLIN | POLLOUT, revents: 0 }];
    p.sys.poll(fds, 0);
    return fds[0].revents;
  };
  expect([poll(r), poll(w)]).toEqual([0, POLLOUT]);
  p.sys.write(w, bytes('x'));
  expect(poll(r)).toBe(POLLIN);
  p.sys.write(w, new Uint8Array(PIPE_SIZE - PIPE_BUF));
  expect(poll(w)).toBe(0);
  p.sys.close(w);
  expect(poll(r)).toBe(POLLIN | POLLHUP);
  const [r2, w2] = p.sys.pipe();
  p.sys.close(r2);
  expect(poll(w2)).toBe(POLLOUT | POLLHUP);
});

test('an end is watched for its own direction only', () => {
  const { p } = box();
  const [r, w] = p.sys.pipe();
  const kq = p.sys.kqueue();
  expect(codeOf(() => p.sys.kevent(kq, [new Kevent(r, EVFILT_WRITE, EV_ADD)], []))).toBe('EINVAL');
  expect(codeOf(() => p.sys.kevent(kq, [new Kevent(w, EVFILT_READ, EV_ADD)], []))).toBe('EINVAL');
});

test('memory comes with the first byte and goes with the pipe', () => {
  const { p, k } = box();
  const [r, w] = p.sys.pipe();
  expect(k.mem.used).toBe(0);
  p.sys.write(w, bytes('x'));
  expect(k.mem.used).toBe(4096);
  p.sys.write(w, new Uint8Array(5000));
  expect(k.mem.used).toBe(8192);
  const buf = new Uint8Array(6000);
  expect([p.sys.read(r, buf), text(buf, 1)]).toEqual([5001, 'x']);
  p.sys.close(r);
  p.sys.close(w);
  expect(k.mem.used).toBe(0);
});

test('short of memory, a pipe holds less; without any, a write is ENOMEM', async () => {
  const { p, k } = box([], { memLimitBytes: 8192 });
  const [r, w] = p.sys.pipe();
  expect(p.sys.write(w, new Uint8Array(4000))).toBe(4000);
  k.mem.charge(4096);
  const write = p.call.write(w, new Uint8Array(200).fill(1));
  const long = p.call.write(w, new Uint8Array(1000).fill(2));
  expect([await now(write), await now(long)]).toEqual(['waits', 'waits']);
  const buf = new Uint8Array(9000);
  expect(p.sys.read(r, buf)).toBe(4096);
  expect([await now(write), await now(long)]).toEqual([200, 1000]);
  const [, w2] = p.sys.pipe();
  expect(codeOf(() => p.sys.write(w2, bytes('x')))).toBe('ENOMEM');
});

test('the machinery serves others: a pipe of several writers ends with the last', () => {
  const { k, p } = box();
  const pipe = new Pipe(k);
  pipe.readers = 1;
  pipe.writers = 2;
  k.run(() => {
    pipe.write(p.lwp.uio.init(bytes('ab'), 0, 'write'), true, p.lwp);
    pipe.writers--;
    pipe.closed();
    const uio = p.lwp.uio.init(new Uint8Array(5), 0, 'read');
    pipe.read(uio, true);
    expect(uio.moved).toBe(2);
    expect(codeOf(() => pipe.read(p.lwp.uio.init(new Uint8Array(5), 0, 'read'), true))).toBe('EAGAIN');
    pipe.writers--;
    pipe.closed();
    pipe.read(p.lwp.uio.init(new Uint8Array(5), 0, 'read'), true);
  });
});
