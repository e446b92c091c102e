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

function ms(sec: number, nsec: number): number {
  return sec * 1000 + nsec / 1e6;
}

export class Stats extends FileType {
  dev: number;
  mode: number;
  nlink: number;
  uid: number;
  gid: number;
  rdev: number;
  blksize: number;
  ino: number;
  size: number;
  blocks: number;
  /** Milliseconds since 1970, with fractions. */
  atimeMs: number;
  mtimeMs: number;
  ctimeMs: number;
  birthtimeMs: number;

  constructor(st: Stat) {
    super();
    this.dev = st.dev;
    this.mode = st.mode;
    this.nlink = st.nlink;
    this.uid = st.uid;
    this.gid = st.gid;
    this.rdev = st.rdev;
    this.blksize = st.blksize;
    this.ino = st.ino;
    this.size = st.size;
    this.blocks = st.blocks;
    this.atimeMs = ms(st.atime, st.atimeNsec);
    this.mtimeMs = ms(st.mtime, st.mtimeNsec);
    this.ctimeMs = ms(st.ctime, st.ctimeNsec);
    this.birthtimeMs = ms(st.birthtime, st.birthtimeNsec);
  }

  protected type(): number {
    return this.mode & S_IFMT;
  }

  get atime(): Date {
    return new Date(Math.round(this.atimeMs));
  }
  get mtime(): Date {
    return new Date(Math.round(this.mtimeMs));
  }
  get ctime(): Date {
    return new Date(Math.round(this.ctimeMs));
  }
  get birthtime(): Date {
    return new Date(Math.round(this.birthtimeMs));
  }
}

function ns(sec: number, nsec: number): bigint {
  return BigInt(sec) * 1_000_000_000n + BigInt(nsec);
}

/** With `{ bigint: true }`: the same, whole, and with nanoseconds. */
export class BigIntStats extends FileType {
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

  constructor(st: Stat) {
    super();
    this.dev = BigInt(st.dev);
    this.mode = BigInt(st.mode);
    this.nlink = BigInt(st.nlink);
    this.uid = BigInt(st.uid);
    this.gid = BigInt(st.gid);
    this.rdev = BigInt(st.rdev);
    this.blksize = BigInt(st.blksize);
    this.ino = BigInt(st.ino);
    this.size = BigInt(st.size);
    this.blocks = BigInt(st.blocks);
    this.atimeNs = ns(st.atime, st.atimeNsec);
    this.mtimeNs = ns(st.mtime, st.mtimeNsec);
    this.ctimeNs = ns(st.ctime, st.ctimeNsec);
    this.birthtimeNs = ns(st.birthtime, st.birthtimeNsec);
    this.atimeMs = this.atimeNs / 1_000_000n;
    this.mtimeMs = this.mtimeNs / 1_000_000n;
    this.ctimeMs = this.ctimeNs / 1_000_000n;
    this.birthtimeMs = this.birthtimeNs / 1_000_000n;
  }

  protected type(): number {
    return Number(this.mode) & S_IFMT;
  }

  get atime(): Date {
    return new Date(Number(this.atimeMs));
  }
  get mtime(): Date {
    return new Date(Number(this.mtimeMs));
  }
  get ctime(): Date {
    return new Date(Number(this.ctimeMs));
  }
  get birthtime(): Date {
    return new Date(Number(this.birthtimeMs));
  }
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
