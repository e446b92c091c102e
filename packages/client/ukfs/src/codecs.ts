/** Node's encodings where there is no Buffer: bytes to text and back, to the last detail of what is lenient. */
import { bytesOf, bytestrOf, fromBytestr, toBytestr } from '@anykernel/lib-bytes';

interface Codec {
  decode(bytes: Uint8Array): string;
  encode(text: string): Uint8Array;
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
}

/** Up to the first pair that is no number. */
function fromHex(text: string): Uint8Array {
  const pairs = /^(?:[\da-f]{2})*/i.exec(text)?.[0] ?? '';
  return Uint8Array.from({ length: pairs.length / 2 }, (_, i) => Number.parseInt(pairs.slice(i * 2, i * 2 + 2), 16));
}

function base64Of(bytes: Uint8Array): string {
  return btoa(bytestrOf(bytes));
}

function base64UrlOf(bytes: Uint8Array): string {
  return base64Of(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** Of both alphabets, up to the first `=`; what is in neither is passed over, and so is a last letter that makes no byte. */
function fromBase64(text: string): Uint8Array {
  const letters = text.replace(/=.*/s, '').replaceAll('-', '+').replaceAll('_', '/').replace(/[^\w+/]/g, '');
  return bytesOf(atob(letters.length % 4 === 1 ? letters.slice(0, -1) : letters));
}

function utf16Of(bytes: Uint8Array): string {
  let out = '';
  for (let i = 0; i + 1 < bytes.length; i += 2) out += String.fromCharCode((bytes[i] as number) | ((bytes[i + 1] as number) << 8));
  return out;
}

function fromUtf16(text: string): Uint8Array {
  return Uint8Array.from({ length: text.length * 2 }, (_, i) => (text.charCodeAt(i >> 1) >> ((i & 1) * 8)) & 0xff);
}

function fromLatin1(text: string): Uint8Array {
  return Uint8Array.from({ length: text.length }, (_, i) => text.charCodeAt(i) & 0xff);
}

const utf8: Codec = { decode: (bytes) => fromBytestr(bytestrOf(bytes)), encode: (text) => bytesOf(toBytestr(text)) };
const latin1: Codec = { decode: (bytes) => bytestrOf(bytes), encode: fromLatin1 };
const utf16: Codec = { decode: utf16Of, encode: fromUtf16 };

const CODECS: Readonly<Record<string, Codec>> = {
  latin1,
  binary: latin1,
  ascii: { decode: (bytes) => bytestrOf(bytes.map((b) => b & 0x7f)), encode: fromLatin1 },
  hex: { decode: hexOf, encode: fromHex },
  base64: { decode: base64Of, encode: fromBase64 },
  base64url: { decode: base64UrlOf, encode: fromBase64 },
  ucs2: utf16,
  'ucs-2': utf16,
  utf16le: utf16,
  'utf-16le': utf16,
};

/** Whether it is an encoding, in small letters. */
export function isCodec(encoding: string): boolean {
  return encoding === 'utf8' || encoding === 'utf-8' || Object.hasOwn(CODECS, encoding);
}

/** The codec of an encoding; UTF-8 for all others. */
export function codecOf(encoding: string): Codec {
  return CODECS[encoding] ?? utf8;
}
