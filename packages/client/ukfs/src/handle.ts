/** FileHandle: an open file of the promise interface. It is an EventEmitter: 'close'. */
import { type Encoding, newBytes } from './bytes.js';
import { EventEmitter } from './emitter.js';
import { coded } from './errors.js';
import * as files from './files.js';
import { lineReader, warn } from './host.js';
import type { Op, Runner } from './run.js';
import type { BigIntStats, Stats } from './stats.js';
import { noStreams } from './streams.js';
import * as whole from './whole.js';

/** Makes the streams of a FileHandle: those of the `fs` that it belongs to. */
export interface Streams {
  readonly ReadStream: (new (path: unknown, options: unknown) => AsyncIterable<unknown>) | undefined;
  readonly WriteStream: (new (path: unknown, options: unknown) => object) | undefined;
}

function invalidState(words: string): Error {
  return coded(new Error(`Invalid state: ${words}`), 'ERR_INVALID_STATE');
}

/** Bytes that a web stream reads at a time. */
const WEB_CHUNK = 16384;

const CLOSE_IT =
  'Closing a FileHandle object on garbage collection is deprecated. Please close FileHandle objects explicitly using FileHandle.prototype.close(). ' +
  'In the future, an error will be thrown if a file descriptor is closed during garbage collection.';

/** Files of handles that nobody has any more, and nobody has closed. */
const lost =
  typeof FinalizationRegistry === 'undefined'
    ? undefined
    : new FinalizationRegistry<{ readonly runner: Runner; readonly fd: number }>(({ runner, fd }) => {
        if (runner.p.exited) return;
        warn(`fd ${fd}`, `Closing file descriptor ${fd} on garbage collection`, false);
        warn('DEP0137', CLOSE_IT, true);
        runner.run(files.close(fd)).catch(() => undefined);
      });

export class FileHandle extends EventEmitter {
  readonly #runner: Runner;
  readonly #streams: Streams;
  #fd: number;
  /** Operations and streams that use it, and itself. */
  #refs = 1;
  #open: number;
  #locked = false;
  #closing: { readonly promise: Promise<void>; resolve(): void; reject(error: unknown): void } | undefined;

  constructor(runner: Runner, fd: number, streams: Streams) {
    super();
    this.#runner = runner;
    this.#streams = streams;
    this.#fd = fd;
    this.#open = fd;
    lost?.register(this, { runner, fd }, this);
  }

  /** The descriptor; -1 once it is closed. */
  get fd(): number {
    return this.#fd;
  }

  /** Somebody uses it: it is not closed before release(). */
  hold(): void {
    this.#refs++;
  }

  release(): void {
    if (--this.#refs > 0 || this.#open < 0) return;
    const fd = this.#open;
    this.#fd = this.#open = -1;
    lost?.unregister(this);
    this.#runner.run(files.close(fd)).then(
      () => this.#closing?.resolve(),
      (error: unknown) => this.#closing?.reject(error),
    );
  }

  async #run<T>(syscall: string, op: (fd: number) => Op<T>): Promise<T> {
    if (this.#fd < 0) throw Object.assign(new Error('file closed'), { code: 'EBADF', syscall });
    this.#refs++;
    try {
      return await this.#runner.run(op(this.#fd));
    } finally {
      this.release();
    }
  }

  appendFile(data: unknown, options?: whole.FileOptions | string | null): Promise<void> {
    return this.#run('writeFile', (fd) => whole.writeFilePromised(fd, data, options));
  }
  chmod(mode: unknown): Promise<void> {
    return this.#run('fchmod', (fd) => files.fchmod(fd, mode));
  }
  chown(uid: unknown, gid: unknown): Promise<void> {
    return this.#run('fchown', (fd) => files.fchown(fd, uid, gid));
  }
  datasync(): Promise<void> {
    return this.#run('fdatasync', (fd) => files.fdatasync(fd));
  }
  sync(): Promise<void> {
    return this.#run('fsync', (fd) => files.fsync(fd));
  }
  stat(options?: { readonly bigint?: false }): Promise<Stats>;
  stat(options: { readonly bigint: true }): Promise<BigIntStats>;
  stat(options?: files.BigIntOption): Promise<files.AnyStats>;
  stat(options?: files.BigIntOption): Promise<files.AnyStats> {
    return this.#run('fstat', (fd) => files.fstat(fd, options));
  }
  truncate(len?: unknown): Promise<void> {
    return this.#run('ftruncate', (fd) => files.ftruncate(fd, len));
  }
  utimes(atime: unknown, mtime: unknown): Promise<void> {
    return this.#run('futimes', (fd) => files.futimes(fd, atime, mtime));
  }
  readFile(options?: { readonly encoding?: null | 'buffer' } | null): Promise<Uint8Array>;
  readFile(options: Encoding | { readonly encoding: Encoding }): Promise<string>;
  readFile(options?: whole.FileOptions | string | null): Promise<Uint8Array | string>;
  readFile(options?: whole.FileOptions | string | null): Promise<Uint8Array | string> {
    return this.#run('readFile', (fd) => whole.readFileAbortable(fd, options));
  }
  writeFile(data: unknown, options?: whole.FileOptions | string | null): Promise<void> {
    return this.#run('writeFile', (fd) => whole.writeFilePromised(fd, data, options));
  }

