/** Operations on whole files: read, written, appended to, copied, cut. */
import { asBuffer, constants, decode, newBytes } from '#host';
import { ERR, O_RDONLY, O_RDWR, S_ISDIR, S_ISREG } from '@anykernel/lib-sys';
import {
  type PathLike, checkAborted, isFd, toBits, toBool, toFd, toFlags, toLength, toMode, toPath, toSignal,
} from './args.js';
import { type Encoding, encodingOf, toBytes, viewOf } from './bytes.js';
import { fileTooLarge, invalidArgType, invalidArgValue, renamed, systemError } from './errors.js';
import { fsync, ftruncate, openAs } from './files.js';
import { type Signal, turn, warn } from './host.js';
import { fieldsOf, isObject } from './kinds.js';
import { wholeFile } from './quick.js';
import { type Op, type Runner, call, wait } from './run.js';

export interface FileOptions {
  readonly encoding?: Encoding | 'buffer' | null;
  readonly flag?: string | number;
  readonly mode?: number | string;
  /** fsync before the file is closed. */
  readonly flush?: boolean;
  /** Ends the operation with AbortError, in the forms that wait. */
  readonly signal?: Signal;
  /** Where readFile() reads to: room for the whole file, or what gives that by the length of the file. ERR_INVALID_ARG_VALUE: it is too small. */
  readonly buffer?: ArrayBufferView | ((size: number) => ArrayBufferView);
}
type Options = FileOptions | string | null | undefined;

/** Bytes read at a time when the length of a file is not known, and when it may be aborted. */
const CHUNK = 65536;
const ABORTABLE_CHUNK = 524_288;

/** The longest file that is read whole, as in Node. */
const WHOLE_MAX = 2 ** 31 - 1;

/** Reads a whole file, by path or descriptor: bytes, or text where an encoding is given. `waits`: a signal may end it. */
function reading(waits: boolean) {
  return function* (file: unknown, options?: Options): Op<Uint8Array | string> {
    const encoding = encodingOf(options);
    const { flag, signal: given, buffer } = fieldsOf<FileOptions>(options);
    if (buffer !== undefined && typeof buffer !== 'function') viewOf(buffer, 'options.buffer', `of type function or ${A_VIEW}`);
    const signal = waits ? toSignal(given) : undefined;
    if (signal !== undefined) {
      if (!isFd(file)) toPath(file);
      yield* goOn(signal);
    }
    const bytes = yield* withFile(file, flag || 'r', undefined, (fd) => readAll(fd, signal, buffer));
    checkAborted(signal);
    return encoding === undefined ? asBuffer(bytes) : decode(bytes, encoding);
  };
}

export const readFile = /* @__PURE__ */ reading(false);
export const readFileAbortable = /* @__PURE__ */ reading(true);

/** The same at once, in the usual case: a path that is text, of a file that is not long, and no flag or signal. */
export function readFileQuickly({ p, scratch }: Runner, file: unknown, options?: Options): Uint8Array | string | undefined {
  if (typeof file !== 'string') return undefined;
  const { flag, signal, buffer } = fieldsOf<FileOptions>(options);
  if (flag !== undefined || signal !== undefined || buffer !== undefined) return undefined;
  const encoding = encodingOf(options);
  return wholeFile(p, toPath(file), encoding, scratch);
}

/** Others have had a turn; AbortError: they have ended the operation. */
function* goOn(signal: Signal): Op<void> {
  yield* wait(turn());
  checkAborted(signal);
}

/** Opens a file, does something with it, closes it whatever comes. With a descriptor it does nothing else. */
export function* withFile<T>(file: unknown, flags: unknown, mode: unknown, use: (fd: number) => Op<T>): Op<T> {
  if (isFd(file)) return yield* use(toFd(file));
  const fd = yield* openAs(toPath(file), toFlags(flags), toMode(mode, 0o666));
  try {
    return yield* use(fd);
  } finally {
    yield* call('close', [fd]);
  }
}

const A_VIEW = 'an instance of Buffer, TypedArray, or DataView';

