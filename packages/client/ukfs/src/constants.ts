/**
 * `fs.constants`, and open flags. The numbers are those of Node on Linux, on every host, as applications have them in their heads; the
 * kernel's own are NetBSD's, and are made from them here.
 */
import * as sys from '@anykernel/lib-sys';

export const constants = {
  F_OK: 0,
  X_OK: 1,
  W_OK: 2,
  R_OK: 4,
  COPYFILE_EXCL: 1,
  COPYFILE_FICLONE: 2,
  COPYFILE_FICLONE_FORCE: 4,
  O_RDONLY: 0,
  O_WRONLY: 1,
  O_RDWR: 2,
  O_CREAT: 0o100,
  O_EXCL: 0o200,
  O_NOCTTY: 0o400,
  O_TRUNC: 0o1000,
  O_APPEND: 0o2000,
  O_NONBLOCK: 0o4000,
  O_DSYNC: 0o10000,
  O_DIRECT: 0o40000,
  O_DIRECTORY: 0o200000,
  O_NOFOLLOW: 0o400000,
  O_NOATIME: 0o1000000,
  O_SYNC: 0o4010000,
  S_IFMT: 0o170000,
  S_IFREG: 0o100000,
  S_IFDIR: 0o040000,
  S_IFCHR: 0o020000,
  S_IFBLK: 0o060000,
  S_IFIFO: 0o010000,
  S_IFLNK: 0o120000,
  S_IFSOCK: 0o140000,
  S_IRWXU: 0o700,
  S_IRUSR: 0o400,
  S_IWUSR: 0o200,
  S_IXUSR: 0o100,
  S_IRWXG: 0o70,
  S_IRGRP: 0o40,
  S_IWGRP: 0o20,
  S_IXGRP: 0o10,
  S_IRWXO: 0o7,
  S_IROTH: 0o4,
  S_IWOTH: 0o2,
  S_IXOTH: 0o1,
  UV_FS_SYMLINK_DIR: 1,
  UV_FS_SYMLINK_JUNCTION: 2,
  UV_FS_COPYFILE_EXCL: 1,
  UV_FS_COPYFILE_FICLONE: 2,
  UV_FS_COPYFILE_FICLONE_FORCE: 4,
  UV_FS_O_FILEMAP: 0,
  UV_DIRENT_UNKNOWN: 0,
  UV_DIRENT_FILE: 1,
  UV_DIRENT_DIR: 2,
  UV_DIRENT_LINK: 3,
  UV_DIRENT_FIFO: 4,
  UV_DIRENT_SOCKET: 5,
  UV_DIRENT_CHAR: 6,
  UV_DIRENT_BLOCK: 7,
} as const;

const { O_CREAT, O_EXCL, O_SYNC, O_TRUNC, O_APPEND } = constants;

/** What the letters of a flag mean, in either order; with `+` for reading and writing. */
const LETTERS: Readonly<Record<string, number>> = {
  r: constants.O_RDONLY,
  rs: constants.O_RDONLY | O_SYNC,
  w: constants.O_WRONLY | O_TRUNC | O_CREAT,
  wx: constants.O_WRONLY | O_TRUNC | O_CREAT | O_EXCL,
  a: constants.O_WRONLY | O_APPEND | O_CREAT,
  ax: constants.O_WRONLY | O_APPEND | O_CREAT | O_EXCL,
  as: constants.O_WRONLY | O_APPEND | O_CREAT | O_SYNC,
};

const WORDS: ReadonlyMap<string, number> = /* @__PURE__ */ new Map(
  Object.entries(LETTERS).flatMap(([word, flags]) =>
    [word, [...word].reverse().join('')].flatMap((letters): [string, number][] => [
      [letters, flags],
      [`${letters}+`, (flags & ~constants.O_WRONLY) | constants.O_RDWR],
    ]),
  ),
);

/** The number for `'w+'` and its like; undefined: there is no such word. */
export function flagsOfWord(word: string): number | undefined {
  return WORDS.get(word);
}

/** Node's flags and the kernel's, bit by bit, where they differ. */
const PAIRS: readonly (readonly [number, number])[] = [
  [O_CREAT, sys.O_CREAT],
  [O_EXCL, sys.O_EXCL],
  [constants.O_NOCTTY, sys.O_NOCTTY],
  [O_TRUNC, sys.O_TRUNC],
  [O_APPEND, sys.O_APPEND],
  [constants.O_NONBLOCK, sys.O_NONBLOCK],
  [constants.O_DSYNC, sys.O_DSYNC],
  [O_SYNC & ~constants.O_DSYNC, sys.O_SYNC],
  [constants.O_DIRECTORY, sys.O_DIRECTORY],
  [constants.O_NOFOLLOW, sys.O_NOFOLLOW],
];

/** The kernel's open flags for Node's. Descriptors are close-on-exec, as Node's are. */
export function kernelFlags(flags: number): number {
  let out = (flags & 3) | sys.O_CLOEXEC;
  if ((flags & ~3) === 0) return out;
  for (const [node, kernel] of PAIRS) if ((flags & node) !== 0) out |= kernel;
  return out;
}
