import {
  F_GETLK, F_RDLCK, F_SETLK, F_SETLKW, F_UNLCK, F_WRLCK, type Flock, LOCK_EX, LOCK_NB, LOCK_SH, LOCK_UN, O_CREAT, O_EXLOCK, O_NONBLOCK, O_RDONLY, O_RDWR,
  O_SHLOCK, O_WRONLY, SEEK_CUR, SEEK_END, SEEK_SET, SIGUSR1,
} from '@anykernel/lib-sys';
import { RFFDG, type Proc, psignal } from '@anykernel/rumpkern';
import { box, bytes, codeOf, now, put } from './box.js';

function lock(type: number, start: number, len: number, whence = SEEK_SET): Flock {
  return { start, len, pid: 0, type, whence };
}

/** Two processes that have /f open. */
function two() {
  const b = box();
  put(b.s, '/f', '0123456789');
  const open = (p: Proc): number => p.sys.open('/f', O_RDWR);
  const q = b.proc();
  const afd = open(b.p);
  const bfd = open(q);
  const setA = (l: Flock): string => codeOf(() => b.p.sys.fcntl(afd, F_SETLK, l));
  const setB = (l: Flock): string => codeOf(() => q.sys.fcntl(bfd, F_SETLK, l));
  /** What is in the way of an exclusive lock by the second process. */
  const inTheWay = (start: number, len: number): Flock => {
    const l = lock(F_WRLCK, start, len);
    q.sys.fcntl(bfd, F_GETLK, l);
    return l;
  };
  return { ...b, q, afd, bfd, setA, setB, inTheWay };
}

test('an exclusive lock keeps others out, shared ones only writers', () => {
  const { setA, setB } = two();
  expect(setA(lock(F_WRLCK, 0, 5))).toBe('ok');
  expect([setB(lock(F_WRLCK, 4, 1)), setB(lock(F_RDLCK, 0, 1)), setB(lock(F_WRLCK, 5, 5))]).toEqual(['EAGAIN', 'EAGAIN', 'ok']);
  expect(setA(lock(F_RDLCK, 0, 5))).toBe('ok');
  expect([setB(lock(F_RDLCK, 0, 5)), setB(lock(F_WRLCK, 0, 5)), setA(lock(F_WRLCK, 0, 5))]).toEqual(['ok', 'EAGAIN', 'EAGAIN']);
});

test('a lock of length zero reaches beyond the end, one of negative length to the bytes before', () => {
  const { setA, setB, inTheWay, s, afd } = two();
  setA(lock(F_WRLCK, 100, 0));
  expect([setB(lock(F_WRLCK, 2 ** 50, 1)), setB(lock(F_WRLCK, 99, 1))]).toEqual(['EAGAIN', 'ok']);
  expect(inTheWay(0, 0)).toMatchObject({ start: 100, len: 0, type: F_WRLCK, whence: SEEK_SET });
  setA(lock(F_UNLCK, 0, 0));
  s.lseek(afd, 4, SEEK_SET);
  setA(lock(F_WRLCK, 2, -3, SEEK_CUR));
  expect(inTheWay(0, 0)).toMatchObject({ start: 3, len: 3 });
  setA(lock(F_WRLCK, -1, 1, SEEK_END));
  expect(inTheWay(7, 0)).toMatchObject({ start: 9, len: 1 });
});

test('locks of one process join, split and change where they meet', () => {
  const { setA, inTheWay } = two();
  setA(lock(F_WRLCK, 0, 10));
  setA(lock(F_UNLCK, 3, 4));
  expect([inTheWay(0, 10), inTheWay(3, 0)]).toMatchObject([{ start: 0, len: 3 }, { start: 7, len: 3 }]);
  setA(lock(F_WRLCK, 3, 4));
  expect(inTheWay(0, 0)).toMatchObject({ start: 0, len: 10 });
  setA(lock(F_RDLCK, 4, 2));
  expect([inTheWay(0, 0), inTheWay(4, 1), inTheWay(6, 0)]).toMatchObject([
    { start: 0, len: 4, type: F_WRLCK }, { start: 4, len: 2, type: F_RDLCK }, { start: 6, len: 4, type: F_WRLCK },
  ]);
});

