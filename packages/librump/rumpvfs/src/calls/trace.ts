/** ktrace(2): system calls traced into a file that a path names. */
import { ERR, KTRFLAG_DESCEND, KTROP_CLEAR, KTROP_CLEARFILE, KTROP_SET, O_APPEND, O_WRONLY } from '@anykernel/lib-sys';
import { type VfsCalls, vnodeFile } from './common.js';
import { open } from './open.js';

export const traceCalls: Pick<VfsCalls, 'ktrace'> = {
  /** EINVAL: no such operation. The errors of opening the file for writing; it must be there. ESRCH. EPERM. */
  ktrace(l, path, ops, _facs, pid) {
    const op = ops & ~KTRFLAG_DESCEND;
    const descend = (ops & KTRFLAG_DESCEND) !== 0;
    const { tracing } = l.k;
    if (op === KTROP_CLEAR) {
      tracing.clear(tracing.tracees(l, pid, descend));
      return;
    }
    if (op !== KTROP_SET && op !== KTROP_CLEARFILE) throw ERR.EINVAL;
    if (path === undefined) throw ERR.EFAULT;
    const fd = open(l, path, O_WRONLY | O_APPEND, 0);
    try {
      const f = vnodeFile(l, fd, 0);
      if (op === KTROP_SET) tracing.setFile(tracing.tracees(l, pid, descend), f, descend);
      else tracing.clearFile(f);
    } finally {
      l.proc.fd.close(fd, l);
    }
  },
};
