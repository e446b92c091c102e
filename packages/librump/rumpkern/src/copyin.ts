/**
 * Arguments from outside, and what goes back: each argument is what its kind says, or the call fails with EFAULT, EBADF or EINVAL.
 *
 * Records and lists are copied in before the call begins and copied out when it has ended, so that nothing that the caller changes meanwhile, and
 * no function hidden in what he gave (getters, proxies), reaches a handler. Buffers are shared with the caller: kernel code sees them as plain
 * Uint8Arrays, and finds out by itself when one of them shrinks while a call sleeps (Uio).
 */
import { bytestrOf, toBytestr } from '@anykernel/lib-bytes';
import {
  type ArgKind, CTL_MAXNAME, ERR, Errno, type Flock, IOV_MAX, type Itimerspec, Kevent, type Mmsghdr, type Msghdr, type Pollfd, type Rlimit, SIGALRM, type SelectSets, type Sigevent, type SocketName, Stat, type Timespec,
} from '@anykernel/lib-sys';
import type { ArgMasks, Sysent } from './syscalls.js';

/** The longest list that is copied in. */
const LIST_MAX = 65_536;
/** The most messages of sendmmsg(2) and recvmmsg(2). */
const MMSG_MAX = 1024;

const INT_KINDS: ReadonlySet<ArgKind> = new Set<ArgKind>(['fd', 'int', 'int?', 'uint', 'long', 'off', 'mode', 'mode?', 'dev', 'pid', 'uid', 'gid']);
const BYTE_KINDS: ReadonlySet<ArgKind> = new Set<ArgKind>(['in', 'in?', 'out', 'out?', 'inout?']);
const TEXT_KINDS: ReadonlySet<ArgKind> = new Set<ArgKind>(['path', 'path?', 'str', 'str?']);

/** Bit i for argument i: numbers, buffers, names, and those that have to be copied. */
export function masksOf(kinds: readonly ArgKind[]): ArgMasks {
  const mask = (of: (kind: ArgKind) => boolean): number => kinds.reduce((bits, kind, i) => (of(kind) ? bits | (1 << i) : bits), 0);
  return {
    ints: mask((kind) => INT_KINDS.has(kind)),
    bytes: mask((kind) => BYTE_KINDS.has(kind)),
    texts: mask((kind) => TEXT_KINDS.has(kind)),
    records: mask((kind) => COPIES[kind] !== undefined),
  };
}

/** What an argument is, if it is nothing out of the ordinary: one of these, and OPTIONAL if it may be absent. */
const NONE = 0;
const INT = 1;
const NAME = 2;
const BYTES = 3;
const ABSENT = 4;
const OPTIONAL = 8;

/** What argument `i` of a call has to be so that it can be passed on as it is. Records that must be there never can. */
export function fitOf(kinds: readonly ArgKind[], i: number): number | undefined {
  const kind = kinds[i];
  if (kind === undefined) return NONE;
  const may = kind.endsWith('?') ? OPTIONAL : 0;
  if (INT_KINDS.has(kind) || kind === 'fcntl?') return INT | may;
  if (BYTE_KINDS.has(kind)) return BYTES | may;
  if (TEXT_KINDS.has(kind)) return NAME | may;
  return may !== 0 && COPIES[kind] !== undefined ? ABSENT : undefined;
}

/** Whether `value` is what `fit` says. Otherwise copyin() makes something of it, or an error. */
export function fits(fit: number, value: unknown): boolean {
  if (fit === INT) return typeof value === 'number' && (value | 0) === value;
  if (fit === NAME) return isAscii(value);
  if (fit === BYTES) return isPlain(value);
  if (fit === NONE || value === undefined) return fit === NONE || fit >= ABSENT;
  if (fit === ABSENT) return false;
  return fits(fit & ~OPTIONAL, value);
}

/** All arguments, six of them. EBADF, EINVAL, EFAULT. */
export function copyin(se: Sysent, args: readonly unknown[]): unknown[] {
  const kinds = se.spec.args;
  const given: unknown[] = [undefined, undefined, undefined, undefined, undefined, undefined];
  for (let i = 0; i < kinds.length; i++) {
    const bit = 1 << i;
    if ((se.texts & bit) !== 0) given[i] = nameArg(se, bit, args[i]);
    else if ((se.records & bit) !== 0) given[i] = recordArg(kinds[i], args[i]);
    else if ((se.ints & bit) !== 0) given[i] = intArg(se, bit, args[i]);
    else if ((se.bytes & bit) !== 0) given[i] = args[i] === undefined && optional(se, bit) ? undefined : bytesArg(args[i]);
    else given[i] = args[i];
  }
  return given;
}

