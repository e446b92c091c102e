/**
 * The host's halves of drivers: what a kernel component names and types, implemented for one host by a package of its own.
 */

/** What a driver's package says of its half (HostHalf in the hypercalls). */
export interface HalfName<T> {
  readonly name: string;
  readonly revision: number;
  /** Carries the type only. */
  readonly type?: T;
}

/** One half and what it is for. */
export interface Half {
  readonly name: string;
  readonly revision: number;
  readonly impl: unknown;
}

/** `impl` as a host's half of the driver that declares `of`. */
export function halfOf<T>(of: HalfName<T>, impl: T): Half {
  return { name: of.name, revision: of.revision, impl };
}

/** The implementation with that name and revision, or undefined. */
export function findHalf<T>(halves: readonly Half[], of: HalfName<T>): T | undefined {
  return halves.find((half) => half.name === of.name && half.revision === of.revision)?.impl as T | undefined;
}
