/**
 * What the JavaScript around us offers beyond the language, found at run time: the same code serves Node and a page.
 *
 * Node's own classes (streams, EventEmitter, Buffer) are used where they are, so that `instanceof` and all else holds that programs expect of
 * them. They are looked up when this module is loaded, or through what was found then: whoever replaces exports of `node:fs` later, so that they
 * lead here, is not called from here.
 */
import { builtin, later } from '#host';

interface NodeProcess {
  emitWarning?(text: string, type?: string, code?: string): void;
  readonly noDeprecation?: boolean;
}

const node = (globalThis as { process?: NodeProcess }).process;

type StreamName = 'ReadStream' | 'WriteStream' | 'Utf8Stream';

/** How Node's `fs` gives its stream classes. They load when they are asked for. */
const members: Readonly<Record<string, PropertyDescriptor>> = Object.getOwnPropertyDescriptors(builtin<object>('fs') ?? {});

/** Whether Node has a stream class of that name. */
export function hasStream(name: StreamName): boolean {
  return name in members;
}

/** Node's class of that name; undefined where there is none. */
export function streamClass(name: StreamName): unknown {
  const { get, value }: Partial<PropertyDescriptor> = members[name] ?? {};
  return get === undefined ? value : get();
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
  return readline?.createInterface({ input, crlfDelay: Infinity });
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

/** A timer that does not hold the program unless it is told to. */
export function after(ms: number, fn: () => void): Timer {
  return setTimeout(fn, ms);
}

export function cancel(timer: Timer | undefined): void {
  clearTimeout(timer as never);
}

/** A timer that only holds the program. */
export function holder(): Timer {
  return setInterval(() => undefined, 2 ** 31 - 1);
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
