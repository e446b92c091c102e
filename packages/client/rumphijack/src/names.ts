/**
 * Names that come out of the kernel, as the program sees them: where the kernel's names have a prefix which the kernel does not know, results and
 * errors get it back.
 */
import type { Routes } from './routes.js';

interface NamedError {
  path?: unknown;
  dest?: unknown;
  message: string;
  stack?: string;
}

interface NamedEntry {
  path?: unknown;
  parentPath?: unknown;
}

/** What of a Dir has names in it. */
interface NamedDir {
  readonly path: unknown;
  readSync(): unknown;
  read(callback?: (error: unknown, entry: unknown) => void): Promise<unknown> | undefined;
}

/** Functions whose result is a path. */
const PATHS: ReadonlySet<string> = new Set(['realpath', 'mkdtemp', 'mkdir', 'readlink']);

export class Names {
  readonly #routes: Routes;

  constructor(routes: Routes) {
    this.#routes = routes;
  }

  /** The same error with the program's names, in place. */
  error(e: unknown): unknown {
    if (!this.#routes.prefixed || typeof e !== 'object' || e === null) return e;
    const error = e as NamedError;
    this.#rename(error, 'path');
    this.#rename(error, 'dest');
    return e;
  }

  #rename(e: NamedError, key: 'path' | 'dest'): void {
    const inKernel = e[key];
    if (typeof inKernel !== 'string') return;
    const visible = this.#routes.visible(inKernel);
    if (visible === inKernel) return;
    const [before, after] = key === 'dest' ? [`-> '${inKernel}'`, `-> '${visible}'`] : [inKernel, visible];
    const message = e.message.replace(before, () => after);
    if (e.stack !== undefined) e.stack = e.stack.replace(e.message, () => message);
    e.message = message;
    e[key] = visible;
  }

  /** What function `name` (without `Sync`) gave, with the program's names. */
  result(name: string, value: unknown): unknown {
    if (!this.#routes.prefixed) return value;
    if (PATHS.has(name)) return this.#path(value);
    if (name === 'mkdtempDisposable') return this.#disposable(value as { readonly path: unknown });
    if (name === 'readdir' && Array.isArray(value)) for (const entry of value) this.entry(entry);
    if (name === 'opendir' && typeof value === 'object' && value !== null) this.#dir(value as NamedDir);
    return value;
  }

  #path(value: unknown): unknown {
    if (typeof value === 'string') return this.#routes.visible(value);
    if (!(value instanceof Uint8Array)) return value;
    const text = Buffer.from(value).toString('latin1');
    const visible = this.#routes.visible(text);
    return visible === text ? value : Buffer.from(visible, 'latin1');
  }

  /** A directory that goes by itself, which knows where it is. */
  #disposable(made: { readonly path: unknown }): unknown {
    return Object.defineProperty(made, 'path', { value: this.#path(made.path), enumerable: true, configurable: true, writable: true });
  }

  /** A Dir, in place: it knows where it is, and so do its entries. */
  #dir(dir: NamedDir): void {
    const [readSync, read] = [dir.readSync.bind(dir), dir.read.bind(dir)];
    const own = (name: PropertyKey, value: unknown): unknown =>
      Object.defineProperty(dir, name, { value, configurable: true, writable: true });
    own('path', this.#path(dir.path));
    own('readSync', () => this.entry(readSync()));
    own('read', (callback?: (error: unknown, entry: unknown) => void) =>
      callback === undefined ? read()?.then((entry) => this.entry(entry)) : read((error, entry) => callback(error, this.entry(entry))),
    );
  }

  /** A directory entry, in place: it knows where it is. */
  entry(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value;
    const entry = value as NamedEntry;
    for (const key of ['path', 'parentPath'] as const) {
      if (typeof entry[key] !== 'string') continue;
      const visible = this.#routes.visible(entry[key]);
      if (visible !== entry[key])
        Object.defineProperty(entry, key, { value: visible, enumerable: true, configurable: true, writable: true });
    }
    return value;
  }
}
