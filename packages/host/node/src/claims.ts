/**
 * Who writes which bytes of a file of the machine: two kernels of one program do not have one file system mounted for writing both.
 *
 * It is the program's, not a host's, since hosts of one program share the machine's files. A claim ends with its file, and with whoever is
 * garbage. Other programs are not kept away: Node has no flock().
 */
import type { BigIntStats } from 'node:fs';
import { ERR } from '@anykernel/lib-sys';
import { fstatSync } from './builtin.js';

interface Claim {
  readonly owner: WeakRef<object>;
  readonly off: number;
  readonly end: number;
}

/** By device and inode. */
const claimed = new Map<string, Set<Claim>>();

/** Claims `len` bytes from `off` of the file that `fd` is, for `owner`. Returns what ends it. EBUSY: somebody else has some of them. */
export function claimBytes(fd: number, owner: object, off: number, len: number): () => void {
  const key = keyOf(fstatSync(fd, { bigint: true }));
  const claims = claimed.get(key) ?? new Set<Claim>();
  for (const c of claims) {
    if (c.owner.deref() === undefined) claims.delete(c);
    else if (c.off < off + len && off < c.end) throw ERR.EBUSY;
  }
  const claim = { owner: new WeakRef(owner), off, end: off + len };
  claimed.set(key, claims.add(claim));
  return () => {
    claims.delete(claim);
    if (claims.size === 0 && claimed.get(key) === claims) claimed.delete(key);
  };
}

/** A device is the same whatever node it was opened by. */
function keyOf(st: BigIntStats): string {
  return st.isBlockDevice() ? `device ${st.rdev}` : `${st.dev}:${st.ino}`;
}
