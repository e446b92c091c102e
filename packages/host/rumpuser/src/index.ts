/**
 * The hypercalls: all that a kernel asks of the world around it. Types only; `host/node` and `host/sim` are implementations.
 *
 * Everything returns at once. What cannot be done at once says so by its result and completes later, from the host's event loop,
 * through the completion function that it was given; a host never calls back from inside a hypercall.
 * A failure is thrown (or given to the completion) as an `Errno` in NetBSD's numbering.
 */
import type { Errno } from '@anykernel/lib-sys';

/** The version of this interface. A kernel does not boot on a host of another version. */
export type RumpuserVersion = 1;

/** Ends an asynchronous transfer: `moved` bytes, or an error. */
export type Completion = (error: Errno | undefined, moved: number) => void;

/** What a transfer returns when it did not end at once: the completion function will be called. */
export type Pending = -1;

export type HostFileType = 'other' | 'dir' | 'reg' | 'blk' | 'chr';

export interface HostFileInfo {
  /** Bytes: the length of a file, the capacity of a device. */
  readonly size: number;
  readonly type: HostFileType;
}

export interface OpenMode {
  readonly read?: boolean;
  readonly write?: boolean;
  /** Make the file if it is not there. */
  readonly create?: boolean;
  /** With `create`: EEXIST if it is there. */
  readonly excl?: boolean;
  /** A hint: block transfers, at aligned offsets, will follow. */
  readonly bio?: boolean;
}

/**
 * An open file or device of the host.
 *
 * A transfer returns the bytes moved, or -1 (`Pending`): then `done` is called once, later. A transfer that ends at once never calls
 * `done`. `data` belongs to the host until the transfer has ended. Reads past the end move fewer bytes.
 */
export interface HostFile {
  /** Bytes, when the file was opened. */
  readonly size: number;
  readonly writable: boolean;
  /** Bytes from position `off`; -1 for `off` reads at the file's own position (terminals, pipes). */
  read(data: Uint8Array, off: number, done: Completion): number;
  write(data: Uint8Array, off: number, done: Completion): number;
  /** The buffers one after another, from position `off`. */
  readv(data: readonly Uint8Array[], off: number, done: Completion): number;
  writev(data: readonly Uint8Array[], off: number, done: Completion): number;
  /** What was written before is on stable storage when this has ended. Moves 0 bytes. */
  flush(done: Completion): number;
  /**
   * These bytes are to be written by nobody else, until what it returns is called or the file is closed. EBUSY: somebody has claimed some of them. Left out:
   * nobody else can have the file, or the host knows of nobody.
   */
  claim?(off: number, len: number): () => void;
  close(): void;
}

/** Wall time: seconds since 1970 and nanoseconds 0..999999999. */
export interface WallTime {
  sec: number;
  nsec: number;
}

/**
 * The half of a driver which lives on the host's side (a tap device, a bus, a sound card): the driver's package names it and gives its
 * type, a host package implements it. `revision` must agree.
 */
export interface HostHalf<T> {
  readonly name: string;
  readonly revision: number;
  /** Carries the type only. */
  readonly type?: T;
}

export interface Rumpuser {
  readonly version: RumpuserVersion;

  /** Memory of `len` bytes, zeroed. ENOMEM. */
  malloc(len: number): Uint8Array;
  /** Gives back what malloc() gave, whole. */
  free(mem: Uint8Array): void;

  /** Monotonic time in nanoseconds since some fixed point; never steps back. */
  clockMono(): number;
  /** Wall time, filled in place. */
  clockWall(time: WallTime): void;
  /**
   * Sets the kernel's one alarm, in place of the one set before: `fn` is called from the event loop once clockMono() has reached `at`
   * (at once, but never from within this call, if it has). Infinity: no alarm. `hold`: the program must not end before it rings.
   * Each kernel names itself by `owner`, so that kernels on one host do not disturb each other.
   */
  alarm(owner: object, at: number, fn: () => void, hold: boolean): void;

  /** Fills `buf` with random bytes. */
  getrandom(buf: Uint8Array): void;
  /** A parameter of the host (environment, configuration): RUMP_MEMLIMIT, _RUMPUSER_HOSTNAME ... */
  getparam(name: string): string | undefined;

  /** Writes to the console what it is given: a byte string (of UTF-8, mostly, which may be cut anywhere), or text with characters beyond 0xff. */
  putchars(text: string): void;
  /** Bytes typed on the console are given to `fn` from the event loop; undefined: no more. ENXIO: the host has no such input. */
  consoleInput(fn: ((bytes: Uint8Array) => void) | undefined): void;
  /** The kernel has ended: 'panic', or an exit status. What follows is the host's business; it may return. */
  exit(how: 'panic' | number): void;
  /** A signal (NetBSD's number) for the program around the kernel. */
  kill(signo: number): void;

  /** ENOENT, EACCES, ... `name` is the host's name space, not the kernel's. */
  open(name: string, mode: OpenMode): HostFile;
  /** undefined: there is no such file. */
  getfileinfo(name: string): HostFileInfo | undefined;
  /** The names in a directory, as byte strings, in any order. ENOENT, ENOTDIR, EACCES. Left out: the host's directories cannot be listed. */
  readdir?(name: string): readonly string[];

  /** The component exported by the package for `name` (a kernel component's name), or undefined. From the event loop, always. */
  importComponent(name: string, done: (component: unknown) => void): void;
  /** The host's half of a driver, or undefined where this host has none. */
  half<T>(of: HostHalf<T>): T | undefined;
}
