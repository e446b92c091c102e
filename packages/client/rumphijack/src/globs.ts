/**
 * glob(): a pattern that begins with a path, or the directory where it is looked for, says whose it is. Node's own matches by functions that cannot be
 * replaced, so that a pattern never leads from one system into the other.
 */
import { type Fn, dressed } from './functions.js';
import type { Pair } from './router.js';
import type { Routes } from './routes.js';

interface GlobOptions {
  readonly cwd?: string | URL;
}

/** glob, globSync and the one of promises. */
export function globOf({ host, kernel }: Pair, routes: Routes): Fn {
  return dressed((...args) => {
    const options = (typeof args[1] === 'object' && args[1] !== null ? args[1] : {}) as GlobOptions;
    const patterns = typeof args[0] === 'string' ? [args[0]] : Array.isArray(args[0]) ? (args[0] as readonly unknown[]) : [];
    const absolute = patterns.length > 0 && patterns.every((p) => typeof p === 'string' && p.startsWith('/'));
    const to = routes.of(absolute ? patterns[0] : (options.cwd ?? routes.cwd));
    if (to === undefined) return host(...args);
    if (!absolute) return kernel(args[0], { ...options, cwd: to }, ...args.slice(typeof args[1] === 'object' ? 2 : 1));
    const inKernel = patterns.map((p) => routes.of(p) ?? p);
    return visible(kernel(inKernel, ...args.slice(1)), routes);
  }, host);
}

/** Absolute names, as the program sees them. */
function visible(found: unknown, routes: Routes): unknown {
  if (!routes.prefixed) return found;
  if (Array.isArray(found)) return found.map((path) => (typeof path === 'string' ? routes.visible(path) : path));
  const later = found as Partial<AsyncIterable<unknown>> | undefined;
  return later?.[Symbol.asyncIterator] === undefined ? found : visibleLater(later as AsyncIterable<unknown>, routes);
}

async function* visibleLater(found: AsyncIterable<unknown>, routes: Routes): AsyncGenerator<unknown> {
  for await (const path of found) yield typeof path === 'string' ? routes.visible(path) : path;
}
