/** A topic is a table of tests; a test that needs something names it, so that a file system without it can be asked to refuse. */
import type { Context } from './context.js';
import type { Lack } from './subject.js';

export type Body = (t: Context) => void;

export interface Needing {
  readonly needs: readonly Lack[];
  readonly body: Body;
}

export type Cases = Readonly<Record<string, Body | Needing>>;

/** A test of what some file systems lack. */
export function needing(...args: readonly [...needs: Lack[], body: Body]): Needing {
  return { needs: args.slice(0, -1) as Lack[], body: args[args.length - 1] as Body };
}