/** Room that a caller has for a file. */
function roomIn(buffer: FileOptions['buffer'], size: number): Uint8Array | undefined {
  if (buffer === undefined) return undefined;
  const name = typeof buffer === 'function' ? 'options.buffer()' : 'options.buffer';
  const room = viewOf(typeof buffer === 'function' ? buffer(size) : buffer, name, A_VIEW);
  if (room.length < size) throw tooSmall(name, room, size);
  return room;
}

function tooSmall(name: string, room: Uint8Array, size: number): Error {
  return invalidArgValue(`${name}.byteLength`, room.length, `is smaller than the file size of ${size} bytes`);
}

function* readAll(fd: number, signal: Signal | undefined, buffer?: FileOptions['buffer']): Op<Uint8Array> {
  const st = yield* call('fstat', [fd]);
  const size = S_ISREG(st.mode) ? st.size : 0;
  if (size > WHOLE_MAX) throw fileTooLarge(size);
  const room = roomIn(buffer, size);
  let bytes = room ?? newBytes(size > 0 ? size : CHUNK);
  let len = 0;
  for (;;) {
    if (len === bytes.length) {
      if (len === size) return bytes;
      if (room !== undefined) return yield* atEnd(fd, room);
      bytes = grown(bytes, len * 2);
    }
    if (signal !== undefined) yield* goOn(signal);
    const most = signal === undefined ? bytes.length : Math.min(bytes.length, len + ABORTABLE_CHUNK);
    const n = yield* call('read', [fd, len === 0 && most === bytes.length ? bytes : bytes.subarray(len, most)]);
    if (n === 0) return bytes.subarray(0, len);
    len += n;
  }
}

/** Whether a file that is as long as there is room for ends there. ERR_INVALID_ARG_VALUE. */
function* atEnd(fd: number, room: Uint8Array): Op<Uint8Array> {
  if ((yield* call('read', [fd, newBytes(1)])) === 0) return room;
  throw tooSmall('options.buffer', room, room.length + 1);
}

function grown(bytes: Uint8Array, len: number): Uint8Array {
  const more = newBytes(len);
  more.set(bytes);
  return more;
}

export function* writeAll(fd: number, bytes: Uint8Array, signal?: Signal): Op<void> {
  for (let off = 0; off < bytes.length; ) {
    if (signal !== undefined) yield* goOn(signal);
    const end = signal === undefined ? bytes.length : Math.min(bytes.length, off + ABORTABLE_CHUNK);
    off += yield* call('write', [fd, off === 0 && end === bytes.length ? bytes : bytes.subarray(off, end)]);
  }
}

/**
 * Writes a whole file, by path or descriptor. `waits`: a signal may end it. `inPieces`: what is written may be an iterable, whose pieces are written one
 * after another.
 */
function writing(word: 'w' | 'a', waits: boolean, inPieces: boolean) {
  return function* (file: unknown, data: unknown, options?: Options): Op<void> {
    const encoding = encodingOf(options) ?? 'utf8';
    const { flag, mode, flush, signal: given } = fieldsOf<FileOptions>(options);
    toBool(flush ?? undefined, 'flush');
    const pieces = inPieces && isIterable(data) ? data : undefined;
    const bytes = pieces === undefined ? toBytes(data, encoding) : NO_BYTES;
    const signal = waits ? toSignal(given) : undefined;
    if (waits && !isFd(file)) toPath(file);
    if (signal !== undefined) yield* goOn(signal);
    const put = function* (fd: number): Op<void> {
      yield* pieces === undefined ? writeAll(fd, bytes, signal) : writePieces(fd, pieces, encoding, signal);
      if (flush === true) yield* fsync(fd);
    };
    yield* withFile(file, flag || word, mode, put);
    if (pieces === undefined) checkAborted(signal);
  };
}

const NO_BYTES = new Uint8Array(0);

