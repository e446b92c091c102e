/**
 * Bytes without a host: byte strings, endian access, bitmaps, checks, copies. Pure functions, no state.
 */
export * from './bytestr.js';
export * from './endian.js';
export * from './utf16.js';
export * from './bitmap.js';
export * from './crc.js';
export * from './copy.js';
export * from './align.js';
export * from './hexdump.js';
