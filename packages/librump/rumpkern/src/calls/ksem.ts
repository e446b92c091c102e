/** System calls of POSIX semaphores. */
import { ERR, type Handlers, O_CREAT, O_EXCL, type rumpkernCalls } from '@anykernel/lib-sys';
import { ksemsOf } from '../ksem.js';
import type { Lwp } from '../proc.js';
import { NS, nsOf } from '../time.js';

type Calls = Handlers<typeof rumpkernCalls, Lwp>;

export const ksemCalls: Pick<
  Calls,
  | 'ksem_init' | 'ksem_open' | 'ksem_unlink' | 'ksem_close' | 'ksem_post' | 'ksem_wait' | 'ksem_trywait' | 'ksem_getvalue' | 'ksem_destroy'
  | 'ksem_timedwait'
> = {
  ksem_init: (l, value) => ksemsOf(l.k).create(l, value).id,

  /** ENOENT: there is none, and O_CREAT is missing. EEXIST. EACCES. */
  ksem_open(l, name, oflag, mode = 0, value = 0) {
    if ((oflag & ~(O_CREAT | O_EXCL)) !== 0) throw ERR.EINVAL;
    const ksems = ksemsOf(l.k);
    const ks = ksems.named(l, name);
    if (ks === undefined) {
      if ((oflag & O_CREAT) === 0) throw ERR.ENOENT;
      return ksems.create(l, value, name, mode & 0o777).id;
    }
    if ((oflag & (O_CREAT | O_EXCL)) === (O_CREAT | O_EXCL)) throw ERR.EEXIST;
    ksems.open(ks, l.proc);
    return ks.id;
  },
  ksem_unlink(l, name) {
    const ks = ksemsOf(l.k).named(l, name);
    if (ks === undefined) throw ERR.ENOENT;
    ksemsOf(l.k).unlink(ks);
  },
  ksem_close: (l, id) => ksemsOf(l.k).close(l, ksemsOf(l.k).find(l, id)),
  ksem_destroy: (l, id) => ksemsOf(l.k).destroy(ksemsOf(l.k).find(l, id)),

  ksem_post: (l, id) => ksemsOf(l.k).post(ksemsOf(l.k).find(l, id)),
  ksem_wait: (l, id) => ksemsOf(l.k).wait(ksemsOf(l.k).find(l, id), Infinity),
  /** EAGAIN. */
  ksem_trywait(l, id) {
    const ks = ksemsOf(l.k).find(l, id);
    if (ks.value === 0) throw ERR.EAGAIN;
    ks.value--;
  },
  /** ETIMEDOUT: the point in time of CLOCK_REALTIME has come. EINVAL: it is none. */
  ksem_timedwait(l, id, at) {
    const ks = ksemsOf(l.k).find(l, id);
    if (ks.value > 0) return ksemsOf(l.k).wait(ks, Infinity);
    nsOf(at);
    const now = { sec: 0, nsec: 0 };
    l.k.wall(now);
    const left = (at.sec - now.sec) * NS + (at.nsec - now.nsec);
    if (left <= 0) throw ERR.ETIMEDOUT;
    ksemsOf(l.k).wait(ks, l.k.mono() + left);
  },
  ksem_getvalue: (l, id) => ksemsOf(l.k).find(l, id).value,
};

