/**
 * From a specifier to a file, as Node's two loaders do it, on any file system: for modules that import or require across kernel and host.
 *
 * Node's documentation is the source: "Modules: CommonJS modules" (All together) and "Modules: ECMAScript modules" (Resolution Algorithm).
 */
import { isBuiltin } from 'node:module';
import { posix } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type ModuleFiles, Packages, exportOf, importOf, moduleError } from './packagejson.js';

export const REQUIRE_CONDITIONS: ReadonlySet<string> = new Set(['node', 'require', 'module-sync', 'node-addons']);

export class Resolver {
  readonly packages: Packages;

  constructor(readonly files: ModuleFiles) {
    this.packages = new Packages(files);
  }

  /** ESM_RESOLVE: the URL that `specifier` means in the module `parent` (a URL). ERR_MODULE_NOT_FOUND and others of Node's. */
  import(specifier: string, parent: string, conditions: ReadonlySet<string>): string {
    if (isBuiltin(specifier)) return specifier.startsWith('node:') ? specifier : `node:${specifier}`;
    const url = urlOf(specifier, parent);
    const from = parent.startsWith('file:') ? fileURLToPath(parent) : '/';
    if (url === undefined) return this.#file(this.#bare(specifier, from, conditions), specifier, parent);
    if (url.protocol !== 'file:') return url.href;
    if (/%2f|%5c/i.test(url.pathname)) {
      throw moduleError('ERR_INVALID_MODULE_SPECIFIER', `Invalid module "${specifier}" must not include encoded "/" or "\\" characters`);
    }
    const file = this.#file(fileURLToPath(url), specifier, parent);
    return file + url.search + url.hash;
  }

