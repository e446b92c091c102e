/**
 * The type of an `fs`: that of Node's own, as @types/node has it, and what later versions of Node have.
 */
import type * as nodeFs from 'node:fs';
import type { BlobOptions } from './blob.js';
import type { GlobOptions } from './glob.js';
import type { BigIntStatsClass, Dirent, StatFs, Stats } from './stats.js';

type NodeFs = typeof nodeFs;
type NodePromises = NodeFs['promises'];

/** A directory that mkdtempDisposable() has made. */
export interface DisposableTempDir extends AsyncDisposable {
  readonly path: string;
  /** Removes it, with all that is in it. */
  remove(): Promise<void>;
}

export interface DisposableTempDirSync extends Disposable {
  readonly path: string;
  remove(): void;
}

/** What is left out: a pattern of the name, a RegExp of it, a function that says so. */
type Ignored = string | RegExp | ((name: string) => boolean);

type WatchWithMore = (
  filename: nodeFs.PathLike,
  options: nodeFs.WatchOptions & { readonly ignore?: Ignored | readonly Ignored[]; readonly throwIfNoEntry?: boolean },
  listener?: nodeFs.WatchListener<string>,
) => nodeFs.FSWatcher;

interface GlobSync {
  (pattern: string | readonly string[], options?: GlobOptions & { readonly withFileTypes?: false }): string[];
  (pattern: string | readonly string[], options: GlobOptions & { readonly withFileTypes: true }): Dirent[];
  (pattern: string | readonly string[], options?: GlobOptions): (string | Dirent)[];
}

interface GlobCallback {
  (pattern: string | readonly string[], callback: (error: NodeJS.ErrnoException | null, names: string[]) => void): void;
  (
    pattern: string | readonly string[],
    options: GlobOptions,
    callback: (error: NodeJS.ErrnoException | null, found: (string | Dirent)[]) => void,
  ): void;
}

interface GlobIterator {
  (pattern: string | readonly string[], options?: GlobOptions & { readonly withFileTypes?: false }): AsyncIterable<string>;
  (pattern: string | readonly string[], options: GlobOptions & { readonly withFileTypes: true }): AsyncIterable<Dirent>;
}

/** `node:fs/promises` on a kernel. */
export interface UkfsPromises extends Omit<NodePromises, 'glob' | 'mkdtempDisposable'> {
  readonly glob: GlobIterator;
  mkdtempDisposable(prefix: string, options?: unknown): Promise<DisposableTempDir>;
}

type Own = 'promises' | 'watch' | 'glob' | 'globSync' | 'mkdtempDisposableSync' | 'openAsBlobSync' | 'Stats' | 'BigIntStats' | 'Dirent' | 'StatFs' | 'lchmod' | 'lchmodSync';

/** `node:fs` on a kernel. */
export interface Ukfs extends Omit<NodeFs, Own> {
  readonly promises: UkfsPromises;
  readonly watch: NodeFs['watch'] & WatchWithMore;
  readonly glob: GlobCallback;
  readonly globSync: GlobSync;
  mkdtempDisposableSync(prefix: string, options?: unknown): DisposableTempDirSync;
  openAsBlobSync(path: nodeFs.PathLike, options?: BlobOptions): Blob;
  readonly Stats: typeof Stats;
  readonly BigIntStats: BigIntStatsClass;
  readonly Dirent: typeof Dirent;
  readonly StatFs: typeof StatFs;
}
