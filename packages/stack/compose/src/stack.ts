/** From a stack file to its components. */
import type { Stack } from './stackfile.js';
import { type ResolvedComponent, resolveComponents } from './resolve.js';

/** The leaves of a stack: those it names, and the file systems it mounts. `from`: the directory of the stack file, and others where packages may be. */
export async function componentsOf(stack: Stack, from: string | readonly string[]): Promise<ResolvedComponent[]> {
  const names = new Set([...stack.components, ...stack.mounts.map((m) => m.type)]);
  return resolveComponents([...names], from);
}
