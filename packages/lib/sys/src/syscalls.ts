/**
 * The system call tables: what they are made of, and the types that follow from them.
 *
 * A table says for each call its number, the kind of its result, and the kinds of its arguments: `open: '5 fd path int mode?'`. The caller's interface (`SysOf`), the kernel's
 * handlers (`Handlers`), tracing and the marshalling of remote calls all derive from it. A number in no table is ENOSYS.
 */
import type { ArgKind, CallerArgs, KernelArgs, RetKind, RetTypes } from './kinds.js';

/** One system call. */
export interface SyscallSpec {
  readonly num: number;
  readonly args: readonly ArgKind[];
  readonly ret: RetKind;
}

/** The same as a table has it: number, result, arguments. */
export type SyscallText = `${number} ${RetKind}` | `${number} ${RetKind} ${string}`;

/** Calls by name. */
export type SyscallTable = { readonly [name: string]: SyscallText };

/** What a table says of a call. */
export function syscallSpec(text: SyscallText): SyscallSpec {
  const [num, ret, ...args] = text.split(' ');
  return { num: Number(num), args: args as ArgKind[], ret: ret as RetKind };
}

/** A call's number alone. */
export function syscallNum(text: SyscallText): number {
  return Number.parseInt(text, 10);
}

type Words<S extends string> = S extends `${infer Head} ${infer Tail}` ? [Head, ...Words<Tail>] : [S];

/** The kinds of a call's arguments. */
export type SyscallKinds<S extends string> = Words<S> extends [string, string, ...infer Kinds extends readonly ArgKind[]] ? Kinds : never;
type Result<S extends string> = Words<S> extends [string, infer Ret extends RetKind, ...unknown[]] ? Ret : never;

/** Kinds that may be left out. */
type OptionalKind = Extract<ArgKind, `${string}?`>;

/** A parameter list from kinds: kinds at the end that may be left out become optional parameters. */
type Params<Kinds extends readonly ArgKind[], Types extends CallerArgs | KernelArgs> = Kinds extends readonly [
  infer Head extends ArgKind,
  ...infer Tail extends readonly ArgKind[],
]
  ? Head extends OptionalKind
    ? [arg?: Types[Head], ...rest: Params<Tail, Types>]
    : [arg: Types[Head], ...rest: Params<Tail, Types>]
  : [];

/** The arguments of call K as an application gives them. */
export type SysArgs<T extends SyscallTable, K extends keyof T> = Params<SyscallKinds<T[K]>, CallerArgs>;

/** The arguments of call K as its handler in the kernel gets them. */
export type HandlerArgs<T extends SyscallTable, K extends keyof T> = Params<SyscallKinds<T[K]>, KernelArgs>;

/** The result of call K. */
export type SysRet<T extends SyscallTable, K extends keyof T> = RetTypes[Result<T[K]>];

/** The kernel's side of a table: one handler a call, which gets the calling lwp first. */
export type Handlers<T extends SyscallTable, L> = {
  readonly [K in keyof T]: (l: L, ...args: HandlerArgs<T, K>) => SysRet<T, K>;
};

/** The caller's side of a table: calls which return at once or throw. */
export type SysOf<T extends SyscallTable> = {
  readonly [K in keyof T]: (...args: SysArgs<T, K>) => SysRet<T, K>;
};

/** The caller's side of a table, for calls that may have to wait. */
export type CallsOf<T extends SyscallTable> = {
  readonly [K in keyof T]: (...args: SysArgs<T, K>) => Promise<SysRet<T, K>>;
};

/** Asynchronous I/O: calls of the component `aio`. */
export const aioCalls = {
  aio_cancel: '399 int fd aiocb?',
  aio_error: '400 int aiocb',
  aio_fsync: '401 void int aiocb',
  aio_read: '402 void aiocb',
  aio_return: '403 len aiocb',
  aio_write: '405 void aiocb',
  lio_listio: '406 void int aiocbs sigevent?',
  aio_suspend: '438 void aiocbs timespec?',
} as const;

/** The NFS server: the one call of the component `nfsserver`. */
export const nfsserverCalls = {
  nfssvc: '155 any int any?',
} as const;

/**
 * Numbers of earlier ABIs, and the call that answers them. The call is the same; a structure in memory is not (32-bit times before
 * NetBSD 6, smaller device numbers), which is the business of who copies it in and out.
 */
export const compatCalls: { readonly [number: number]: string } = {
  14: 'mknod',
  93: 'select',
  138: 'utimes',
  206: 'futimes',
  276: 'lutimes',
  345: 'kevent',
  373: 'pselect',
  374: 'pollts',
  387: 'stat',
  388: 'fstat',
  389: 'lstat',
  398: 'fhstat',
};

const UNDERSCORED: { readonly [name: string]: string } = {
  getcwd: '__getcwd',
  getlogin: '__getlogin',
  ksem_close: '_ksem_close',
  ksem_destroy: '_ksem_destroy',
  ksem_getvalue: '_ksem_getvalue',
  ksem_init: '_ksem_init',
  ksem_open: '_ksem_open',
  ksem_post: '_ksem_post',
  ksem_timedwait: '_ksem_timedwait',
  ksem_trywait: '_ksem_trywait',
  ksem_unlink: '_ksem_unlink',
  ksem_wait: '_ksem_wait',
  posix_chown: '__posix_chown',
  posix_fchown: '__posix_fchown',
  posix_lchown: '__posix_lchown',
  posix_rename: '__posix_rename',
  quotactl: '__quotactl',
  setlogin: '__setlogin',
  sysctl: '__sysctl',
};

/** The name in NetBSD's own table, which begins with underscores for some: `__getcwd` for getcwd. */
export function netbsdCallName(name: string): string {
  return UNDERSCORED[name] ?? name;
}