test('F_GETLK tells who has each of several locks, and that nothing is in the way', () => {
  const { s, proc, p } = two();
  const owners = Array.from({ length: 4 }, () => proc());
  for (const [i, q] of owners.entries()) q.sys.fcntl(q.sys.open('/f', O_RDWR), F_SETLK, lock(F_WRLCK, i * 100, 10));
  const fd = s.open('/f', O_RDWR);
  const found = owners.map((_, i) => {
    const l = lock(F_WRLCK, i * 100, 50);
    s.fcntl(fd, F_GETLK, l);
    return [l.pid, l.start, l.len];
  });
  expect(found).toEqual(owners.map((q, i) => [q.pid, i * 100, 10]));
  const free = lock(F_WRLCK, 5000, 1);
  s.fcntl(fd, F_GETLK, free);
  expect(free).toEqual({ start: 5000, len: 1, pid: 0, type: F_UNLCK, whence: SEEK_SET });
  expect(p.pid).not.toBe(owners[0]!.pid);
});

test('closing any descriptor of the file ends the locks of the process, and so does its end', () => {
  const { s, setA, setB, afd, k, p } = two();
  setA(lock(F_WRLCK, 0, 1));
  s.close(s.open('/f', O_RDONLY));
  expect(setB(lock(F_WRLCK, 0, 1))).toBe('ok');
  setB(lock(F_UNLCK, 0, 0));
  setA(lock(F_WRLCK, 0, 1));
  s.close(s.dup(afd));
  expect(setB(lock(F_WRLCK, 0, 1))).toBe('ok');
  setB(lock(F_UNLCK, 0, 0));
  const child = k.procs.rfork(p, 0);
  child.sys.fcntl(afd, F_SETLK, lock(F_WRLCK, 0, 1));
  expect(setB(lock(F_WRLCK, 0, 1))).toBe('EAGAIN');
  k.run(() => k.procs.exit(child));
  expect(setB(lock(F_WRLCK, 0, 1))).toBe('ok');
});

test('who waits gets the lock when it is free, and EINTR with a signal', async () => {
  const { p, q, bfd, setA, setB } = two();
  setA(lock(F_WRLCK, 0, 10));
  const waiting = q.call.fcntl(bfd, F_SETLKW, lock(F_WRLCK, 5, 1));
  expect(await now(waiting)).toBe('waits');
  setA(lock(F_UNLCK, 0, 4));
  expect(await now(waiting)).toBe('waits');
  setA(lock(F_UNLCK, 0, 0));
  expect(await now(waiting)).toBe(0);
  const other = p.call.fcntl(p.sys.open('/f', O_RDWR), F_SETLKW, lock(F_WRLCK, 5, 1));
  expect(await now(other)).toBe('waits');
  p.k.run(() => psignal(p, SIGUSR1));
  expect(await now(other)).toBe('EINTR');
  expect(setB(lock(F_WRLCK, 5, 1))).toBe('ok');
});

test('who would wait in a circle hears EDEADLK', async () => {
  const { p, q, afd, bfd, setA, setB, proc } = two();
  const r = proc();
  const rfd = r.sys.open('/f', O_RDWR);
  setA(lock(F_WRLCK, 0, 1));
  setB(lock(F_WRLCK, 1, 1));
  r.sys.fcntl(rfd, F_SETLK, lock(F_WRLCK, 2, 1));
  const a = p.call.fcntl(afd, F_SETLKW, lock(F_WRLCK, 1, 1));
  const b = q.call.fcntl(bfd, F_SETLKW, lock(F_WRLCK, 2, 1));
  expect([await now(a), await now(b)]).toEqual(['waits', 'waits']);
  expect(await now(r.call.fcntl(rfd, F_SETLKW, lock(F_WRLCK, 0, 1)))).toBe('EDEADLK');
  r.sys.close(rfd);
  expect(await now(b)).toBe(0);
});

