/** System calls of processes: who they are, their groups and sessions, limits, and those that concern the kernel as a whole. */
import {
  ERR, type Handlers, LOGIN_NAME_MAX, MODCTL_EXISTS, MODCTL_LOAD, MODCTL_STAT, MODCTL_UNLOAD, RB_DUMP, RB_HALT, RB_NOSYNC, type rumpkernCalls,
} from '@anykernel/lib-sys';
import type { Lwp, Proc } from '../proc.js';
import { getLimit, setLimit } from '../rlimit.js';

type Calls = Handlers<typeof rumpkernCalls, Lwp>;

/** The process `pid`; 0 is the caller's. ESRCH. */
function procOf(l: Lwp, pid: number): Proc {
  const p = pid === 0 ? l.proc : l.k.procs.find(pid);
  if (p === undefined) throw ERR.ESRCH;
  return p;
}

function groupExists(l: Lwp, pgid: number, sid: number): boolean {
  for (const p of l.k.procs) if (p.pgid === pgid && p.sid === sid) return true;
  return false;
}

export const processCalls: Pick<
  Calls,
  | 'getpid' | 'getppid' | 'getpgrp' | 'getpgid' | 'setpgid' | 'setsid' | 'getsid' | 'getlogin' | 'setlogin' | 'getrlimit' | 'setrlimit' | 'modctl' | 'reboot'
> = {
  getpid: (l) => l.proc.pid,
  getppid: (l) => l.proc.parent?.pid ?? 0,
  getpgrp: (l) => l.proc.pgid,
  getpgid: (l, pid) => procOf(l, pid).pgid,
  getsid: (l, pid) => procOf(l, pid).sid,

  /** EINVAL: below zero. ESRCH: not the caller nor its child. EPERM: of another session, its leader, or no such group there. */
  setpgid(l, pid, pgid) {
    if (pgid < 0) throw ERR.EINVAL;
    const p = procOf(l, pid);
    if (p !== l.proc && p.parent !== l.proc) throw ERR.ESRCH;
    if (p.sid !== l.proc.sid || p.sid === p.pid) throw ERR.EPERM;
    const to = pgid === 0 ? p.pid : pgid;
    if (to !== p.pid && !groupExists(l, to, p.sid)) throw ERR.EPERM;
    p.pgid = to;
  },

  /** EPERM: it leads a group, or a group has its number. */
  setsid(l) {
    const p = l.proc;
    for (const other of l.k.procs) if (other.pgid === p.pid) throw ERR.EPERM;
    p.sid = p.pgid = p.pid;
    return p.pid;
  },

  getlogin: (l) => l.proc.login,
  /** EPERM. EINVAL: too long. */
  setlogin(l, name) {
    if (!l.proc.cred.isRoot) throw ERR.EPERM;
    if (name.length >= LOGIN_NAME_MAX) throw ERR.EINVAL;
    for (const p of l.k.procs) if (p.sid === l.proc.sid) p.login = name;
  },

  getrlimit: (l, resource) => getLimit(l.proc.limits, resource),
  setrlimit(l, resource, limit) {
    setLimit(l.proc.limits, resource, limit, l.proc.cred.isRoot);
  },

  /** EPERM. LOAD: EEXIST, ENOENT. UNLOAD: ENOENT, EBUSY, EOPNOTSUPP. EINVAL: no such command. */
  modctl(l, command, arg) {
    const { modctl, modules } = l.k;
    if (command === MODCTL_STAT) return modctl.list();
    if (command === MODCTL_EXISTS) return modctl.autoload;
    if (command !== MODCTL_LOAD && command !== MODCTL_UNLOAD) throw ERR.EINVAL;
    if (!l.proc.cred.isRoot) throw ERR.EPERM;
    if (typeof arg !== 'string') throw ERR.EFAULT;
    if (command === MODCTL_UNLOAD) return modctl.unload(arg);
    if (l.restarts === 0 && modules.has(arg)) throw ERR.EEXIST;
    if (!l.k.autoloader.ask(arg, l, false)) throw ERR.ENOENT;
    return undefined;
  },

  /** EPERM. The kernel ends, and with it the program around it unless RB_HALT is given. */
  reboot(l, howto) {
    if (!l.proc.cred.isRoot) throw ERR.EPERM;
    const { k } = l;
    if ((howto & RB_DUMP) !== 0) k.panic('dump requested by reboot');
    k.halt({ nosync: (howto & RB_NOSYNC) !== 0 });
    if ((howto & RB_HALT) === 0) k.host.exit(0);
  },
};
