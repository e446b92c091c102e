/** Device nodes and fifos. NetBSD tmpfs mknod, pipes, devices; IEEE Std 1003.1 mkfifo(). */
import {
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  S_IFBLK,
  S_IFCHR,
  S_IFMT,
  S_IFREG,
  S_ISBLK,
  S_ISCHR,
  S_ISFIFO,
  makedev,
} from '@anykernel/lib-sys';
import { expect } from '@jest/globals';
import { type Cases, needing } from '../cases.js';
import { USER, bytes, fails, text } from '../context.js';

export const special: Cases = {
  'device nodes keep their kind and number': needing('devices', (t) => {
    t.sys.mknod('c', S_IFCHR | 0o640, makedev(4, 7));
    t.sys.mknod('b', S_IFBLK | 0o600, makedev(300, 70_000));
    const c = t.stat('c');
    const b = t.stat('b');
    expect([S_ISCHR(c.mode), c.rdev, c.mode & 0o7777, c.size]).toEqual([true, makedev(4, 7), 0o640, 0]);
    expect([S_ISBLK(b.mode), b.rdev, b.mode & 0o7777]).toEqual([true, makedev(300, 70_000), 0o600]);
    expect([c.nlink, b.nlink]).toEqual([1, 1]);
    t.sys.unlink('c');
    expect(t.list('.')).toEqual(['b']);
  }),

  'a node of a device that there is not cannot be opened': needing('devices', (t) => {
    t.sys.mknod('c', S_IFCHR | 0o666, makedev(399, 1));
    fails(() => t.sys.open('c', O_RDONLY), 'ENXIO');
    t.sys.chmod('c', 0o600);
    expect(t.stat('c').mode & 0o7777).toBe(0o600);
  }),

  'mknod refuses names that are taken, and those without privileges': needing('devices', (t) => {
    t.touch('f');
    fails(() => t.sys.mknod('f', S_IFCHR | 0o666, makedev(1, 1)), 'EEXIST');
    fails(() => t.as(USER).mknod('c', S_IFCHR | 0o666, makedev(1, 1)), 'EPERM');
    fails(() => t.sys.mknod('missing/c', S_IFCHR | 0o666, makedev(1, 1)), 'ENOENT');
    expect(t.list('.')).toEqual(['f']);
  }),

  'mknod makes regular files, or refuses to'(t) {
    try {
      t.sys.mknod('f', S_IFREG | 0o644, 0);
    } catch (e) {
      expect(['EINVAL', 'EOPNOTSUPP']).toContain((e as { code: string }).code);
      expect(t.list('.')).toEqual([]);
      return;
    }
    expect(t.stat('f').mode & S_IFMT).toBe(S_IFREG);
  },

  'a fifo is a node of its own kind': needing('fifos', (t) => {
    t.sys.mkfifo('p', 0o640);
    const st = t.stat('p');
    expect([S_ISFIFO(st.mode), st.mode & 0o7777, st.nlink, st.size]).toEqual([true, 0o640, 1, 0]);
    fails(() => t.sys.mkfifo('p', 0o640), 'EEXIST');
    fails(() => t.sys.mkfifo('missing/p', 0o640), 'ENOENT');
    t.sys.unlink('p');
    expect(t.list('.')).toEqual([]);
  }),

  'what goes into a fifo comes out of it, in order': needing('fifos', (t) => {
    t.sys.mkfifo('p', 0o644);
    const r = t.sys.open('p', O_RDONLY | O_NONBLOCK);
    const w = t.sys.open('p', O_WRONLY | O_NONBLOCK);
    t.sys.write(w, bytes('abc'));
    t.sys.write(w, bytes('def'));
    const buf = new Uint8Array(4);
    expect(t.sys.read(r, buf)).toBe(4);
    expect(text(buf)).toBe('abcd');
    expect(t.sys.read(r, buf)).toBe(2);
    expect(text(buf.subarray(0, 2))).toBe('ef');
    fails(() => t.sys.read(r, buf), 'EAGAIN');
    t.sys.close(w);
    expect(t.sys.read(r, buf)).toBe(0);
    t.sys.close(r);
    expect(t.stat('p').size).toBe(0);
  }),

  'a fifo that nobody reads is not opened for writing without waiting': needing('fifos', (t) => {
    t.sys.mkfifo('p', 0o644);
    fails(() => t.sys.open('p', O_WRONLY | O_NONBLOCK), 'ENXIO');
    const r = t.sys.open('p', O_RDONLY | O_NONBLOCK);
    const w = t.sys.open('p', O_WRONLY | O_NONBLOCK);
    t.sys.close(r);
    fails(() => t.sys.write(w, bytes('x')), 'EPIPE');
    t.sys.close(w);
  }),

  'a fifo is full at some point, and goes on when it was read': needing('fifos', (t) => {
    t.sys.mkfifo('p', 0o644);
    const r = t.sys.open('p', O_RDONLY | O_NONBLOCK);
    const w = t.sys.open('p', O_WRONLY | O_NONBLOCK);
    let len = 0;
    const block = new Uint8Array(4096);
    try {
      for (;;) len += t.sys.write(w, block);
    } catch (e) {
      expect((e as { code: string }).code).toBe('EAGAIN');
    }
    expect(len).toBeGreaterThanOrEqual(512);
    let back = 0;
    const buf = new Uint8Array(65_536);
    try {
      for (;;) back += t.sys.read(r, buf);
    } catch (e) {
      expect((e as { code: string }).code).toBe('EAGAIN');
    }
    expect(back).toBe(len);
    expect(t.sys.write(w, bytes('x'))).toBe(1);
    t.sys.close(r);
    t.sys.close(w);
  }),

  'a removed fifo goes on between those who have it': needing('fifos', (t) => {
    t.sys.mkfifo('p', 0o644);
    const r = t.sys.open('p', O_RDONLY | O_NONBLOCK);
    const w = t.sys.open('p', O_WRONLY | O_NONBLOCK);
    t.sys.unlink('p');
    t.sys.write(w, bytes('x'));
    expect(t.sys.read(r, new Uint8Array(4))).toBe(1);
    t.sys.close(r);
    t.sys.close(w);
  }),

  'two names of one fifo are one fifo': needing('fifos', 'hardlinks', (t) => {
    t.sys.mkfifo('p', 0o644);
    t.sys.link('p', 'q');
    const r = t.sys.open('p', O_RDONLY | O_NONBLOCK);
    const w = t.sys.open('q', O_WRONLY | O_NONBLOCK);
    t.sys.write(w, bytes('x'));
    expect(t.sys.read(r, new Uint8Array(4))).toBe(1);
    t.sys.close(r);
    t.sys.close(w);
  }),

  'a fifo is not sought in, and asks for permission': needing('fifos', 'owners', (t) => {
    t.sys.mkfifo('p', 0o600);
    const fd = t.sys.open('p', O_RDWR | O_NONBLOCK);
    fails(() => t.sys.lseek(fd, 0, 0), 'ESPIPE');
    fails(() => t.sys.pread(fd, new Uint8Array(1), 0), 'ESPIPE');
    t.sys.close(fd);
    fails(() => t.as(USER).open('p', O_RDONLY | O_NONBLOCK), 'EACCES');
  }),
};
