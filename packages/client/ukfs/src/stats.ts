/** Stats, Dirent and StatFs as Node has them. */
import { DTTOIF, S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK, type Stat, type Statvfs } from '@anykernel/lib-sys';
import { nodeBigIntStats } from './host.js';

/** The questions that Stats, BigIntStats and Dirent answer. */
abstract class FileType {
  /** S_IF* bits. */
  protected abstract type(): number;
  isFile(): boolean {
    return this.type() === S_IFREG;
  }
  isDirectory(): boolean {
    return this.type() === S_IFDIR;
  }
  isSymbolicLink(): boolean {
    return this.type() === S_IFLNK;
  }
  isFIFO(): boolean {
    return this.type() === S_IFIFO;
  }
  isSocket(): boolean {
    return this.type() === S_IFSOCK;
  }
  isCharacterDevice(): boolean {
    return this.type() === S_IFCHR;
  }
  isBlockDevice(): boolean {
    return this.type() === S_IFBLK;
  }
}

const DATES = ['atime', 'mtime', 'ctime', 'birthtime'] as const;

/** A date is made when it is asked for, and becomes a property of its own: the same one each time, which may be changed. */
function addDates(Class: { readonly prototype: object }): void {
  for (const name of DATES) {
    const own = function (this: object, value: unknown): void {
      Object.defineProperty(this, name, { value, writable: true, enumerable: true, configurable: true });
    };
    const get = function (this: Stats): Date {
      own.call(this, new Date(Math.round(Number(this[`${name}Ms`]))));
      return this[name];
    };
    Object.defineProperty(Class.prototype, name, { get, set: own, configurable: true });
  }
}

export class Stats extends FileType {
  declare dev: number;
  declare mode: number;
  declare nlink: number;
  declare uid: number;
  declare gid: number;
  declare rdev: number;
  declare blksize: number;
  declare ino: number;
  declare size: number;
  declare blocks: number;
  declare atimeMs: number;
  declare mtimeMs: number;
  declare ctimeMs: number;
  declare birthtimeMs: number;
  declare atime: Date;
  declare mtime: Date;
  declare ctime: Date;
  declare birthtime: Date;

  /** Times are milliseconds since 1970, with fractions. */
  constructor(
    dev: number, mode: number, nlink: number, uid: number, gid: number, rdev: number, blksize: number, ino: number, size: number, blocks: number,
    atimeMs: number, mtimeMs: number, ctimeMs: number, birthtimeMs: number,
  ) {
    super();
    this.dev = dev;
    this.mode = mode;
    this.nlink = nlink;
    this.uid = uid;
    this.gid = gid;
    this.rdev = rdev;
    this.blksize = blksize;
    this.ino = ino;
    this.size = size;
    this.blocks = blocks;
    this.atimeMs = atimeMs;
    this.mtimeMs = mtimeMs;
    this.ctimeMs = ctimeMs;
    this.birthtimeMs = birthtimeMs;
  }

  protected type(): number {
    return this.mode & S_IFMT;
  }

  /** With its dates, which are made when they are asked for. */
  toJSON(): object {
    return { ...this, atime: this.atime, mtime: this.mtime, ctime: this.ctime, birthtime: this.birthtime };
  }
}
addDates(Stats);

function ms(sec: number, nsec: number): number {
  return sec * 1000 + nsec / 1e6;
}

/** The Stats of what the kernel says. */
export function toStats(st: Stat): Stats {
  return new Stats(
    st.dev, st.mode, st.nlink, st.uid, st.gid, st.rdev, st.blksize, st.ino, st.size, st.blocks,
    ms(st.atime, st.atimeNsec), ms(st.mtime, st.mtimeNsec), ms(st.ctime, st.ctimeNsec), ms(st.birthtime, st.birthtimeNsec),
  );
}

function ns(sec: number, nsec: number): bigint {
  return BigInt(sec) * 1_000_000_000n + BigInt(nsec);
}

/** What both kinds of Stats begin with, in the order of their constructors. */
const COUNTS = ['dev', 'mode', 'nlink', 'uid', 'gid', 'rdev', 'blksize', 'ino', 'size', 'blocks'] as const;

type DateName = (typeof DATES)[number];

/** With `{ bigint: true }`: the same, whole, and with nanoseconds. */
export type BigIntStats = FileType & Record<(typeof COUNTS)[number] | `${DateName}${'Ms' | 'Ns'}`, bigint> & Record<DateName, Date>;

class OwnBigIntStats extends FileType {
  declare mode: bigint;

  /** Counts, and times in nanoseconds. */
  constructor(...values: readonly bigint[]) {
    super();
    const set = (name: string, value: bigint): object => Object.assign(this, { [name]: value });
    COUNTS.forEach((name, i) => set(name, values[i]));
    DATES.forEach((name, i) => set(`${name}Ms`, values[COUNTS.length + i] / 1_000_000n));
    DATES.forEach((name, i) => set(`${name}Ns`, values[COUNTS.length + i]));
  }

  protected type(): number {
    return Number(this.mode) & S_IFMT;
  }
}
addDates(OwnBigIntStats);

export type BigIntStatsClass = new (...values: readonly bigint[]) => BigIntStats;

let found: BigIntStatsClass | undefined;

/** Where there is Node, its own class, which it does not export: whoever compares gets what he knows. It is found by a stat(), when somebody asks. */
export function bigIntStatsClass(): BigIntStatsClass {
  return (found ??= (nodeBigIntStats() ?? OwnBigIntStats) as BigIntStatsClass);
}

export function toBigIntStats(st: Stat): BigIntStats {
  return new (bigIntStatsClass())(
    BigInt(st.dev), BigInt(st.mode), BigInt(st.nlink), BigInt(st.uid), BigInt(st.gid), BigInt(st.rdev), BigInt(st.blksize), BigInt(st.ino),
    BigInt(st.size), BigInt(st.blocks),
    ns(st.atime, st.atimeNsec), ns(st.mtime, st.mtimeNsec), ns(st.ctime, st.ctimeNsec), ns(st.birthtime, st.birthtimeNsec),
  );
}

export class Dirent<Name extends string | Uint8Array = string> extends FileType {
  readonly #type: number;
  constructor(
    readonly name: Name,
    /** The directory in which it is, as it was asked for. */
    readonly parentPath: string,
    dtype: number,
  ) {
    super();
    this.#type = DTTOIF(dtype);
  }

  /** Node's older word for parentPath. */
  get path(): string {
    return this.parentPath;
  }

  protected type(): number {
    return this.#type;
  }
}

export class StatFs<N extends number | bigint = number> {
  type: N;
  bsize: N;
  frsize: N;
  blocks: N;
  bfree: N;
  bavail: N;
  files: N;
  ffree: N;
  constructor(sb: Statvfs, as: (value: number) => N) {
    this.type = as(0);
    this.bsize = as(sb.frsize);
    this.frsize = as(sb.frsize);
    this.blocks = as(sb.blocks);
    this.bfree = as(sb.bfree);
    this.bavail = as(sb.bavail);
    this.files = as(sb.files);
    this.ffree = as(sb.ffree);
  }
}
