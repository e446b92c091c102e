/**
 * Advisory locks for processes: fcntl(2)'s commands, and the locks that go when a descriptor is closed or a process ends.
 */
import { ERR, F_GETLK, F_RDLCK, F_SETLK, F_SETLKW, F_UNLCK, F_WRLCK, type Flock, OFF_MAX, O_EXLOCK, O_NONBLOCK, SEEK_CUR, SEEK_END, SEEK_SET } from '@anykernel/lib-sys';
import { FREAD, FWRITE, type File, type Lwp, type Proc } from '@anykernel/rumpkern';
import { type Cwdi, cwdiOf, vfsOf } from './cwdi.js';
import { abandonLocks, advlock, releaseLocks } from './lockf.js';
import type { Vfs } from './vfs.js';
import { VCHR, VFIFO, type Vnode } from './vnode.js';

/** The files of `vfs` can be locked. */
export function attachLocks(vfs: Vfs): void {
  const { k } = vfs;
  vfs.locks = { advlock, open: lockOpened, release: releaseLocks, abandon: abandonLocks, fcntl: recordLock };
  k.onFdClose.push((_fd: number, f: File, l: Lwp) => {
    if (f.type === 'vnode') releaseLocks(f.data as Vnode, l.proc, k);
  });
  k.procs.onExit.push((p) => {
    if ((p.cwdi as Cwdi).locked) releaseAll(p);
  });
}

/** A lock on all of a file. */
export function wholeFile(type: number): Flock {
  return { start: 0, len: 0, pid: 0, type, whence: SEEK_SET };
}

function lockOpened(f: File, vp: Vnode, oflags: number, l: Lwp): void {
  const type = (oflags & O_EXLOCK) !== 0 ? F_WRLCK : F_RDLCK;
  vp.ops.advlock(vp, f, F_SETLK, wholeFile(type), (oflags & O_NONBLOCK) === 0, l);
}

/** The locks of a process whose descriptor table lives on with others. */
function releaseAll(p: Proc): void {
  for (let fd = p.fd.base; fd < p.fd.end; fd++) {
    const f = p.fd.peek(fd);
    if (f?.type === 'vnode') releaseLocks(f.data as Vnode, p, p.k);
  }
}

/**
 * fcntl(2)'s record locks. EBADF: a shared lock on what is not open for reading, an exclusive one on what is not open for writing.
 * EINVAL: no such lock, or one that begins before the file. EOVERFLOW. Then as lockf.ts says.
 */
function recordLock(f: File, vp: Vnode, cmd: number, fl: Flock, l: Lwp): void {
  if (vp.type === VCHR || vp.type === VFIFO) throw ERR.EINVAL;
  if (cmd !== F_GETLK) {
    if (fl.type === F_RDLCK && (f.flag & FREAD) === 0) throw ERR.EBADF;
    if (fl.type === F_WRLCK && (f.flag & FWRITE) === 0) throw ERR.EBADF;
  }
  if (fl.type !== F_RDLCK && fl.type !== F_WRLCK && (fl.type !== F_UNLCK || cmd === F_GETLK)) throw ERR.EINVAL;
  const at: Flock = { start: fl.start, len: fl.len, pid: fl.pid, type: fl.type, whence: SEEK_SET };
  at.start += baseOf(f, vp, fl.whence, l);
  if (at.len < 0) {
    at.start += at.len;
    at.len = -at.len;
  }
  if (!Number.isSafeInteger(at.start) || !Number.isSafeInteger(at.len) || at.start < 0) throw ERR.EINVAL;
  if (at.start + at.len > OFF_MAX) throw ERR.EOVERFLOW;
  if (cmd !== F_GETLK) cwdiOf(l).locked = true;
  vp.ops.advlock(vp, l.proc, cmd === F_GETLK ? F_GETLK : F_SETLK, at, cmd === F_SETLKW, l);
  if (cmd !== F_GETLK) return;
  fl.type = at.type;
  if (at.type !== F_UNLCK) Object.assign(fl, at);
}

function baseOf(f: File, vp: Vnode, whence: number, l: Lwp): number {
  if (whence === SEEK_SET) return 0;
  if (whence === SEEK_CUR) return f.offset;
  if (whence !== SEEK_END) throw ERR.EINVAL;
  const st = vfsOf(l).scratch;
  vp.ops.getattr(vp, st);
  return st.size;
}
