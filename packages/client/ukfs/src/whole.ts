/** Operations on whole files: read, written, appended to, copied, cut. */
import {
  type PathLike, checkAborted, isFd, pathText, toBits, toBool, toFd, toFlags, toLength, toMode, toPath, toSignal,
} from './args.js';
import { type Encoding, asBuffer, decode, encodingOf, newBytes, toBytes } from './bytes.js';
import { constants } from './constants.js';
import { fileTooLarge, invalidArgType, makeError, renamed } from './errors.js';
import { fsync, openAs } from './files.js';
import { type Signal, turn, warn } from './host.js';
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
}
type Options = FileOptions | string | null | undefined;

function fieldsOf(options: Options): FileOptions {
  return typeof options === 'object' && options !== null ? options : {};
}

/** Bytes read at a time when the length of a file is not known, and when it may be aborted. */
const CHUNK = 65536;
const ABORTABLE_CHUNK = 524_288;

/** The longest file that is read whole, as in Node. */
const WHOLE_MAX = 2 ** 31 - 1;

/** A whole file, by path or descriptor: bytes, or text where an encoding is given. */
export function* readFile(file: unknown, options?: Options): Op<Uint8Array | string> {
  return yield* readWhole(file, options, undefined);
}

/** The same at once, in the usual case: a path that is text, of a file that is not long, and no flag or signal. */
export function readFileQuickly({ p }: Runner, file: unknown, options?: Options): Uint8Array | string | undefined {
  if (typeof file !== 'string') return undefined;
  const { flag, signal } = fieldsOf(options);
  if (flag !== undefined || signal !== undefined) return undefined;
  const encoding = encodingOf(options);
  const bytes = wholeFile(p, toPath(file) as string);
  return bytes === undefined || encoding === undefined ? bytes : decode(bytes, encoding);
}

/** The same, which a signal may end. */
export function* readFileAbortable(file: unknown, options?: Options): Op<Uint8Array | string> {
  const encoding = encodingOf(options);
  const signal = toSignal(fieldsOf(options).signal);
  if (signal === undefined) return yield* readWhole(file, options, undefined);
  if (!isFd(file)) toPath(file);
  yield* goOn(signal);
  const read = yield* readWhole(file, encoding === undefined ? fieldsOf(options) : options, signal);
  checkAborted(signal);
  return read;
}

/** Others have had a turn; AbortError: they have ended the operation. */
function* goOn(signal: Signal): Op<void> {
  yield* wait(turn());
  checkAborted(signal);
}

function* readWhole(file: unknown, options: Options, signal: Signal | undefined): Op<Uint8Array | string> {
  const encoding = encodingOf(options);
  const read = (fd: number): Op<Uint8Array> => readAll(fd, signal);
  let bytes: Uint8Array;
  if (isFd(file)) bytes = yield* read(toFd(file));
  else bytes = yield* withFile(toPath(file), toFlags(fieldsOf(options).flag || 'r'), 0o666, read);
  return encoding === undefined ? asBuffer(bytes) : decode(bytes, encoding);
}

/** Opens a file, does something with it, closes it whatever comes. */
export function* withFile<T>(path: string | Uint8Array, flags: number, mode: number, use: (fd: number) => Op<T>): Op<T> {
  const fd = yield* openAs(path, flags, mode, 'open');
  let result: T;
  try {
    result = yield* use(fd);
  } catch (e) {
    yield* call('close', [fd], 'close');
    throw e;
  }
  yield* call('close', [fd], 'close');
  return result;
}

function* readAll(fd: number, signal: Signal | undefined): Op<Uint8Array> {
  const st = yield* call('fstat', [fd], 'fstat');
  const size = (st.mode & constants.S_IFMT) === constants.S_IFREG ? st.size : 0;
  if (size > WHOLE_MAX) throw fileTooLarge(size);
  let bytes = newBytes(size > 0 ? size : CHUNK);
  let len = 0;
  for (;;) {
    if (len === bytes.length) {
      if (len === size) return bytes;
      bytes = grown(bytes, len * 2);
    }
    if (signal !== undefined) yield* goOn(signal);
    const most = signal === undefined ? bytes.length : Math.min(bytes.length, len + ABORTABLE_CHUNK);
    const n = yield* call('read', [fd, len === 0 && most === bytes.length ? bytes : bytes.subarray(len, most)], 'read');
    if (n === 0) return bytes.subarray(0, len);
    len += n;
  }
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
    off += yield* call('write', [fd, off === 0 && end === bytes.length ? bytes : bytes.subarray(off, end)], 'write');
  }
}

/** Writes a whole file, by path or descriptor. */
export function* writeFile(file: unknown, data: unknown, options?: Options): Op<void> {
  const bytes = dataOf(data, options);
  yield* writeWhole(file, options, 'w', (fd) => writeAll(fd, bytes));
}

export function* appendFile(file: unknown, data: unknown, options?: Options): Op<void> {
  const bytes = dataOf(data, options);
  yield* writeWhole(file, options, 'a', (fd) => writeAll(fd, bytes));
}

function dataOf(data: unknown, options: Options): Uint8Array {
  const encoding = encodingOf(options) ?? 'utf8';
  toBool(fieldsOf(options).flush ?? undefined, 'flush');
  return toBytes(data, encoding);
}

/** The same, which a signal may end. */
export function* writeFileAbortable(file: unknown, data: unknown, options?: Options): Op<void> {
  yield* abortable(file, dataOf(data, options), options, 'w');
}

