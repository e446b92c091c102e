/** What kind of module a file is: by its extension, its package, and where both are silent by its syntax, as Node does it. */
import * as nodeModule from 'node:module';
import { extname } from 'node:path';
import { compileFunction } from 'node:vm';
import type { Resolver } from './resolve.js';

export type Format = 'module' | 'commonjs' | 'json' | 'wasm' | 'module-typescript' | 'commonjs-typescript';

const FORMATS: readonly string[] = ['module', 'commonjs', 'json', 'wasm', 'module-typescript', 'commonjs-typescript'];
const BY_EXTENSION: Readonly<Record<string, Format>> = {
  '.mjs': 'module',
  '.cjs': 'commonjs',
  '.json': 'json',
  '.wasm': 'wasm',
  '.mts': 'module-typescript',
  '.cts': 'commonjs-typescript',
};

/** A format that is one of ours, or undefined. */
export function loadable(format: string | undefined): Format | undefined {
  return format !== undefined && FORMATS.includes(format) ? (format as Format) : undefined;
}

/** The format of the module at `path`. */
export function formatOf(path: string, { packages, files }: Resolver): Format {
  const ext = extname(path);
  const known = BY_EXTENSION[ext];
  if (known !== undefined) return known;
  const type = packages.scopeOf(path)?.type;
  if (ext === '.ts') return (type ?? kindOf(scriptOf(files.text(path) ?? ''))) === 'module' ? 'module-typescript' : 'commonjs-typescript';
  return type ?? kindOf(files.text(path) ?? '');
}

/** TypeScript without its types, where this Node takes them away itself. */
function scriptOf(source: string): string {
  const { stripTypeScriptTypes } = nodeModule as { stripTypeScriptTypes?: (source: string) => string };
  try {
    return stripTypeScriptTypes?.(source) ?? '';
  } catch {
    // Node says what is wrong with it.
    return '';
  }
}

const WRAPPER = ['exports', 'require', 'module', '__filename', '__dirname'];
/** What the engine says of an ES module that it was to take for a script. */
const ES_ONLY =
  /^(Cannot use import statement outside a module|Unexpected token 'export'|Cannot use 'import\.meta' outside a module|await is only valid in async functions and the top level bodies of modules)$/;

/** What a source is by its syntax. */
function kindOf(source: string): 'module' | 'commonjs' {
  try {
    compileFunction(source.replace(/^#!.*/, ''), WRAPPER);
    return 'commonjs';
  } catch (e) {
    return ES_ONLY.test((e as Error).message) ? 'module' : 'commonjs';
  }
}
