/**
 * Components by name: the package `@anykernel/<name>`, and in it the export of that name.
 *
 * The application's packages come first, as it has installed what it needs; then those beside this package.
 */
import { realpathSync } from './builtin.js';

export interface ImportOptions {
  /** The folder from which packages are looked up first; otherwise the program's, then the working directory. */
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
  const exports = (await load(specifier, options.resolveFrom === undefined ? applicationFolders() : [options.resolveFrom])) as Record<
    string,
    unknown
  >;
  return Object.hasOwn(exports, name) ? exports[name] : undefined;
}

/** The module that the application sees from one of `folders`, or else the one that this package sees. */
async function load(specifier: string, folders: readonly string[]): Promise<unknown> {
  for (const folder of folders) {
    const path = resolve(specifier, folder);
    if (path !== undefined) return import(process.getBuiltinModule('node:url').pathToFileURL(path).href);
  }
  return import(specifier);
}

function applicationFolders(): string[] {
  const program = process.argv[1];
  return program === undefined ? [process.cwd()] : [programFolder(program), process.cwd()];
}

/** Commands are symbolic links into the package that they belong to. */
function programFolder(program: string): string {
  const { dirname } = process.getBuiltinModule('node:path');
  try {
    return dirname(realpathSync(program));
  } catch {
    return dirname(program);
  }
}

/** The file of a package as a module in `folder` would get it, or undefined. */
function resolve(specifier: string, folder: string): string | undefined {
  try {
    const { createRequire } = process.getBuiltinModule('node:module');
    return createRequire(`${folder}/package.json`).resolve(specifier);
  } catch {
    return undefined;
  }
}
