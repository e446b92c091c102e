/**
 * package.json files, and what they say of a package's entries: `exports` and `imports` with conditions and patterns.
 *
 * Node's documentation is the source: "Modules: ECMAScript modules", Resolution Algorithm Specification.
 */
import { posix } from 'node:path';

/** What module resolution asks of a file system. Paths are absolute. */
export interface ModuleFiles {
  kind(path: string): 'file' | 'dir' | undefined;
  /** A file's text, or undefined. */
  text(path: string): string | undefined;
  /** Without symbolic links. */
  real(path: string): string;
}

export interface PackageJson {
  readonly dir: string;
  readonly name: string | undefined;
  readonly main: string | undefined;
  readonly type: 'module' | 'commonjs' | undefined;
  readonly exports: unknown;
  readonly imports: unknown;
}

export interface ModuleError extends Error {
  code: string;
}

/** An error with Node's code. */
export function moduleError(code: string, message: string, more: object = {}): ModuleError {
  return Object.assign(new Error(message), { code }, more);
}

/** All package.json files that were looked at; like Node's own, the first look is what counts. */
export class Packages {
  readonly #files: ModuleFiles;
  readonly #known = new Map<string, PackageJson | undefined>();

  constructor(files: ModuleFiles) {
    this.#files = files;
  }

