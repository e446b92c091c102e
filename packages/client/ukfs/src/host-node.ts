/**
 * What Node gives: bytes as text, its words for errors, its EventEmitter. The package's `imports` choose this file where the surroundings are Node, and
 * host-page.ts, which has the same names, everywhere else; both are imported as `#host`.
 *
 * Node's modules are looked up when this one is loaded, past whoever replaces or mocks what is imported of them.
 */
import type { EmitterClass } from './host.js';
import type { Constants } from './linux.js';

/** A module of Node. */
export function builtin<T>(name: string): T | undefined {
  return process.getBuiltinModule(name) as T;
}

const util = process.getBuiltinModule('util');

/** Of `node:fs`, where nobody replaces them. */
export const { constants }: { constants: Constants } = process.getBuiltinModule('fs') as never;

/** Calls `fn` in another turn of the event loop, as Node calls callbacks. What it throws is nobody's but the program's. */
export function later(fn: () => void): void {
  setImmediate(fn);
}

/** Memory for what will be read, not zeroed. */
export function newBytes(len: number): Uint8Array {
  return Buffer.allocUnsafeSlow(len);
}

/** The same bytes, as what `fs` gives. */
export function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** Bytes as text. */
export function decode(bytes: Uint8Array, encoding: string): string {
  return asBuffer(bytes).toString(encoding as BufferEncoding);
}

/** Text as bytes. */
export function encode(text: string, encoding: string): Uint8Array {
  return Buffer.from(text, encoding as BufferEncoding);
}

/** Whether it is an encoding, in large letters or small. */
export function isEncoding(word: string): boolean {
  return Buffer.isEncoding(word);
}

export const EventEmitter: EmitterClass = process.getBuiltinModule('events') as never;

/** How Node shows a value in its errors. */
export const inspect: (value: unknown, options?: object) => string = util.inspect;

/** The path of a file: URL. ERR_INVALID_URL_SCHEME, ERR_INVALID_FILE_URL_HOST, ERR_INVALID_FILE_URL_PATH. */
export function pathOfUrl(url: URL): string {
  return process.getBuiltinModule('url').fileURLToPath(url, { windows: false });
}

type Words = readonly [code: string, errno: number, message: string];

/** Codes of the kernel for which Node has others: they are one number on Linux. */
const ALIASES: Readonly<Record<string, string>> = { EOPNOTSUPP: 'ENOTSUP', ENOATTR: 'ENODATA' };

/** What libuv has no words for, and a file system may say. */
const OTHERS: Readonly<Record<string, string>> = {
  EDEADLK: 'resource deadlock avoided',
  EDQUOT: 'disc quota exceeded',
  ENOLCK: 'no locks available',
  ESTALE: 'stale nfs file handle',
};

let known: ReadonlyMap<string, Words> | undefined;

/** Node's code for one of the kernel's, its negative number, and libuv's words. */
export function uvError(code: string): Words {
  known ??= new Map([...util.getSystemErrorMap()].map(([errno, [name, message]]) => [name, [name, errno, message]]));
  const name = ALIASES[code] ?? code;
  return known.get(name) ?? [name, -(numberOf(name) ?? 4094), OTHERS[name] ?? 'unknown error'];
}

/** Node loads its module of it when it is asked for. */
function numberOf(name: string): number | undefined {
  return (process.getBuiltinModule('os').constants.errno as Record<string, number>)[name];
}

/** The code of a number of libuv's; EINVAL for what is none. */
export function codeOf(errno: number): string {
  return util.getSystemErrorMap().get(errno)?.[0] ?? 'EINVAL';
}
