/**
 * What a disk was asked to write, and when it was flushed: enough to say what it would hold after a power cut.
 */
import type { DiskImage } from './image.js';

/** One write that has ended. */
export interface JournalWrite {
  /** 1 for the disk's first write. */
  readonly n: number;
  readonly off: number;
  readonly bytes: Uint8Array;
  /** Virtual time, nanoseconds. */
  readonly at: number;
}

/** How much is kept: nothing, the writes since the last flush, or all since the beginning (or the last forget()). */
export type Recording = 'none' | 'flush' | 'all';

/** A flush that ended after write `ended` made durable all up to write `upTo`. */
interface Flush {
  readonly upTo: number;
  readonly ended: number;
}

export class Journal {
  readonly recording: Recording;
  /** The disk as it was before the first write that is kept. */
  #base: DiskImage;
  /** The last write that #base has. */
  #baseCount = 0;
  #writes: JournalWrite[] = [];
  #flushes: Flush[] = [];
  /** All up to here is durable. */
  #durable = 0;
  /** The image of the last after(), without what was pending: cuts one after another need not begin from the start. */
  #last: { readonly image: DiskImage; readonly durable: number } | undefined;

  constructor(recording: Recording, image: DiskImage) {
    this.recording = recording;
    this.#base = image.clone();
  }

  /** The writes that are kept. */
  get writes(): readonly JournalWrite[] {
    return this.#writes;
  }

  /** The number of the last write that is durable. */
  get durable(): number {
    return this.#durable;
  }

  /** The earliest write after which the disk can be reconstructed. */
  get first(): number {
    return this.#baseCount;
  }

  add(write: JournalWrite): void {
    this.#writes.push(write);
  }

  /** A flush has ended, after write `ended`; it covers the writes up to `upTo`. */
  flushed(upTo: number, ended: number): void {
    this.#durable = Math.max(this.#durable, upTo);
    if (this.recording === 'all') this.#flushes.push({ upTo, ended });
    if (this.recording === 'flush') this.#fold(upTo);
  }

  /** Forgets what came before: the beginning is now, with `image`, after write `count`. */
  restart(image: DiskImage, count: number): void {
    this.#base = image.clone();
    this.#baseCount = this.#durable = count;
    this.#writes = [];
    this.#flushes = [];
    this.#last = undefined;
  }

  #fold(upTo: number): void {
    const rest = this.#writes.findIndex((write) => write.n > upTo);
    const count = rest === -1 ? this.#writes.length : rest;
    for (const write of this.#writes.splice(0, count)) apply(this.#base, write);
    this.#baseCount = Math.max(this.#baseCount, upTo);
    this.#last = undefined;
  }

  /** What write `n` left behind: a copy of the disk with all that was durable then, and the writes that were not. */
  after(n: number, lastFlush: boolean): { image: DiskImage; pending: JournalWrite[] } {
    const durable = this.#durableAt(n, lastFlush);
    const start = this.#last !== undefined && this.#last.durable <= durable ? this.#last : { image: this.#base, durable: this.#baseCount };
    const image = start.image.clone();
    for (const write of this.#between(start.durable, durable)) apply(image, write);
    this.#last = { image, durable };
    return { image: image.clone(), pending: this.#between(durable, n) };
  }

  /** The writes from the one after `from` to `to`; writes are numbered without gaps. */
  #between(from: number, to: number): JournalWrite[] {
    return this.#writes.slice(from - this.#baseCount, to - this.#baseCount);
  }

  #durableAt(n: number, lastFlush: boolean): number {
    let durable = this.#baseCount;
    for (const flush of this.#flushes) if (flush.ended < n || (lastFlush && flush.ended === n)) durable = Math.max(durable, flush.upTo);
    return durable;
  }
}

/** Writes what a journal says, making the image longer where the write did. */
export function apply(image: DiskImage, write: Pick<JournalWrite, 'off' | 'bytes'>): void {
  if (write.off + write.bytes.length > image.size) image.resize(write.off + write.bytes.length);
  image.write(write.bytes, write.off);
}
