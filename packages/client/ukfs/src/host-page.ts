/**
 * What Node gives, where the surroundings are not known to be Node: made here, and Node's own if it is there all the same. host-node.ts is for Node, has the
 * same names, and says what they are.
 */
import { libuvCode, libuvErrno, libuvMessage, linuxToErrno } from '@anykernel/lib-sys';
import { codecOf, isCodec } from './codecs.js';
import { coded } from './coded.js';
import { PlainEmitter } from './emitter.js';
import type { EmitterClass } from './host.js';
import { type Constants, linux } from './linux.js';

interface NodeProcess {
  getBuiltinModule?(name: string): unknown;
}

export function builtin<T>(name: string): T | undefined {
  return (globalThis as { process?: NodeProcess }).process?.getBuiltinModule?.(name) as T | undefined;
}

export const constants: Constants = builtin<{ constants: Constants }>('fs')?.constants ?? linux;

export function later(fn: () => void): void {
  const { setImmediate: soon } = globalThis as { setImmediate?: (fn: () => void) => unknown };
  if (soon === undefined) setTimeout(fn, 0);
  else soon(fn);
}

interface BufferClass {
  allocUnsafeSlow(len: number): Uint8Array;
  from(data: ArrayBufferLike | string, off: number | string, len?: number): Uint8Array & { toString(encoding: string): string };
  isEncoding(encoding: string): boolean;
}

const NodeBuffer: BufferClass | undefined = (globalThis as { Buffer?: BufferClass }).Buffer;

export function newBytes(len: number): Uint8Array {
  return NodeBuffer === undefined ? new Uint8Array(len) : NodeBuffer.allocUnsafeSlow(len);
}

export function asBuffer(bytes: Uint8Array): Uint8Array {
  return NodeBuffer === undefined ? bytes : NodeBuffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function decode(bytes: Uint8Array, encoding: string): string {
  if (NodeBuffer !== undefined) return NodeBuffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(encoding);
  return codecOf(encoding).decode(bytes);
}

export function encode(text: string, encoding: string): Uint8Array {
  return NodeBuffer === undefined ? codecOf(encoding).encode(text) : NodeBuffer.from(text, encoding);
}

export function isEncoding(word: string): boolean {
  return isCodec(word.toLowerCase()) || NodeBuffer?.isEncoding(word) === true;
}

export const EventEmitter: EmitterClass = builtin<EmitterClass>('events') ?? PlainEmitter;

interface Util {
  inspect(value: unknown, options?: object): string;
}

export function inspect(value: unknown, options?: object): string {
  const util = builtin<Util>('util');
  if (util !== undefined) return util.inspect(value, options);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is escaped.
  const odd = /[\0-\x1f'\\]/g;
  if (typeof value === 'string') return `'${value.replace(odd, (c) => (c === '\0' ? '\\x00' : c === '\n' ? '\\n' : `\\${c}`))}'`;
  return typeof value === 'bigint' ? `${value}n` : String(value);
}

export function pathOfUrl(url: URL): string {
  if (url.protocol !== 'file:') throw coded('ERR_INVALID_URL_SCHEME', 'The URL must be of scheme file');
  if (url.hostname !== '') throw coded('ERR_INVALID_FILE_URL_HOST', 'File URL host must be "localhost" or empty on linux');
  if (/%2f/i.test(url.pathname)) throw coded('ERR_INVALID_FILE_URL_PATH', 'File URL path must not include encoded / characters');
  return decodeURIComponent(url.pathname);
}

export function uvError(code: string): readonly [code: string, errno: number, message: string] {
  return [libuvCode(code), libuvErrno(code), libuvMessage(code)];
}

export function codeOf(errno: number): string {
  return linuxToErrno(errno).code;
}
