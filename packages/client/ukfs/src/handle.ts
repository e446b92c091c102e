/** FileHandle: an open file of the promise interface. */
import type { Proc } from '@anykernel/rumpkern';
import type { Encoding } from './bytes.js';
import * as files from './files.js';
import { type Op, runAsync } from './run.js';
import type { BigIntStats, Stats } from './stats.js';

export class FileHandle {
  readonly #p: Proc;
  #fd: number;
  #closing: Promise<void> | undefined;

  constructor(p: Proc, fd: number) {
    this.#p = p;
    this.#fd = fd;
  }

  /** The descriptor; -1 once it is closed. */
  get fd(): number {
    return this.#fd;
  }

  async #run<T>(syscall: string, op: (fd: number) => Op<T>): Promise<T> {
    if (this.#fd < 0) throw Object.assign(new Error('file closed'), { code: 'EBADF', syscall });
    return runAsync(this.#p, op(this.#fd));
  }

  appendFile(data: unknown, options?: files.FileOptions | string | null): Promise<void> {
    return this.#run('appendFile', (fd) => files.appendFile(fd, data, options));
  }
  chmod(mode: unknown): Promise<void> {
    return this.#run('chmod', (fd) => files.fchmod(fd, mode));
  }
  chown(uid: unknown, gid: unknown): Promise<void> {
    return this.#run('chown', (fd) => files.fchown(fd, uid, gid));
  }
  datasync(): Promise<void> {
    return this.#run('datasync', (fd) => files.fdatasync(fd));
  }
  sync(): Promise<void> {
    return this.#run('sync', (fd) => files.fsync(fd));
  }
  stat(options?: { readonly bigint?: false }): Promise<Stats>;
  stat(options: { readonly bigint: true }): Promise<BigIntStats>;
  stat(options?: files.BigIntOption): Promise<files.AnyStats>;
  stat(options?: files.BigIntOption): Promise<files.AnyStats> {
    return this.#run('stat', (fd) => files.fstat(fd, options));
  }
  truncate(len?: unknown): Promise<void> {
    return this.#run('truncate', (fd) => files.ftruncate(fd, len));
  }
  utimes(atime: unknown, mtime: unknown): Promise<void> {
    return this.#run('utimes', (fd) => files.futimes(fd, atime, mtime));
  }
  readFile(options?: { readonly encoding?: null | 'buffer' } | null): Promise<Uint8Array>;
  readFile(options: Encoding | { readonly encoding: Encoding }): Promise<string>;
  readFile(options?: files.FileOptions | string | null): Promise<Uint8Array | string>;
  readFile(options?: files.FileOptions | string | null): Promise<Uint8Array | string> {
    return this.#run('readFile', (fd) => files.readFile(fd, options));
  }
  writeFile(data: unknown, options?: files.FileOptions | string | null): Promise<void> {
    return this.#run('writeFile', (fd) => files.writeFile(fd, data, options));
  }

  /** read(buffer, offset, length, position), read(buffer, options), or read(options) with a buffer of 16 KiB. */
  async read(buffer?: unknown, offset?: unknown, length?: unknown, position?: unknown): Promise<{ bytesRead: number; buffer: unknown }> {
    if (ArrayBuffer.isView(buffer)) {
      return { bytesRead: await this.#run('read', (fd) => files.read(fd, buffer, offset, length, position)), buffer };
    }
    const o = (buffer ?? {}) as { buffer?: unknown };
    const into = o.buffer ?? new Uint8Array(16384);
    return { bytesRead: await this.#run('read', (fd) => files.read(fd, into, o)), buffer: into };
  }

  async write(data: unknown, offset?: unknown, length?: unknown, position?: unknown): Promise<{ bytesWritten: number; buffer: unknown }> {
    return { bytesWritten: await this.#run('write', (fd) => files.write(fd, data, offset, length, position)), buffer: data };
  }

  async readv(buffers: unknown, position?: unknown): Promise<{ bytesRead: number; buffers: unknown }> {
    return { bytesRead: await this.#run('readv', (fd) => files.readv(fd, buffers, position)), buffers };
  }

  async writev(buffers: unknown, position?: unknown): Promise<{ bytesWritten: number; buffers: unknown }> {
    return { bytesWritten: await this.#run('writev', (fd) => files.writev(fd, buffers, position)), buffers };
  }

  /** Closes the file; a second time is the same one. */
  close(): Promise<void> {
    if (this.#closing === undefined) {
      const fd = this.#fd;
      this.#fd = -1;
      this.#closing = fd < 0 ? Promise.resolve() : runAsync(this.#p, files.close(fd));
    }
    return this.#closing;
  }

  [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')](): Promise<void> {
    return this.close();
  }
}
