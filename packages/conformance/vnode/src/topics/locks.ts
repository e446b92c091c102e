/** Record locks and flock(2). NetBSD t_vnops fcntl_lock, fcntl_getlock_pids. */
import {
  F_GETLK,
  F_RDLCK,
  F_SETLK,
  F_UNLCK,
  F_WRLCK,
  type Flock,
  LOCK_EX,
  LOCK_NB,
  LOCK_SH,
  LOCK_UN,
  O_CREAT,
  O_RDONLY,
  O_RDWR,
  SEEK_SET,
} from '@anykernel/lib-sys';
import { expect } from '@jest/globals';
import type { Cases } from '../cases.js';
import { OTHER, USER, fails } from '../context.js';

function lock(type: number, start: number, len: number): Flock {
  return { type, start, len, whence: SEEK_SET, pid: 0 };
}

export const locks: Cases = {
  'a record is locked by one process, and then by another'(t) {
    t.touch('f', 0o666);
    t.sys.chmod('f', 0o666);
    const one = t.as(USER);
    const two = t.as(OTHER);
    const a = one.open('f', O_RDWR);
    const b = two.open('f', O_RDWR);
    one.fcntl(a, F_SETLK, lock(F_WRLCK, 0, 10));
    fails(() => two.fcntl(b, F_SETLK, lock(F_WRLCK, 5, 10)), 'EAGAIN', 'EACCES');
    fails(() => two.fcntl(b, F_SETLK, lock(F_RDLCK, 9, 1)), 'EAGAIN', 'EACCES');
    two.fcntl(b, F_SETLK, lock(F_WRLCK, 10, 10));
    one.fcntl(a, F_SETLK, lock(F_UNLCK, 5, 5));
    two.fcntl(b, F_SETLK, lock(F_WRLCK, 5, 10));
    fails(() => two.fcntl(b, F_SETLK, lock(F_WRLCK, 4, 1)), 'EAGAIN', 'EACCES');
    one.close(a);
    two.fcntl(b, F_SETLK, lock(F_WRLCK, 0, 0));
    two.close(b);
  },

  'readers share a record, a writer does not'(t) {
    t.touch('f', 0o666);
    t.sys.chmod('f', 0o666);
    const one = t.as(USER);
    const two = t.as(OTHER);
    const a = one.open('f', O_RDWR);
    const b = two.open('f', O_RDWR);
    one.fcntl(a, F_SETLK, lock(F_RDLCK, 0, 0));
    two.fcntl(b, F_SETLK, lock(F_RDLCK, 0, 0));
    fails(() => one.fcntl(a, F_SETLK, lock(F_WRLCK, 3, 1)), 'EAGAIN', 'EACCES');
    two.close(b);
    one.fcntl(a, F_SETLK, lock(F_WRLCK, 3, 1));
    one.close(a);
  },

  'F_GETLK tells the first lock in the way, and whose it is'(t) {
    t.touch('f', 0o666);
    t.sys.chmod('f', 0o666);
    const asker = t.sys.open('f', O_RDWR);
    const holders = [USER, OTHER].map((actor) => t.as(actor));
    const fds = holders.map((sys) => sys.open('f', O_RDWR));
    for (const [i, sys] of holders.entries()) sys.fcntl(fds[i] as number, F_SETLK, lock(F_WRLCK, i * 10, 5));
    const first = lock(F_WRLCK, 0, 0);
    t.sys.fcntl(asker, F_GETLK, first);
    expect([first.type, first.start, first.len]).toEqual([F_WRLCK, 0, 5]);
    const second = lock(F_RDLCK, 6, 0);
    t.sys.fcntl(asker, F_GETLK, second);
    expect([second.type, second.start, second.len]).toEqual([F_WRLCK, 10, 5]);
    expect(second.pid).not.toBe(first.pid);
    const none = lock(F_WRLCK, 5, 5);
    t.sys.fcntl(asker, F_GETLK, none);
    expect(none.type).toBe(F_UNLCK);
    for (const [i, sys] of holders.entries()) sys.close(fds[i] as number);
    t.sys.close(asker);
  },

  'flock is of the open file, shared or exclusive'(t) {
    t.touch('f');
    const a = t.sys.open('f', O_RDONLY);
    const b = t.sys.open('f', O_RDONLY);
    t.sys.flock(a, LOCK_SH);
    t.sys.flock(b, LOCK_SH);
    fails(() => t.sys.flock(a, LOCK_EX | LOCK_NB), 'EAGAIN');
    t.sys.flock(b, LOCK_UN);
    t.sys.flock(a, LOCK_EX | LOCK_NB);
    fails(() => t.sys.flock(b, LOCK_SH | LOCK_NB), 'EAGAIN');
    t.sys.close(a);
    t.sys.flock(b, LOCK_EX | LOCK_NB);
    t.sys.close(b);
  },

  'a lock goes with its file'(t) {
    const fd = t.sys.open('f', O_RDWR | O_CREAT, 0o644);
    t.sys.fcntl(fd, F_SETLK, lock(F_WRLCK, 0, 0));
    t.sys.unlink('f');
    const other = t.sys.open('f', O_RDWR | O_CREAT, 0o644);
    const probe = lock(F_WRLCK, 0, 0);
    t.sys.fcntl(other, F_GETLK, probe);
    expect(probe.type).toBe(F_UNLCK);
    t.sys.close(fd);
    t.sys.close(other);
  },
};
