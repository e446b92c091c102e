/**
 * Modules on redirected paths: `require` and `import` of them, and from them, on every Node.
 *
 * `require` is redirected where Node itself asks its replaceable functions. `import` is redirected by hooks: where Node has synchronous ones
 * (registerHooks, from 22.15) they run here; an older Node runs hooks on a thread of its own, which asks this one (threadserver.ts).
 */
import * as nodeFs from 'node:fs';
import * as nodeModule from 'node:module';
import { pathToFileURL } from 'node:url';
import { type Format, formatOf, loadable } from './format.js';
import { type Attributes, ofModule, sampleOf } from './attributes.js';
import type { Replacements } from './functions.js';
import { addonFrom } from './addon.js';
import { type ModuleFiles, moduleError } from './packagejson.js';
import { Resolver, lookupDirs, pathOf, urlOf } from './resolve.js';
import type { Routes } from './routes.js';
import { withMap } from './sourcemaps.js';
import { registerThread } from './threadserver.js';

/** The parts of a CommonJS module that its loader is about. */
export interface CommonJsModule {
  readonly filename?: string;
  exports: unknown;
  _compile(source: string, filename: string, format?: string): unknown;
}

/** What of `Module` this replaces or calls. */
interface ModuleClass {
  _resolveFilename(
    request: string,
    parent: CommonJsModule | undefined,
    isMain: boolean,
    options?: { readonly paths?: readonly string[] },
  ): string;
  _resolveLookupPaths(request: string, parent: CommonJsModule | undefined): string[] | null;
  _load(request: string, parent: CommonJsModule | null, isMain: boolean): unknown;
  readonly _extensions: Record<string, (module: CommonJsModule, filename: string) => unknown>;
}

interface LoadContext {
  readonly format?: string | undefined;
  readonly importAttributes?: Attributes;
  readonly conditions?: readonly string[];
}
interface ResolveContext {
  readonly parentURL?: string | undefined;
  readonly conditions: readonly string[];
}
interface Resolved {
  readonly url: string;
  readonly format?: string;
  readonly shortCircuit?: boolean;
}
interface Loaded {
  readonly format: string;
  readonly source: string | Uint8Array;
  readonly shortCircuit?: boolean;
}
interface Hooks {
  resolve(specifier: string, context: ResolveContext, next: (specifier: string, context: ResolveContext) => Resolved): Resolved;
  load(url: string, context: LoadContext, next: (url: string, context: LoadContext) => Loaded): Loaded;
}

const { registerHooks } = nodeModule as unknown as { registerHooks?: (hooks: Hooks) => { deregister(): void } };
const hostFs = (nodeFs as unknown as { default: typeof nodeFs }).default;
const Module = nodeModule.Module as unknown as ModuleClass;

/** Files for module resolution: those of both systems, by the routed functions. */
const FILES: ModuleFiles = {
  kind(path) {
    try {
      const st = hostFs.statSync(path, { throwIfNoEntry: false });
      return st === undefined ? undefined : st.isDirectory() ? 'dir' : 'file';
    } catch {
      return undefined;
    }
  },
  text(path) {
    try {
      return hostFs.readFileSync(path, 'utf8');
    } catch {
      return undefined;
    }
  },
  real: (path) => hostFs.realpathSync(path),
};

/** What the loaders ask. */
export class ModuleLoader {
  readonly resolver = new Resolver(FILES);

  constructor(readonly routes: Routes) {}

  /** Whether a path is the kernel's. */
  has(path: string): boolean {
    return this.routes.of(path) !== undefined;
  }

  hasUrl(url: string | undefined): boolean {
    return url?.startsWith('file:') === true && this.has(pathOf(url));
  }

  /** Whether `specifier` in module `parent` (a URL) may lead to the kernel in a way that Node itself would not see. */
  concerns(specifier: string, parent: string | undefined): boolean {
    if (nodeModule.isBuiltin(specifier) || specifier.startsWith('data:')) return false;
    if (this.hasUrl(parent)) return true;
    return this.hasUrl(urlOf(specifier, parent ?? pathToFileURL(`${process.cwd()}/`).href)?.href);
  }

  /** Whether packages for a module on the host are looked for in the kernel too. */
  looksIn(parent: string): boolean {
    return parent.startsWith('file:') && lookupDirs(pathOf(parent)).some((dir) => this.has(dir));
  }

  /** ERR_MODULE_NOT_FOUND and others of Node's. */
  resolveImport(specifier: string, parent: string | undefined, conditions: readonly string[]): Resolved {
    // The program itself may be named without its extension.
    const entry = parent === undefined && specifier.startsWith('file:') ? this.resolveRequire(pathOf(specifier), undefined) : undefined;
    const from = parent ?? pathToFileURL(`${process.cwd()}/`).href;
    const url = entry === undefined ? this.resolver.import(specifier, from, new Set(conditions)) : pathToFileURL(entry).href;
    if (!this.hasUrl(url)) return { url, shortCircuit: true };
    return { url, format: formatOf(pathOf(url), this.resolver), shortCircuit: true };
  }

