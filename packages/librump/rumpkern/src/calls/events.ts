/** System calls of event queues. */
import { ERR, type Handlers, O_CLOEXEC, O_NONBLOCK, O_NOSIGPIPE, type rumpkernCalls } from '@anykernel/lib-sys';
import { kqueueFile, makeChanges, newKqueue } from '../kqueue.js';
import type { Lwp } from '../proc.js';
import { durationOf } from '../time.js';

type Calls = Handlers<typeof rumpkernCalls, Lwp>;

export const eventCalls: Pick<Calls, 'kqueue' | 'kqueue1' | 'kevent'> = {
  kqueue: (l) => l.proc.fd.alloc(newKqueue(l, 0), l.proc.limits.nofile),
  kqueue1(l, flags) {
    if ((flags & ~(O_CLOEXEC | O_NONBLOCK | O_NOSIGPIPE)) !== 0) throw ERR.EINVAL;
    return l.proc.fd.alloc(newKqueue(l, flags & (O_NONBLOCK | O_NOSIGPIPE)), l.proc.limits.nofile, 0, (flags & O_CLOEXEC) !== 0);
  },

  /** Changes first, whose errors are events if there is room for them; then what is active. Changes stay made when the call would sleep. */
  kevent(l, fd, changes, events, timeout) {
    const kq = kqueueFile(l.file(fd, 0));
    const ns = timeout === undefined ? Infinity : durationOf(timeout);
    if (l.restarts === 0) {
      const told = makeChanges(kq, changes, events, l);
      if (told > 0) return told;
    }
    if (events.length === 0) return 0;
    const found = kq.take(events, 0);
    if (found > 0 || ns === 0) return found;
    const deadline = l.deadline(ns);
    if (l.k.mono() >= deadline) return 0;
    return l.k.sleep(kq, deadline);
  },
};
