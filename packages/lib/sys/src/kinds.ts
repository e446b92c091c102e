/**
 * The kinds of arguments and results in the system call tables, and the types that they stand for.
 *
 * A kind says what a remote client has to copy and what a trace prints; a kind that ends with `?` may be left out.
 * `path` and `str` differ on the two sides: an application gives text or bytes, the kernel sees a byte string (one code unit
 * 0..255 a byte), which the entry layer makes.
 */
import type { Aiocb } from './aio.js';
import type { Kevent } from './event.js';
import type { Flock } from './fcntl.js';
import type { Pollfd, SelectSets } from './poll.js';
import type { Rlimit } from './resource.js';
import type { Sigevent } from './signal.js';
import type { Mmsghdr, Msghdr, SocketName } from './socket.js';
import type { Stat } from './stat.js';
import type { Statvfs } from './statvfs.js';
import type { SysctlName, SysctlValue } from './sysctl.js';
import type { Itimerspec, Timespec } from './time.js';

/** What mount(2) hands to the file system: an object that the file system's page describes, such as `{ fspec: '/dev/ld0a' }`. */
export type MountArgs = Readonly<Record<string, unknown>>;

/** The argument kinds which are the same on both sides. */
interface PlainArgs {
  fd: number;
  int: number;
  'int?': number | undefined;
  uint: number;
  long: number;
  off: number;
  mode: number;
  'mode?': number | undefined;
  dev: number;
  pid: number;
  uid: number;
  gid: number;
  gids: readonly number[];
  /** Bytes that the kernel reads. */
  in: Uint8Array;
  'in?': Uint8Array | undefined;
  /** Bytes that the kernel fills. */
  out: Uint8Array;
  'out?': Uint8Array | undefined;
  /** Data of an ioctl, read and filled as the command says. */
  'inout?': Uint8Array | undefined;
  iovin: readonly Uint8Array[];
  iovout: readonly Uint8Array[];
  /** Filled, and returned; a new one when left out. */
  'stat?': Stat | undefined;
  timespec: Timespec;
  'timespec?': Timespec | undefined;
  /** Access and modification time; the present time when left out. */
  'times?': readonly [Timespec, Timespec] | undefined;
  itimer: Itimerspec;
  rlimit: Rlimit;
  pollfds: readonly Pollfd[];
  selects: SelectSets;
  changes: readonly Kevent[];
  /** Filled from the start; its length is the most that is wanted. */
  kevents: Kevent[];
  /** A number, or a record lock, or what the command says. */
  'fcntl?': number | Flock | Uint8Array | undefined;
  /** Signal numbers, blocked during the call. */
  'sigset?': readonly number[] | undefined;
  'sigevent?': Sigevent | undefined;
  mountargs: MountArgs;
  sysctlname: SysctlName;
  'sysctl?': SysctlValue | undefined;
  'name?': SocketName | undefined;
  msg: Msghdr;
  msgs: readonly Mmsghdr[];
  aiocb: Aiocb;
  'aiocb?': Aiocb | undefined;
  aiocbs: readonly Aiocb[];
  'any?': unknown;
}

/** Argument types as an application gives them. */
export interface CallerArgs extends PlainArgs {
  path: string | Uint8Array;
  'path?': string | Uint8Array | undefined;
  str: string | Uint8Array;
  'str?': string | Uint8Array | undefined;
}

/** Argument types as a handler in the kernel gets them: names are byte strings. */
export interface KernelArgs extends PlainArgs {
  path: string;
  'path?': string | undefined;
  str: string;
  'str?': string | undefined;
}

export type ArgKind = keyof CallerArgs;

/** Result types. `str` is a byte string. */
export interface RetTypes {
  // biome-ignore lint/suspicious/noConfusingVoidType: it becomes the return type of handlers and calls.
  void: void;
  int: number;
  /** Bytes moved, or the length that there is. */
  len: number;
  off: number;
  fd: number;
  pid: number;
  uid: number;
  gid: number;
  mode: number;
  pair: [number, number];
  gids: number[];
  str: string;
  bytes: Uint8Array;
  stat: Stat;
  statvfs: Statvfs;
  statvfss: Statvfs[];
  timespec: Timespec;
  itimer: Itimerspec;
  rlimit: Rlimit;
  sysctl: SysctlValue | undefined;
  any: unknown;
}

export type RetKind = keyof RetTypes;
