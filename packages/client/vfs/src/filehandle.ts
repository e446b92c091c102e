/** An open file as `node:vfs` wants one: by descriptor, in both forms, with a position that Node's streams set. */
import type { Table } from './methods.js';

type Bytes = Uint8Array;

export class KernelFileHandle {
  readonly #fs: Table;
  readonly #fd: number;
  /** Where the next transfer begins, once somebody has said so; the descriptor's own position otherwise. */
  #position: number | undefined;
  #closed = false;

  constructor(
    fs: Table,
    readonly path: string,
    readonly flags: string | number,
    readonly mode: number | undefined,
    fd: number,
  ) {
    this.#fs = fs;
    this.#fd = fd;
  }

  get closed(): boolean {
    return this.#closed;
  }
  get position(): number {
    return this.#position ?? 0;
  }
  set position(at: number) {
    this.#position = at;
  }

  #now(name: string, ...args: unknown[]): unknown {
    return this.#fs[`${name}Sync`]?.(this.#fd, ...args);
  }

  #later<T>(name: string, ...args: unknown[]): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#fs[name]?.(this.#fd, ...args, (error: unknown, result: T) => (error ? reject(error) : resolve(result)));
    });
  }

  #at(position: number | bigint | null | undefined): number | bigint | null {
    return position === undefined || position === null || position === -1 ? (this.#position ?? null) : position;
  }

  /** `len` bytes were moved at `position`, as the caller gave it. */
  #moved(position: number | bigint | null | undefined, len: number): number {
    if (this.#position !== undefined && this.#at(position) === this.#position) this.#position += len;
    return len;
  }

  readSync(buffer: Bytes, offset?: number, length?: number, position?: number | bigint | null): number {
    return this.#moved(position, this.#now('read', buffer, offset, length, this.#at(position)) as number);
  }
  async read(
    buffer: Bytes,
    offset = 0,
    length = buffer.byteLength - offset,
    position?: number | bigint | null,
  ): Promise<{ bytesRead: number; buffer: Bytes }> {
    const bytesRead = await this.#later<number>('read', buffer, offset, length, this.#at(position));
    return { bytesRead: this.#moved(position, bytesRead), buffer };
  }
  writeSync(buffer: Bytes, offset?: number, length?: number, position?: number | null): number {
    return this.#moved(position, this.#now('write', buffer, offset, length, this.#at(position)) as number);
  }
  async write(
    buffer: Bytes,
    offset = 0,
    length = buffer.byteLength - offset,
    position?: number | null,
  ): Promise<{ bytesWritten: number; buffer: Bytes }> {
    const bytesWritten = await this.#later<number>('write', buffer, offset, length, this.#at(position));
    return { bytesWritten: this.#moved(position, bytesWritten), buffer };
  }
  async readv(buffers: readonly Bytes[], position?: number | null): Promise<{ bytesRead: number; buffers: readonly Bytes[] }> {
    return { bytesRead: this.#moved(position, await this.#later<number>('readv', buffers, this.#at(position))), buffers };
  }
  async writev(buffers: readonly Bytes[], position?: number | null): Promise<{ bytesWritten: number; buffers: readonly Bytes[] }> {
    return { bytesWritten: this.#moved(position, await this.#later<number>('writev', buffers, this.#at(position))), buffers };
  }

  readFileSync(options?: unknown): unknown {
    return this.#now('readFile', options);
  }
  readFile(options?: unknown): Promise<unknown> {
    return this.#later('readFile', options ?? null);
  }
  writeFileSync(data: unknown, options?: unknown): void {
    this.#now('writeFile', data, options);
  }
  writeFile(data: unknown, options?: unknown): Promise<void> {
    return this.#later('writeFile', data, options ?? null);
  }
  appendFile(data: unknown, options?: unknown): Promise<void> {
    return this.#later('appendFile', data, options ?? null);
  }

  statSync(options?: object): unknown {
    return this.#now('fstat', options);
  }
  stat(options?: object): Promise<unknown> {
    return this.#later('fstat', options ?? {});
  }
  truncateSync(len = 0): void {
    this.#now('ftruncate', len);
  }
  truncate(len = 0): Promise<void> {
    return this.#later('ftruncate', len);
  }
  chmodSync(mode: number): void {
    this.#now('fchmod', mode);
  }
  chmod(mode: number): Promise<void> {
    return this.#later('fchmod', mode);
  }
  chown(uid: number, gid: number): Promise<void> {
    return this.#later('fchown', uid, gid);
  }
  sync(): Promise<void> {
    return this.#later('fsync');
  }
  datasync(): Promise<void> {
    return this.#later('fdatasync');
  }
  utimesSync(atime: unknown, mtime: unknown): void {
    this.#now('futimes', atime, mtime);
  }
  utimes(atime: unknown, mtime: unknown): Promise<void> {
    return this.#later('futimes', atime, mtime);
  }

  /** EBADF: it is closed already. */
  closeSync(): void {
    this.#closed = true;
    this.#now('close');
  }
  close(): Promise<void> {
    this.#closed = true;
    return this.#later('close');
  }
  [Symbol.dispose ?? Symbol.for('Symbol.dispose')](): void {
    if (!this.#closed) this.closeSync();
  }
  async [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')](): Promise<void> {
    if (!this.#closed) await this.close();
  }
}
