/** What a system call must do: fail with one of some errors, or succeed with what follows from it. */
import { type Place, type Process, WRITE, allows } from './walk.js';
import type { Node } from './nodes.js';

export interface Plan {
  /** The reasons to fail; any of them may be given. None: it succeeds. */
  readonly errors: readonly string[];
  /** It may fail with one of these all the same, and then has done nothing. */
  readonly may?: readonly string[];
  /** What follows from its success. Gives what is wrong with its result. */
  apply?(result: unknown): string | undefined;
}

/** undefined: POSIX does not say what happens. */
export type Planned = Plan | undefined;

export function refused(...errors: readonly string[]): Plan {
  return { errors };
}

/** The reasons why `who` may not make a name there. */
export function addErrors(who: Process, dir: Node): string[] {
  return allows(who, dir, WRITE) ? [] : ['EACCES'];
}

/** The reasons why `who` may not take the name of `node` in `dir`. */
export function takeErrors(who: Process, dir: Node, node: Node): string[] {
  const errors = addErrors(who, dir);
  if (who.uid !== 0 && (dir.mode & 0o1000) !== 0 && dir.uid !== who.uid && node.uid !== who.uid) errors.push('EPERM');
  return errors;
}

/** What may be said of a name that ends in a slash and is to become anything but a directory. */
export const SLASH_ERRORS = ['ENOENT', 'ENOTDIR', 'EISDIR'] as const;

/** Why nothing can be made at a place; empty: it can. */
export function makeErrors(who: Process, at: Place, directory: boolean): string[] {
  if (at.errors.length > 0) return at.node === undefined ? [...at.errors] : [...at.errors, 'EEXIST'];
  if (at.node !== undefined) return ['EEXIST'];
  const errors = addErrors(who, at.dir);
  if (at.slash && !directory) errors.push(...SLASH_ERRORS);
  return errors;
}
