/** The characters of names: UTF-16 in long ones, code page 437 in short ones; and which of them are the same but for case. */
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
