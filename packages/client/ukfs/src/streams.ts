/**
 * createReadStream() and createWriteStream(): Node's own stream classes, which take the `fs` that they work on as an option.
 *
 * A FileHandle as `fd` is used through its own methods, is held while the stream lasts, and closes the stream when it is closed.
 */
import { notImplemented } from './errors.js';
import { streamClass } from './host.js';
import type { FileHandle, Streams } from './handle.js';
import { isNone } from './kinds.js';

type Options = Record<string, unknown>;
type StreamConstructor = (new (...args: unknown[]) => object) & ((...args: unknown[]) => object);
type Callback = (error: unknown, ...results: unknown[]) => void;

/** What a stream asks of a FileHandle. */
function operationsOn(handle: FileHandle): Options {
  const told = (promise: Promise<unknown>, callback: Callback): void => {
    promise.then(
      (result) => callback(null, ...Object.values((result ?? {}) as object)),
      (error: unknown) => callback(error),
    );
  };
  return {
    open: () => undefined,
    close: (_fd: number, callback: Callback) => {
      handle.release();
      told(handle.close(), callback);
    },
    fsync: (_fd: number, callback: Callback) => told(handle.sync(), callback),
    read: (_fd: number, buffer: unknown, offset: number, length: number, position: unknown, callback: Callback) =>
      told(handle.read(buffer, offset, length, position), callback),
    write: (_fd: number, buffer: unknown, offset: number, length: number, position: unknown, callback: Callback) =>
      told(handle.write(buffer, offset, length, position), callback),
    writev: (_fd: number, buffers: unknown, position: unknown, callback: Callback) =>
      told(handle.writev(buffers, position), callback),
  };
}

/** All fields of an options object, those that it inherits too. */
function fieldsOf(options: object): Options {
  const out: Options = {};
  for (const name in options) out[name] = (options as Options)[name];
  return out;
}

/** The options for Node's class. What is none is passed on, for Node to complain of. */
function optionsFor(fs: object, handleOf: (fd: unknown) => FileHandle | undefined, options: unknown): { options: unknown; handle?: FileHandle } {
  if (isNone(options)) return { options: { fs } };
  if (typeof options === 'string') return { options: { fs, encoding: options } };
  if (typeof options !== 'object') return { options };
  const given = fieldsOf(options);
  const handle = handleOf(given['fd']);
  if (handle === undefined) return { options: { ...given, fs: given['fs'] ?? fs } };
  if (given['fs']) throw notImplemented('FileHandle with fs');
  return { options: { ...given, fs: operationsOn(handle), fd: handle.fd }, handle };
}

function attach(stream: object, handle: FileHandle | undefined): void {
  if (handle === undefined) return;
  handle.hold();
  handle.on('close', () => (stream as { close(): void }).close());
}

/** Node's class `name` over `fs`; undefined where there is no Node. */
export function streamOver(
  name: 'ReadStream' | 'WriteStream',
  fs: object,
  handleOf: (fd: unknown) => FileHandle | undefined,
): StreamConstructor | undefined {
  const node = streamClass(name) as StreamConstructor | undefined;
  if (node === undefined) return undefined;
  const Stream = function (this: unknown, path: unknown, options?: unknown): object {
    const given = optionsFor(fs, handleOf, options);
    // Called as `super` was before there were classes: what is there already becomes a stream.
    if (new.target === undefined && this instanceof Stream) {
      (node as (...args: unknown[]) => object).call(this, path, given.options);
      attach(this as object, given.handle);
      return this as object;
    }
    const stream = Reflect.construct(node, [path, given.options], new.target ?? Stream) as object;
    attach(stream, given.handle);
    return stream;
  } as unknown as StreamConstructor;
  Object.defineProperty(Stream, 'name', { value: name });
  Object.setPrototypeOf(Stream, node);
  Stream.prototype = Object.create(node.prototype as object, { constructor: { value: Stream, writable: true, configurable: true } });
  return Stream;
}

/** Node's Utf8Stream over `fs`; undefined where Node has none. */
export function utf8StreamOver(fs: object): unknown {
  const node = streamClass('Utf8Stream') as (new (options: object) => object) | undefined;
  if (node === undefined) return undefined;
  return class Utf8Stream extends node {
    constructor(options: object = {}) {
      super({ fs, ...options });
    }
  };
}

/** A stream of the class that `fs` has by then. */
export function streamOf(fs: Streams, name: keyof Streams, path: unknown, options?: unknown): AsyncIterable<unknown> {
  const Stream = fs[name];
  return Stream === undefined ? noStreams(`create${name}`) : new Stream(path, options);
}

/** What createReadStream() is where there is no Node. */
export function noStreams(name: string): never {
  throw notImplemented(`${name}()`);
}