/** A call that has slept looks at its buffers again. EFAULT: one was taken away meanwhile. */
export function recheck(se: Sysent, given: readonly unknown[]): void {
  for (let i = 0; i < given.length; i++) if ((se.bytes & (1 << i)) !== 0 && given[i] !== undefined) bytesArg(given[i]);
}

/** What the call gives: the caller's records are filled from their copies. EFAULT: they do not take it. */
export function copyout(se: Sysent, args: readonly unknown[], given: readonly unknown[], result: unknown): unknown {
  if (se.records === 0) return result;
  const kinds = se.spec.args;
  try {
    for (let i = 0; i < kinds.length; i++) {
      const [to, from] = [args[i], given[i]];
      if (kinds[i] === 'pollfds') fillPolled(to as readonly Pollfd[], from as readonly Pollfd[]);
      else if (kinds[i] === 'kevents') fillEvents(to as Kevent[], from as readonly Kevent[], result as number);
      else if (kinds[i] === 'selects') fillSets(to as SelectSets, from as SelectSets);
      else if (kinds[i] === 'msg') fillMessage(se, to as Msghdr, from as Msghdr);
      else if (kinds[i] === 'msgs') fillMessages(se, to as readonly Mmsghdr[], from as readonly Mmsghdr[], result as number);
      else if (kinds[i] === 'name?' && from !== undefined) (to as SocketName).addr = (from as SocketName).addr;
      else if (from instanceof Stat) return fillStat(to as Stat, from);
      else if (kinds[i] === 'fcntl?' && typeof from === 'object' && !isBytes(from)) Object.assign(to as Flock, from);
    }
  } catch {
    throw ERR.EFAULT;
  }
  return result;
}

function fillPolled(to: readonly Pollfd[], from: readonly Pollfd[]): void {
  for (let n = 0; n < from.length; n++) to[n].revents = from[n].revents;
}

function fillSets(to: SelectSets, from: SelectSets): void {
  if (from.read !== undefined) to.read?.set(from.read);
  if (from.write !== undefined) to.write?.set(from.write);
  if (from.except !== undefined) to.except?.set(from.except);
}

/** Field by field: Object.assign() is ten times as slow. */
function fillStat(to: Stat, from: Stat): Stat {
  to.dev = from.dev;
  to.ino = from.ino;
  to.mode = from.mode;
  to.nlink = from.nlink;
  to.uid = from.uid;
  to.gid = from.gid;
  to.rdev = from.rdev;
  to.size = from.size;
  to.blocks = from.blocks;
  to.blksize = from.blksize;
  to.flags = from.flags;
  to.gen = from.gen;
  to.atime = from.atime;
  to.atimeNsec = from.atimeNsec;
  to.mtime = from.mtime;
  to.mtimeNsec = from.mtimeNsec;
  to.ctime = from.ctime;
  to.ctimeNsec = from.ctimeNsec;
  to.birthtime = from.birthtime;
  to.birthtimeNsec = from.birthtimeNsec;
  return to;
}

function fillEvents(to: Kevent[], from: readonly Kevent[], count: number): void {
  for (let n = 0; n < count; n++) {
    if (to[n] === undefined) to[n] = from[n];
    else Object.assign(to[n], from[n]);
  }
}

/** What was received; nothing of a message that was sent. */
function fillMessage(se: Sysent, to: Msghdr, from: Msghdr): void {
  if (!se.name.startsWith('recv')) return;
  to.name = from.name;
  to.control = from.control;
  to.flags = from.flags;
}

function fillMessages(se: Sysent, to: readonly Mmsghdr[], from: readonly Mmsghdr[], count: number): void {
  for (let n = 0; n < count; n++) {
    fillMessage(se, to[n].hdr, from[n].hdr);
    to[n].len = from[n].len;
  }
}

