/** System calls of user and group ids: read by anyone, changed by the superuser at will and by others among the ids that they have. */
import { ERR, type Handlers, NGROUPS_MAX, type rumpkernCalls } from '@anykernel/lib-sys';
import type { Cred } from '../cred.js';
import type { Lwp } from '../proc.js';

type Calls = Handlers<typeof rumpkernCalls, Lwp>;

const ID_MAX = 0xffff_ffff;

/** -1 and its unsigned form say: leave it. */
function isKeep(id: number): boolean {
  return id === -1 || id === ID_MAX;
}

/** EINVAL: not an id. */
function check(id: number): number {
  if (id < 0 || id >= ID_MAX) throw ERR.EINVAL;
  return id;
}

/** EPERM: `id` is none of `own`, and the caller is not the superuser. */
function allow(l: Lwp, id: number, ...own: readonly number[]): void {
  check(id);
  if (!l.proc.cred.isRoot && !own.includes(id)) throw ERR.EPERM;
}

function change(l: Lwp, to: Parameters<Cred['with']>[0]): void {
  l.proc.cred = l.proc.cred.with(to);
  l.proc.sugid = true;
}

export const idCalls: Pick<
  Calls,
  | 'getuid' | 'geteuid' | 'getgid' | 'getegid' | 'setuid' | 'seteuid' | 'setreuid' | 'setgid' | 'setegid' | 'setregid' | 'getgroups' | 'setgroups'
  | 'issetugid'
> = {
  getuid: (l) => l.proc.cred.ruid,
  geteuid: (l) => l.proc.cred.euid,
  getgid: (l) => l.proc.cred.rgid,
  getegid: (l) => l.proc.cred.egid,

  setuid(l, uid) {
    const c = l.proc.cred;
    allow(l, uid, c.ruid, c.euid);
    change(l, { ruid: uid, euid: uid, suid: uid });
  },
  seteuid(l, uid) {
    const c = l.proc.cred;
    allow(l, uid, c.ruid, c.suid);
    change(l, { euid: uid });
  },
  setreuid(l, ruid, euid) {
    const c = l.proc.cred;
    const r = isKeep(ruid) ? c.ruid : ruid;
    const e = isKeep(euid) ? c.euid : euid;
    allow(l, r, c.ruid, c.euid);
    allow(l, e, c.ruid, c.euid, c.suid);
    const saved = !isKeep(ruid) || e !== c.ruid ? e : c.suid;
    change(l, { ruid: r, euid: e, suid: saved });
  },

  setgid(l, gid) {
    const c = l.proc.cred;
    allow(l, gid, c.rgid, c.egid);
    change(l, { rgid: gid, egid: gid, sgid: gid });
  },
  setegid(l, gid) {
    const c = l.proc.cred;
    allow(l, gid, c.rgid, c.sgid);
    change(l, { egid: gid });
  },
  setregid(l, rgid, egid) {
    const c = l.proc.cred;
    const r = isKeep(rgid) ? c.rgid : rgid;
    const e = isKeep(egid) ? c.egid : egid;
    allow(l, r, c.rgid, c.egid, c.sgid);
    allow(l, e, c.rgid, c.egid, c.sgid);
    const saved = !isKeep(rgid) || e !== c.rgid ? e : c.sgid;
    change(l, { rgid: r, egid: e, sgid: saved });
  },

  getgroups: (l) => [...l.proc.cred.groups],
  /** EPERM. EINVAL: too many, or no ids. */
  setgroups(l, groups) {
    if (!l.proc.cred.isRoot) throw ERR.EPERM;
    if (groups.length > NGROUPS_MAX) throw ERR.EINVAL;
    change(l, { groups: groups.map(check) });
  },

  issetugid: (l) => (l.proc.sugid ? 1 : 0),
};
