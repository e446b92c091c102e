/**
 * ioctl(2) commands: NetBSD's encoding, and the commands of files, terminals and disks.
 *
 * A command is an unsigned 32-bit number: direction, length of the data in bytes (13 bits), group (a letter), number. A bundler is told that to make one
 * has no effect, so that it leaves out those that nobody uses.
 */

export const IOCPARM_MASK = 0x1fff;
export const IOCPARM_SHIFT = 16;
export const IOC_VOID = 0x2000_0000;
/** The kernel fills the data. */
export const IOC_OUT = 0x4000_0000;
/** The kernel reads the data. */
export const IOC_IN = 0x8000_0000;
export const IOC_INOUT = 0xc000_0000;
export const IOC_DIRMASK = 0xe000_0000;

export function _IOC(direction: number, group: string, num: number, len: number): number {
  return (direction | ((len & IOCPARM_MASK) << IOCPARM_SHIFT) | (group.charCodeAt(0) << 8) | num) >>> 0;
}
export function _IO(group: string, num: number): number {
  return _IOC(IOC_VOID, group, num, 0);
}
export function _IOR(group: string, num: number, len: number): number {
  return _IOC(IOC_OUT, group, num, len);
}
export function _IOW(group: string, num: number, len: number): number {
  return _IOC(IOC_IN, group, num, len);
}
export function _IOWR(group: string, num: number, len: number): number {
  return _IOC(IOC_INOUT, group, num, len);
}

/** The length of a command's data, in bytes. */
export function IOCPARM_LEN(cmd: number): number {
  return (cmd >>> IOCPARM_SHIFT) & IOCPARM_MASK;
}
/** A command's group, as the code of its letter. */
export function IOCGROUP(cmd: number): number {
  return (cmd >>> 8) & 0xff;
}

// Any descriptor. The data is an int, 32 bits, little-endian, unless said otherwise.
export const FIOCLEX: number = /* @__PURE__ */ _IO('f', 1);
export const FIONCLEX: number = /* @__PURE__ */ _IO('f', 2);
/** An off_t each: from where to look; the next data or hole. */
export const FIOSEEKDATA: number = /* @__PURE__ */ _IOWR('f', 97, 8);
export const FIOSEEKHOLE: number = /* @__PURE__ */ _IOWR('f', 98, 8);
export const FIONSPACE: number = /* @__PURE__ */ _IOR('f', 120, 4);
export const FIONWRITE: number = /* @__PURE__ */ _IOR('f', 121, 4);
export const FIOGETOWN: number = /* @__PURE__ */ _IOR('f', 123, 4);
export const FIOSETOWN: number = /* @__PURE__ */ _IOW('f', 124, 4);
export const FIOASYNC: number = /* @__PURE__ */ _IOW('f', 125, 4);
export const FIONBIO: number = /* @__PURE__ */ _IOW('f', 126, 4);
/** Bytes that a read gives at once. */
export const FIONREAD: number = /* @__PURE__ */ _IOR('f', 127, 4);

// Sockets.
/** Whether the next byte to be read is the one that the urgent mark is at. */
export const SIOCATMARK: number = /* @__PURE__ */ _IOR('s', 7, 4);
/** Who gets SIGIO and SIGURG: a process, or with its negative a process group. */
export const SIOCSPGRP: number = /* @__PURE__ */ _IOW('s', 8, 4);
export const SIOCGPGRP: number = /* @__PURE__ */ _IOR('s', 9, 4);

// Terminals.
/** struct termios, 44 bytes. */
export const TIOCGETA: number = /* @__PURE__ */ _IOR('t', 19, 44);
export const TIOCSETA: number = /* @__PURE__ */ _IOW('t', 20, 44);
export const TIOCSETAW: number = /* @__PURE__ */ _IOW('t', 21, 44);
export const TIOCSETAF: number = /* @__PURE__ */ _IOW('t', 22, 44);
export const TIOCSCTTY: number = /* @__PURE__ */ _IO('t', 97);
/** struct winsize: rows, columns, width, height, 16 bits each. */
export const TIOCSWINSZ: number = /* @__PURE__ */ _IOW('t', 103, 8);
export const TIOCGWINSZ: number = /* @__PURE__ */ _IOR('t', 104, 8);
export const TIOCOUTQ: number = /* @__PURE__ */ _IOR('t', 115, 4);
export const TIOCSPGRP: number = /* @__PURE__ */ _IOW('t', 118, 4);
export const TIOCGPGRP: number = /* @__PURE__ */ _IOR('t', 119, 4);

// Disks.
/** struct disklabel, 408 bytes on 64-bit machines. */
export const DISKLABEL_LEN = 408;
export const DIOCGDINFO: number = /* @__PURE__ */ _IOR('d', 101, DISKLABEL_LEN);
export const DIOCSDINFO: number = /* @__PURE__ */ _IOW('d', 102, DISKLABEL_LEN);
export const DIOCWDINFO: number = /* @__PURE__ */ _IOW('d', 103, DISKLABEL_LEN);
/** Whether the label's sector may be written; eject the medium; lock it in the drive. */
export const DIOCWLABEL: number = /* @__PURE__ */ _IOW('d', 109, 4);
export const DIOCEJECT: number = /* @__PURE__ */ _IOW('d', 112, 4);
export const DIOCLOCK: number = /* @__PURE__ */ _IOW('d', 113, 4);
/** State of the write cache (DKCACHE_*), and writing it out: the int forces it. */
export const DIOCGCACHE: number = /* @__PURE__ */ _IOR('d', 116, 4);
export const DIOCSCACHE: number = /* @__PURE__ */ _IOW('d', 117, 4);
export const DIOCCACHESYNC: number = /* @__PURE__ */ _IOW('d', 118, 4);
/** struct dkwedge_info. */
export const DKWEDGE_INFO_LEN = 208;
export const DIOCGWEDGEINFO: number = /* @__PURE__ */ _IOR('d', 122, DKWEDGE_INFO_LEN);
/** The size of the medium in bytes, 64 bits. */
export const DIOCGMEDIASIZE: number = /* @__PURE__ */ _IOR('d', 132, 8);
/** The size of a sector in bytes, 32 bits. */
export const DIOCGSECTORSIZE: number = /* @__PURE__ */ _IOR('d', 133, 4);

export const DKCACHE_READ = 0x00_0001;
export const DKCACHE_WRITE = 0x00_0002;
export const DKCACHE_RCHANGE = 0x00_0100;
export const DKCACHE_WCHANGE = 0x00_0200;
export const DKCACHE_SAVE = 0x01_0000;