test('record locks refuse what makes no sense', () => {
  const { s, afd } = two();
  const reader = s.open('/f', O_RDONLY);
  const writer = s.open('/f', O_WRONLY);
  expect(codeOf(() => s.fcntl(reader, F_SETLK, lock(F_WRLCK, 0, 1)))).toBe('EBADF');
  expect(codeOf(() => s.fcntl(writer, F_SETLK, lock(F_RDLCK, 0, 1)))).toBe('EBADF');
  expect(codeOf(() => s.fcntl(afd, F_SETLK, lock(7, 0, 1)))).toBe('EINVAL');
  expect(codeOf(() => s.fcntl(afd, F_SETLK, lock(F_RDLCK, -1, 1)))).toBe('EINVAL');
  expect(codeOf(() => s.fcntl(afd, F_SETLK, lock(F_RDLCK, 0, 1, 9)))).toBe('EINVAL');
  expect(codeOf(() => s.fcntl(afd, F_SETLK, lock(F_RDLCK, Number.MAX_SAFE_INTEGER, 2)))).toBe('EOVERFLOW');
  expect(codeOf(() => s.fcntl(afd, F_SETLK))).toBe('EFAULT');
  const [r] = s.pipe();
  expect(codeOf(() => s.fcntl(r, F_SETLK, lock(F_RDLCK, 0, 1)))).toBe('EINVAL');
});

describe('flock', () => {
  test('locks belong to the open file: duplicates and children share it', () => {
    const { s, k, p, afd, bfd, q } = two();
    s.flock(afd, LOCK_EX);
    expect(codeOf(() => q.sys.flock(bfd, LOCK_SH | LOCK_NB))).toBe('EAGAIN');
    const child = k.procs.rfork(p, RFFDG);
    s.close(s.dup(afd));
    s.close(afd);
    expect(codeOf(() => q.sys.flock(bfd, LOCK_SH | LOCK_NB))).toBe('EAGAIN');
    child.sys.flock(afd, LOCK_UN);
    expect(codeOf(() => q.sys.flock(bfd, LOCK_EX | LOCK_NB))).toBe('ok');
    child.sys.close(afd);
  });

  test('two opens of one process lock each other out', () => {
    const { s, afd } = two();
    s.flock(afd, LOCK_SH);
    const other = s.open('/f', O_RDONLY);
    expect([codeOf(() => s.flock(other, LOCK_SH | LOCK_NB)), codeOf(() => s.flock(other, LOCK_EX | LOCK_NB))]).toEqual(['ok', 'EAGAIN']);
  });

  test('two sharers who both want more do not wait for ever', async () => {
    const { p, q, s, afd, bfd } = two();
    s.flock(afd, LOCK_SH);
    q.sys.flock(bfd, LOCK_SH);
    const a = p.call.flock(afd, LOCK_EX);
    expect(await now(a)).toBe('waits');
    const b = q.call.flock(bfd, LOCK_EX);
    expect([await now(b), await now(a)]).toEqual([undefined, 'waits']);
    q.sys.flock(bfd, LOCK_UN);
    expect(await now(a)).toBe(undefined);
  });

  test('open can lock as well, and leaves nothing when it cannot', async () => {
    const { s, p, q } = two();
    const fd = s.open('/f', O_RDWR | O_EXLOCK);
    expect(codeOf(() => q.sys.open('/f', O_RDONLY | O_SHLOCK | O_NONBLOCK))).toBe('EAGAIN');
    expect(codeOf(() => q.sys.open('/f', O_RDONLY | O_SHLOCK))).toBe('WouldSleep');
    const waiting = q.call.open('/f', O_RDONLY | O_SHLOCK);
    expect(await now(waiting)).toBe('waits');
    s.close(fd);
    expect(await now(waiting)).toBe(q.fd.end - 1);
    expect(codeOf(() => p.sys.open('/f', O_RDONLY | O_SHLOCK | O_EXLOCK))).toBe('EINVAL');
    s.close(s.open('/new', O_RDWR | O_CREAT | O_EXLOCK, 0o644));
  });

  test('and record locks see each other', () => {
    const { s, q, afd, bfd, inTheWay } = two();
    s.flock(afd, LOCK_EX);
    expect(codeOf(() => q.sys.fcntl(bfd, F_SETLK, lock(F_RDLCK, 3, 1)))).toBe('EAGAIN');
    expect(inTheWay(0, 1)).toMatchObject({ pid: -1, start: 0, len: 0 });
  });

  test('refuses what is no operation and what cannot be locked', () => {
    const { s, afd } = two();
    const [r] = s.pipe();
    expect([codeOf(() => s.flock(afd, 0)), codeOf(() => s.flock(afd, LOCK_EX | LOCK_SH)), codeOf(() => s.flock(r, LOCK_EX)), codeOf(() => s.flock(99, LOCK_EX))]).toEqual([
      'EINVAL', 'EINVAL', 'EOPNOTSUPP', 'EBADF',
    ]);
    s.write(afd, bytes('x'));
  });
});
