/** Credentials: who a process is. Immutable; a change is another object. */
import { ERR } from '@anykernel/lib-sys';

export interface CredInit {
  readonly uid?: number;
  readonly gid?: number;
  readonly groups?: readonly number[];
}

export class Cred {
  constructor(
    readonly ruid: number,
    readonly euid: number,
    readonly suid: number,
    readonly rgid: number,
    readonly egid: number,
    readonly sgid: number,
    /** Supplementary groups. */
    readonly groups: readonly number[],
  ) {}

  get isRoot(): boolean {
    return this.euid === 0;
  }

  /** Whether `gid` is the effective group or one of the supplementary ones. */
  inGroup(gid: number): boolean {
    return this.egid === gid || this.groups.includes(gid);
  }

  /** A copy with some parts changed. */
  with(change: Partial<Pick<Cred, 'ruid' | 'euid' | 'suid' | 'rgid' | 'egid' | 'sgid' | 'groups'>>): Cred {
    const c = { ...this, ...change };
    return new Cred(c.ruid, c.euid, c.suid, c.rgid, c.egid, c.sgid, c.groups);
  }
}

/** The superuser. */
export const ROOT: Cred = new Cred(0, 0, 0, 0, 0, 0, []);

/** Credentials from ids; all kinds of each id are the same. EINVAL: an id is not one. */
export function credOf(init: CredInit): Cred {
  const uid = init.uid ?? 0;
  const gid = init.gid ?? 0;
  const groups = init.groups ?? [];
  for (const id of [uid, gid, ...groups]) if (!Number.isInteger(id) || id < 0 || id > 0xffffffff) throw ERR.EINVAL;
  return new Cred(uid, uid, uid, gid, gid, gid, [...groups]);
}
