/**
 * The host's halves of drivers: what a kernel component names and types, implemented for Node by a package of its own.
 */
import type { HostHalf } from '@anykernel/host-rumpuser';

/** One half and what it is for. */
export interface Half {
  readonly name: string;
  readonly revision: number;
  readonly impl: unknown;
}

/** `impl` as this host's half of the driver that declares `of`. */
export function halfOf<T>(of: HostHalf<T>, impl: T): Half {
  return { name: of.name, revision: of.revision, impl };
}

/** The implementation with that name and revision, or undefined. */
export function findHalf<T>(halves: readonly Half[], of: HostHalf<T>): T | undefined {
  return halves.find((half) => half.name === of.name && half.revision === of.revision)?.impl as T | undefined;
}
