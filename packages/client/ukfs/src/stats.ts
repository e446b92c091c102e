/** Stats, Dirent and StatFs as Node has them. */
import {
  DT_BLK,
  DT_CHR,
  DT_DIR,
  DT_FIFO,
  DT_LNK,
  DT_REG,
  DT_SOCK,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
  type Stat,
  type Statvfs,
} from '@anykernel/lib-sys';
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

type AnyStats = Stats | OwnBigIntStats;

/** A date becomes a property of its own: the same one each time, which may be changed. */
function own(stats: AnyStats, name: string, date: Date): Date {
  Object.defineProperty(stats, name, { value: date, writable: true, enumerable: true, configurable: true });
  return date;
}

function dateOf(stats: AnyStats, name: string, ms: number): Date {
  return own(stats, name, new Date(ms));
}

export class Stats extends FileType {
  /** Times are milliseconds since 1970, with fractions. */
  constructor(
    public dev: number,
    public mode: number,
    public nlink: number,
    public uid: number,
    public gid: number,
    public rdev: number,
    public blksize: number,
    public ino: number,
    public size: number,
    public blocks: number,
    public atimeMs: number,
    public mtimeMs: number,
    public ctimeMs: number,
    public birthtimeMs: number,
  ) {
    super();
  }

  protected type(): number {
    return this.mode & S_IFMT;
  }

  get atime(): Date {
    return dateOf(this, 'atime', Math.round(this.atimeMs));
  }
  set atime(date: Date) {
    own(this, 'atime', date);
  }
  get mtime(): Date {
    return dateOf(this, 'mtime', Math.round(this.mtimeMs));
  }
  set mtime(date: Date) {
    own(this, 'mtime', date);
  }
  get ctime(): Date {
    return dateOf(this, 'ctime', Math.round(this.ctimeMs));
  }
  set ctime(date: Date) {
    own(this, 'ctime', date);
  }
  get birthtime(): Date {
    return dateOf(this, 'birthtime', Math.round(this.birthtimeMs));
  }
  set birthtime(date: Date) {
    own(this, 'birthtime', date);
  }

  /** With its dates, which are made when they are asked for. */
  toJSON(): object {
    return { ...this, atime: this.atime, mtime: this.mtime, ctime: this.ctime, birthtime: this.birthtime };
  }
}

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

/** With `{ bigint: true }`: the same, whole, and with nanoseconds. */
class OwnBigIntStats extends FileType {
  dev: bigint;
  mode: bigint;
  nlink: bigint;
  uid: bigint;
  gid: bigint;
  rdev: bigint;
  blksize: bigint;
  ino: bigint;
  size: bigint;
  blocks: bigint;
  atimeMs: bigint;
  mtimeMs: bigint;
  ctimeMs: bigint;
  birthtimeMs: bigint;
  atimeNs: bigint;
  mtimeNs: bigint;
  ctimeNs: bigint;
  birthtimeNs: bigint;

  constructor(
    dev: bigint, mode: bigint, nlink: bigint, uid: bigint, gid: bigint, rdev: bigint, blksize: bigint, ino: bigint, size: bigint, blocks: bigint,
    atimeNs: bigint, mtimeNs: bigint, ctimeNs: bigint, birthtimeNs: bigint,
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
    this.atimeMs = atimeNs / 1_000_000n;
    this.mtimeMs = mtimeNs / 1_000_000n;
    this.ctimeMs = ctimeNs / 1_000_000n;
    this.birthtimeMs = birthtimeNs / 1_000_000n;
    this.atimeNs = atimeNs;
    this.mtimeNs = mtimeNs;
    this.ctimeNs = ctimeNs;
    this.birthtimeNs = birthtimeNs;
  }

  protected type(): number {
    return Number(this.mode) & S_IFMT;
  }

  get atime(): Date {
    return dateOf(this, 'atime', Number(this.atimeMs));
  }
  set atime(date: Date) {
    own(this, 'atime', date);
  }
  get mtime(): Date {
    return dateOf(this, 'mtime', Number(this.mtimeMs));
  }
  set mtime(date: Date) {
    own(this, 'mtime', date);
  }
  get ctime(): Date {
    return dateOf(this, 'ctime', Number(this.ctimeMs));
  }
  set ctime(date: Date) {
    own(this, 'ctime', date);
  }
  get birthtime(): Date {
    return dateOf(this, 'birthtime', Number(this.birthtimeMs));
  }
  set birthtime(date: Date) {
    own(this, 'birthtime', date);
  }
}

/** Where there is Node, its own class, which it does not export: whoever compares gets what he knows. */
export const BigIntStats: typeof OwnBigIntStats = (nodeBigIntStats() as typeof OwnBigIntStats | undefined) ?? OwnBigIntStats;
export type BigIntStats = OwnBigIntStats;

export function toBigIntStats(st: Stat): BigIntStats {
  return new BigIntStats(
    BigInt(st.dev), BigInt(st.mode), BigInt(st.nlink), BigInt(st.uid), BigInt(st.gid), BigInt(st.rdev), BigInt(st.blksize), BigInt(st.ino),
    BigInt(st.size), BigInt(st.blocks),
    ns(st.atime, st.atimeNsec), ns(st.mtime, st.mtimeNsec), ns(st.ctime, st.ctimeNsec), ns(st.birthtime, st.birthtimeNsec),
  );
}

const MODE_OF_DT: Readonly<Record<number, number>> = {
  [DT_REG]: S_IFREG,
  [DT_DIR]: S_IFDIR,
  [DT_LNK]: S_IFLNK,
  [DT_FIFO]: S_IFIFO,
  [DT_SOCK]: S_IFSOCK,
  [DT_CHR]: S_IFCHR,
  [DT_BLK]: S_IFBLK,
};

export class Dirent<Name extends string | Uint8Array = string> extends FileType {
  readonly #type: number;
  constructor(
    readonly name: Name,
    /** The directory in which it is, as it was asked for. */
    readonly parentPath: string,
    dtype: number,
  ) {
    super();
    this.#type = MODE_OF_DT[dtype] ?? 0;
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
  blocks: N;
  bfree: N;
  bavail: N;
  files: N;
  ffree: N;
  constructor(sb: Statvfs, as: (value: number) => N) {
    this.type = as(0);
    this.bsize = as(sb.frsize);
    this.blocks = as(sb.blocks);
    this.bfree = as(sb.bfree);
    this.bavail = as(sb.bavail);
    this.files = as(sb.files);
    this.ffree = as(sb.ffree);
  }
}
