/** Errors of Node as errors of the kernel. */
import { Errno, hostToErrno } from '@anykernel/lib-sys';

/** What a failed call of Node's is to a kernel. Faults of a program (no `code`) are thrown on as they are. */
export function errnoOf(e: unknown): Errno {
  if (e instanceof Errno) return e;
  const code = (e as NodeJS.ErrnoException).code;
  if (code === undefined) throw e;
  return hostToErrno(code);
}
