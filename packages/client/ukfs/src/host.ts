/**
 * What the JavaScript around us offers beyond the language, found at run time: the same code serves Node and a page.
 *
 * Node's own classes (streams, EventEmitter, Buffer) are used where they are, so that `instanceof` and all else holds that programs expect of
 * them. They are looked up when this module is loaded, or through what was found then: whoever replaces exports of `node:fs` later, so that they
 * lead here, is not called from here.
 */

interface NodeProcess {
  getBuiltinModule?(name: string): unknown;
  emitWarning?(text: string, type?: string, code?: string): void;
  readonly noDeprecation?: boolean;
}

const node = (globalThis as { process?: NodeProcess }).process;

/** A module of Node; undefined on a page. */
export function builtin<T>(name: string): T | undefined {
  return node?.getBuiltinModule?.(name) as T | undefined;
}

const STREAMS = ['ReadStream', 'WriteStream', 'Utf8Stream'] as const;
type StreamName = (typeof STREAMS)[number];

/** How Node's `fs` gives its stream classes. They load when they are asked for. */
const streams: ReadonlyMap<StreamName, PropertyDescriptor | undefined> = (() => {
  const fs = builtin<object>('fs');
  return new Map(STREAMS.map((name) => [name, fs && Object.getOwnPropertyDescriptor(fs, name)]));
})();

/** Whether Node has a stream class of that name. */
export function hasStream(name: StreamName): boolean {
  return streams.get(name) !== undefined;
}

/** Node's class of that name; undefined where there is none. */
export function streamClass(name: StreamName): unknown {
  const found = streams.get(name);
  return found?.get === undefined ? found?.value : found.get();
}

/** Node's class of Stats in whole numbers, if it is the one that we know: ten fields, and four times in nanoseconds. */
export function nodeBigIntStats(): unknown {
  try {
    const made = builtin<{ statSync(path: string, options: object): object }>('fs')?.statSync('/', { bigint: true }).constructor;
    return made?.length === 14 ? made : undefined;
  } catch {
    return undefined;
  }
}

/** What `using` and `await using` look for, also where the language has not got them yet. */
export const dispose: typeof Symbol.dispose = Symbol.dispose ?? Symbol.for('Symbol.dispose');
export const asyncDispose: typeof Symbol.asyncDispose = Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose');

/** Node's `readline.createInterface`. */
export function lineReader(input: unknown): AsyncIterable<string> | undefined {
  const readline = builtin<{ createInterface(options: unknown): AsyncIterable<string> }>('readline');
  return readline?.createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
}

/** Emitted once for each `code`. */
const warned = new Set<string>();

/** A warning as Node emits it, once for each code; one about a descriptor each time. */
export function warn(code: string, text: string, deprecation: boolean): void {
  if (warned.has(code) || (deprecation && node?.noDeprecation === true)) return;
  if (deprecation || !code.startsWith('fd ')) warned.add(code);
  if (deprecation) node?.emitWarning?.(text, 'DeprecationWarning', code);
  else node?.emitWarning?.(text);
}

export interface EmitterClass {
  new (): Emitter;
}

/** What we use of an EventEmitter. */
export interface Emitter {
  on(event: string, listener: (...args: never[]) => void): this;
  once(event: string, listener: (...args: never[]) => void): this;
  off(event: string, listener: (...args: never[]) => void): this;
  addListener(event: string, listener: (...args: never[]) => void): this;
  removeListener(event: string, listener: (...args: never[]) => void): this;
  removeAllListeners(event?: string): this;
  emit(event: string, ...args: unknown[]): boolean;
  listenerCount(event: string): number;
}

interface Timer {
  ref?(): unknown;
  unref?(): unknown;
}
interface Timers {
  setTimeout(fn: () => void, ms: number): Timer;
  clearTimeout(timer: Timer | undefined): void;
  setInterval(fn: () => void, ms: number): Timer;
  setImmediate?(fn: () => void): unknown;
}

const timers = globalThis as unknown as Timers;

/** Calls `fn` in another turn of the event loop, as Node calls callbacks. What it throws is nobody's but the program's. */
export function later(fn: () => void): void {
  if (timers.setImmediate !== undefined) timers.setImmediate(fn);
  else timers.setTimeout(fn, 0);
}

/** A timer that does not hold the program unless it is told to. */
export function after(ms: number, fn: () => void): Timer {
  return timers.setTimeout(fn, ms);
}

export function cancel(timer: Timer | undefined): void {
  timers.clearTimeout(timer);
}

/** A timer that only holds the program. */
export function holder(): Timer {
  return timers.setInterval(() => undefined, 2 ** 31 - 1);
}

/** Lets the event loop go round. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    later(resolve);
  });
}

/** Stops everything for a while; where that cannot be (the thread of a page), not at all. */
export function pause(ms: number): void {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  } catch {
    // A page's own thread may not wait.
  }
}

interface Signal {
  readonly aborted: boolean;
  readonly reason?: unknown;
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}
export type { Signal, Timer };
