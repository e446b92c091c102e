/**
 * Advisory locks on the bytes of a file: fcntl(2)'s, which belong to a process, and flock(2)'s, which belong to an open file and cover all
 * of it. Both kinds see each other.
 *
 * A file's locks are in Vnode.lockf, by position. Whoever waits sleeps on the lock that is in the way; a lock that goes, shrinks or
 * changes wakes them.
 */
import { ERR, F_GETLK, F_UNLCK, F_WRLCK, type Flock, SEEK_SET } from '@anykernel/lib-sys';
import { type Kernel, type Lwp, Proc } from '@anykernel/rumpkern';
import type { Vnode } from './vnode.js';

class Lock {
  constructor(
    readonly owner: object,
    readonly type: number,
    readonly start: number,
    /** The byte after the last one; Infinity: to the end, however the file grows. */
    readonly end: number,
  ) {}

  overlaps(start: number, end: number): boolean {
    return this.start < end && start < this.end;
  }
}

/**
 * Does `op` (F_GETLK, F_SETLK) with the lock `fl`, whose start counts from the beginning of the file. `owner` is a Proc, or for flock(2)
 * a File.
 *
 * EINVAL. EAGAIN: it is in somebody's way, and `wait` is off. EDEADLK: whoever is in the way waits for the owner. EINTR.
 */
export function advlock(vp: Vnode, owner: object, op: number, fl: Flock, wait: boolean, l: Lwp): void {
  const start = fl.start;
  const end = fl.len === 0 ? Infinity : fl.start + fl.len;
  if (op === F_GETLK) {
    getLock(vp, owner, fl, start, end);
    return;
  }
  const blocker = fl.type === F_UNLCK ? undefined : blockerOf(vp, owner, fl.type, start, end);
  if (blocker !== undefined) {
    if (!wait) throw ERR.EAGAIN;
    if (owner instanceof Proc) checkDeadlock(owner, blocker);
    // Two sharers who both want more would wait for each other for ever: flock(2) gives the old lock up first.
    else setLock(vp, owner, F_UNLCK, 0, Infinity, l.k);
    l.k.sleep(blocker);
  }
  setLock(vp, owner, fl.type, start, end, l.k);
}

/** All locks of `owner` go. */
export function releaseLocks(vp: Vnode, owner: object, k: Kernel): void {
  if (vp.lockf !== undefined) setLock(vp, owner, F_UNLCK, 0, Infinity, k);
}

/** The file is gone: who waits looks again. */
export function abandonLocks(vp: Vnode, k: Kernel): void {
  const locks = vp.lockf as Lock[] | undefined;
  vp.lockf = undefined;
  if (locks !== undefined) for (const lock of locks) k.wakeup(lock);
}

function blockerOf(vp: Vnode, owner: object, type: number, start: number, end: number): Lock | undefined {
  const locks = vp.lockf as Lock[] | undefined;
  return locks?.find((x) => x.owner !== owner && x.overlaps(start, end) && (type === F_WRLCK || x.type === F_WRLCK));
}

function getLock(vp: Vnode, owner: object, fl: Flock, start: number, end: number): void {
  const blocker = blockerOf(vp, owner, fl.type, start, end);
  if (blocker === undefined) {
    fl.type = F_UNLCK;
    return;
  }
  fl.type = blocker.type;
  fl.whence = SEEK_SET;
  fl.start = blocker.start;
  fl.len = blocker.end === Infinity ? 0 : blocker.end - blocker.start;
  fl.pid = blocker.owner instanceof Proc ? blocker.owner.pid : -1;
}

/** Puts a lock in place of what the owner has on these bytes (F_UNLCK: nothing). */
function setLock(vp: Vnode, owner: object, type: number, start: number, end: number, k: Kernel): void {
  const kept: Lock[] = [];
  let from = start;
  let to = end;
  for (const lock of (vp.lockf as Lock[] | undefined) ?? []) {
    const touches = lock.owner === owner && lock.start <= end && start <= lock.end;
    if (!touches || (lock.type !== type && !lock.overlaps(start, end))) {
      kept.push(lock);
      continue;
    }
    k.wakeup(lock);
    if (lock.type === type) {
      from = Math.min(from, lock.start);
      to = Math.max(to, lock.end);
      continue;
    }
    if (lock.start < start) kept.push(new Lock(owner, lock.type, lock.start, start));
    if (lock.end > end) kept.push(new Lock(owner, lock.type, end, lock.end));
  }
  if (type !== F_UNLCK) kept.push(new Lock(owner, type, from, to));
  kept.sort((a, b) => a.start - b.start);
  vp.lockf = kept.length === 0 ? undefined : kept;
}

/** Follows who waits for whom, from the one in the way. EDEADLK: it leads back to `owner`. */
function checkDeadlock(owner: Proc, blocker: Lock): void {
  const seen = new Set<object>();
  const next: object[] = [blocker.owner];
  for (let who = next.pop(); who !== undefined; who = next.pop()) {
    if (who === owner) throw ERR.EDEADLK;
    if (seen.has(who) || !(who instanceof Proc)) continue;
    seen.add(who);
    for (const l of who.lwps) if (l.parked && l.wchan instanceof Lock) next.push(l.wchan.owner);
  }
}
