/** System calls that make pipes. */
import { ERR, type Handlers, O_CLOEXEC, O_NONBLOCK, O_NOSIGPIPE, type rumpkernCalls } from '@anykernel/lib-sys';
import { newPipe } from '../pipe.js';
import type { Lwp } from '../proc.js';

type Calls = Handlers<typeof rumpkernCalls, Lwp>;

/** Opens both ends of a pipe. EMFILE: the first one is closed again. */
function openPipe(l: Lwp, flags: number): [number, number] {
  const { fd, limits } = l.proc;
  const [reader, writer] = newPipe(l, flags);
  const cloexec = (flags & O_CLOEXEC) !== 0;
  const first = fd.alloc(reader, limits.nofile, 0, cloexec);
  try {
    return [first, fd.alloc(writer, limits.nofile, 0, cloexec)];
  } catch (e) {
    fd.close(first, l);
    throw e;
  }
}

export const pipeCalls: Pick<Calls, 'pipe' | 'pipe2'> = {
  pipe: (l) => openPipe(l, 0),
  /** EINVAL: unknown flags. */
  pipe2(l, flags) {
    if ((flags & ~(O_CLOEXEC | O_NONBLOCK | O_NOSIGPIPE)) !== 0) throw ERR.EINVAL;
    return openPipe(l, flags);
  },
};
