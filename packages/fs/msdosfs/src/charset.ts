/**
 * The characters of names: UTF-8 byte strings in the kernel, UTF-16 in long names, code page 437 in short ones; and which of them are the same but for case.
 *
 * A surrogate without its other half is a character of its own here, three bytes long, so that every name on a disk can be said.
 */
import { isAscii } from '@anykernel/lib-bytes';

const fromCharCode = String.fromCharCode;

/** Code page 437, from 0x80 on. */
const OEM =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0';

const OEM_OF: ReadonlyMap<string, number> = new Map([...OEM].map((c, i) => [c, i + 0x80]));

/** The character of an OEM byte. */
export function oemChar(byte: number): string {
  return byte < 0x80 ? fromCharCode(byte) : OEM[byte - 0x80];
}

/** The OEM byte of a character; undefined: it has none. */
export function oemByte(char: string): number | undefined {
  const unit = char.charCodeAt(0);
  return unit < 0x80 ? unit : OEM_OF.get(char);
}

/** The UTF-16 of a byte string, which may have lone surrogates; undefined: it is no UTF-8. */
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

/** The upper case of one UTF-16 unit: itself where that is not one unit, or where it would take a character beyond ASCII into it. */
function upper(unit: string): string {
  const up = unit.toUpperCase();
  return up.length !== 1 || (unit > '\x7f' && up < '\x80') ? unit : up;
}

/** A UTF-16 as all that differ from it by case only have it. */
export function fold(text: string): string {
  if (isAscii(text)) return text.toUpperCase();
  let out = '';
  for (let i = 0; i < text.length; i++) out += upper(text[i]);
  return out;
}
