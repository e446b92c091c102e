/**
 * reboot(2) and boot(9): how to stop and how to start, NetBSD's values.
 */

export const RB_AUTOBOOT = 0x0000_0000;
export const RB_ASKNAME = 0x0000_0001;
export const RB_SINGLE = 0x0000_0002;
export const RB_NOSYNC = 0x0000_0004;
export const RB_HALT = 0x0000_0008;
export const RB_INITNAME = 0x0000_0010;
export const RB_KDB = 0x0000_0040;
export const RB_RDONLY = 0x0000_0080;
export const RB_DUMP = 0x0000_0100;
export const RB_MINIROOT = 0x0000_0200;
export const RB_STRING = 0x0000_0400;
export const RB_POWERDOWN = 0x0000_0808;
export const RB_USERCONF = 0x0000_1000;

export const AB_NORMAL = 0x0000_0000;
export const AB_QUIET = 0x0001_0000;
export const AB_VERBOSE = 0x0002_0000;
export const AB_SILENT = 0x0004_0000;
export const AB_DEBUG = 0x0008_0000;
