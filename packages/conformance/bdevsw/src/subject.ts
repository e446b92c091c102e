/** What the suite needs of a driver, and how it waits. */
import type { Completion } from '@anykernel/host-rumpuser';
import { Errno } from '@anykernel/lib-sys';
import { type Bdevsw, FREAD, FWRITE, type Kernel } from '@anykernel/rumpkern';

/** A driver with a device that can be written, of at least 64 KiB; its contents are lost. */
export interface BdevSubject {
  readonly k: Kernel;
  /** The device. */
  readonly dev: number;
  /** A number of the same driver for which there is no device. */
  readonly absent: number;
  /** A device of the same driver that can only be read, if it has such. */
  readonly readonly?: number;
  /** Lets the host's event loop go on, for transfers that end later. */
  settle(): void | Promise<void>;
  /** After each test. */
  close?(): void;
}

export interface BdevConformance {
  readonly name: string;
  /** Transfers end later, always; otherwise at once, always. */
  readonly asynchronous?: boolean;
  /** Called for each test. */
  make(): BdevSubject | Promise<BdevSubject>;
}

/** Turns of the event loop that a transfer may take. */
const TURNS_MAX = 10_000;

/** The driver in a test's hands. */
export class Driver {
  readonly subject: BdevSubject;
  readonly sw: Bdevsw;
  /** How often a completion was called; whether the last transfer ended later. */
  completions = 0;
  late = false;

  constructor(subject: BdevSubject) {
    this.subject = subject;
    this.sw = subject.k.run(() => subject.k.devsw.bdev(subject.dev));
  }

  get size(): number {
    return this.sw.psize(this.subject.dev);
  }

  get secsize(): number {
    return this.sw.secsize(this.subject.dev);
  }

  open(dev: number = this.subject.dev, flag: number = FREAD | FWRITE): void {
    this.subject.k.run(() => this.sw.open(dev, flag, this.subject.k.curlwp));
  }

  close(dev: number = this.subject.dev, flag: number = FREAD | FWRITE): void {
    this.subject.k.run(() => this.sw.close(dev, flag, this.subject.k.curlwp));
  }

  ioctl(cmd: number, data?: Uint8Array): number {
    return this.subject.k.run(() => this.sw.ioctl(this.subject.dev, cmd, data, this.subject.k.curlwp));
  }

  /** The bytes moved; what failed, at once or later, is thrown. */
  read(data: readonly Uint8Array[], off: number): Promise<number> {
    return this.#transfer((done) => this.sw.readv(this.subject.dev, data, off, done));
  }

  write(data: readonly Uint8Array[], off: number): Promise<number> {
    return this.#transfer((done) => this.sw.writev(this.subject.dev, data, off, done));
  }

  flush(): Promise<number> {
    return this.#transfer((done) => this.sw.flush(this.subject.dev, done));
  }

  async #transfer(start: (done: Completion) => number): Promise<number> {
    let ended: { error: Errno | undefined; moved: number } | undefined;
    const done: Completion = (error, moved) => {
      this.completions++;
      ended = { error, moved };
    };
    const moved = this.subject.k.run(() => start(done));
    if (ended !== undefined) throw new Error('the completion was called before the transfer had returned');
    this.late = moved === -1;
    if (moved !== -1) return moved;
    for (let turn = 0; ended === undefined; turn++) {
      if (turn === TURNS_MAX) throw new Error('the transfer does not end');
      await this.subject.settle();
    }
    const { error, moved: later } = ended as { error: Errno | undefined; moved: number };
    if (error !== undefined) throw error;
    return later;
  }
}

/** The Errno that `fn` throws, now or later; undefined: none. */
export async function errnoOf(fn: () => unknown): Promise<Errno | undefined> {
  try {
    await fn();
    return undefined;
  } catch (e) {
    if (e instanceof Errno) return e;
    throw e;
  }
}

/** `len` bytes of which no two sectors are the same. */
export function pattern(len: number, salt: number): Uint8Array {
  const b = new Uint8Array(len);
  for (let i = 0; i < len; i++) b[i] = (i * 5 + (i >> 9) * 11 + salt * 17 + 3) & 0xff;
  return b;
}
