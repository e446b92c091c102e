/**
 * sysctl(2): top-level identifiers, node types and flags, NetBSD's values.
 */

export const CTL_MAXNAME = 12;

export const CTL_UNSPEC = 0;
export const CTL_KERN = 1;
export const CTL_VM = 2;
export const CTL_VFS = 3;
export const CTL_NET = 4;
export const CTL_DEBUG = 5;
export const CTL_HW = 6;
export const CTL_MACHDEP = 7;
export const CTL_USER = 8;
export const CTL_DDB = 9;
export const CTL_PROC = 10;
export const CTL_VENDOR = 11;
export const CTL_EMUL = 12;
export const CTL_SECURITY = 13;

/** Last elements of a name which ask about the tree. */
export const CTL_EOL: number = -1;
export const CTL_QUERY: number = -2;
export const CTL_CREATE: number = -3;
export const CTL_CREATESYM: number = -4;
export const CTL_DESTROY: number = -5;
export const CTL_MMAP: number = -6;
export const CTL_DESCRIBE: number = -7;

export const CTLTYPE_NODE = 1;
export const CTLTYPE_INT = 2;
export const CTLTYPE_STRING = 3;
export const CTLTYPE_QUAD = 4;
export const CTLTYPE_STRUCT = 5;
export const CTLTYPE_BOOL = 6;

export const CTLFLAG_READONLY = 0x0000;
export const CTLFLAG_READWRITE = 0x0070;
export const CTLFLAG_ANYWRITE = 0x0080;
export const CTLFLAG_PRIVATE = 0x0100;
export const CTLFLAG_PERMANENT = 0x0200;
export const CTLFLAG_OWNDATA = 0x0400;
export const CTLFLAG_IMMEDIATE = 0x0800;
export const CTLFLAG_HEX = 0x1000;
export const CTLFLAG_HIDDEN = 0x8000;

/** The name of a node: NetBSD's numbers, or its words: `kern.hostname`. */
export type SysctlName = readonly number[] | string;

/** What a node holds: a number or truth (INT, QUAD, BOOL), words (STRING), bytes (STRUCT), or the names below it (NODE). */
export type SysctlValue = number | boolean | string | Uint8Array | readonly string[];
