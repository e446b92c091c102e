/** Reading and writing a device in calls that may sleep: what has been read is there when the call is made again. */
import { ERR, Errno } from '@anykernel/lib-sys';

/** Told of the end of a transfer. */
type Completion = (error: Errno | undefined, moved: number) => void;

/** What recovery needs of a device: rumpvfs's Disk has it. Transfers give their length, or -1 where `done` is called later. */
export interface ReplayDevice {
  readonly size: number;
  readonly k: { sleep(chan: object): never; wakeup(chan: object): void };
  read(data: readonly Uint8Array[], off: number, done: Completion): number;
  write(data: readonly Uint8Array[], off: number, done: Completion): number;
  flush(): void;
}

/** Bytes of the device that are read at once. */
const WINDOW = 64 << 10;

export class Io {
  readonly #disk: ReplayDevice;
  readonly #window = new Uint8Array(WINDOW);
  #from = 0;
  #to = 0;
  #busy = false;
  #outgoing = 0;
  #error: Errno | undefined;

  constructor(disk: ReplayDevice) {
    this.#disk = disk;
  }

  /** `len` bytes at `off`, until the next call. EIO; sleeps. */
  read(off: number, len: number): Uint8Array {
    if (this.#busy) this.#disk.k.sleep(this);
    this.#report();
    if (off < this.#from || off + len > this.#to) this.#fill(off, len);
    return this.#window.subarray(off - this.#from, off - this.#from + len);
  }

  #fill(off: number, len: number): void {
    if (len > WINDOW || off + len > this.#disk.size) throw ERR.EIO;
    const n = Math.min(WINDOW, Math.floor((this.#disk.size - off) / len) * len);
    this.#from = this.#to = 0;
    const moved = this.#disk.read([this.#window.subarray(0, n)], off, (error) => {
      this.#busy = false;
      this.#error = error;
      if (error === undefined) [this.#from, this.#to] = [off, off + n];
      this.#disk.k.wakeup(this);
    });
    if (moved === -1) {
      this.#busy = true;
      this.#disk.k.sleep(this);
    }
    [this.#from, this.#to] = [off, off + n];
  }

  #report(): void {
    const error = this.#error;
    this.#error = undefined;
    if (error !== undefined) throw error;
  }

  /** Starts to write a copy of `b`. What fails is told by drain(). */
  write(off: number, b: Uint8Array): void {
    try {
      const moved = this.#disk.write([b.slice()], off, (error) => {
        this.#error ??= error;
        if (--this.#outgoing === 0) this.#disk.k.wakeup(this);
      });
      if (moved === -1) this.#outgoing++;
    } catch (e) {
      if (!(e instanceof Errno)) throw e;
      this.#error ??= e;
    }
  }

  /** All that was written is on stable storage on return. EIO; sleeps. */
  drain(): void {
    if (this.#outgoing > 0) this.#disk.k.sleep(this);
    this.#report();
    this.#disk.flush();
  }
}
