/**
 * A FileSystemSyncAccessHandle, step by step as the File System Standard has it (WHATWG, section 2.6), on bytes in memory and within a quota.
 */
import type { SyncAccessHandle } from '../src/index.js';

export class FakeAccessHandle implements SyncAccessHandle {
  contents: Uint8Array = new Uint8Array(0);
  flushes = 0;
  #closed = false;
  #cursor = 0;

  constructor(
    readonly quota = 64 * 1024 * 1024,
    readonly mode: 'readwrite' | 'read-only' = 'readwrite',
    /** The most bytes that one call moves. */
    readonly most = Infinity,
  ) {}

  read(buffer: Uint8Array, options: { at?: number } = {}): number {
    this.#check();
    const start = options.at === undefined ? this.#cursor : enforceRange(options.at);
    if (start > this.contents.length) {
      this.#cursor = this.contents.length;
      return 0;
    }
    const bytes = this.contents.subarray(start, start + Math.min(buffer.length, this.most));
    buffer.set(bytes);
    this.#cursor = start + bytes.length;
    return bytes.length;
  }

  write(buffer: Uint8Array, options: { at?: number } = {}): number {
    this.#check();
    if (this.mode === 'read-only') throw new DOMException('it is open for reading', 'NoModificationAllowedError');
    const position = options.at === undefined ? this.#cursor : enforceRange(options.at);
    const len = Math.min(buffer.length, this.most);
    const size = Math.max(this.contents.length, position + len);
    if (size > this.quota) throw new DOMException('no more room', 'QuotaExceededError');
    this.#resize(size);
    this.contents.set(buffer.subarray(0, len), position);
    this.#cursor = position + len;
    return len;
  }

  truncate(size: number): void {
    this.#check();
    if (size > this.quota) throw new DOMException('no more room', 'QuotaExceededError');
    this.#resize(enforceRange(size));
    this.#cursor = Math.min(this.#cursor, size);
  }

  getSize(): number {
    this.#check();
    return this.contents.length;
  }

  flush(): void {
    this.#check();
    this.flushes++;
  }

  close(): void {
    this.#closed = true;
  }

  #check(): void {
    if (this.#closed) throw new DOMException('the handle is closed', 'InvalidStateError');
  }

  #resize(size: number): void {
    if (size === this.contents.length) return;
    const contents = new Uint8Array(size);
    contents.set(this.contents.subarray(0, size));
    this.contents = contents;
  }
}

/** [EnforceRange] unsigned long long. */
function enforceRange(n: number): number {
  if (!Number.isFinite(n) || Math.trunc(n) < 0 || Math.trunc(n) > Number.MAX_SAFE_INTEGER) throw new TypeError(`${n} is out of range`);
  return Math.trunc(n);
}
