/**
 * Many reads, or writes, of one descriptor in one system call: io_submit(2) of Linux, by koffi. The descriptor does not wait (O_NONBLOCK), and so each is over when the
 * call returns.
 *
 * struct iocb, 64 bytes: data 0[8], key 8[4], flags 12[4], operation 16[2], priority 18[2], descriptor 20[4], address 24[8], length 32[8], offset 40[8].
 * struct io_event, 32 bytes: data 0[8], iocb 8[8], result 16[8]. Little-endian both (linux/aio_abi.h).
 */
import { type CFunction, koffiOf, libc } from './libc.js';

/** IOCB_CMD_PREAD, IOCB_CMD_PWRITE. */
export const AIO_READ = 0;
export const AIO_WRITE = 1;

const IOCB_LEN = 64;
const EVENT_LEN = 32;
const WORD = 0x1_0000_0000;

interface Calls {
  readonly setup: number;
  readonly destroy: number;
  readonly getevents: number;
  readonly submit: number;
}

/** The numbers of the system calls. */
const CALLS: Readonly<Record<string, Calls | undefined>> = {
  x64: { setup: 206, destroy: 207, getevents: 208, submit: 209 },
  arm64: { setup: 0, destroy: 1, submit: 2, getevents: 4 },
};

export class Aio {
  readonly #iocbs: DataView;
  readonly #events: Int32Array;
  readonly #pointers: BigUint64Array;
  readonly #pointersAt: number;
  readonly #eventsAt: number;
  readonly #submit: CFunction;
  readonly #getevents: CFunction;

  /** `operation` (AIO_*) on `fd`, `max` (8 or more) at once. */
  constructor(
    fd: number,
    operation: number,
    readonly max: number,
    readonly context: number,
    readonly calls: Calls,
  ) {
    const { address } = koffiOf();
    this.#iocbs = new DataView(new ArrayBuffer(max * IOCB_LEN));
    this.#events = new Int32Array((max * EVENT_LEN) / 4);
    this.#pointers = new BigUint64Array(max);
    const first = address(this.#iocbs);
    for (let i = 0; i < max; i++) {
      this.#pointers[i] = first + BigInt(i * IOCB_LEN);
      this.#iocbs.setUint16(i * IOCB_LEN + 16, operation, true);
      this.#iocbs.setInt32(i * IOCB_LEN + 20, fd, true);
    }
    this.#pointersAt = Number(address(this.#pointers));
    this.#eventsAt = Number(address(this.#events));
    this.#submit = libc('long syscall(long number, uintptr_t context, long count, uintptr_t iocbs)');
    this.#getevents = libc('long syscall(long number, uintptr_t context, long least, long most, uintptr_t events, uintptr_t timeout)');
  }

  /** The `index`-th is of `len` bytes at `address`, from now on. */
  set(index: number, address: number, len: number): void {
    const at = index * IOCB_LEN;
    this.#iocbs.setUint32(at + 24, address >>> 0, true);
    this.#iocbs.setUint32(at + 28, address / WORD, true);
    this.#iocbs.setUint32(at + 32, len, true);
  }

  /** Does the first `count`. Returns how many were done: those before one that could not be begun. */
  run(count: number): number {
    const begun = Number(this.#submit(this.calls.submit, this.context, count, this.#pointersAt));
    if (begun <= 0) return 0;
    return Number(this.#getevents(this.calls.getevents, this.context, begun, begun, this.#eventsAt, 0)) === begun ? begun : 0;
  }

  /** What came of the `index`-th: bytes, or -errno. */
  result(index: number): number {
    return this.#events[(index * EVENT_LEN + 16) / 4];
  }

  close(): void {
    libc('long syscall(long number, uintptr_t context)')(this.calls.destroy, this.context);
  }
}

/** undefined: this system has none, or gives none. */
export function openAio(fd: number, operation: number, max: number): Aio | undefined {
  const calls = CALLS[process.arch];
  if (calls === undefined) return undefined;
  const context = new BigUint64Array(16);
  const setup = libc('long syscall(long number, long max, void *context)');
  return setup(calls.setup, max, context) === 0 ? new Aio(fd, operation, max, Number(context[0]), calls) : undefined;
}
