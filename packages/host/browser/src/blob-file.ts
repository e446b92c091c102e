/**
 * A Blob (a file that the user has chosen, a download) as a host file: for reading, and every transfer ends later, from the event loop.
 */
import type { Completion, HostFile, HostFileInfo, OpenMode } from '@anykernel/host-rumpuser';
import { ERR } from '@anykernel/lib-sys';
import type { EventLoop } from './event-loop.js';

/** What is used of a Blob. */
export interface BlobLike {
  readonly size: number;
  slice(start: number, end: number): BlobLike;
  arrayBuffer(): Promise<ArrayBuffer>;
}

export class BlobFile {
  readonly #blob: BlobLike;
  readonly #loop: EventLoop;

  constructor(blob: BlobLike, loop: EventLoop) {
    this.#blob = blob;
    this.#loop = loop;
  }

  info(): HostFileInfo {
    return { size: this.#blob.size, type: 'reg' };
  }

  /** EROFS: for writing. */
  open(mode: OpenMode): HostFile {
    if (mode.write === true) throw ERR.EROFS;
    return new OpenBlob(this.#blob, this.#loop);
  }
}

class OpenBlob implements HostFile {
  readonly size: number;
  readonly writable = false;
  readonly #blob: BlobLike;
  readonly #loop: EventLoop;
  #open = true;
  /** For transfers without an offset. */
  #position = 0;

  constructor(blob: BlobLike, loop: EventLoop) {
    this.#blob = blob;
    this.#loop = loop;
    this.size = blob.size;
  }

  read(data: Uint8Array, off: number, done: Completion): number {
    return this.readv([data], off, done);
  }

  readv(data: readonly Uint8Array[], off: number, done: Completion): number {
    if (!this.#open) throw ERR.EBADF;
    if (!Number.isSafeInteger(off) || off < -1) throw ERR.EINVAL;
    const start = Math.min(off === -1 ? this.#position : off, this.size);
    const end = Math.min(start + data.reduce((sum, part) => sum + part.length, 0), this.size);
    if (off === -1) this.#position = end;
    this.#blob
      .slice(start, end)
      .arrayBuffer()
      .then((buffer) => scatter(new Uint8Array(buffer), data))
      .then(
        (moved) => this.#loop.soon(() => done(undefined, moved)),
        () => this.#loop.soon(() => done(ERR.EIO, 0)),
      );
    return -1;
  }

  write(): number {
    throw ERR.EBADF;
  }

  writev(): number {
    throw ERR.EBADF;
  }

  flush(done: Completion): number {
    if (!this.#open) throw ERR.EBADF;
    this.#loop.soon(() => done(undefined, 0));
    return -1;
  }

  close(): void {
    this.#open = false;
  }
}

/** Fills `data`, one after another. */
function scatter(bytes: Uint8Array, data: readonly Uint8Array[]): number {
  let at = 0;
  for (const part of data) {
    part.set(bytes.subarray(at, at + part.length));
    at = Math.min(at + part.length, bytes.length);
  }
  return at;
}
