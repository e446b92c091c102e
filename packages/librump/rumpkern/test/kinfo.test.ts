import { DTYPE_KQUEUE, DTYPE_PIPE, KERN_FILE_BYFILE, KERN_FILE_BYPID, KERN_PROC_PID, KERN_PROC_UID, KINFO_FILE_LEN, KINFO_PROC_LEN, parseKinfoFiles, parseKinfoProcs } from '@anykernel/lib-sys';
import { box, codeOf } from './help.js';

test('kern.proc2 has the processes, with their names and ids', () => {
  const { k, p } = box();
  const user = k.newproc({ uid: 1000, gid: 100, comm: 'a name that is much too long' });
  const all = parseKinfoProcs(p.sys.sysctl('kern.proc2') as Uint8Array);
  expect(all.map((one) => one.pid)).toEqual([...k.procs].map((one) => one.pid));
  expect(all.find((one) => one.pid === user.pid)).toEqual({
    pid: user.pid, ppid: 1, sid: user.sid, pgid: user.pgid, uid: 1000, ruid: 1000, gid: 100, rgid: 100, comm: 'a name that is much too',
  });
  const some = (which: number, argument: number): number[] =>
    parseKinfoProcs(p.sys.sysctl([1, 47, which, argument, KINFO_PROC_LEN, 10]) as Uint8Array).map((one) => one.pid);
  expect([some(KERN_PROC_PID, user.pid), some(KERN_PROC_UID, 1000), some(KERN_PROC_PID, 9999)]).toEqual([[user.pid], [user.pid], []]);
});

test('kern.file2 has what is open: once each, or by descriptor', () => {
  const { k, p } = box();
  const other = k.newproc({ uid: 9, gid: 8 });
  const [r, w] = p.sys.pipe();
  const again = p.sys.dup(r);
  const kq = other.sys.kqueue();
  const files = parseKinfoFiles(p.sys.sysctl('kern.file2') as Uint8Array);
  expect(files.filter((f) => f.type === DTYPE_PIPE).map((f) => [f.count, f.pid, f.fd])).toEqual([[2, 0, -1], [1, 0, -1]]);
  const of = (pid: number) => parseKinfoFiles(p.sys.sysctl([1, 77, KERN_FILE_BYPID, pid, KINFO_FILE_LEN, 1000]) as Uint8Array);
  const pipes = of(p.pid).filter((f) => f.type === DTYPE_PIPE);
  expect(pipes.map((f) => f.fd)).toEqual([r, w, again]);
  expect([pipes[0]?.file === pipes[2]?.file, pipes[0]?.file === pipes[1]?.file]).toEqual([true, false]);
  const queue = of(other.pid).find((f) => f.fd === kq);
  expect([queue?.type, queue?.uid, queue?.gid, queue?.pid]).toEqual([DTYPE_KQUEUE, 9, 8, other.pid]);
  expect(of(-1).length).toBe([...k.procs].reduce((sum, one) => sum + one.fd.count, 0));
});

test('records are as long as was asked, and no more than were asked', () => {
  const { p } = box();
  p.sys.pipe();
  expect((p.sys.sysctl([1, 77, KERN_FILE_BYPID, p.pid, 128, 100]) as Uint8Array).length % 128).toBe(0);
  expect((p.sys.sysctl([1, 77, KERN_FILE_BYPID, p.pid, 16, 1]) as Uint8Array).length).toBe(16);
  for (const rest of [[3, 0, 120, 9], [KERN_FILE_BYFILE], [KERN_FILE_BYFILE, 0, 0, 9], [KERN_FILE_BYFILE, 0, 1e9, 9], [KERN_FILE_BYFILE, 0, 120, -1], [1, 2, 3, 4, 5]]) {
    expect([rest, codeOf(() => p.sys.sysctl([1, 77, ...rest]))]).toEqual([rest, 'EINVAL']);
  }
  expect(codeOf(() => p.sys.sysctl([1, 77, KERN_FILE_BYPID, 9999, 120, 9]))).toBe('ESRCH');
  expect(codeOf(() => p.sys.sysctl([1, 47, 99, 0, 120, 9]))).toBe('EINVAL');
});
