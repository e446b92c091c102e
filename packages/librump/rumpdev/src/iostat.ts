/** What a device has transferred: counts, bytes, and the time for which it was busy. iostat(8) reads them from hw.iostats. */
import { emitBytestr, putU32le, putU64le } from '@anykernel/lib-bytes';
import type { Kernel } from '@anykernel/rumpkern';

const NS_PER_SEC = 1_000_000_000;
const NS_PER_USEC = 1000;

/** Bytes of struct io_sysctl. */
export const IOSTAT_LEN = 104;

export class Iostat {
  readonly name: string;
  /** Transfers that have ended, and their bytes. */
  readTransfers = 0;
  readBytes = 0;
  writeTransfers = 0;
  writeBytes = 0;
  /** Transfers that did not begin where the last one had ended. */
  seeks = 0;
  /** Transfers that failed. */
  errors = 0;
  /** Transfers under way. */
  busy = 0;
  /** Nanoseconds for which there was one. */
  busyTime = 0;
  readonly #k: Kernel;
  readonly #attached: number;
  #since = 0;
  #next = 0;

  constructor(k: Kernel, name: string) {
    this.#k = k;
    this.name = name;
    this.#attached = k.mono();
  }

  /** A transfer begins at `off`. */
  begin(off: number): void {
    if (off !== this.#next) this.seeks++;
    if (this.busy++ === 0) this.#since = this.#k.mono();
  }

  /** A transfer of [off, off+len) has ended, or failed. */
  end(off: number, len: number, write: boolean, failed: boolean): void {
    if (--this.busy === 0) this.busyTime += this.#k.mono() - this.#since;
    this.#next = off + len;
    if (failed) this.errors++;
    else if (write) {
      this.writeTransfers++;
      this.writeBytes += len;
    } else {
      this.readTransfers++;
      this.readBytes += len;
    }
  }

  /**
   * struct io_sysctl, little-endian, at `at` of `b`, in place: name[16], busy and type i32, transfers, seeks and bytes u64, the times of attachment, of the
   * last change and of being busy as seconds and microseconds u32, then transfers and bytes of reads and of writes u64.
   */
  emit(b: Uint8Array, at: number): void {
    emitBytestr(b, at, this.name.slice(0, 15));
    putU32le(b, at + 16, this.busy);
    putU64le(b, at + 24, this.readTransfers + this.writeTransfers);
    putU64le(b, at + 32, this.seeks);
    putU64le(b, at + 40, this.readBytes + this.writeBytes);
    emitTime(b, at + 48, this.#attached);
    emitTime(b, at + 56, this.#since);
    emitTime(b, at + 64, this.busyTime);
    putU64le(b, at + 72, this.readTransfers);
    putU64le(b, at + 80, this.readBytes);
    putU64le(b, at + 88, this.writeTransfers);
    putU64le(b, at + 96, this.writeBytes);
  }
}

function emitTime(b: Uint8Array, at: number, ns: number): void {
  putU32le(b, at, Math.floor(ns / NS_PER_SEC));
  putU32le(b, at + 4, Math.floor((ns % NS_PER_SEC) / NS_PER_USEC));
}