  /** undefined: Node itself shall look, and say that there is nothing. */
  resolveRequire(
    request: string,
    parent: CommonJsModule | undefined,
    options?: { readonly paths?: readonly string[] },
  ): string | undefined {
    const from = parent?.filename ?? `${process.cwd()}/`;
    const relative = /^\.\.?(\/|$)/.test(request);
    let paths: readonly string[];
    if (options?.paths === undefined) paths = Module._resolveLookupPaths(request, parent) ?? [];
    else paths = relative ? options.paths : options.paths.flatMap((dir) => lookupDirs(dir));
    const dirs = relative && parent?.filename !== undefined && options?.paths === undefined ? [from.replace(/\/[^/]*$/, '') || '/'] : paths;
    return this.resolver.require(request, from, dirs, Object.keys(Module._extensions));
  }

  /** Source and format of a module in the kernel. Errors of reading as they are. */
  load(url: string, format: string | undefined): { readonly format: Format; readonly source: string | Uint8Array } {
    const path = pathOf(url);
    const known = loadable(format) ?? formatOf(path, this.resolver);
    const source = hostFs.readFileSync(path);
    return { format: known, source: known === 'wasm' ? source : source.toString('utf8') };
  }
}

/** Which modules are looked for on redirected paths. */
export type Modules = 'all' | 'require' | 'none';

/** Redirects `require` and `import`. */
export function replaceModules(replacements: Replacements, routes: Routes, which: Modules): void {
  if (which === 'none') return;
  const loader = new ModuleLoader(routes);
  replaceResolveFilename(replacements, loader);
  replacements.set(
    process,
    'dlopen',
    addonFrom(process.dlopen, (path) => loader.has(path)),
  );
  if (registerHooks === undefined) {
    replaceScripts(replacements, loader);
    if (which === 'all') replacements.onUndo(registerThread(loader, (path, isMain) => Module._load(path, null, isMain)));
    return;
  }
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      // What is required comes to Module._resolveFilename.
      if (which === 'require' || context.conditions.includes('require')) return next(specifier, context);
      if (loader.concerns(specifier, context.parentURL)) return loader.resolveImport(specifier, context.parentURL, context.conditions);
      try {
        return next(specifier, context);
      } catch (e) {
        const parent = context.parentURL;
        if ((e as { code?: string }).code !== 'ERR_MODULE_NOT_FOUND' || parent === undefined || !loader.looksIn(parent)) throw e;
        return loader.resolveImport(specifier, parent, context.conditions);
      }
    },
    load: (url, context, next) =>
      loader.hasUrl(url) && !url.endsWith('.node') ? { ...loadHere(loader, url, context, next), shortCircuit: true } : next(url, context),
  });
  replacements.onUndo(() => hooks.deregister());
}

/** Errors about import attributes are Node's. */
function loadHere(loader: ModuleLoader, url: string, context: LoadContext, next: (url: string, context: LoadContext) => Loaded): Loaded {
  const { format, source } = loader.load(url, context.format);
  const sample = context.conditions?.includes('require') === true ? undefined : sampleOf(format, context.importAttributes);
  try {
    if (sample !== undefined) next(sample.url, { ...context, format: sample.format });
  } catch (e) {
    throw ofModule(e, sample?.url ?? '', url);
  }
  const mapped = typeof source === 'string' && process.sourceMapsEnabled;
  return { format, source: mapped ? withMap(source, url, (map) => loader.hasUrl(map)) : source };
}

function replaceResolveFilename(replacements: Replacements, loader: ModuleLoader): void {
  const host = Module._resolveFilename;
  const resolveFilename: ModuleClass['_resolveFilename'] = (request, parent, isMain, options) => {
    const from = parent?.filename === undefined ? undefined : pathToFileURL(parent.filename).href;
    const ours = (): string | undefined => (typeof request === 'string' ? loader.resolveRequire(request, parent, options) : undefined);
    const concerned =
      typeof request === 'string' && (loader.concerns(request, from) || options?.paths?.some((p) => loader.has(p)) === true);
    const found = concerned ? ours() : undefined;
    if (found !== undefined) return found;
    try {
      return host.call(Module, request, parent, isMain, options);
    } catch (e) {
      const looks = !concerned && (e as { code?: string }).code === 'MODULE_NOT_FOUND' && from !== undefined && loader.looksIn(from);
      const later = looks ? ours() : undefined;
      if (later === undefined) throw e;
      return later;
    }
  };
  replacements.set(Module, '_resolveFilename', resolveFilename);
}

/** A Node without synchronous hooks knows a module's format from package.json files that it reads past `fs`. */
function replaceScripts(replacements: Replacements, loader: ModuleLoader): void {
  const host = Module._extensions['.js'];
  if (host === undefined) return;
  const script: typeof host = (module, filename) => {
    if (!loader.has(filename)) return host(module, filename);
    const { format, source } = loader.load(pathToFileURL(filename).href, undefined);
    if (format === 'module') {
      const message = `require() of ES Module ${filename} not supported: this Node requires ES modules from the host's files only; import() it.`;
      throw moduleError('ERR_REQUIRE_ESM', message);
    }
    return module._compile(source as string, filename, 'commonjs');
  };
  replacements.set(Module._extensions, '.js', script);
}
