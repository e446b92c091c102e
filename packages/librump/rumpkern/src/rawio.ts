/**
 * Transfers to and from devices and host files outside of the caches: they may end later, and then the call sleeps until they have.
 *
 * A restarted call finds its transfer in l.memo. The bytes go through a buffer of the kernel's, so that a call which is interrupted can
 * leave while the host still works on it.
 */
import type { Completion } from '@anykernel/host-rumpuser';
import type { Errno } from '@anykernel/lib-sys';
import type { Kernel } from './kernel.js';
import type { Lwp } from './proc.js';

/** A transfer: starts it, and returns what it moved, or -1. */
export type Start = (buf: Uint8Array, done: Completion) => number;

/** A transfer that has not ended, or whose end has not been noticed. */
class Pending {
  ended = false;
  error: Errno | undefined = undefined;
  moved = 0;
  constructor(
    readonly buf: Uint8Array,
    /** Which transfer of the call it is. */
    readonly tag: number,
  ) {}
}

/**
 * Moves `len` bytes: `fill`, if there is one, fills the buffer before, and the buffer as far as it was moved is returned. `tag` tells this transfer
 * from others of the same call (its offset). Sleeps on a host that is asynchronous.
 */
export function transfer(l: Lwp, len: number, tag: number, fill: ((buf: Uint8Array) => void) | undefined, start: Start): Uint8Array {
  const k = l.k;
  const old = l.memo;
  if (old instanceof Pending && old.tag === tag) {
    if (!old.ended) k.sleep(old);
    l.memo = undefined;
    if (old.error !== undefined) throw old.error;
    return old.buf.subarray(0, old.moved);
  }
  const p = new Pending(new Uint8Array(len), tag);
  fill?.(p.buf);
  const moved = start(p.buf, (error, n) => k.intr(() => end(k, p, error, n)));
  if (moved >= 0) return p.buf.subarray(0, moved);
  l.memo = p;
  return k.sleep(p);
}

function end(k: Kernel, p: Pending, error: Errno | undefined, moved: number): void {
  p.ended = true;
  p.error = error;
  p.moved = moved;
  k.wakeup(p);
}
