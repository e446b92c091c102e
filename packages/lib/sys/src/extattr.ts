/**
 * Extended attributes: extattr_get_file(2) and Linux's setxattr(2) family.
 */

export const EXTATTR_NAMESPACE_EMPTY = 0;
export const EXTATTR_NAMESPACE_USER = 1;
export const EXTATTR_NAMESPACE_SYSTEM = 2;

/** The longest name, with the NUL. */
export const EXTATTR_MAXNAMELEN = 256;

export const XATTR_CREATE = 0x01;
export const XATTR_REPLACE = 0x02;
