/**
 * Byte strings: JS strings whose every code unit is one byte 0..255. Names inside the kernel are byte strings, so that lengths are
 * exact and names which are no UTF-8 survive. They compare, hash and key a Map as any string does.
 *
 * Text goes in by toBytestr (UTF-8) and comes out by fromBytestr; bytes go in by bytestrOf and come out by bytesOf. The engine keeps a
 * string of such code units with one byte for each.
 */

/** Whether every code unit is below 0x80: then text, its UTF-8 and its byte string are the same. */
export function isAscii(s: string): boolean {
  for (let i = 0; i < s.length; i++) if (s.charCodeAt(i) > 0x7f) return false;
  return true;
}

/** Whether every code unit is a byte. */
export function isBytestr(s: string): boolean {
  for (let i = 0; i < s.length; i++) if (s.charCodeAt(i) > 0xff) return false;
  return true;
}

/** The UTF-8 of a text, as a byte string. A lone surrogate becomes U+FFFD (EF BF BD), as TextEncoder and Node do it. */
export function toBytestr(text: string): string {
  return isAscii(text) ? text : encodeUtf8(text);
}

/** The text of a byte string that holds UTF-8. What is no UTF-8 becomes U+FFFD, as TextDecoder and Node do it. */
export function fromBytestr(b: string): string {
  return isAscii(b) ? b : decodeUtf8(b);
}

/** Bytes start..end as a byte string. */
export function bytestrOf(bytes: Uint8Array, start: number = 0, end: number = bytes.length): string {
  if (end - start <= SHORT) return shortBytestr(bytes, start, end);
  let s = '';
  for (let at = start; at < end; at += CHUNK)
    s += fromCharCode.apply(undefined, bytes.subarray(at, Math.min(at + CHUNK, end)) as unknown as number[]);
  return s;
}

/** The bytes of a byte string, as a new array. Code units above 0xff lose their upper bits. */
export function bytesOf(b: string): Uint8Array {
  const bytes = new Uint8Array(b.length);
  for (let i = 0; i < b.length; i++) bytes[i] = b.charCodeAt(i);
  return bytes;
}

/** Writes a byte string at `off`, in place, and returns the offset behind it. The caller has seen to the room. */
export function emitBytestr(bytes: Uint8Array, off: number, b: string): number {
  for (let i = 0; i < b.length; i++) bytes[off + i] = b.charCodeAt(i);
  return off + b.length;
}

/** Whether the `len` bytes at `off` are this byte string. Nothing is allocated. */
export function equalsBytestr(bytes: Uint8Array, off: number, len: number, b: string): boolean {
  if (len !== b.length) return false;
  for (let i = 0; i < len; i++) if (bytes[off + i] !== b.charCodeAt(i)) return false;
  return true;
}

/** The bytes at `off` up to a NUL, or `max` of them, as a byte string: a C string in a field. */
export function cstringOf(bytes: Uint8Array, off: number, max: number): string {
  const limit = Math.min(off + max, bytes.length);
  let end = off;
  while (end < limit && bytes[end] !== 0) end++;
  return bytestrOf(bytes, off, end);
}

const fromCharCode = String.fromCharCode;
/** Up to here a loop is faster than a call with a list of arguments (measured: README). */
const SHORT = 64;
/** Arguments of one call: well below every engine's limit. */
const CHUNK = 4096;

/** Eight at a time: engines join short pieces much faster than single characters. */
function shortBytestr(b: Uint8Array, start: number, end: number): string {
  let s = '';
  let i = start;
  for (; i + 8 <= end; i += 8) s += fromCharCode(b[i]!, b[i + 1]!, b[i + 2]!, b[i + 3]!, b[i + 4]!, b[i + 5]!, b[i + 6]!, b[i + 7]!);
  switch (end - i) {
    case 7:
      return s + fromCharCode(b[i]!, b[i + 1]!, b[i + 2]!, b[i + 3]!, b[i + 4]!, b[i + 5]!, b[i + 6]!);
    case 6:
      return s + fromCharCode(b[i]!, b[i + 1]!, b[i + 2]!, b[i + 3]!, b[i + 4]!, b[i + 5]!);
    case 5:
      return s + fromCharCode(b[i]!, b[i + 1]!, b[i + 2]!, b[i + 3]!, b[i + 4]!);
    case 4:
      return s + fromCharCode(b[i]!, b[i + 1]!, b[i + 2]!, b[i + 3]!);
    case 3:
      return s + fromCharCode(b[i]!, b[i + 1]!, b[i + 2]!);
    case 2:
      return s + fromCharCode(b[i]!, b[i + 1]!);
    case 1:
      return s + fromCharCode(b[i]!);
    default:
      return s;
  }
}

function encodeUtf8(text: string): string {
  return unescape(encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\ufffd')));
}

/** Unicode, table 3-7: each maximal part of a well-formed sequence that goes no further is one U+FFFD. */
function decodeUtf8(b: string): string {
  let out = '';
  /** Where the ASCII begins that is not yet in `out`. */
  let from = 0;
  let i = 0;
  while (i < b.length) {
    const lead = b.charCodeAt(i);
    if (lead < 0x80) {
      i++;
      continue;
    }
    if (from < i) out += b.slice(from, i);
    i++;
    let more = lead < 0xc2 || lead > 0xf4 ? -1 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    let low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
    let high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
    let code = lead & (0x3f >> more);
    for (; more > 0 && i < b.length; more--) {
      const unit = b.charCodeAt(i);
      if (unit < low || unit > high) break;
      code = (code << 6) | (unit & 0x3f);
      low = 0x80;
      high = 0xbf;
      i++;
    }
    out += more !== 0 ? '\ufffd' : code < 0x1_0000 ? fromCharCode(code) : fromCharCode(0xd7c0 + (code >> 10), 0xdc00 | (code & 0x3ff));
    from = i;
  }
  return from < b.length ? out + b.slice(from) : out;
}
