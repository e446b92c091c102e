/**
 * Cyclic redundancy checks: CRC-32 (IEEE 802.3, zlib), CRC-32C (Castagnoli, RFC 3720 12.1) and CRC-16 (polynomial 0x8005, as in the ext2
 * group descriptors), all reflected.
 *
 * The *Update functions take and give the register as it is, without inversion at the start or the end: file systems chain them with
 * seeds of their own. crc32 and crc32c are the usual checks with both inversions.
 */

/** CRC-32 of bytes start..end: 0xcbf43926 for '123456789'. */
export function crc32(bytes: Uint8Array, start: number = 0, end: number = bytes.length): number {
  return ~update(CRC32, -1, bytes, start, end) >>> 0;
}

/** The register of CRC-32 after these bytes. */
export function crc32Update(register: number, bytes: Uint8Array, start: number = 0, end: number = bytes.length): number {
  return update(CRC32, register, bytes, start, end) >>> 0;
}

/** CRC-32C of bytes start..end: 0xe3069283 for '123456789'. */
export function crc32c(bytes: Uint8Array, start: number = 0, end: number = bytes.length): number {
  return ~update(CRC32C, -1, bytes, start, end) >>> 0;
}

/** The register of CRC-32C after these bytes. */
export function crc32cUpdate(register: number, bytes: Uint8Array, start: number = 0, end: number = bytes.length): number {
  return update(CRC32C, register, bytes, start, end) >>> 0;
}

/** The register of CRC-16 after these bytes; ext2 begins with 0xffff. From 0 it is 0xbb3d for '123456789'. */
export function crc16(register: number, bytes: Uint8Array, start: number = 0, end: number = bytes.length): number {
  let crc = register;
  for (let at = start; at < end; at++) crc = (crc >>> 8) ^ CRC16[(crc ^ bytes[at]!) & 0xff]!;
  return crc;
}

/** Eight tables of 256: table n says what a byte does when n more bytes follow (slicing by eight: Kounavis and Berry, 2005). */
const CRC32: Int32Array = /* @__PURE__ */ slices(0xedb8_8320);
const CRC32C: Int32Array = /* @__PURE__ */ slices(0x82f6_3b78);
const CRC16: Int32Array = /* @__PURE__ */ table(0xa001);

function update(t: Int32Array, register: number, bytes: Uint8Array, start: number, end: number): number {
  let crc = register;
  let at = start;
  for (const whole = end - 7; at < whole; at += 8) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc =
      t[0x700 | (crc & 0xff)]! ^
      t[0x600 | ((crc >>> 8) & 0xff)]! ^
      t[0x500 | ((crc >>> 16) & 0xff)]! ^
      t[0x400 | (crc >>> 24)]! ^
      t[0x300 | bytes[at + 4]!]! ^
      t[0x200 | bytes[at + 5]!]! ^
      t[0x100 | bytes[at + 6]!]! ^
      t[bytes[at + 7]!]!;
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ t[(crc ^ bytes[at]!) & 0xff]!;
  return crc;
}

function table(polynomial: number): Int32Array {
  const t = new Int32Array(256);
  for (let i = 0; i < 256; i++) {
    let crc = i;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (-(crc & 1) & polynomial);
    t[i] = crc;
  }
  return t;
}

function slices(polynomial: number): Int32Array {
  const t = new Int32Array(8 * 256);
  t.set(table(polynomial));
  for (let i = 256; i < t.length; i++) t[i] = (t[i - 256]! >>> 8) ^ t[t[i - 256]! & 0xff]!;
  return t;
}
