import { RLIMIT_FSIZE, RLIMIT_NOFILE, RLIM_INFINITY } from '@anykernel/lib-sys';
import { RFCFDG, RFFDG, fsizeAllows } from '@anykernel/rumpkern';
import { box, bytes, codeOf, now } from './help.js';

test('newlwp: 0 makes a process, an unknown pid is ESRCH, an ending one EBUSY', () => {
  const { k, p } = box();
  expect(k.procs.newlwp(0).proc.pid).toBe(3);
  expect(codeOf(() => k.procs.newlwp(37))).toBe('ESRCH');
  p.exit();
  expect(codeOf(() => p.newlwp())).toBe('EBUSY');
});

test('credentials of one process do not change with those of another', () => {
  const { k, p } = box();
  const other = k.newproc();
  p.sys.setuid(22);
  expect([p.sys.getuid(), other.sys.getuid(), k.proc1.sys.getuid()]).toEqual([22, 0, 0]);
});

test('a child inherits ids, limits, name, group, session and login', () => {
  const { k } = box();
  const p = k.newproc({ uid: 66, gid: 7, groups: [8, 9], comm: 'sh' });
  p.sys.setrlimit(RLIMIT_NOFILE, { cur: 20, max: 30 });
  p.login = 'root';
  const c = p.rfork(RFCFDG);
  expect([c.sys.getuid(), c.sys.getgid(), c.sys.getgroups(), c.comm, c.sys.getppid(), c.sys.getlogin()]).toEqual([66, 7, [8, 9], 'sh', p.pid, 'root']);
  expect(c.sys.getrlimit(RLIMIT_NOFILE)).toEqual({ cur: 20, max: 30 });
  c.sys.setrlimit(RLIMIT_NOFILE, { cur: 10, max: 30 });
  expect(p.sys.getrlimit(RLIMIT_NOFILE)).toEqual({ cur: 20, max: 30 });
});

test('128 lwps of a process share its pid and ids; with the last one the process goes', () => {
  const { k, p } = box();
  p.sys.setuid(5);
  const lwps = [p.lwp, ...Array.from({ length: 127 }, () => k.procs.newlwp(p.pid))];
  expect(new Set(lwps.map((l) => l.lid)).size).toBe(128);
  for (const l of lwps) expect([l.proc.pid, l.proc.cred.euid]).toEqual([p.pid, 5]);
  for (const l of lwps.slice(1)) p.rele(l);
  expect(k.procs.find(p.pid)).toBe(p);
  p.rele(p.lwp);
  expect(codeOf(() => k.procs.newlwp(p.pid))).toBe('ESRCH');
});

test('rfork refuses both flags, and unknown ones', () => {
  const { p } = box();
  expect(codeOf(() => p.rfork(RFFDG | RFCFDG))).toBe('EINVAL');
  expect(codeOf(() => p.rfork(4))).toBe('EINVAL');
});

test('rfork with RFCFDG begins without descriptors', () => {
  const { p } = box();
  const [r] = p.sys.pipe();
  const c = p.rfork(RFCFDG);
  expect(codeOf(() => c.sys.fstat(r))).toBe('EBADF');
});

test('rfork with 0 shares the descriptors: what one closes is closed for the other', () => {
  const { p } = box();
  const [r, w] = p.sys.pipe();
  const c = p.rfork(0);
  c.sys.write(w, bytes('x'));
  c.sys.close(r);
  expect(codeOf(() => p.sys.fstat(r))).toBe('EBADF');
  c.exit();
  expect(p.sys.fstat(w).mode).not.toBe(0);
});

test('rfork with RFFDG copies the descriptors: each has its own', async () => {
  const { p } = box();
  const [r, w] = p.sys.pipe();
  const c = p.rfork(RFFDG);
  p.sys.close(r);
  p.sys.close(w);
  expect(c.sys.write(w, bytes('still'))).toBe(5);
  expect(c.sys.read(r, new Uint8Array(9))).toBe(5);
  const kq = c.sys.kqueue();
  expect(codeOf(() => c.rfork(RFFDG).sys.fstat(kq))).toBe('EBADF');
});

test('orphans become children of process 1', () => {
  const { k, p } = box();
  const c = p.rfork(RFCFDG);
  const g = c.rfork(RFCFDG);
  c.exit();
  expect(g.sys.getppid()).toBe(1);
  expect(k.proc1.children.has(g)).toBe(true);
  expect(k.procs.find(c.pid)).toBeUndefined();
});

test('pids come round, past those in use', () => {
  const { k, p } = box();
  for (let i = 0; i < 29_997; i++) k.newproc().exit();
  expect(k.newproc().pid).toBe(3);
  expect(p.pid).toBe(2);
});

test('who refuses a fork undoes it', () => {
  const { k, p } = box();
  const [r] = p.sys.pipe();
  const before = k.procs.count;
  k.procs.onFork.push(() => {
    throw new RangeError('no');
  });
  expect(() => p.rfork(RFFDG)).toThrow('no');
  k.procs.onFork.pop();
  expect([k.procs.count, p.children.size]).toEqual([before, 0]);
  expect(p.rfork(RFFDG).sys.fstat(r).mode).not.toBe(0);
});