  /** The package.json in `dir`. ERR_INVALID_PACKAGE_CONFIG. */
  at(dir: string): PackageJson | undefined {
    if (this.#known.has(dir)) return this.#known.get(dir);
    const text = this.#files.text(posix.join(dir, 'package.json'));
    const found = text === undefined ? undefined : parse(dir, text);
    this.#known.set(dir, found);
    return found;
  }

  /** The package that `path` belongs to. */
  scopeOf(path: string): PackageJson | undefined {
    for (let dir = posix.dirname(path); ; dir = posix.dirname(dir)) {
      if (dir.endsWith('/node_modules')) return undefined;
      const found = this.at(dir);
      if (found !== undefined || dir === '/') return found;
    }
  }
}

function parse(dir: string, text: string): PackageJson {
  let o: Record<string, unknown>;
  try {
    o = JSON.parse(text.replace(/^\ufeff/, '')) as Record<string, unknown>;
  } catch (e) {
    throw moduleError('ERR_INVALID_PACKAGE_CONFIG', `Invalid package config ${dir}/package.json. ${(e as Error).message}`);
  }
  const own = (key: string): unknown => (Object.hasOwn(o, key) ? o[key] : undefined);
  const textOf = (key: string): string | undefined => (typeof own(key) === 'string' ? (own(key) as string) : undefined);
  const type = textOf('type');
  return {
    dir,
    name: textOf('name'),
    main: textOf('main'),
    type: type === 'module' || type === 'commonjs' ? type : undefined,
    exports: own('exports'),
    imports: own('imports'),
  };
}

/** What a name inside of a package leads to: a file, or for `imports` another package's name. */
export type Target = { readonly path: string } | { readonly specifier: string };

/** `subpath` ('.', './x') by a package's `exports`. ERR_PACKAGE_PATH_NOT_EXPORTED, ERR_INVALID_PACKAGE_TARGET. */
export function exportOf(pkg: PackageJson, subpath: string, conditions: ReadonlySet<string>): string {
  const map = isSubpathMap(pkg) ? (pkg.exports as Record<string, unknown>) : { '.': pkg.exports };
  const target = matchOf(map, subpath, pkg, conditions, false);
  if (target !== undefined && 'path' in target) return target.path;
  const what = subpath === '.' ? 'No "exports" main defined' : `Package subpath '${subpath}' is not defined by "exports"`;
  throw moduleError('ERR_PACKAGE_PATH_NOT_EXPORTED', `${what} in ${pkg.dir}/package.json`);
}

/** `#name` by a package's `imports`. ERR_PACKAGE_IMPORT_NOT_DEFINED. */
export function importOf(pkg: PackageJson | undefined, name: string, from: string, conditions: ReadonlySet<string>): Target {
  if (name === '#') {
    throw moduleError(
      'ERR_INVALID_MODULE_SPECIFIER',
      `Invalid module "${name}" is not a valid internal imports specifier name imported from ${from}`,
    );
  }
  const { imports } = pkg ?? {};
  const target =
    pkg !== undefined && typeof imports === 'object' && imports !== null
      ? matchOf(imports as Record<string, unknown>, name, pkg, conditions, true)
      : undefined;
  if (target !== undefined) return target;
  const where = pkg === undefined ? '' : ` in package ${pkg.dir}/package.json`;
  throw moduleError('ERR_PACKAGE_IMPORT_NOT_DEFINED', `Package import specifier "${name}" is not defined${where} imported from ${from}`);
}

/** Whether the keys of `exports` are subpaths. ERR_INVALID_PACKAGE_CONFIG: some are, and some are conditions. */
function isSubpathMap(pkg: PackageJson): boolean {
  const { exports } = pkg;
  if (typeof exports !== 'object' || exports === null || Array.isArray(exports)) return false;
  const dots = new Set(Object.keys(exports).map((key) => key.startsWith('.')));
  if (dots.size > 1) {
    const message = `Invalid package config ${pkg.dir}/package.json. "exports" cannot contain some keys starting with '.' and some not.`;
    throw moduleError('ERR_INVALID_PACKAGE_CONFIG', message);
  }
  return dots.has(true);
}

type Found = Target | undefined;

/** PACKAGE_IMPORTS_EXPORTS_RESOLVE: the key itself, or the most special pattern. */
function matchOf(map: Record<string, unknown>, key: string, pkg: PackageJson, conditions: ReadonlySet<string>, internal: boolean): Found {
  if (Object.hasOwn(map, key) && !key.includes('*') && !key.endsWith('/'))
    return targetOf(map[key], '', pkg, conditions, internal) ?? undefined;
  const patterns = Object.keys(map).filter((k) => k.indexOf('*') >= 0 && k.indexOf('*') === k.lastIndexOf('*'));
  for (const pattern of patterns.sort(moreSpecial)) {
    const [base = '', trailer = ''] = pattern.split('*');
    if (key.length < pattern.length || key === base || !key.startsWith(base) || !key.endsWith(trailer)) continue;
    return targetOf(map[pattern], key.slice(base.length, key.length - trailer.length), pkg, conditions, internal) ?? undefined;
  }
  return undefined;
}

/** PATTERN_KEY_COMPARE. */
function moreSpecial(a: string, b: string): number {
  return b.indexOf('*') - a.indexOf('*') || b.length - a.length;
}

/** PACKAGE_TARGET_RESOLVE. null: says that there is nothing; undefined: says nothing. */
function targetOf(target: unknown, match: string, pkg: PackageJson, conditions: ReadonlySet<string>, internal: boolean): Found | null {
  if (target === null) return null;
  if (typeof target === 'string') return textTarget(target, match, pkg, internal);
  if (Array.isArray(target)) return firstOf(target, match, pkg, conditions, internal);
  if (typeof target !== 'object') throw invalidTarget(pkg, String(target));
  for (const [condition, value] of Object.entries(target as object)) {
    if (condition !== 'default' && !conditions.has(condition)) continue;
    const found = targetOf(value, match, pkg, conditions, internal);
    if (found !== undefined) return found;
  }
  return undefined;
}

function firstOf(
  targets: readonly unknown[],
  match: string,
  pkg: PackageJson,
  conditions: ReadonlySet<string>,
  internal: boolean,
): Found | null {
  let last: { readonly nothing: null } | { readonly error: unknown } | undefined;
  for (const target of targets) {
    try {
      const found = targetOf(target, match, pkg, conditions, internal);
      if (found !== undefined && found !== null) return found;
      if (found === null) last = { nothing: null };
    } catch (error) {
      if ((error as ModuleError).code !== 'ERR_INVALID_PACKAGE_TARGET') throw error;
      last = { error };
    }
  }
  if (last !== undefined && 'error' in last) throw last.error;
  return last === undefined && targets.length > 0 ? undefined : null;
}

function textTarget(target: string, match: string, pkg: PackageJson, internal: boolean): Target {
  const whole = target.replaceAll('*', () => match);
  if (!target.startsWith('./')) {
    if (!internal || target.startsWith('../') || target.startsWith('/')) throw invalidTarget(pkg, target);
    return URL.canParse(target) && !target.startsWith('node:') ? throwing(invalidTarget(pkg, target)) : { specifier: whole };
  }
  if (/(^|[\\/])(\.\.?|node_modules)([\\/]|$)/i.test(decoded(target.slice(2)))) throw invalidTarget(pkg, target);
  if (/(^|[\\/])(\.\.?|node_modules)([\\/]|$)/i.test(decoded(match))) {
    throw moduleError(
      'ERR_INVALID_MODULE_SPECIFIER',
      `Invalid module "${match}" request is not a valid match in pattern "${target}" of ${pkg.dir}/package.json`,
    );
  }
  return { path: posix.join(pkg.dir, decoded(whole)) };
}

function throwing(error: Error): never {
  throw error;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function invalidTarget(pkg: PackageJson, target: string): ModuleError {
  return moduleError(
    'ERR_INVALID_PACKAGE_TARGET',
    `Invalid package target "${target}" defined in the package config ${pkg.dir}/package.json; targets must start with "./"`,
  );
}
