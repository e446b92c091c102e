/**
 * Bytes and text as `fs` takes and gives them. Where there is Node's Buffer, what is read comes as one; on a page it is a Uint8Array.
 */
import { bytesOf, fromBytestr } from '@anykernel/lib-bytes';
import { asBuffer, decode, encode, isEncoding } from '#host';
import { invalidArgType, invalidArgValue } from './errors.js';
import { isNone } from './kinds.js';

export type Encoding = 'utf8' | 'utf-8' | 'latin1' | 'binary' | 'ascii' | 'hex' | 'base64' | 'base64url' | 'ucs2' | 'ucs-2' | 'utf16le' | 'utf-16le';

/** What may be written, as bytes: text in `encoding`, and any view. ERR_INVALID_ARG_TYPE. */
export function toBytes(data: unknown, encoding: Encoding = 'utf8', name = 'data'): Uint8Array {
  if (typeof data === 'string') return encode(data, encoding);
  return viewOf(data, name, 'of type string or an instance of Buffer, TypedArray, or DataView');
}

/** A view of any kind as bytes, without a copy. */
export function viewOf(data: unknown, name: string, expected = 'an instance of Buffer, TypedArray, or DataView'): Uint8Array {
  if (data instanceof Uint8Array) return data;
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  throw invalidArgType(name, expected, data);
}

/** Checks an encoding; 'buffer' and none at all are undefined. ERR_INVALID_ARG_VALUE, ERR_INVALID_ARG_TYPE: options are none. */
export function encodingOf(options: unknown): Encoding | undefined {
  if (isNone(options) || typeof options === 'function') return undefined;
  if (typeof options !== 'string' && typeof options !== 'object') throw invalidArgType('options', 'one of type string or object', options);
  return toEncoding(wordOf(options));
}

/** Options are an encoding, or have one. */
function wordOf(options: unknown): unknown {
  return typeof options === 'string' ? options : (options as { encoding?: unknown }).encoding;
}

/** The same of the encoding itself. */
export function toEncoding(encoding: unknown): Encoding | undefined {
  if (!encoding || encoding === 'buffer') return undefined;
  if (typeof encoding !== 'string' || !isEncoding(encoding)) throw invalidArgValue('encoding', encoding, 'is invalid encoding');
  return encoding.toLowerCase() as Encoding;
}

/** A name from the kernel, as `fs` gives it: text, or with encoding 'buffer' its bytes. */
export function nameOut(name: string, options: unknown): string | Uint8Array {
  if (isNone(options)) return fromBytestr(name);
  if (wordOf(options) === 'buffer') return asBuffer(bytesOf(name));
  const encoding = encodingOf(options) ?? 'utf8';
  return encoding === 'utf8' || encoding === 'utf-8' ? fromBytestr(name) : decode(bytesOf(name), encoding);
}
