/** What a watch() leaves out: its option `ignore`. */
import { invalidArgType, invalidArgValue } from './errors.js';
import { matches } from './glob.js';
import { parsePattern } from './globpattern.js';
import { isNone } from './kinds.js';

/** A pattern as glob() has them, of the last name where it has no slash; what a RegExp fits; what a function says true of. */
export type Ignored = string | RegExp | ((name: string) => unknown);
type Says = (name: string) => boolean;

/** Whether a name, relative to what is watched, is left out. ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE. */
export function ignoring(ignore: unknown): Says {
  if (isNone(ignore)) return () => false;
  const name = 'options.ignore';
  const all = Array.isArray(ignore) ? ignore.map((one: unknown, i) => saying(one, `${name}[${i}]`)) : [saying(ignore, name)];
  return (path) => all.some((says) => says(path));
}

function saying(one: unknown, name: string): Says {
  if (typeof one === 'function') return (path) => Boolean((one as (path: string) => unknown)(path));
  if (one instanceof RegExp) return (path) => one.exec(path) !== null;
  if (typeof one !== 'string') throw invalidArgType(name, 'of type string or function or an instance of RegExp', one);
  if (one === '') throw invalidArgValue(name, one, 'must be a non-empty string');
  const patterns = parsePattern(one);
  return (path) => {
    const names = path.split('/');
    return patterns.some(({ parts }) => matches(parts, one.includes('/') ? names : names.slice(-1), 0, 0));
  };
}
