/**
 * A file or device of the machine as a host file: synchronous transfers, which move everything that there is to move.
 *
 * A transfer is repeated until it is whole or the end is reached; an error after some bytes have moved is a short transfer, and the next one
 * meets it. Reads at the file's own position (terminals, pipes) take what is there.
 */
import type { Completion, HostFile } from '@anykernel/host-rumpuser';
import { ERR } from '@anykernel/lib-sys';
import { closeSync, fdatasyncSync, readSync, readvSync, writeSync, writevSync } from './builtin.js';
import { claimBytes } from './claims.js';
import { errnoOf } from './errno.js';

/** IOV_MAX of Linux: readv() silently looks at no more. */
const IOV_MAX = 1024;

export class NodeFile implements HostFile {
  readonly size: number;
  readonly writable: boolean;
  readonly #readable: boolean;
  #fd: number;
  readonly #claims = new Set<() => void>();

  /** Owns `fd`. */
  constructor(fd: number, size: number, readable: boolean, writable: boolean) {
    this.#fd = fd;
    this.size = size;
    this.#readable = readable;
    this.writable = writable;
  }

  read(data: Uint8Array, off: number, _done: Completion): number {
    const fd = this.#check(this.#readable, off);
    let moved = 0;
    try {
      while (moved < data.length) {
        const n = readSync(fd, data, moved, data.length - moved, off === -1 ? null : off + moved);
        moved += n;
        if (n === 0 || off === -1) break;
      }
    } catch (e) {
      if (moved === 0) throw errnoOf(e);
    }
    return moved;
  }

  write(data: Uint8Array, off: number, _done: Completion): number {
    const fd = this.#check(this.writable, off);
    let moved = 0;
    try {
      while (moved < data.length) moved += writeSync(fd, data, moved, data.length - moved, off === -1 ? null : off + moved);
    } catch (e) {
      if (moved === 0) throw errnoOf(e);
    }
    return moved;
  }

  readv(data: readonly Uint8Array[], off: number, done: Completion): number {
    if (data.length === 1) return this.read(data[0], off, done);
    const fd = this.#check(this.#readable, off);
    return each(data, off, off === -1, (some, at) => readvSync(fd, some as Uint8Array[], at));
  }

  writev(data: readonly Uint8Array[], off: number, done: Completion): number {
    if (data.length === 1) return this.write(data[0], off, done);
    const fd = this.#check(this.writable, off);
    return each(data, off, false, (some, at) => writevSync(fd, some as Uint8Array[], at));
  }

  flush(_done: Completion): number {
    const fd = this.#check(true, 0);
    try {
      fdatasyncSync(fd);
    } catch (e) {
      // Terminals and pipes keep nothing that could be flushed.
      if (errnoOf(e) !== ERR.EINVAL) throw errnoOf(e);
    }
    return 0;
  }

  claim(off: number, len: number): () => void {
    const end = claimBytes(this.#check(this.writable, off), this, off, len);
    this.#claims.add(end);
    return () => {
      this.#claims.delete(end);
      end();
    };
  }

  close(): void {
    const fd = this.#fd;
    if (fd === -1) return;
    for (const end of this.#claims) end();
    this.#fd = -1;
    closeSync(fd);
  }

  /** The descriptor. EBADF: closed, or not open for this. EINVAL: no offset. */
  #check(allowed: boolean, off: number): number {
    if (this.#fd === -1 || !allowed) throw ERR.EBADF;
    if (!Number.isSafeInteger(off) || off < -1) throw ERR.EINVAL;
    return this.#fd;
  }
}

/** Moves all of `data` by calls on at most IOV_MAX buffers, each going on where the one before ended. */
function each(
  data: readonly Uint8Array[],
  off: number,
  once: boolean,
  move: (some: readonly Uint8Array[], at: number | undefined) => number,
): number {
  let rest = data.length <= IOV_MAX ? data : data.filter((one) => one.length > 0);
  let left = 0;
  for (const one of rest) left += one.length;
  let moved = 0;
  try {
    while (left > 0) {
      const n = move(rest.length <= IOV_MAX ? rest : rest.slice(0, IOV_MAX), off === -1 ? undefined : off + moved);
      moved += n;
      left -= n;
      if (n === 0 || left === 0 || once) break;
      rest = after(rest, n);
    }
  } catch (e) {
    if (moved === 0) throw errnoOf(e);
  }
  return moved;
}

/** What is left of `data` behind its first `len` bytes. */
function after(data: readonly Uint8Array[], len: number): Uint8Array[] {
  let index = 0;
  while (index < data.length && len >= data[index].length) len -= data[index++].length;
  const rest = data.slice(index);
  if (len > 0) rest[0] = rest[0].subarray(len);
  return rest;
}
