/**
 * Who writes which bytes of a file of the machine: two kernels do not have one file system mounted for writing both.
 *
 * Within a program it is the program's, not a host's, since hosts of one program share the machine's files; between programs and threads there are locks (locks.ts). A
 * claim ends with its file, and with whoever is garbage.
 */
import type { BigIntStats } from 'node:fs';
import { ERR } from '@anykernel/lib-sys';
import { closeSync, constants, fstatSync, openSync } from './builtin.js';
import { lockBytes } from './locks.js';

interface Claim {
  readonly owner: WeakRef<object>;
  readonly off: number;
  readonly end: number;
  unlock: (() => void) | undefined;
}

interface Claimed {
  readonly claims: Set<Claim>;
  /** Ends that a block device is this program's alone. */
  readonly share: (() => void) | undefined;
}

/** By device and inode. */
const files = new Map<string, Claimed>();

/** Claims of owners that nobody closed. */
const garbage = new FinalizationRegistry<() => void>((end) => end());

/**
 * Claims `len` bytes from `off` of the file that `fd` is, for `owner`. Returns what ends it. EBUSY: somebody else has some of them, or the machine itself has the block
 * device mounted.
 */
export function claimBytes(fd: number, owner: object, off: number, len: number): () => void {
  const st = fstatSync(fd, { bigint: true });
  const key = keyOf(st);
  const end = off + len;
  for (const c of files.get(key)?.claims ?? []) {
    if (c.owner.deref() === undefined) release(key, c);
    else if (c.off < end && off < c.end) throw ERR.EBUSY;
  }
  const unlock = lockBytes(key, off, end);
  try {
    const file = files.get(key) ?? { claims: new Set(), share: st.isBlockDevice() ? exclusively(fd) : undefined };
    const claim: Claim = { owner: new WeakRef(owner), off, end, unlock };
    file.claims.add(claim);
    files.set(key, file);
    const done = (): void => release(key, claim);
    garbage.register(owner, done);
    return done;
  } catch (e) {
    unlock?.();
    throw e;
  }
}

/** A second time is nothing. */
function release(key: string, claim: Claim): void {
  const file = files.get(key);
  claim.unlock?.();
  claim.unlock = undefined;
  if (file?.claims.delete(claim) !== true || file.claims.size > 0) return;
  files.delete(key);
  file.share?.();
}

/** On Linux whoever opens a block device so has it alone among all who do, mount(2) among them. EBUSY. */
function exclusively(fd: number): (() => void) | undefined {
  if (process.platform !== 'linux') return undefined;
  let held: number;
  try {
    held = openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY | constants.O_EXCL);
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code === 'EBUSY') throw ERR.EBUSY;
    return undefined;
  }
  return () => closeSync(held);
}

/** A device is the same whatever node it was opened by. */
function keyOf(st: BigIntStats): string {
  return st.isBlockDevice() ? `${st.rdev}` : `${st.dev}:${st.ino}`;
}
