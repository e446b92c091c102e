/**
 * The callback form: the last argument is called with an error, or null and the result, in another turn of the event loop.
 *
 * What is wrong with the arguments is thrown at once.
 */
import { later } from '#host';
import { toFunction } from './args.js';
import { isSystemError } from './errors.js';
import { readArgs } from './files.js';
import type { AnyOp } from './ops.js';
import type { Op, Runner } from './run.js';

export type CallbackForm = (...args: unknown[]) => void;
type Callback = (...args: unknown[]) => unknown;

/** What stands before a callback at least; one argument for all others. At most, it is as many as the operation takes. */
const REQUIRED: Readonly<Record<string, number>> = /* @__PURE__ */ Object.fromEntries([
  ...'appendFile chmod copyFile cp fchmod link readv rename symlink write writeFile writev'.split(' ').map((name) => [name, 2]),
  ...'chown fchown futimes lchown lutimes utimes'.split(' ').map((name) => [name, 3]),
]);

/** Those whose errors speak of the last argument that there is. */
const EITHER: readonly string[] = ['readFile', 'writeFile', 'appendFile', 'readv', 'writev'];

/** The arguments before the callback, and the callback. ERR_INVALID_ARG_TYPE. */
function split(name: string, last: number, given: readonly unknown[]): { args: readonly unknown[]; callback: Callback } {
  if (typeof given[last] === 'function') return { args: given.slice(0, last), callback: given[last] as Callback };
  for (let i = REQUIRED[name] ?? 1; i <= last; i++) {
    if (typeof given[i] === 'function') return { args: given.slice(0, i), callback: given[i] as Callback };
  }
  const said = given[last] || (EITHER.includes(name) ? given[last - 1] : undefined);
  return { args: given, callback: toFunction(said, name === 'opendir' ? 'callback' : 'cb') as Callback };
}

/** Results that are more than one value come to the callback as Node gives them: bytes moved, and the buffer. */
const MOVES: Readonly<Record<string, readonly [string, string]>> = {
  read: ['bytesRead', 'buffer'],
  readv: ['bytesRead', 'buffers'],
  write: ['bytesWritten', 'buffer'],
  writev: ['bytesWritten', 'buffer'],
};

/** What Node's util.promisify() asks a function for, where its promise is not of one value. */
export const PROMISIFY: unique symbol = Symbol.for('nodejs.util.promisify.custom') as never;

/** Runs an operation and tells how it ended. What its first step throws is the caller's. */
function told(runner: Runner, op: Op<unknown>, done: (error: unknown, result?: unknown) => void): void {
  const failed = (error: unknown): void => later(() => done(error));
  const ended = (result: unknown): void => later(() => done(null, result));
  let begun = false;
  try {
    const first = op.next();
    begun = true;
    const step = runner.advance(op, first);
    if (step.done === true) ended(step.value);
    else runner.resume(op, step).then(ended, failed);
  } catch (e) {
    if (!begun && !isSystemError(e)) throw e;
    failed(e);
  }
}

/** A callback that nobody gave: an error is the program's. */
function thrown(error: unknown): void {
  if (error !== null) throw error;
}

export function callbackForm(runner: Runner, name: string, op: AnyOp): CallbackForm {
  const keys = MOVES[name];
  if (keys !== undefined) return moving(runner, name, op, keys);
  const form: CallbackForm = (...given) => {
    const { args, callback } = name === 'close' && given.length < 2 ? { args: given, callback: thrown as Callback } : split(name, op.length, given);
    told(runner, op(...(args as never[])), (error, result) => {
      if (error !== null) callback(error);
      else if (result === undefined) callback(null);
      else callback(null, result);
    });
  };
  return named(form, name);
}

/** read(), write() and theirs. */
function moving(runner: Runner, name: string, op: AnyOp, keys: readonly [string, string]): CallbackForm {
  const form: CallbackForm = (...given) => {
    const { args: short, callback } = split(name, op.length, given);
    const args = name === 'read' ? readArgs(short) : short;
    told(runner, op(...(args as never[])), (error, moved) => callback(error, moved ?? 0, args[1]));
  };
  const promised = (...args: unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      form(...args, (error: unknown, moved: unknown, buffer: unknown) =>
        error ? reject(error as Error) : resolve({ [keys[0]]: moved, [keys[1]]: buffer }),
      );
    });
  return Object.assign(named(form, name), { [PROMISIFY]: promised });
}

/** A member that is a function, and says its name. */
export function addForm(members: Record<string, unknown>, name: string, form: object): void {
  members[name] = named(form, name);
}

/** Functions have the names that Node's have. */
function named<T extends object>(fn: T, name: string): T {
  return Object.defineProperty(fn, 'name', { value: name, configurable: true });
}
