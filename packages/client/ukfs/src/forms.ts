/**
 * The types of the forms: what a call gives follows from its options, as in Node's own types.
 *
 * Most operations give one type, and their forms follow from the table of operations; those whose options choose are written out here, once for
 * both forms.
 */
import type { PathLike } from './args.js';
import type { Encoding } from './bytes.js';
import type { FileOptions } from './files.js';
import type { StatOptions } from './paths.js';
import type { BigIntStats, Dirent, StatFs, Stats } from './stats.js';
import type { ReaddirOptions } from './tree.js';

type FlagOption = Pick<FileOptions, 'flag'>;

interface ReadFile<File, Bytes, Text, Either> {
  (file: File, options?: (FlagOption & { readonly encoding?: null | 'buffer' }) | null): Bytes;
  (file: File, options: Encoding | (FlagOption & { readonly encoding: Encoding })): Text;
  (file: File, options?: FileOptions | string | null): Either;
}

interface Readdir<Names, Bytes, Dirents, ByteDirents, Any> {
  (
    path: PathLike,
    options?: (ReaddirOptions & { readonly encoding?: Encoding | null; readonly withFileTypes?: false }) | Encoding | null,
  ): Names;
  (path: PathLike, options: 'buffer' | (ReaddirOptions & { readonly encoding: 'buffer'; readonly withFileTypes?: false })): Bytes;
  (path: PathLike, options: ReaddirOptions & { readonly encoding?: Encoding | null; readonly withFileTypes: true }): Dirents;
  (path: PathLike, options: ReaddirOptions & { readonly encoding: 'buffer'; readonly withFileTypes: true }): ByteDirents;
  (path: PathLike, options?: ReaddirOptions | string | null): Any;
}

interface StatSync {
  (path: PathLike, options?: { readonly bigint?: false; readonly throwIfNoEntry?: true }): Stats;
  (path: PathLike, options: { readonly bigint: true; readonly throwIfNoEntry?: true }): BigIntStats;
  (path: PathLike, options: { readonly bigint?: false; readonly throwIfNoEntry: false }): Stats | undefined;
  (path: PathLike, options: { readonly bigint: true; readonly throwIfNoEntry: false }): BigIntStats | undefined;
  (path: PathLike, options?: StatOptions): Stats | BigIntStats | undefined;
}

interface StatOf<Of, Numbers, Bigints, Either> {
  (of: Of, options?: { readonly bigint?: false }): Numbers;
  (of: Of, options: { readonly bigint: true }): Bigints;
  (of: Of, options?: { readonly bigint?: boolean }): Either;
}

interface Name<Text, Bytes, Either> {
  (path: PathLike, options?: Encoding | { readonly encoding?: Encoding | null } | null): Text;
  (path: PathLike, options: 'buffer' | { readonly encoding: 'buffer' }): Bytes;
  (path: PathLike, options?: unknown): Either;
}

type AnyDirent = Dirent | Dirent<Uint8Array>;
type AnyNames = (string | Uint8Array)[] | AnyDirent[];

export interface SyncChoices {
  readonly readFileSync: ReadFile<PathLike | number, Uint8Array, string, Uint8Array | string>;
  readonly readdirSync: Readdir<string[], Uint8Array[], Dirent[], Dirent<Uint8Array>[], AnyNames>;
  readonly statSync: StatSync;
  readonly lstatSync: StatSync;
  readonly fstatSync: StatOf<number, Stats, BigIntStats, Stats | BigIntStats>;
  readonly statfsSync: StatOf<PathLike, StatFs, StatFs<bigint>, StatFs | StatFs<bigint>>;
  readonly readlinkSync: Name<string, Uint8Array, string | Uint8Array>;
  readonly realpathSync: Name<string, Uint8Array, string | Uint8Array> & { readonly native: Name<string, Uint8Array, string | Uint8Array> };
  readonly mkdtempSync: Name<string, Uint8Array, string | Uint8Array>;
}

type Later<T> = Promise<T>;

export interface PromiseChoices<Handle> {
  readonly readFile: ReadFile<PathLike | Handle, Later<Uint8Array>, Later<string>, Later<Uint8Array | string>>;
  readonly writeFile: (file: PathLike | Handle, data: unknown, options?: FileOptions | string | null) => Later<void>;
  readonly appendFile: (file: PathLike | Handle, data: unknown, options?: FileOptions | string | null) => Later<void>;
  readonly readdir: Readdir<Later<string[]>, Later<Uint8Array[]>, Later<Dirent[]>, Later<Dirent<Uint8Array>[]>, Later<AnyNames>>;
  readonly stat: StatOf<PathLike, Later<Stats>, Later<BigIntStats>, Later<Stats | BigIntStats>>;
  readonly lstat: StatOf<PathLike, Later<Stats>, Later<BigIntStats>, Later<Stats | BigIntStats>>;
  readonly statfs: StatOf<PathLike, Later<StatFs>, Later<StatFs<bigint>>, Later<StatFs | StatFs<bigint>>>;
  readonly readlink: Name<Later<string>, Later<Uint8Array>, Later<string | Uint8Array>>;
  readonly realpath: Name<Later<string>, Later<Uint8Array>, Later<string | Uint8Array>>;
  readonly mkdtemp: Name<Later<string>, Later<Uint8Array>, Later<string | Uint8Array>>;
}
