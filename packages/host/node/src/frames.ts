/**
 * Frames to and from a descriptor that has one for each read() and write(), and does not wait.
 *
 * A system call costs more than the copy of a small frame, and so many of them go, or come, in one (aio.ts) where there are many. Large frames are read one by
 * one, into memory that stays in the processor's cache.
 */
import { AIO_READ, AIO_WRITE, type Aio, openAio } from './aio.js';
import { type CFunction, koffiOf, libc } from './libc.js';

/** Room for any frame: 64 KiB with their headers. */
const SLOT_LEN = 65_600;
/** Frames that are read at once: those shorter than SMALL, after BEGUN of them. */
const AHEAD = 32;
const SMALL = 16_384;
const BEGUN = 2;
/** Small frames after which the next ones begin as many. */
const MANY = 8;

/** Frames that wait to be sent, and their bytes. Fewer than FEW are cheaper one by one. */
const BATCH = 64;
const OUT_LEN = 4 * SLOT_LEN;
const FEW = 3;

export class FrameReader {
  readonly buf = new Uint8Array(AHEAD * SLOT_LEN);
  /** Where the last frame is in `buf`, until the next one. */
  at = 0;
  readonly #bufAt: number;
  readonly #read: CFunction;
  readonly #aio: Aio | undefined;
  readonly #lens = new Int32Array(AHEAD);
  #got = 0;
  #given = 0;
  /** There was a read without a frame. */
  #dry = false;
  /** Small frames in a row. */
  #small = 0;

  constructor(readonly fd: number) {
    this.#bufAt = Number(koffiOf().address(this.buf));
    this.#read = libc('int read(int fd, uintptr_t buf, size_t len)');
    this.#aio = openAio(fd, AIO_READ, AHEAD);
    for (let i = 0; i < AHEAD; i++) this.#aio?.set(i, this.#bufAt + i * SLOT_LEN, SLOT_LEN);
  }

  /** The length of the next frame. 0: there is none now. */
  next(): number {
    for (;;) {
      while (this.#given < this.#got) {
        const index = this.#given++;
        const len = this.#lens[index];
        if (len <= 0) continue;
        this.at = index * SLOT_LEN;
        this.#small = len < SMALL ? this.#small + 1 : 0;
        return len;
      }
      if (this.#dry) {
        this.#dry = false;
        this.#small = this.#small < MANY ? 0 : BEGUN;
        return 0;
      }
      this.#fill();
    }
  }

  #fill(): void {
    this.#given = 0;
    this.#got = this.#aio === undefined || this.#small < BEGUN ? 0 : this.#aio.run(AHEAD);
    if (this.#got === 0) {
      this.#lens[0] = Number(this.#read(this.fd, this.#bufAt, SLOT_LEN));
      this.#got = 1;
    } else for (let i = 0; i < this.#got; i++) this.#lens[i] = (this.#aio as Aio).result(i);
    for (let i = 0; i < this.#got; i++) if (this.#lens[i] <= 0) this.#dry = true;
  }

  close(): void {
    this.#aio?.close();
  }
}

export class FrameWriter {
  readonly buf = new Uint8Array(OUT_LEN);
  readonly #bufAt: number;
  readonly #write: CFunction;
  readonly #aio: Aio | undefined;
  readonly #offs = new Int32Array(BATCH);
  readonly #lens = new Int32Array(BATCH);
  #count = 0;
  #end = 0;
  #lost = 0;

  constructor(readonly fd: number) {
    this.#bufAt = Number(koffiOf().address(this.buf));
    this.#write = libc('int write(int fd, uintptr_t buf, size_t len)');
    this.#aio = openAio(fd, AIO_WRITE, BATCH);
  }

  /** Where in `buf` a frame of `len` bytes is to be written before the next call. -1: it is too long. */
  reserve(len: number): number {
    if (len > SLOT_LEN) return -1;
    if (this.#count === BATCH || this.#end + len > OUT_LEN) this.#send();
    const off = this.#end;
    this.#offs[this.#count] = off;
    this.#lens[this.#count++] = len;
    this.#end += (len + 7) & ~7;
    return off;
  }

  /** Sends them. Returns how many were not taken since the last time. */
  flush(): number {
    if (this.#count > 0) this.#send();
    const lost = this.#lost;
    this.#lost = 0;
    return lost;
  }

  #send(): void {
    const count = this.#count;
    this.#count = this.#end = 0;
    for (let i = this.#aio === undefined || count < FEW ? 0 : this.#sendMany(this.#aio, count); i < count; i++) {
      if (Number(this.#write(this.fd, this.#bufAt + this.#offs[i], this.#lens[i])) !== this.#lens[i]) this.#lost++;
    }
  }

  #sendMany(aio: Aio, count: number): number {
    for (let i = 0; i < count; i++) aio.set(i, this.#bufAt + this.#offs[i], this.#lens[i]);
    const done = aio.run(count);
    for (let i = 0; i < done; i++) if (aio.result(i) !== this.#lens[i]) this.#lost++;
    return done;
  }

  close(): void {
    this.#aio?.close();
  }
}
