/** The host's half, for tests. */
import type { VirtPort } from '@anykernel/virtif';

/** A packet device in memory: what was written, and what is to be read. */
export class Device implements VirtPort {
  readonly written: Uint8Array[] = [];
  readonly waiting: Uint8Array[] = [];
  closed = false;
  full = false;
  #fn: (() => number) | undefined;

  constructor(
    readonly name: string,
    readonly offload: boolean,
  ) {}

  read(into: Uint8Array): number {
    const frame = this.waiting.shift();
    if (frame === undefined) return 0;
    // What is too long is cut, as TAP devices do.
    const len = Math.min(frame.length, into.length);
    into.set(frame.subarray(0, len));
    return len;
  }
  write(pieces: readonly Uint8Array[], count: number): boolean {
    if (this.full) return false;
    this.written.push(Uint8Array.from(pieces.slice(0, count).flatMap((b) => [...b])));
    return true;
  }
  listen(fn: () => number): void {
    this.#fn = fn;
  }
  close(): void {
    this.closed = true;
  }
  /** Frames have come. */
  ring(...frames: readonly Uint8Array[]): number {
    this.waiting.push(...frames);
    return this.#fn?.() ?? 0;
  }
}
