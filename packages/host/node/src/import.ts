/**
 * Components by name: the package `@anykernel/<name>`, and in it the export of that name.
 *
 * The application's packages come first, as it has installed what it needs; then those beside this package.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

export interface ImportOptions {
  /** The folder from which packages are looked up first; the working directory otherwise. */
  readonly resolveFrom?: string;
  /** The package of a component; `@anykernel/<name>` otherwise. undefined: there is none. */
  readonly packageOf?: (name: string) => string | undefined;
  /** Components that need no package: an application in one file brings its own. They come before packages. */
  readonly components?: readonly { readonly name: string }[];
}

/** Names come from inside the kernel, from a mount's type perhaps: no path can be made of one. */
const NAME = /^[a-z][a-z0-9_]*$/;

/** Gives `done` the component, or undefined, from the event loop. */
export function importComponent(name: string, options: ImportOptions, done: (component: unknown) => void): void {
  find(name, options).then(
    (component) => setImmediate(done, component),
    () => setImmediate(done, undefined),
  );
}

async function find(name: string, options: ImportOptions): Promise<unknown> {
  if (!NAME.test(name)) return undefined;
  const brought = options.components?.find((component) => component.name === name);
  if (brought !== undefined) return brought;
  const specifier = options.packageOf === undefined ? `@anykernel/${name}` : options.packageOf(name);
  if (specifier === undefined) return undefined;
  const exports = (await load(specifier, options.resolveFrom ?? process.cwd())) as Record<string, unknown>;
  return Object.hasOwn(exports, name) ? exports[name] : undefined;
}

async function load(specifier: string, from: string): Promise<unknown> {
  const path = resolve(specifier, from);
  return path === undefined ? import(specifier) : import(pathToFileURL(path).href);
}

/** The file of a package as the application sees it, or undefined where it does not. */
function resolve(specifier: string, from: string): string | undefined {
  try {
    return createRequire(join(from, 'package.json')).resolve(specifier);
  } catch {
    return undefined;
  }
}
