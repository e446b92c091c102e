/**
 * access(2), pathconf(2): NetBSD's values.
 */

export const F_OK = 0;
export const X_OK = 1;
export const W_OK = 2;
export const R_OK = 4;

export const _PC_LINK_MAX = 1;
export const _PC_MAX_CANON = 2;
export const _PC_MAX_INPUT = 3;
export const _PC_NAME_MAX = 4;
export const _PC_PATH_MAX = 5;
export const _PC_PIPE_BUF = 6;
export const _PC_CHOWN_RESTRICTED = 7;
export const _PC_NO_TRUNC = 8;
export const _PC_VDISABLE = 9;
export const _PC_SYNC_IO = 10;
export const _PC_FILESIZEBITS = 11;
export const _PC_SYMLINK_MAX = 12;
export const _PC_2_SYMLINKS = 13;
export const _PC_ACL_EXTENDED = 14;
export const _PC_MIN_HOLE_SIZE = 15;
