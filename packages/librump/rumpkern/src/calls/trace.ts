/** System calls of tracing. */
import { ERR, type Handlers, KTRFLAG_DESCEND, KTROP_CLEAR, KTROP_CLEARFILE, KTROP_SET, type rumpkernCalls } from '@anykernel/lib-sys';
import { FWRITE } from '../filedesc.js';
import type { Lwp } from '../proc.js';

type Calls = Handlers<typeof rumpkernCalls, Lwp>;

/** The longest label and data of utrace(2). */
const USER_MAXIDLEN = 20;
const USER_MAXLEN = 2048;

export const traceCalls: Pick<Calls, 'fktrace' | 'utrace'> = {
  /** EINVAL: no such operation. EBADF: not open for writing. ESRCH. EPERM. */
  fktrace(l, fd, ops, _facs, pid) {
    const op = ops & ~KTRFLAG_DESCEND;
    const descend = (ops & KTRFLAG_DESCEND) !== 0;
    if (op !== KTROP_SET && op !== KTROP_CLEAR && op !== KTROP_CLEARFILE) throw ERR.EINVAL;
    const f = l.file(fd, FWRITE);
    const { tracing } = l.k;
    if (op === KTROP_CLEARFILE) tracing.clearFile(f);
    else if (op === KTROP_CLEAR) tracing.clear(tracing.tracees(l, pid, descend));
    else tracing.setFile(tracing.tracees(l, pid, descend), f, descend);
  },

  /** Puts a record of the program's own into the trace: the call is the record. EINVAL: too long. */
  utrace(_l, label, data) {
    if (label.length > USER_MAXIDLEN || data.length > USER_MAXLEN) throw ERR.EINVAL;
  },
};