  /** The file that is at `path` itself. */
  #file(path: string, specifier: string, parent: string): string {
    if (path.startsWith('node:')) return path;
    const kind = this.files.kind(path);
    if (kind === 'file') return pathToFileURL(this.files.real(path)).href;
    const by = parent.startsWith('file:') ? ` imported from ${fileURLToPath(parent)}` : '';
    if (kind === 'dir') {
      const message = `Directory import '${path}' is not supported resolving ES modules${by}`;
      throw moduleError('ERR_UNSUPPORTED_DIR_IMPORT', message, { url: pathToFileURL(path).href });
    }
    throw moduleError('ERR_MODULE_NOT_FOUND', `Cannot find module '${path}'${by}`, { url: pathToFileURL(path).href, specifier });
  }

  /** PACKAGE_RESOLVE and PACKAGE_IMPORTS_RESOLVE, to a path or a module of Node's. */
  #bare(specifier: string, from: string, conditions: ReadonlySet<string>): string {
    if (specifier.startsWith('#'))
      return this.#internal(specifier, from, conditions, (name, within) => this.#bare(name, within, conditions));
    const { name, subpath } = split(specifier);
    const self = this.#self(name, subpath, from, conditions);
    if (self !== undefined) return self;
    for (const dir of lookupDirs(posix.dirname(from))) {
      const at = posix.join(dir, name);
      if (this.files.kind(at) !== 'dir') continue;
      const pkg = this.packages.at(at);
      if (pkg?.exports !== undefined && pkg.exports !== null) return exportOf(pkg, subpath, conditions);
      if (subpath !== '.') return posix.join(at, subpath);
      return this.#legacyMain(at, pkg?.main, specifier, from);
    }
    throw moduleError('ERR_MODULE_NOT_FOUND', `Cannot find package '${name}' imported from ${from}`);
  }

  #legacyMain(dir: string, main: string | undefined, specifier: string, from: string): string {
    const tries =
      main === undefined ? [] : ['', '.js', '.json', '.node', '/index.js', '/index.json', '/index.node'].map((end) => `${main}${end}`);
    const found = [...tries, 'index.js', 'index.json', 'index.node']
      .map((t) => posix.join(dir, t))
      .find((t) => this.files.kind(t) === 'file');
    if (found === undefined) throw moduleError('ERR_MODULE_NOT_FOUND', `Cannot find package '${specifier}' imported from ${from}`);
    return found;
  }

  #internal(name: string, from: string, conditions: ReadonlySet<string>, external: (specifier: string, from: string) => string): string {
    const scope = this.packages.scopeOf(from);
    const target = importOf(scope, name, from, conditions);
    if ('path' in target) return target.path;
    if (isBuiltin(target.specifier)) return target.specifier.startsWith('node:') ? target.specifier : `node:${target.specifier}`;
    return external(target.specifier, posix.join(scope?.dir ?? '/', 'package.json'));
  }

  /** A package names itself. */
  #self(name: string, subpath: string, from: string, conditions: ReadonlySet<string>): string | undefined {
    const scope = this.packages.scopeOf(from);
    if (scope?.name !== name || scope.exports === undefined || scope.exports === null) return undefined;
    return exportOf(scope, subpath, conditions);
  }

  /**
   * What `require(request)` means in file `from`, a path: undefined when nothing is found. `paths`: where packages are looked for; `exts`: what names
   * may end with.
   */
  require(request: string, from: string, paths: readonly string[], exts: readonly string[]): string | undefined {
    if (isBuiltin(request)) return request;
    if (request.startsWith('#')) {
      const external = (name: string, within: string): string =>
        this.require(name, within, lookupDirs(posix.dirname(within)), exts) ?? name;
      return this.#requireExact(this.#internal(request, from, REQUIRE_CONDITIONS, external));
    }
    if (/^(\.\.?(\/|$)|\/)/.test(request)) {
      for (const dir of request.startsWith('/') ? ['/'] : paths) {
        const found = this.#asPath(posix.resolve(dir, request), /(^|\/)\.{0,2}$/.test(request), exts);
        if (found !== undefined) return found;
      }
      return undefined;
    }
    return this.#requirePackage(request, from, paths, exts);
  }

  #requirePackage(request: string, from: string, paths: readonly string[], exts: readonly string[]): string | undefined {
    const parts = /^((?:@[^/\\%]+\/)?[^./\\%][^/\\%]*)(\/.*)?$/.exec(request);
    const [name, subpath] = parts === null ? [undefined, '.'] : [parts[1] as string, `.${parts[2] ?? ''}`];
    const self = name === undefined ? undefined : this.#self(name, subpath, from, REQUIRE_CONDITIONS);
    if (self !== undefined) return this.#requireExact(self);
    for (const dir of paths) {
      if (this.files.kind(dir) !== 'dir') continue;
      const pkg = name === undefined ? undefined : this.packages.at(posix.join(dir, name));
      if (pkg?.exports !== undefined && pkg.exports !== null) return this.#requireExact(exportOf(pkg, subpath, REQUIRE_CONDITIONS));
      const found = this.#asPath(posix.resolve(dir, request), request.endsWith('/'), exts);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #requireExact(path: string): string {
    if (isBuiltin(path)) return path;
    if (this.files.kind(path) === 'file') return this.files.real(path);
    throw moduleError('MODULE_NOT_FOUND', `Cannot find module '${path}'`);
  }

  /** LOAD_AS_FILE, LOAD_AS_DIRECTORY. */
  #asPath(path: string, dirOnly: boolean, exts: readonly string[]): string | undefined {
    const kind = this.files.kind(path);
    if (!dirOnly) {
      if (kind === 'file') return this.files.real(path);
      const found = this.#withExts(path, exts);
      if (found !== undefined) return found;
    }
    return kind === 'dir' ? this.#asDirectory(path, exts) : undefined;
  }

  #asDirectory(dir: string, exts: readonly string[]): string | undefined {
    const main = this.packages.at(dir)?.main;
    const index = posix.join(dir, 'index');
    if (main === undefined || main === '') return this.#withExts(index, exts);
    const at = posix.resolve(dir, main);
    if (this.files.kind(at) === 'file') return this.files.real(at);
    const found = this.#withExts(at, exts) ?? this.#withExts(posix.join(at, 'index'), exts) ?? this.#withExts(index, exts);
    if (found !== undefined) return found;
    const message = `Cannot find module '${at}'. Please verify that the package.json has a valid "main" entry`;
    throw moduleError('MODULE_NOT_FOUND', message, { path: posix.join(dir, 'package.json') });
  }

  #withExts(path: string, exts: readonly string[]): string | undefined {
    for (const ext of exts) if (this.files.kind(path + ext) === 'file') return this.files.real(path + ext);
    return undefined;
  }
}

/** The URL of a specifier that is one, or a path; undefined for the name of a package. */
export function urlOf(specifier: string, parent: string): URL | undefined {
  if (/^(\.\.?)?\//.test(specifier) || specifier === '.' || specifier === '..') return new URL(specifier, parent);
  return URL.canParse(specifier) ? new URL(specifier) : undefined;
}

/** The path of a `file:` URL. */
export function pathOf(url: string): string {
  return fileURLToPath(url.replace(/[?#].*$/s, ''));
}

/** `node_modules` in a directory and all above it, the nearest first. */
export function lookupDirs(dir: string): string[] {
  const out: string[] = [];
  for (let at = dir; ; at = posix.dirname(at)) {
    if (posix.basename(at) !== 'node_modules') out.push(posix.join(at, 'node_modules'));
    if (at === '/' || at === '.') return out;
  }
}

function split(specifier: string): { readonly name: string; readonly subpath: string } {
  const m = /^((?:@[^/\\%]+\/)?[^./\\%@][^/\\%]*|)(\/.*)?$/.exec(specifier);
  if (m === null) throw moduleError('ERR_INVALID_MODULE_SPECIFIER', `Invalid module "${specifier}" is not a valid package name`);
  return { name: m[1] as string, subpath: `.${m[2] ?? ''}` };
}
