/**
 * mount(2), unmount(2), statvfs(2), getvfsstat(2), sync: flags and the Statvfs record, NetBSD's values.
 *
 * MNT_* that a mount keeps are also the ST_* bits of `Statvfs.flag`.
 */

export const MNT_RDONLY = 0x0000_0001;
export const MNT_SYNCHRONOUS = 0x0000_0002;
export const MNT_NOEXEC = 0x0000_0004;
export const MNT_NOSUID = 0x0000_0008;
export const MNT_NODEV = 0x0000_0010;
export const MNT_UNION = 0x0000_0020;
export const MNT_ASYNC = 0x0000_0040;
export const MNT_EXRDONLY = 0x0000_0080;
export const MNT_EXPORTED = 0x0000_0100;
export const MNT_DEFEXPORTED = 0x0000_0200;
export const MNT_EXPORTANON = 0x0000_0400;
export const MNT_EXKERB = 0x0000_0800;
/** Stored on this machine. */
export const MNT_LOCAL = 0x0000_1000;
export const MNT_QUOTA = 0x0000_2000;
/** The root of the whole tree. */
export const MNT_ROOTFS = 0x0000_4000;
export const MNT_NOCOREDUMP = 0x0000_8000;
export const MNT_RELATIME = 0x0002_0000;
export const MNT_IGNORE = 0x0010_0000;
export const MNT_DISCARD = 0x0080_0000;
export const MNT_EXTATTR = 0x0100_0000;
export const MNT_LOG = 0x0200_0000;
export const MNT_NOATIME = 0x0400_0000;
export const MNT_EXNORESPORT = 0x0800_0000;
export const MNT_EXPUBLIC = 0x1000_0000;
export const MNT_SYMPERM = 0x2000_0000;
export const MNT_NODEVMTIME = 0x4000_0000;
export const MNT_SOFTDEP = 0x8000_0000;

/** Commands to mount(2) and unmount(2), which are not kept. */
export const MNT_UPDATE = 0x0001_0000;
export const MNT_RELOAD = 0x0004_0000;
export const MNT_FORCE = 0x0008_0000;
export const MNT_GETARGS = 0x0040_0000;

/** Whether sync and getvfsstat wait for the I/O or for fresh figures. */
export const MNT_WAIT = 1;
export const MNT_NOWAIT = 2;
export const MNT_LAZY = 3;

export const ST_RDONLY: number = MNT_RDONLY;
export const ST_NOSUID: number = MNT_NOSUID;
export const ST_LOCAL: number = MNT_LOCAL;
export const ST_ROOTFS: number = MNT_ROOTFS;
export const ST_WAIT: number = MNT_WAIT;
export const ST_NOWAIT: number = MNT_NOWAIT;