test('sessions and process groups', () => {
  const { k, p } = box();
  expect([p.sys.getpgrp(), p.sys.getsid(0)]).toEqual([1, 1]);
  expect(p.sys.setsid()).toBe(p.pid);
  expect([p.sys.getpgrp(), p.sys.getsid(0)]).toEqual([p.pid, p.pid]);
  expect(codeOf(() => p.sys.setsid())).toBe('EPERM');
  expect(codeOf(() => p.sys.setpgid(0, 0))).toBe('EPERM');
  const c = p.rfork(RFCFDG);
  expect(c.sys.getpgid(0)).toBe(p.pid);
  p.sys.setpgid(c.pid, 0);
  expect(c.sys.getpgrp()).toBe(c.pid);
  c.sys.setpgid(0, p.pid);
  expect(p.sys.getpgid(c.pid)).toBe(p.pid);
  expect(codeOf(() => c.sys.setpgid(0, 999))).toBe('EPERM');
  expect(codeOf(() => c.sys.setpgid(p.pid, 0))).toBe('ESRCH');
  expect(codeOf(() => c.sys.setpgid(0, -1))).toBe('EINVAL');
  expect(codeOf(() => c.sys.getpgid(999))).toBe('ESRCH');
  expect(codeOf(() => c.sys.getsid(999))).toBe('ESRCH');
  expect(k.procs.count).toBe(4);
});

test('the login name belongs to the session', () => {
  const { k, p } = box();
  p.sys.setsid();
  const c = p.rfork(RFCFDG);
  p.sys.setlogin('ada');
  expect([p.sys.getlogin(), c.sys.getlogin(), k.newproc().sys.getlogin()]).toEqual(['ada', 'ada', '']);
  expect(codeOf(() => p.sys.setlogin('a'.repeat(17)))).toBe('EINVAL');
  expect(codeOf(() => k.newproc({ uid: 3 }).sys.setlogin('x'))).toBe('EPERM');
});

test('limits: kept, checked, raised by the superuser only', () => {
  const { k } = box();
  const p = k.newproc({ uid: 5 });
  expect(p.sys.getrlimit(RLIMIT_FSIZE)).toEqual({ cur: RLIM_INFINITY, max: RLIM_INFINITY });
  expect(codeOf(() => p.sys.setrlimit(RLIMIT_FSIZE, { cur: 9, max: 8 }))).toBe('EINVAL');
  expect(codeOf(() => p.sys.setrlimit(RLIMIT_FSIZE, { cur: Number.NaN, max: 8 }))).toBe('EINVAL');
  p.sys.setrlimit(RLIMIT_FSIZE, { cur: 5, max: 8 });
  expect(codeOf(() => p.sys.setrlimit(RLIMIT_FSIZE, { cur: 5, max: 9 }))).toBe('EPERM');
  expect(codeOf(() => p.sys.getrlimit(12))).toBe('EINVAL');
  expect(codeOf(() => p.sys.getrlimit(-1))).toBe('EINVAL');
  expect(p.sys.sysctl('proc.curproc.rlimit.filesize.soft')).toBe(5);
});

test('RLIMIT_NOFILE bounds descriptors', () => {
  const { p } = box();
  p.sys.setrlimit(RLIMIT_NOFILE, { cur: 4, max: 4 });
  expect(p.sys.pipe()).toEqual([0, 1]);
  expect(p.sys.dup(0)).toBe(2);
  expect(codeOf(() => p.sys.pipe())).toBe('EMFILE');
  expect(p.sys.dup(0)).toBe(3);
  expect(codeOf(() => p.sys.dup(0))).toBe('EMFILE');
  expect(codeOf(() => p.sys.dup2(0, 4))).toBe('EBADF');
});

test('RLIMIT_FSIZE cuts a write short, then refuses it with EFBIG and SIGXFSZ', () => {
  const { p } = box();
  p.sys.setrlimit(RLIMIT_FSIZE, { cur: 100, max: 100 });
  expect([fsizeAllows(p.lwp, 0, 100), fsizeAllows(p.lwp, 90, 20), fsizeAllows(p.lwp, 100, 0)]).toEqual([100, 10, 0]);
  expect(p.sig.pending).toEqual([]);
  expect(codeOf(() => fsizeAllows(p.lwp, 100, 1))).toBe('EFBIG');
  expect(p.sig.pending).toEqual([25]);
});

test('lwps of parked calls are used again', async () => {
  const { p } = box();
  await p.call.getpid();
  const seen = new Set<number>();
  for (let i = 0; i < 100; i++) {
    await p.call.getpid();
    seen.add(p.lwps.size);
  }
  expect([...seen]).toEqual([2]);
  expect(p.newlwp().lid).toBe(3);
  expect(await now(p.call.getpid())).toBe(p.pid);
});
