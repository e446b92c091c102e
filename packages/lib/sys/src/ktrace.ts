/**
 * ktrace(2): operations and trace points, NetBSD's values.
 */

export const KTROP_SET = 0;
export const KTROP_CLEAR = 1;
export const KTROP_CLEARFILE = 2;
export const KTRFLAG_DESCEND = 4;

export const KTRFAC_SYSCALL = 0x0000_0002;
export const KTRFAC_SYSRET = 0x0000_0004;
export const KTRFAC_NAMEI = 0x0000_0008;
export const KTRFAC_GENIO = 0x0000_0010;
export const KTRFAC_PSIG = 0x0000_0020;
export const KTRFAC_CSW = 0x0000_0040;
export const KTRFAC_USER = 0x0000_0100;
