/** The host's half, for tests. */
import type { VirtPort } from '@anykernel/virtif';

/** A frame of 64 KiB with its headers. */
const FRAME_MAX = 65_560;

/** A packet device in memory: what was written, and what is to be read. */
export class Device implements VirtPort {
  readonly written: Uint8Array[] = [];
  readonly waiting: Uint8Array[] = [];
  closed = false;
  full = false;
  flushes = 0;
  readonly in = new Uint8Array(FRAME_MAX + 3);
  inAt = 0;
  readonly out = new Uint8Array(2 * FRAME_MAX);
  readonly #pending: [number, number][] = [];
  #end = 0;
  #lost = 0;
  #fn: (() => number) | undefined;

  constructor(
    readonly name: string,
    readonly offload: boolean,
  ) {}

  read(): number {
    const frame = this.waiting.shift();
    if (frame === undefined) return 0;
    // What is too long is cut, as TAP devices do.
    const len = Math.min(frame.length, FRAME_MAX);
    // Each at another place.
    this.inAt = this.inAt === 0 ? 3 : 0;
    this.in.set(frame.subarray(0, len), this.inAt);
    return len;
  }
  reserve(len: number): number {
    if (len > FRAME_MAX) return -1;
    if (this.#end + len > this.out.length) this.#send();
    const off = this.#end;
    this.#pending.push([off, (this.#end += len)]);
    return off;
  }
  flush(): number {
    this.flushes++;
    this.#send();
    const lost = this.#lost;
    this.#lost = 0;
    return lost;
  }
  #send(): void {
    for (const [from, to] of this.#pending.splice(0)) {
      if (this.full) this.#lost++;
      else this.written.push(this.out.slice(from, to));
    }
    this.#end = 0;
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