export function* appendFileAbortable(file: unknown, data: unknown, options?: Options): Op<void> {
  yield* abortable(file, dataOf(data, options), options, 'a');
}

function* abortable(file: unknown, bytes: Uint8Array, options: Options, flag: string): Op<void> {
  const signal = toSignal(fieldsOf(options).signal);
  if (!isFd(file)) toPath(file);
  if (signal !== undefined) yield* goOn(signal);
  yield* writeWhole(file, options, flag, (fd) => writeAll(fd, bytes, signal));
  checkAborted(signal);
}

/** What the promise form writes: also the pieces of an iterable, one after another. */
export function* writeFilePromised(file: unknown, data: unknown, options?: Options): Op<void> {
  if (!isIterable(data)) yield* writeFileAbortable(file, data, options);
  else yield* writePieces(file, data, options, 'w');
}

export function* appendFilePromised(file: unknown, data: unknown, options?: Options): Op<void> {
  if (!isIterable(data)) yield* appendFileAbortable(file, data, options);
  else yield* writePieces(file, data, options, 'a');
}

type Pieces = AsyncIterable<unknown> | Iterable<unknown>;

function isIterable(data: unknown): data is Pieces {
  if (typeof data !== 'object' || data === null || ArrayBuffer.isView(data)) return false;
  return Symbol.asyncIterator in data || Symbol.iterator in data;
}

function* writePieces(file: unknown, data: Pieces, options: Options, flag: string): Op<void> {
  const encoding = encodingOf(options) ?? 'utf8';
  const { signal: given, flush } = fieldsOf(options);
  const signal = toSignal(given);
  toBool(flush ?? undefined, 'flush');
  if (!isFd(file)) toPath(file);
  if (signal !== undefined) yield* goOn(signal);
  yield* writeWhole(file, options, flag, function* (fd) {
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
  });
}

/** One of them as bytes: what Buffer.from() takes. */
function pieceOf(value: unknown, encoding: Encoding): Uint8Array {
  if (typeof value === 'string' || ArrayBuffer.isView(value)) return toBytes(value, encoding);
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (Array.isArray(value)) return Uint8Array.from(value as number[]);
  const expected = 'of type string or an instance of Buffer, ArrayBuffer, or Array or an Array-like Object';
  throw invalidArgType('first argument', expected, value);
}

function* writeWhole(file: unknown, options: Options, flag: string, put: (fd: number) => Op<void>): Op<void> {
  const { flag: given, mode, flush } = fieldsOf(options);
  const all = function* (fd: number): Op<void> {
    yield* put(fd);
    if (flush === true) yield* fsync(fd);
  };
  if (isFd(file)) yield* all(toFd(file));
  else yield* withFile(toPath(file), toFlags(given || flag), toMode(mode, 0o666), all);
}

export function* truncate(path: PathLike | number, len?: unknown): Op<void> {
  if (typeof path === 'number') {
    warn('DEP0081', 'Using fs.truncate with a file descriptor is deprecated. Please use fs.ftruncate with a file descriptor instead.', true);
    yield* call('ftruncate', [toFd(path), toLength(len)], 'ftruncate');
    return;
  }
  const size = toLength(len);
  yield* withFile(toPath(path), constants.O_RDWR, 0o666, function* (fd) {
    yield* call('ftruncate', [fd, size], 'ftruncate');
  });
}

/** Bytes copied at a time. */
const COPY_CHUNK = 1 << 18;

/** Copies a file's bytes and permission bits. COPYFILE_EXCL: EEXIST if the copy is there. ENOSYS: a clone is demanded. */
export function* copyFile(from: PathLike, to: PathLike, mode: unknown = 0): Op<void> {
  const [a, b] = [toPath(from, 'src'), toPath(to, 'dest')];
  const bits = toBits(mode);
  if ((bits & constants.COPYFILE_FICLONE_FORCE) !== 0) throw makeError('EOPNOTSUPP', 'copyfile', pathText(a), pathText(b));
  const create = constants.O_WRONLY | constants.O_CREAT | ((bits & constants.COPYFILE_EXCL) !== 0 ? constants.O_EXCL : 0);
  try {
    yield* withFile(a, constants.O_RDONLY, 0, function* (source) {
      const st = yield* call('fstat', [source], 'fstat');
      if ((st.mode & constants.S_IFMT) === constants.S_IFDIR) throw makeError('EISDIR', 'copyfile');
      yield* withFile(b, create, st.mode & 0o777, function* (dest) {
        const there = yield* call('fstat', [dest], 'fstat');
        if (there.ino === st.ino && there.dev === st.dev) return;
        yield* call('ftruncate', [dest, 0], 'ftruncate');
        yield* copyBytes(source, dest, st.size);
        yield* call('fchmod', [dest, st.mode & 0o777], 'fchmod');
      });
    });
  } catch (e) {
    throw renamed(e, 'copyfile', pathText(a), pathText(b));
  }
}

function* copyBytes(source: number, dest: number, size: number): Op<void> {
  const buf = new Uint8Array(Math.min(COPY_CHUNK, Math.max(4096, size)));
  for (;;) {
    const n = yield* call('read', [source, buf], 'read');
    if (n === 0) return;
    yield* writeAll(dest, n === buf.length ? buf : buf.subarray(0, n));
  }
}
