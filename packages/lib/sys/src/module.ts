/**
 * modctl(2): loading and unloading of components at run time, NetBSD's values.
 */

export const MODCTL_LOAD = 0;
export const MODCTL_UNLOAD = 1;
export const MODCTL_STAT = 2;
export const MODCTL_EXISTS = 3;

/** What MODCTL_STAT tells of one component. */
export interface Modstat {
  readonly name: string;
  readonly class: string;
  /** Components that require it, plus what it holds busy itself. */
  readonly refcount: number;
  readonly requires: readonly string[];
}
