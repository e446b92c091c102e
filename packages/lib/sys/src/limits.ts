/**
 * Limits of the kernel. A file system has its own: pathconf(2) tells them.
 */

/** The longest name of a file system with names of today's usual length, in bytes, without the NUL. */
export const NAME_MAX = 255;
/** The longest path that programs are told of, and the longest target of a symbolic link, in bytes, with the NUL. */
export const PATH_MAX = 1024;
/** The longest path that is looked up, with the NUL: as on Linux, so that programs made there hold. */
export const LOOKUP_PATH_MAX = 4096;
/** Bytes that a write to a pipe keeps together. */
export const PIPE_BUF = 512;
/** The most buffers of readv(2) and writev(2). */
export const IOV_MAX = 1024;
/** Symbolic links that one lookup follows. */
export const MAXSYMLINKS = 32;
export const LINK_MAX = 32_767;
/** The most supplementary groups. */
export const NGROUPS_MAX = 16;
/** The longest login name, with the NUL. */
export const LOGIN_NAME_MAX = 17;
/** The longest host name, with the NUL. */
export const MAXHOSTNAMELEN = 256;
/** The unit of `Stat.blocks` and of block device numbers. */
export const DEV_BSIZE = 512;
/** The largest single transfer to a device, in bytes. */
export const MAXPHYS = 65_536;
/** The largest length and offset: 2^53 - 1, so that every one is an exact number. */
export const OFF_MAX: number = 2 ** 53 - 1;
/** The largest length of one transfer (SSIZE_MAX): what a typed array may hold anyway. */
export const SSIZE_MAX: number = 2 ** 53 - 1;
