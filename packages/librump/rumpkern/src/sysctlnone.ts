/** The sysctl tree as others see it, and the one of a bare kernel: it takes every value, and shows none. */
import { ERR, type SysctlName, type SysctlValue } from '@anykernel/lib-sys';
import type { Lwp } from './proc.js';
import type { SysctlEntry, SysctlLeaf } from './sysctl.js';

export interface SysctlTree {
  /** Puts a value into the tree; the result takes it out. EEXIST: there is one of that name or number. EINVAL: not a name. */
  attach(name: string, leaf: SysctlLeaf): () => void;
  /**
   * The value of `name`, as it was before `value`, if there is one, is set. An inner node's value are the names below it. ENOENT: no such
   * name. ENOTDIR: it goes on below a value. EISDIR: an inner node is not set. EPERM: it is read-only, or for the superuser.
   * EINVAL: the value does not fit.
   */
  access(l: Lwp, name: SysctlName, value?: SysctlValue): SysctlValue;
  /** The value of `name` for the kernel itself. */
  get(name: SysctlName): SysctlValue;
  set(name: SysctlName, value: SysctlValue): void;
  /** The numbers of a name. ENOENT. */
  mib(name: string): readonly number[];
  /** Every value, in order of the names' numbers. */
  walk(): SysctlEntry[];
}

function refuse(): never {
  throw ERR.ENOENT;
}

export const NO_SYSCTL: SysctlTree = { attach: () => () => undefined, access: refuse, get: refuse, set: refuse, mib: refuse, walk: () => [] };