export const writeFile = /* @__PURE__ */ writing('w', false, false);
export const appendFile = /* @__PURE__ */ writing('a', false, false);
export const writeFileAbortable = /* @__PURE__ */ writing('w', true, false);
export const appendFileAbortable = /* @__PURE__ */ writing('a', true, false);
export const writeFilePromised = /* @__PURE__ */ writing('w', true, true);
export const appendFilePromised = /* @__PURE__ */ writing('a', true, true);

type Pieces = AsyncIterable<unknown> | Iterable<unknown>;

function isIterable(data: unknown): data is Pieces {
  return isObject(data) && !ArrayBuffer.isView(data) && (Symbol.asyncIterator in data || Symbol.iterator in data);
}

function* writePieces(fd: number, data: Pieces, encoding: Encoding, signal: Signal | undefined): Op<void> {
  const pieces = Symbol.asyncIterator in data ? data[Symbol.asyncIterator]() : data[Symbol.iterator]();
  let ended = false;
  try {
    for (;;) {
      const next = (yield* wait(Promise.resolve(pieces.next()))) as IteratorResult<unknown>;
      ended = next.done === true;
      if (ended) return;
      if (signal !== undefined) yield* goOn(signal);
      yield* writeAll(fd, pieceOf(next.value, encoding));
      checkAborted(signal);
    }
  } catch (e) {
    if (!ended) yield* wait(Promise.resolve(pieces.return?.()).catch(() => undefined));
    throw e;
  }
}

/** One of them as bytes: what Buffer.from() takes. */
function pieceOf(value: unknown, encoding: Encoding): Uint8Array {
  if (typeof value === 'string' || ArrayBuffer.isView(value)) return toBytes(value, encoding);
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (Array.isArray(value)) return Uint8Array.from(value as number[]);
  const expected = 'of type string or an instance of Buffer, ArrayBuffer, or Array or an Array-like Object';
  throw invalidArgType('first argument', expected, value);
}

export function* truncate(path: PathLike | number, len?: unknown): Op<void> {
  if (typeof path === 'number') {
    warn('DEP0081', 'Using fs.truncate with a file descriptor is deprecated. Please use fs.ftruncate with a file descriptor instead.', true);
    return yield* ftruncate(path, len);
  }
  const size = toLength(len);
  yield* withFile(path, O_RDWR, undefined, function* (fd) {
    yield* call('ftruncate', [fd, size]);
  });
}

/** Bytes copied at a time. */
const COPY_CHUNK = 1 << 18;

/** Copies a file's bytes and permission bits. COPYFILE_EXCL: EEXIST if the copy is there. ENOSYS: a clone is demanded. */
export function* copyFile(from: PathLike, to: PathLike, mode?: unknown): Op<void> {
  const [a, b] = [toPath(from, 'src'), toPath(to, 'dest')];
  const bits = toBits(mode);
  if ((bits & constants.COPYFILE_FICLONE_FORCE) !== 0) throw systemError(ERR.EOPNOTSUPP, 'copyfile', a, b);
  const create = constants.O_WRONLY | constants.O_CREAT | ((bits & constants.COPYFILE_EXCL) !== 0 ? constants.O_EXCL : 0);
  try {
    yield* withFile(a, O_RDONLY, 0, function* (source) {
      const st = yield* call('fstat', [source]);
      if (S_ISDIR(st.mode)) throw systemError(ERR.EISDIR, 'copyfile');
      yield* withFile(b, create, st.mode & 0o777, function* (dest) {
        const there = yield* call('fstat', [dest]);
        if (there.ino === st.ino && there.dev === st.dev) return;
        yield* call('ftruncate', [dest, 0]);
        yield* copyBytes(source, dest, st.size);
        yield* call('fchmod', [dest, st.mode & 0o777]);
      });
    });
  } catch (e) {
    throw renamed(e, 'copyfile', a, b);
  }
}

function* copyBytes(source: number, dest: number, size: number): Op<void> {
  const buf = new Uint8Array(Math.min(COPY_CHUNK, Math.max(4096, size)));
  for (;;) {
    const n = yield* call('read', [source, buf]);
    if (n === 0) return;
    yield* writeAll(dest, n === buf.length ? buf : buf.subarray(0, n));
  }
}
