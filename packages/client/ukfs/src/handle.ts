/** FileHandle: an open file of the promise interface. It is an EventEmitter: 'close'. */
import { EventEmitter, newBytes } from '#host';
import type { Encoding } from './bytes.js';
import { coded } from './coded.js';
import * as files from './files.js';
import { asyncDispose, lineReader, warn } from './host.js';
import type { Op, Runner } from './run.js';
import type { BigIntStats, Stats } from './stats.js';
import { noStreams, streamOf } from './streams.js';
import * as whole from './whole.js';

/** Makes the streams of a FileHandle: those of the `fs` that it belongs to. */
export interface Streams {
  readonly ReadStream: (new (path: unknown, options: unknown) => AsyncIterable<unknown>) | undefined;
  readonly WriteStream: (new (path: unknown, options: unknown) => AsyncIterable<unknown>) | undefined;
}

function invalidState(words: string): Error {
  return coded('ERR_INVALID_STATE', `Invalid state: ${words}`, Error);
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
  #closing: Promise<void> | undefined;
  /** Settles it. */
  #closed: (how: Promise<void>) => void = (how) => void how.catch(() => undefined);

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
    this.#closed(this.#runner.run(files.close(fd)));
  }

  /** Operation `op` on the descriptor. EBADF: the file is closed, which `syscall` is told of. */
  async #run<T, A extends readonly unknown[]>(syscall: string, op: (fd: number, ...args: A) => Op<T>, ...args: A): Promise<T> {
    if (this.#fd < 0) throw Object.assign(new Error('file closed'), { code: 'EBADF', syscall });
    this.#refs++;
    try {
      return await this.#runner.run(op(this.#fd, ...args));
    } finally {
      this.release();
    }
  }

  appendFile(data: unknown, options?: whole.FileOptions | string | null): Promise<void> {
    return this.#run('writeFile', whole.writeFilePromised, data, options);
  }
  chmod(mode: unknown): Promise<void> {
    return this.#run('fchmod', files.fchmod, mode);
  }
  chown(uid: unknown, gid: unknown): Promise<void> {
    return this.#run('fchown', files.fchown, uid, gid);
  }
  datasync(): Promise<void> {
    return this.#run('fdatasync', files.fdatasync);
  }
  sync(): Promise<void> {
    return this.#run('fsync', files.fsync);
  }
  stat(options?: { readonly bigint?: false }): Promise<Stats>;
  stat(options: { readonly bigint: true }): Promise<BigIntStats>;
  stat(options?: files.BigIntOption): Promise<files.AnyStats>;
  stat(options?: files.BigIntOption): Promise<files.AnyStats> {
    return this.#run('fstat', files.fstat, options);
  }
  truncate(len?: unknown): Promise<void> {
    return this.#run('ftruncate', files.ftruncate, len);
  }
  utimes(atime: unknown, mtime: unknown): Promise<void> {
    return this.#run('futimes', files.futimes, atime, mtime);
  }
  readFile(options?: { readonly encoding?: null | 'buffer' } | null): Promise<Uint8Array>;
  readFile(options: Encoding | { readonly encoding: Encoding }): Promise<string>;
  readFile(options?: whole.FileOptions | string | null): Promise<Uint8Array | string>;
  readFile(options?: whole.FileOptions | string | null): Promise<Uint8Array | string> {
    return this.#run('readFile', whole.readFileAbortable, options);
  }
  writeFile(data: unknown, options?: whole.FileOptions | string | null): Promise<void> {
    return this.#run('writeFile', whole.writeFilePromised, data, options);
  }

  /** read(buffer, offset, length, position), read(buffer, options), or read(options) with a buffer of 16 KiB. */
  async read(buffer?: unknown, offset?: unknown, length?: unknown, position?: unknown): Promise<{ bytesRead: number; buffer: unknown }> {
    const args = files.readArgs(ArrayBuffer.isView(buffer) ? [0, buffer, offset, length, position] : [0, buffer]);
    const [, into, off, len, at] = args as [number, unknown, unknown, unknown, unknown];
    return { bytesRead: await this.#run('read', files.read, into, off, len, at), buffer: into };
  }

  async write(data: unknown, offset?: unknown, length?: unknown, position?: unknown): Promise<{ bytesWritten: number; buffer: unknown }> {
    if (ArrayBuffer.isView(data) && data.byteLength === 0) return { bytesWritten: 0, buffer: data };
    return { bytesWritten: await this.#run('write', files.write, data, offset, length, position), buffer: data };
  }

  async readv(buffers: unknown, position?: unknown): Promise<{ bytesRead: number; buffers: unknown }> {
    return { bytesRead: await this.#run('readv', files.readv, buffers, position), buffers };
  }

  async writev(buffers: unknown, position?: unknown): Promise<{ bytesWritten: number; buffers: unknown }> {
    return { bytesWritten: await this.#run('writev', files.writev, buffers, position), buffers };
  }

  createReadStream(options?: object): AsyncIterable<unknown> {
    return streamOf(this.#streams, 'ReadStream', undefined, { ...options, fd: this });
  }

  createWriteStream(options?: object): object {
    return streamOf(this.#streams, 'WriteStream', undefined, { ...options, fd: this });
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
    if (this.#closing !== undefined) return this.#closing;
    if (this.#open < 0) return Promise.resolve();
    this.#closing = new Promise((resolve) => {
      this.#closed = resolve;
    });
    this.release();
    this.emit('close');
    return this.#closing;
  };

  async [asyncDispose](): Promise<void> {
    return this.close();
  }
}
