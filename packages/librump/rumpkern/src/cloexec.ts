/** Descriptors that are closed by exec, and those that take another's place. */
import type { File, Filedesc } from './filedesc.js';
import type { Lwp } from './proc.js';

/** EBADF. */
export function getCloexec(t: Filedesc, fd: number): boolean {
  t.get(fd);
  return t.cloexec[fd - t.base] === true;
}

/** EBADF. */
export function setCloexec(t: Filedesc, fd: number, on: boolean): void {
  t.get(fd);
  t.cloexec[fd - t.base] = on;
}

/** Closes those that are marked close-on-exec. */
export function closeOnExec(t: Filedesc, l: Lwp): void {
  for (let fd = t.base; fd < t.end; fd++) if (t.peek(fd) !== undefined && getCloexec(t, fd)) t.quietClose(fd, l);
}

/** Makes `fd` name `f` (dup2); what it named before is closed, and an error of that is nobody's (dup2(2)). */
export function replace(t: Filedesc, fd: number, f: File, cloexec: boolean, l: Lwp): void {
  if (t.peek(fd) !== undefined) {
    try {
      t.close(fd, l);
    } catch (e) {
      l.k.ignoreErrno(e);
    }
  }
  t.put(fd - t.base, f, cloexec);
}
