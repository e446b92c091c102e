/** flock(2). */
import { ERR, F_RDLCK, F_SETLK, F_UNLCK, F_WRLCK, LOCK_EX, LOCK_NB, LOCK_SH, LOCK_UN } from '@anykernel/lib-sys';
import { wholeFile } from '../reclock.js';
import { VBLK, VCHR, VFIFO, type Vnode } from '../vnode.js';
import { type VfsCalls, vnodeFile } from './common.js';

export const flockCalls: Pick<VfsCalls, 'flock'> = {
  /** EOPNOTSUPP: not a file. EINVAL: no such operation. EAGAIN. EINTR. */
  flock(l, fd, how) {
    const f = vnodeFile(l, fd, 0, ERR.EOPNOTSUPP);
    const vp = f.data as Vnode;
    if (vp.type === VFIFO || vp.type === VCHR || vp.type === VBLK) throw ERR.EOPNOTSUPP;
    const op = how & ~LOCK_NB;
    if (op !== LOCK_SH && op !== LOCK_EX && op !== LOCK_UN) throw ERR.EINVAL;
    const type = op === LOCK_UN ? F_UNLCK : op === LOCK_EX ? F_WRLCK : F_RDLCK;
    vp.ops.advlock(vp, f, F_SETLK, wholeFile(type), (how & LOCK_NB) === 0, l);
  },
};
