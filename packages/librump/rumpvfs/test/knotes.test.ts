import {
  EVFILT_READ, EVFILT_VNODE, EVFILT_WRITE, EV_ADD, EV_CLEAR, EV_EOF, EntryNames, Kevent, NOTE_ATTRIB, NOTE_CLOSE, NOTE_CLOSE_WRITE, NOTE_DELETE, NOTE_EXTEND, NOTE_LINK,
  NOTE_OPEN, NOTE_READ, NOTE_RENAME, NOTE_REVOKE, NOTE_WRITE, O_APPEND, O_CREAT, O_RDONLY, O_RDWR, O_WRONLY, S_IFCHR, makedev,
} from '@anykernel/lib-sys';
import type { Sys } from '@anykernel/rumpkern';
import { box, bytes, put } from './box.js';

const ALL =
  NOTE_DELETE | NOTE_WRITE | NOTE_EXTEND | NOTE_ATTRIB | NOTE_LINK | NOTE_RENAME | NOTE_REVOKE | NOTE_OPEN | NOTE_CLOSE | NOTE_CLOSE_WRITE | NOTE_READ;

/** Watches a descriptor; what it returns tells what has happened since. */
function watch(s: Sys, fd: number, notes = ALL): () => number {
  const kq = s.kqueue();
  s.kevent(kq, [new Kevent(fd, EVFILT_VNODE, EV_ADD | EV_CLEAR, notes)], []);
  return () => {
    const events = [new Kevent()];
    return s.kevent(kq, [], events, { sec: 0, nsec: 0 }) === 0 ? 0 : events[0]!.fflags;
  };
}

test('a watcher of a file hears what is done to it', () => {
  const { s } = box();
  put(s, '/f', 'x');
  const fd = s.open('/f', O_RDWR);
  const notes = watch(s, fd);
  s.write(fd, bytes('abc'));
  expect(notes()).toBe(NOTE_WRITE | NOTE_EXTEND);
  s.pread(fd, new Uint8Array(2), 0);
  expect(notes()).toBe(NOTE_READ);
  s.chmod('/f', 0o600);
  expect(notes()).toBe(NOTE_ATTRIB);
  s.truncate('/f', 0);
  expect(notes()).toBe(NOTE_ATTRIB | NOTE_WRITE);
  s.link('/f', '/g');
  expect(notes()).toBe(NOTE_LINK);
  s.rename('/f', '/h');
  expect(notes()).toBe(NOTE_RENAME);
  s.close(s.open('/h', O_RDONLY));
  expect(notes()).toBe(NOTE_OPEN | NOTE_CLOSE);
  s.close(s.open('/h', O_WRONLY | O_APPEND));
  expect(notes()).toBe(NOTE_OPEN | NOTE_CLOSE_WRITE);
  s.setxattr('/h', 'user.x', bytes('1'));
  expect(notes()).toBe(NOTE_ATTRIB);
  s.unlink('/h');
  expect(notes()).toBe(NOTE_DELETE);
  expect(notes()).toBe(0);
});

test('a watcher of a directory may have the names, up to a limit', () => {
  const { s } = box();
  s.mkdir('/d', 0o755);
  const names = new EntryNames();
  const kq = s.kqueue();
  s.kevent(kq, [new Kevent(s.open('/d', O_RDONLY), EVFILT_VNODE, EV_ADD | EV_CLEAR, NOTE_WRITE, 0, names)], []);
  put(s, '/d/f', 'x');
  s.rename('/d/f', '/d/g');
  s.mkdir('/d/sub', 0o755);
  s.rename('/d/sub', '/away');
  s.unlink('/d/g');
  expect(names.take()).toEqual(['f', 'f', 'g', 'sub', 'sub', 'g']);
  expect(names.take()).toEqual([]);
  for (let i = 0; i < 2100; i++) {
    put(s, '/d/many', '');
    s.unlink('/d/many');
  }
  expect(names.take().length).toBe(4096);
});

test('only what was asked for is heard', () => {
  const { s } = box();
  put(s, '/f', 'x');
  const notes = watch(s, s.open('/f', O_RDONLY), NOTE_DELETE);
  s.chmod('/f', 0o600);
  expect(notes()).toBe(0);
  s.unlink('/f');
  expect(notes()).toBe(NOTE_DELETE);
});

test('a watcher of a directory hears of names, and of directories in it by NOTE_LINK', () => {
  const { s } = box();
  for (const dir of ['/d', '/e']) s.mkdir(dir, 0o755);
  const notes = watch(s, s.open('/d', O_RDONLY), NOTE_WRITE | NOTE_LINK | NOTE_DELETE | NOTE_RENAME);
  const other = watch(s, s.open('/e', O_RDONLY), NOTE_WRITE | NOTE_LINK);
  put(s, '/d/f');
  expect(notes()).toBe(NOTE_WRITE);
  s.mkdir('/d/x', 0o755);
  expect(notes()).toBe(NOTE_WRITE | NOTE_LINK);
  s.symlink('f', '/d/l');
  expect(notes()).toBe(NOTE_WRITE);
  s.rename('/d/f', '/e/f');
  expect([notes(), other()]).toEqual([NOTE_WRITE, NOTE_WRITE]);
  s.rename('/d/x', '/e/x');
  expect([notes(), other()]).toEqual([NOTE_WRITE | NOTE_LINK, NOTE_WRITE | NOTE_LINK]);
  s.rmdir('/e/x');
  expect(other()).toBe(NOTE_WRITE | NOTE_LINK);
  s.unlink('/d/l');
  expect(notes()).toBe(NOTE_WRITE);
  s.rmdir('/d');
  expect(notes()).toBe(NOTE_DELETE);
});

test('a file that rename replaces hears that it is gone', () => {
  const { s } = box();
  put(s, '/f');
  put(s, '/g');
  const notes = watch(s, s.open('/g', O_RDONLY));
  s.rename('/f', '/g');
  expect(notes()).toBe(NOTE_DELETE);
});

test('a revoked device is NOTE_REVOKE', () => {
  const { s } = box();
  s.mknod('/n', S_IFCHR | 0o666, makedev(2, 2));
  const notes = watch(s, s.open('/n', O_RDONLY));
  s.revoke('/n');
  expect(notes()).toBe(NOTE_REVOKE);
});

test('a regular file is ready to read while there is something beyond the position', () => {
  const { s } = box();
  const fd = s.open('/f', O_RDWR | O_CREAT, 0o644);
  const kq = s.kqueue();
  const poll = (): number[] => {
    const events = [new Kevent()];
    return s.kevent(kq, [], events, { sec: 0, nsec: 0 }) === 0 ? [] : [events[0]!.filter, events[0]!.data, events[0]!.flags & EV_EOF];
  };
  s.kevent(kq, [new Kevent(fd, EVFILT_READ, EV_ADD)], []);
  expect(poll()).toEqual([]);
  s.pwrite(fd, bytes('12345'), 0);
  expect(poll()).toEqual([EVFILT_READ, 5, 0]);
  s.read(fd, new Uint8Array(3));
  expect(poll()).toEqual([EVFILT_READ, 2, 0]);
  s.read(fd, new Uint8Array(3));
  expect(poll()).toEqual([]);
  s.kevent(kq, [new Kevent(fd, EVFILT_WRITE, EV_ADD)], []);
  expect(poll()).toEqual([EVFILT_WRITE, 0, 0]);
});