function optional(se: Sysent, bit: number): boolean {
  return se.spec.args[31 - Math.clz32(bit)].endsWith('?');
}

/** EBADF, EINVAL: it is no whole number. */
function intArg(se: Sysent, bit: number, value: unknown): unknown {
  if (Number.isSafeInteger(value) || (value === undefined && optional(se, bit))) return value;
  throw se.spec.args[31 - Math.clz32(bit)] === 'fd' ? ERR.EBADF : ERR.EINVAL;
}

// -- buffers: the getters of the language itself see what is really there, whatever the object says of itself

const PLAIN: object = Uint8Array.prototype;
const { getPrototypeOf } = Object;
const { isView } = ArrayBuffer;
const tagOf = getter(Symbol.toStringTag);
const bufferOf = getter('buffer');
const byteOffsetOf = getter('byteOffset');
const lengthOf = getter('length');
const sliceOf = Uint8Array.prototype.slice;

function getter(name: string | symbol): (this: unknown) => unknown {
  return Object.getOwnPropertyDescriptor(getPrototypeOf(PLAIN), name)?.get as (this: unknown) => unknown;
}

function isBytes(value: unknown): value is Uint8Array {
  return tagOf.call(value) === 'Uint8Array';
}

/** Most buffers. One of no length may have been taken away, and has to be looked at. */
function isPlain(value: unknown): boolean {
  return isView(value) && getPrototypeOf(value) === PLAIN && (value as Uint8Array).length > 0;
}

/** A buffer as a plain Uint8Array of the same bytes. EFAULT: it is none, or it was sent to another thread, or ends beyond its memory. */
export function bytesArg(value: unknown): Uint8Array {
  if (isPlain(value)) return value as Uint8Array;
  if (!isBytes(value)) throw ERR.EFAULT;
  try {
    const bytes = new Uint8Array(bufferOf.call(value) as ArrayBuffer, byteOffsetOf.call(value) as number, lengthOf.call(value) as number);
    // An array beyond its memory says that it is empty and lies at its beginning; only its methods tell.
    if (bytes.length === 0) sliceOf.call(value);
    return bytes;
  } catch {
    throw ERR.EFAULT;
  }
}

// -- names

/** Whether it is a name as the kernel has it already: text without a NUL which is its own UTF-8. */
function isAscii(value: unknown): boolean {
  if (typeof value !== 'string') return false;
  for (let i = 0; i < value.length; i++) {
    const unit = value.charCodeAt(i);
    if (unit > 0x7f || unit === 0) return false;
  }
  return true;
}

/** A name as the kernel has it. EFAULT: it is none. EINVAL: it has a NUL inside, which no name can have. */
function nameArg(se: Sysent, bit: number, value: unknown): string | undefined {
  if (typeof value === 'string') return whole(toBytestr(value));
  if (value === undefined && optional(se, bit)) return undefined;
  return whole(bytestrOf(bytesArg(value)));
}

function whole(name: string): string {
  if (name.includes('\0')) throw ERR.EINVAL;
  return name;
}

// -- records

type Fields = Readonly<Record<string, unknown>>;

const COPIES: { readonly [K in ArgKind]?: (value: unknown) => unknown } = {
  iovin: (v) => listOf(v, bytesArg, IOV_MAX),
  iovout: (v) => listOf(v, bytesArg, IOV_MAX),
  'stat?': (v) => (v === undefined ? undefined : statFor(v)),
  timespec,
  'timespec?': (v) => (v === undefined ? undefined : timespec(v)),
  'times?': (v) => (v === undefined ? undefined : pair(listOf(v, timespec))),
  itimer: (v): Itimerspec => ({ interval: timespec(fields(v)['interval']), value: timespec(fields(v)['value']) }),
  rlimit: (v): Rlimit => ({ cur: number(fields(v)['cur']), max: number(fields(v)['max']) }),
  pollfds: (v) => listOf(v, (p): Pollfd => ({ fd: int(fields(p)['fd']), events: int(fields(p)['events']), revents: 0 })),
  selects,
  changes: (v) => listOf(v, kevent),
  kevents: (v) => new Array<Kevent>(Math.min(lengthOfList(v), LIST_MAX)),
  'fcntl?': (v) => (v === undefined ? undefined : typeof v === 'number' ? int(v) : isBytes(v) ? bytesArg(v) : flock(v)),
  gids: (v) => listOf(v, int),
  'sigset?': (v) => (v === undefined ? undefined : listOf(v, int)),
  'sigevent?': (v) => (v === undefined ? undefined : sigevent(v)),
  sysctlname: (v) => (typeof v === 'string' ? v : listOf(v, (part) => (typeof part === 'string' ? part : int(part)), CTL_MAXNAME)),
  'sysctl?': (v) => (typeof v === 'object' && v !== null ? bytesArg(v) : v),
  mountargs: (v) => ({ ...fields(v) }),
  'name?': (v): SocketName | undefined => (v === undefined ? undefined : nameFor(v)),
  msg: message,
  msgs: (v) => listOf(v, (m): Mmsghdr => ({ hdr: message(fields(m)['hdr']), len: 0 }), MMSG_MAX, ERR.EMSGSIZE),
};

