/** Event queues as files: they can be polled, looked at, and watched by other queues. */
import { ERR, EVFILT_READ, POLLIN, POLLRDNORM, S_IFIFO, type Stat } from '@anykernel/lib-sys';
import type { File, Fileops } from './filedesc.js';
import { type Knote, bareKqueueFileops, knoteAttach, kqueueOf } from './kqueue.js';
import type { Lwp } from './proc.js';
import { selrecord } from './select.js';

/** What a kqueue is as a file. */
export const kqueueFileops: Fileops = {
  ...bareKqueueFileops,
  read: () => {
    throw ERR.ENXIO;
  },
  write: () => {
    throw ERR.ENXIO;
  },
  ioctl: () => {
    throw ERR.ENOTTY;
  },
  poll(f: File, events: number, l: Lwp): number {
    const wanted = events & (POLLIN | POLLRDNORM);
    if (wanted === 0) return 0;
    if (kqueueOf(f).ready > 0) return wanted;
    selrecord(l, kqueueOf(f).sel);
    return 0;
  },
  stat(f: File, st: Stat): void {
    st.mode = S_IFIFO;
    st.size = kqueueOf(f).ready;
    st.blksize = KEVENT_SIZE;
  },
  kqfilter(f: File, kn: Knote): void {
    if (kn.filter !== EVFILT_READ) throw ERR.EINVAL;
    knoteAttach(kn, kqueueOf(f).sel.klist, (note) => (note.data = kqueueOf(f).ready) > 0);
  },
};

/** sizeof(struct kevent) */
const KEVENT_SIZE = 40;
