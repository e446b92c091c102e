import {
  EVFILT_READ, EV_ADD, EV_EOF, Kevent, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY, POLLHUP, POLLIN, POLLOUT, SIGPIPE, SIGUSR1,
} from '@anykernel/lib-sys';
import { psignal } from '@anykernel/rumpkern';
import { box, bytes, codeOf, now, text } from './box.js';

function fifo() {
  const b = box();
  b.s.mkfifo('/p', 0o644);
  return { ...b, q: b.proc() };
}

const open = (p: { call: { open(path: string, flags: number): Promise<number> } }, flags: number): Promise<number> => p.call.open('/p', flags);

test('an open for reading waits for one for writing', async () => {
  const { p, q } = fifo();
  const reader = open(p, O_RDONLY);
  expect(await now(reader)).toBe('waits');
  const writer = q.sys.open('/p', O_WRONLY);
  expect(typeof (await now(reader))).toBe('number');
  q.sys.write(writer, bytes('hello'));
  const buf = new Uint8Array(9);
  expect(text(buf, p.sys.read(await reader, buf))).toBe('hello');
});

test('an open for writing waits for one for reading', async () => {
  const { p, q } = fifo();
  const writer = open(p, O_WRONLY);
  expect(await now(writer)).toBe('waits');
  q.sys.open('/p', O_RDONLY);
  expect(typeof (await now(writer))).toBe('number');
});

test('both may wait for each other', async () => {
  const { p, q } = fifo();
  const both = Promise.all([open(p, O_RDONLY), open(q, O_WRONLY)]);
  expect(await now(both)).toHaveLength(2);
});

test('a writer that is gone before the reader wakes has been there', async () => {
  const { p, q } = fifo();
  const reader = open(p, O_RDONLY);
  expect(await now(reader)).toBe('waits');
  const writer = q.sys.open('/p', O_WRONLY);
  q.sys.close(writer);
  const fd = (await now(reader)) as number;
  expect(p.sys.read(fd, new Uint8Array(4))).toBe(0);
});

test('without waiting, reading opens at once and writing is ENXIO', () => {
  const { s } = fifo();
  expect(codeOf(() => s.open('/p', O_WRONLY | O_NONBLOCK))).toBe('ENXIO');
  const reader = s.open('/p', O_RDONLY | O_NONBLOCK);
  const writer = s.open('/p', O_WRONLY | O_NONBLOCK);
  const buf = new Uint8Array(4);
  expect(codeOf(() => s.read(reader, buf))).toBe('EAGAIN');
  s.write(writer, bytes('x'));
  s.close(writer);
  expect([s.read(reader, buf), s.read(reader, buf)]).toEqual([1, 0]);
});

test('an open for both does not wait', () => {
  const { s } = fifo();
  const fd = s.open('/p', O_RDWR);
  s.write(fd, bytes('loop'));
  const buf = new Uint8Array(4);
  expect(text(buf, s.read(fd, buf))).toBe('loop');
});

test('an interrupted open leaves nobody waiting', async () => {
  const { p, q } = fifo();
  const reader = open(p, O_RDONLY);
  expect(await now(reader)).toBe('waits');
  p.k.run(() => psignal(p, SIGUSR1));
  expect(await now(reader)).toBe('EINTR');
  expect(codeOf(() => q.sys.open('/p', O_WRONLY | O_NONBLOCK))).toBe('ENXIO');
  expect(codeOf(() => q.sys.open('/p', O_WRONLY))).toBe('WouldSleep');
  expect(codeOf(() => q.sys.open('/p', O_RDONLY))).toBe('WouldSleep');
});

test('a write without a reader is EPIPE and SIGPIPE', () => {
  const { s, p } = fifo();
  const reader = s.open('/p', O_RDONLY | O_NONBLOCK);
  const writer = s.open('/p', O_WRONLY);
  s.close(reader);
  expect(codeOf(() => s.write(writer, bytes('x')))).toBe('EPIPE');
  expect(p.sig.pending).toEqual([SIGPIPE]);
});

test('bytes are gone with the last open file, the name stays', () => {
  const { s, host, k } = fifo();
  const fd = s.open('/p', O_RDWR);
  s.write(fd, new Uint8Array(50_000));
  s.close(fd);
  const again = s.open('/p', O_RDONLY | O_NONBLOCK);
  expect(s.read(again, new Uint8Array(4))).toBe(0);
  s.unlink('/p');
  s.close(again);
  k.halt();
  expect(host.allocated).toBe(0);
});

test('poll and kqueue tell what each end can do', () => {
  const { s } = fifo();
  const reader = s.open('/p', O_RDONLY | O_NONBLOCK);
  const writer = s.open('/p', O_WRONLY);
  const fds = [{ fd: reader, events: POLLIN, revents: 0 }, { fd: writer, events: POLLIN | POLLOUT, revents: 0 }];
  s.poll(fds, 0);
  expect(fds.map((f) => f.revents)).toEqual([0, POLLOUT]);
  s.write(writer, bytes('abc'));
  s.poll(fds, 0);
  expect(fds.map((f) => f.revents)).toEqual([POLLIN, POLLOUT]);
  const kq = s.kqueue();
  s.kevent(kq, [new Kevent(reader, EVFILT_READ, EV_ADD)], []);
  const events = [new Kevent()];
  expect([s.kevent(kq, [], events, { sec: 0, nsec: 0 }), events[0]!.data]).toEqual([1, 3]);
  s.close(writer);
  s.read(reader, new Uint8Array(3));
  s.kevent(kq, [], events, { sec: 0, nsec: 0 });
  expect(events[0]!.flags & EV_EOF).toBe(EV_EOF);
  s.poll(fds.slice(0, 1), 0);
  expect(fds[0]!.revents).toBe(POLLIN | POLLHUP);
});

test('a FIFO has no positions, and is not locked or truncated', () => {
  const { s } = fifo();
  const fd = s.open('/p', O_RDWR);
  expect([codeOf(() => s.lseek(fd, 0, 0)), codeOf(() => s.pread(fd, new Uint8Array(1), 0)), codeOf(() => s.ftruncate(fd, 0)), codeOf(() => s.truncate('/p', 0))]).toEqual([
    'ESPIPE', 'ESPIPE', 'EINVAL', 'EINVAL',
  ]);
  expect(s.fstat(fd).mode & 0o170000).toBe(0o010000);
});