/** EFAULT: it is none, or looking at it failed. EINVAL: a part of it is not what it should be. */
function recordArg(kind: ArgKind, value: unknown): unknown {
  try {
    return COPIES[kind]?.(value);
  } catch (e) {
    throw e instanceof Errno ? e : ERR.EFAULT;
  }
}

function fields(value: unknown): Fields {
  if (typeof value !== 'object' || value === null) throw ERR.EFAULT;
  return value as Fields;
}

/** The kernel's own, to be copied into the caller's. */
function statFor(value: unknown): Stat {
  fields(value);
  return new Stat();
}

function nameFor(value: unknown): SocketName {
  fields(value);
  return { addr: undefined };
}

/** EMSGSIZE: more buffers than a message may have. */
function message(value: unknown): Msghdr {
  const { name, iov, control, controlMax, flags } = fields(value);
  return {
    name: name === undefined ? undefined : bytesArg(name),
    iov: listOf(iov, bytesArg, IOV_MAX, ERR.EMSGSIZE),
    control: control === undefined ? undefined : bytesArg(control),
    controlMax: controlMax === undefined ? undefined : int(controlMax),
    flags: int(flags ?? 0),
  };
}

function lengthOfList(value: unknown): number {
  if (!Array.isArray(value)) throw ERR.EFAULT;
  return int(value.length);
}

/** A copy of a list. EFAULT: it is none. EINVAL, or another error: it is longer than `most`. */
function listOf<T>(value: unknown, each: (one: unknown) => T, most: number = LIST_MAX, tooLong: Errno = ERR.EINVAL): T[] {
  const count = lengthOfList(value);
  if (count > most) throw tooLong;
  const list: T[] = [];
  for (let i = 0; i < count; i++) list.push(each((value as readonly unknown[])[i]));
  return list;
}

function pair<T>(list: readonly T[]): readonly T[] {
  if (list.length !== 2) throw ERR.EFAULT;
  return list;
}

function int(value: unknown): number {
  if (!Number.isSafeInteger(value)) throw ERR.EINVAL;
  return value as number;
}

function number(value: unknown): number {
  if (typeof value !== 'number' || Number.isNaN(value)) throw ERR.EINVAL;
  return value;
}

function selects(value: unknown): SelectSets {
  const { nfds, read, write, except } = fields(value);
  const set = (bytes: unknown): Uint8Array | undefined => (bytes === undefined ? undefined : bytesArg(bytes).slice(0, LIST_MAX / 8));
  return { nfds: int(nfds), read: set(read), write: set(write), except: set(except) };
}

function timespec(value: unknown): Timespec {
  const { sec, nsec } = fields(value);
  return { sec: int(sec), nsec: int(nsec) };
}

function kevent(value: unknown): Kevent {
  const { ident, filter, flags, fflags, data, udata } = fields(value);
  return new Kevent(int(ident), int(filter), int(flags), int(fflags ?? 0), int(data ?? 0), udata);
}

function flock(value: unknown): Flock {
  const { start, len, pid, type, whence } = fields(value);
  return { start: int(start), len: int(len), pid: int(pid ?? 0), type: int(type), whence: int(whence) };
}

function sigevent(value: unknown): Sigevent {
  const { notify, signo, value: given } = fields(value);
  return { notify: int(notify), signo: int(signo ?? SIGALRM), value: given };
}
