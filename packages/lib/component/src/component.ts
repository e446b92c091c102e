/**
 * The declaration of a kernel component: what it is called, what it needs, how it attaches to a kernel and leaves it.
 *
 * A component is a constant. Its state belongs to a kernel: it is what `attach` returns, and what `use` gives to those who require it.
 */

/** NetBSD's module classes, by which `modstat` sorts. */
export type ComponentClass = 'base' | 'faction' | 'misc' | 'vfs' | 'driver' | 'net' | 'secmodel' | 'exec';

/** The interface between components and the loader; a component made for another one does not boot. */
export const COMPONENT_ABI = 1;

/** A component of any state and any edges. */
export interface AnyComponent {
  readonly name: string;
  readonly abi: number;
  readonly class: ComponentClass;
  readonly requires: readonly AnyComponent[];
  readonly provides: readonly string[];
  attach(k: Attach<readonly AnyComponent[]>): unknown;
  detach?(k: Attach<readonly AnyComponent[]>, state: unknown): void;
}

/** The state that component `C` has in a kernel. */
export type StateOf<C extends AnyComponent> = C extends { readonly state?: infer S } ? Exclude<S, undefined> : never;

/** A kernel as a component sees it: only what it requires can be used. */
export interface Attach<R extends readonly AnyComponent[]> {
  use<C extends R[number]>(component: C): StateOf<C>;
}

export interface Component<S, R extends readonly AnyComponent[] = readonly AnyComponent[]> {
  /** The field's name for it: also its folder, its npm name and its exported constant. */
  readonly name: string;
  readonly abi: number;
  readonly class: ComponentClass;
  /** The only record of its edges. */
  readonly requires: R;
  /** Roles: at most one component of a kernel may provide each. */
  readonly provides: readonly string[];
  /** Joins a kernel, after all that it requires. An exception undoes the load. */
  attach(k: Attach<R>): S;
  /** Leaves the kernel; throws EBUSY while in use. A component without it cannot be unloaded. */
  detach?(k: Attach<R>, state: S): void;
  /** Carries the type of the state only. */
  readonly state?: S;
}

export interface Declaration<S, R extends readonly AnyComponent[]> {
  readonly name: string;
  readonly class: ComponentClass;
  readonly requires: R;
  readonly provides?: readonly string[];
  attach(k: Attach<R>): S;
  detach?(k: Attach<R>, state: S): void;
}

/** Declares a component. */
export function component<S, const R extends readonly AnyComponent[]>(declaration: Declaration<S, R>): Component<S, R> {
  return Object.freeze({ abi: COMPONENT_ABI, provides: [], ...declaration });
}

/** Whether a value (an export of a foreign package) is a component declaration. */
export function isComponent(value: unknown): value is AnyComponent {
  if (typeof value !== 'object' || value === null) return false;
  const c = value as Partial<AnyComponent>;
  return (
    typeof c.name === 'string' && typeof c.abi === 'number' && Array.isArray(c.requires) && Array.isArray(c.provides) && typeof c.attach === 'function'
  );
}
