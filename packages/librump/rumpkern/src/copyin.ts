/**
 * Arguments from outside, and what goes back: each argument is what its kind says, or the call fails with EFAULT, EBADF or EINVAL.
 *
 * Records and lists are copied in before the call begins and copied out when it has ended, so that nothing that the caller changes meanwhile, and
 * no function hidden in what he gave (getters, proxies), reaches a handler. Buffers are shared with the caller: kernel code sees them as plain
 * Uint8Arrays, and finds out by itself when one of them shrinks while a call sleeps (Uio).
 */
import { bytestrOf, toBytestr } from '@anykernel/lib-bytes';
import { type ArgKind, ERR, Errno } from '@anykernel/lib-sys';
import type { ArgMasks, Sysent } from './syscalls.js';

/** The longest list that is copied in. */
export const LIST_MAX = 65_536;

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
    records: mask((kind) => !INT_KINDS.has(kind) && !BYTE_KINDS.has(kind) && !TEXT_KINDS.has(kind)),
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
  return may !== 0 ? ABSENT : undefined;
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
export function copyin(records: Records, se: Sysent, args: readonly unknown[]): unknown[] {
  const kinds = se.spec.args;
  const given: unknown[] = [undefined, undefined, undefined, undefined, undefined, undefined];
  for (let i = 0; i < kinds.length; i++) {
    const bit = 1 << i;
    if ((se.texts & bit) !== 0) given[i] = nameArg(se, bit, args[i]);
    else if ((se.records & bit) !== 0) given[i] = recordArg(records[kinds[i]], args[i]);
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
export function copyout(records: Records, se: Sysent, args: readonly unknown[], given: readonly unknown[], result: unknown): unknown {
  if (se.records === 0) return result;
  const kinds = se.spec.args;
  try {
    for (let i = 0; i < kinds.length; i++) {
      const out = records[kinds[i]]?.out;
      if (out !== undefined && given[i] !== undefined) result = out(args[i], given[i], result, se);
    }
  } catch {
    throw ERR.EFAULT;
  }
  return result;
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

export function isBytes(value: unknown): value is Uint8Array {
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

export type Fields = Readonly<Record<string, unknown>>;

/** What a kernel does with records and lists of one kind. */
export interface RecordKind<Given = unknown, Kept = unknown> {
  /** The kernel's copy. EFAULT, EINVAL. */
  in(value: unknown): Kept | undefined;
  /** Fills what the caller gave from the copy when the call has ended; gives the result of the call. */
  out?(to: Given, from: Kept, result: unknown, se: Sysent): unknown;
}

/** By kind. What is of no kind here goes to the handler as it is. */
export type Records = { [K in ArgKind]?: RecordKind };

/** EFAULT: it is none, or looking at it failed. EINVAL: a part of it is not what it should be. */
function recordArg(kind: RecordKind | undefined, value: unknown): unknown {
  if (kind === undefined) return value;
  try {
    return kind.in(value);
  } catch (e) {
    throw e instanceof Errno ? e : ERR.EFAULT;
  }
}

/** Records copied in look at what they are given by these. EFAULT: it is no record. */
export function fieldsIn(value: unknown): Fields {
  if (typeof value !== 'object' || value === null) throw ERR.EFAULT;
  return value as Fields;
}

export function lengthOfList(value: unknown): number {
  if (!Array.isArray(value)) throw ERR.EFAULT;
  return intIn(value.length);
}

/** A copy of a list. EFAULT: it is none. EINVAL, or another error: it is longer than `most`. */
export function listIn<T>(value: unknown, each: (one: unknown) => T, most: number = LIST_MAX, tooLong: Errno = ERR.EINVAL): T[] {
  const count = lengthOfList(value);
  if (count > most) throw tooLong;
  const list: T[] = [];
  for (let i = 0; i < count; i++) list.push(each((value as readonly unknown[])[i]));
  return list;
}

/** EINVAL: it is no whole number. */
export function intIn(value: unknown): number {
  if (!Number.isSafeInteger(value)) throw ERR.EINVAL;
  return value as number;
}

/** EINVAL: it is no number. */
export function numberIn(value: unknown): number {
  if (typeof value !== 'number' || Number.isNaN(value)) throw ERR.EINVAL;
  return value;
}