  /** read(buffer, offset, length, position), read(buffer, options), or read(options) with a buffer of 16 KiB. */
  async read(buffer?: unknown, offset?: unknown, length?: unknown, position?: unknown): Promise<{ bytesRead: number; buffer: unknown }> {
    const args = files.readArgs(ArrayBuffer.isView(buffer) ? [0, buffer, offset, length, position] : [0, buffer]);
    const [, into, off, len, at] = args as [number, unknown, unknown, unknown, unknown];
    return { bytesRead: await this.#run('read', (fd) => files.read(fd, into, off, len, at)), buffer: into };
  }

  async write(data: unknown, offset?: unknown, length?: unknown, position?: unknown): Promise<{ bytesWritten: number; buffer: unknown }> {
    if (ArrayBuffer.isView(data) && data.byteLength === 0) return { bytesWritten: 0, buffer: data };
    return { bytesWritten: await this.#run('write', (fd) => files.write(fd, data, offset, length, position)), buffer: data };
  }

  async readv(buffers: unknown, position?: unknown): Promise<{ bytesRead: number; buffers: unknown }> {
    return { bytesRead: await this.#run('readv', (fd) => files.readv(fd, buffers, position)), buffers };
  }

  async writev(buffers: unknown, position?: unknown): Promise<{ bytesWritten: number; buffers: unknown }> {
    return { bytesWritten: await this.#run('writev', (fd) => files.writev(fd, buffers, position)), buffers };
  }

  createReadStream(options?: object): AsyncIterable<unknown> {
    const { ReadStream } = this.#streams;
    return ReadStream === undefined ? noStreams('createReadStream') : new ReadStream(undefined, { ...options, fd: this });
  }

  createWriteStream(options?: object): object {
    const { WriteStream } = this.#streams;
    return WriteStream === undefined ? noStreams('createWriteStream') : new WriteStream(undefined, { ...options, fd: this });
  }

  /** The lines of the file, one after another, without their ends. */
  readLines(options?: object): AsyncIterable<string> {
    return lineReader(this.createReadStream(options)) ?? noStreams('readLines');
  }

  /** The bytes of the file as a web stream, which is read at the descriptor's position. */
  readableWebStream(options: { readonly type?: string; readonly autoClose?: boolean } = {}): ReadableStream<Uint8Array> {
    if (this.#fd < 0) throw invalidState('The FileHandle is closed');
    if (this.#closing !== undefined) throw invalidState('The FileHandle is closing');
    if (this.#locked) throw invalidState('The FileHandle is locked');
    this.#locked = true;
    this.hold();
    let used = true;
    const done = (): void => {
      if (used) this.release();
      used = false;
      if (options.autoClose === true) void this.close();
    };
    let controlled: ReadableByteStreamController | undefined;
    const stream = new ReadableStream({
      type: 'bytes',
      autoAllocateChunkSize: WEB_CHUNK,
      start: (controller) => {
        controlled = controller;
      },
      pull: async (controller) => {
        const request = controller.byobRequest;
        const view = (request?.view ?? newBytes(WEB_CHUNK)) as Uint8Array;
        const { bytesRead } = await this.read(view);
        if (bytesRead === 0) {
          done();
          controller.close();
        }
        request?.respond(bytesRead);
      },
      cancel: done,
    });
    this.once('close', () => {
      if (!used) return;
      done();
      try {
        controlled?.close();
      } catch {
        // It was read to its end, or cancelled.
      }
    });
    return stream as unknown as ReadableStream<Uint8Array>;
  }

  /** Closes the file when nothing uses it any more; a second time is the same one. */
  readonly close = (): Promise<void> => {
    if (this.#closing !== undefined) return this.#closing.promise;
    if (this.#open < 0) return Promise.resolve();
    let [resolve, reject]: [() => void, (error: unknown) => void] = [() => undefined, () => undefined];
    const promise = new Promise<void>((yes, no) => {
      [resolve, reject] = [yes, no];
    });
    this.#closing = { promise, resolve, reject };
    this.release();
    this.emit('close');
    return promise;
  };

  async [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')](): Promise<void> {
    return this.close();
  }
}
