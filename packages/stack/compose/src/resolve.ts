/**
 * From a name to a component: `ext2fs` is the package `@anykernel/ext2fs`, anything with a slash or a dot is a package or a module of
 * somebody else. A package is looked for where the application is, and then beside this one.
 */
import { createRequire } from 'node:module';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type AnyComponent, isComponent } from '@anykernel/lib-component';

export interface ResolvedComponent {
  readonly component: AnyComponent;
  /** Absolute path of the module which exports it. */
  readonly module: string;
  /** Under which name. */
  readonly exportName: string;
}

/** A name that is no component, and why. */
export class ResolveError extends Error {
  override name = 'ResolveError';
}

/** The specifier of the package for a name. */
export function specifierOf(name: string): string {
  return /^[a-z0-9][a-z0-9_-]*$/.test(name) ? `@anykernel/${name}` : name;
}

function isPath(specifier: string): boolean {
  return specifier.startsWith('.') || isAbsolute(specifier);
}

/** Absolute path of the module that `specifier` means to an importer in directory `from`; undefined: there is none. */
export function resolveModule(specifier: string, from: string): string | undefined {
  if (isPath(specifier)) {
    const path = resolve(from, specifier);
    return existsSync(path) ? path : undefined;
  }
  return packageEntry(specifier, from) ?? packageEntry(specifier, import.meta.dirname);
}

/** This code runs from its sources, in the tree where it is made: packages of that tree are taken as sources too. */
const FROM_SOURCES = import.meta.url.endsWith('.ts');

/** The `import` entry of a package: `exports["."]`, which may have conditions, or `module`, or `main`. */
function packageEntry(specifier: string, from: string): string | undefined {
  const paths = createRequire(join(resolve(from), 'noop.js')).resolve.paths(specifier) ?? [];
  for (const base of paths) {
    const dir = join(base, specifier);
    if (!existsSync(join(dir, 'package.json'))) continue;
    const source = join(dir, 'src', 'index.ts');
    if (FROM_SOURCES && existsSync(source)) return realpathSync(source);
    const manifest = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8')) as Manifest;
    const entry = pick(manifest.exports) ?? manifest.module ?? manifest.main ?? 'index.js';
    const path = join(dir, entry);
    return existsSync(path) ? realpathSync(path) : undefined;
  }
  return undefined;
}

/** The source of what a package of this tree calls `#x` under a condition, for a bundler that takes sources; undefined: the bundler finds it. */
export function internalSource(specifier: string, from: string, condition: string): string | undefined {
  const dir = dirname(from);
  if (!FROM_SOURCES || basename(from) !== 'src') return undefined;
  const { imports } = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8')) as Manifest;
  const target = imports?.[specifier]?.[condition] ?? imports?.[specifier]?.['default'];
  return target && join(from, basename(target).replace(/\.js$/, '.ts'));
}

interface Manifest {
  readonly imports?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly exports?: unknown;
  readonly module?: string;
  readonly main?: string;
}

function pick(exports: unknown): string | undefined {
  if (typeof exports === 'string') return exports;
  if (typeof exports !== 'object' || exports === null) return undefined;
  const e = exports as Record<string, unknown>;
  return pick(e['.'] ?? e['import'] ?? e['node'] ?? e['default']);
}

/** The component that `name` means to somebody in directory `from`; of several directories the first that knows it. ResolveError. */
export async function resolveComponent(name: string, from: string | readonly string[]): Promise<ResolvedComponent> {
  const specifier = specifierOf(name);
  const places = typeof from === 'string' ? [from] : from;
  const module = places.map((place) => resolveModule(specifier, place)).find((path) => path !== undefined);
  if (module === undefined) throw new ResolveError(`${name}: ${absent(specifier)} (looked from ${places[0]})`);
  const exports = await load(name, module);
  const found = Object.entries(exports).filter((e): e is [string, AnyComponent] => isComponent(e[1]));
  const exact = found.find(([, c]) => c.name === name) ?? (found.length === 1 ? found[0] : undefined);
  if (exact === undefined) {
    const names = found.map(([, c]) => c.name).join(', ');
    throw new ResolveError(
      `${name}: ${module} exports ${found.length === 0 ? 'no component' : `several components (${names}): name one of them`}`,
    );
  }
  return { component: exact[1], module, exportName: exact[0] };
}

function absent(specifier: string): string {
  return isPath(specifier) ? 'there is no such module' : `package ${specifier} is not installed`;
}

async function load(name: string, module: string): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(module).href)) as Record<string, unknown>;
  } catch (e) {
    throw new ResolveError(`${name}: ${module} cannot be loaded: ${e instanceof Error ? e.message : String(e)}`);
  }
}

/** All of them. */
export async function resolveComponents(names: readonly string[], from: string | readonly string[]): Promise<ResolvedComponent[]> {
  return Promise.all(names.map((n) => resolveComponent(n, from)));
}

/** Directory that names in a file are relative to. */
export function directoryOf(file: string): string {
  return dirname(resolve(file));
}
