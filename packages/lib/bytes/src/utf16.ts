/**
 * Names of file systems that keep UTF-16 (FAT, Joliet), as byte strings of UTF-8 and back, without loss: a surrogate without its other half is a
 * character of its own here, three bytes long, so that every name on a disk can be said. (Text goes by toBytestr() and fromBytestr().)
 */
import { isAscii } from './bytestr.js';

const fromCharCode = String.fromCharCode;

/** The UTF-16 of a byte string; undefined: it is no UTF-8. */
export function utf16Of(b: string): string | undefined {
  if (isAscii(b)) return b;
  let out = '';
  for (let i = 0; i < b.length; ) {
    const lead = b.charCodeAt(i);
    const len = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    if (len === 0 || i + len > b.length) return undefined;
    let code = len === 1 ? lead : lead & (0x7f >> len);
    for (let n = 1; n < len; n++) {
      const unit = b.charCodeAt(i + n);
      if ((unit & 0xc0) !== 0x80) return undefined;
      code = (code << 6) | (unit & 0x3f);
    }
    if ((len === 3 && code < 0x800) || (len === 4 && (code < 0x1_0000 || code > 0x10_ffff))) return undefined;
    out += code < 0x1_0000 ? fromCharCode(code) : fromCharCode(0xd7c0 + (code >> 10), 0xdc00 | (code & 0x3ff));
    i += len;
  }
  return out;
}

/** The byte string of a UTF-16. */
export function utf8Of(text: string): string {
  if (isAscii(text)) return text;
  let out = '';
  for (let i = 0; i < text.length; i++) {
    let code = text.charCodeAt(i);
    const low = (code & 0xfc00) === 0xd800 ? text.charCodeAt(i + 1) : 0;
    if ((low & 0xfc00) === 0xdc00) {
      code = 0x1_0000 + ((code & 0x3ff) << 10) + (low & 0x3ff);
      i++;
    }
    if (code < 0x80) out += fromCharCode(code);
    else if (code < 0x800) out += fromCharCode(0xc0 | (code >> 6), 0x80 | (code & 0x3f));
    else if (code < 0x1_0000) out += fromCharCode(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
    else out += fromCharCode(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 0x3f), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
  }
  return out;
}
