/**
 * Bundles: one file with a minimal kernel, its mounts, and if wanted an application inside.
 *
 * The module graph does the linking: the bundle's entry imports the leaves, and what nobody requires is not in it. The application is
 * taken as it is; its `node:fs` is the kernel's.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { BuildOptions, BuildResult, OutputFile, Plugin } from 'esbuild';
import { UKFS_NAMES, UKFS_PROMISE_NAMES } from '@anykernel/ukfs';
import type { ResolvedComponent } from './resolve.js';
import { internalSource, resolveModule } from './resolve.js';
import type { StackHost, StackMount } from './stackfile.js';

export interface BundleOptions {
  readonly components: readonly ResolvedComponent[];
  readonly mounts?: readonly StackMount[];
  /** Lines for the tools of the network. */
  readonly setup?: readonly string[];
  readonly host: StackHost;
  /** Absolute path of the application's module; without it the bundle exports `kernel`, `host` and `fs`. */
  readonly app?: string;
  readonly minify?: boolean;
}

export interface Bundle {
  readonly code: Uint8Array;
  /** Absolute paths of all modules in it. */
  readonly inputs: readonly string[];
}

/** esbuild is not there, or a module cannot be bundled; the message says which and why. */
export class BundleError extends Error {
  override name = 'BundleError';
}

/** Makes a bundle, an ES module. BundleError. */
export async function bundle(options: BundleOptions): Promise<Bundle> {
  if (options.app !== undefined && !existsSync(options.app)) throw new BundleError(`${options.app}: no such file or directory`);
  const kernel = await made(options, `import 'anykernel:kernel';\n`, undefined);
  const whole = await made(options, entrySource(options), new Set(kernel.inputs));
  return whole;
}

/** `kernelFiles` are those whose `node:fs` is the host's; undefined: all. */
async function made(options: BundleOptions, entry: string, kernelFiles: ReadonlySet<string> | undefined): Promise<Bundle> {
  const result = await build({
    stdin: { contents: entry, resolveDir: import.meta.dirname, sourcefile: 'anykernel:entry', loader: 'js' },
    platform: options.host === 'worker' ? 'browser' : 'node',
    minify: options.minify ?? false,
    plugins: [kernelPlugin(options, kernelFiles)],
    metafile: true,
  });
  const inputs = Object.keys(result.metafile?.inputs ?? {}).filter((i) => !i.includes('anykernel:') && i !== '<stdin>');
  return { code: result.outputFiles[0]?.contents ?? new Uint8Array(0), inputs: inputs.map((i) => resolve(i)) };
}

/** esbuild with what is the same in every use. */
export async function build(options: BuildOptions): Promise<BuildResult & { outputFiles: OutputFile[] }> {
  const esbuild = await import('esbuild').catch(() => {
    throw new BundleError('bundles are made by esbuild, which is not installed: npm install esbuild');
  });
  try {
    const result = await esbuild.build({
      bundle: true,
      write: false,
      format: 'esm',
      target: 'es2022',
      logLevel: 'silent',
      legalComments: 'none',
      ...options,
    });
    return result as BuildResult & { outputFiles: OutputFile[] };
  } catch (e) {
    throw new BundleError(e instanceof Error ? e.message : String(e));
  }
}

function entrySource(options: BundleOptions): string {
  if (options.app === undefined) return `export { kernel, host, fs } from 'anykernel:kernel';\n`;
  return `import { kernel } from 'anykernel:kernel';\nimport 'anykernel:app';\nexport { kernel };\n`;
}

/** The module of this package that a bundle for `host` begins with. */
function runtimeOf(host: StackHost): string {
  const suffix = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return join(import.meta.dirname, `runtime-${host}.${suffix}`);
}

/** Boots the kernel, once, before the application's first line. */
function kernelSource(options: BundleOptions): string {
  const names = options.components.map((_, i) => `c${i}`);
  const imports = options.components.map((c, i) => `import { ${c.exportName} as ${names[i]} } from ${JSON.stringify(c.module)};`);
  return [
    `import { start } from ${JSON.stringify(runtimeOf(options.host))};`,
    ...imports,
    `export const { host, kernel, fs } = await start([${names.join(', ')}], ${JSON.stringify(options.mounts ?? [])}, ${options.app !== undefined});`,
    ...setupSource(options.setup ?? []),
  ].join('\n');
}

/** The network is set up before the application's first line; without lines none of its tools is in the bundle. */
function setupSource(setup: readonly string[]): string[] {
  if (setup.length === 0) return [];
  return [`import { setUp } from '@anykernel/netutils';`, `await setUp(kernel, ${JSON.stringify(setup)});`];
}

/** Named exports as `node:fs` has them, as far as ukfs does. */
function namedExports(names: readonly string[], of: string): string {
  const legal = names.filter((n) => /^[A-Za-z_$][\w$]*$/.test(n) && n !== 'default');
  return `import { fs } from 'anykernel:kernel';\nconst m = ${of};\nexport default m;\n${legal.map((n) => `export const ${n} = m.${n};`).join('\n')}\n`;
}

function kernelPlugin(options: BundleOptions, kernelFiles: ReadonlySet<string> | undefined): Plugin {
  return {
    name: 'anykernel',
    setup(b): void {
      // The application is run, whatever its package says of side effects.
      b.onResolve({ filter: /^anykernel:app$/ }, () => ({ path: options.app ?? '', sideEffects: true }));
      b.onResolve({ filter: /^anykernel:/ }, (a) => ({ path: a.path, namespace: 'anykernel' }));
      b.onResolve({ filter: /^(node:)?fs(\/promises)?$/ }, (a) => {
        if (kernelFiles === undefined || kernelFiles.has(a.importer)) return undefined;
        return { path: a.path.endsWith('promises') ? 'anykernel:node-fs-promises' : 'anykernel:node-fs', namespace: 'anykernel' };
      });
      b.onResolve({ filter: /^@anykernel\// }, (a) => {
        const path = resolveModule(a.path, a.namespace === 'anykernel' ? import.meta.dirname : a.resolveDir);
        return path === undefined ? undefined : { path };
      });
      b.onResolve({ filter: /^#/ }, (a) => {
        const path = internalSource(a.path, a.resolveDir, b.initialOptions.platform ?? 'default');
        return path === undefined ? undefined : { path };
      });
      b.onLoad({ filter: /.*/, namespace: 'anykernel' }, (a) => ({
        contents: virtual(a.path, options),
        loader: 'js',
        resolveDir: import.meta.dirname,
      }));
    },
  };
}

function virtual(path: string, options: BundleOptions): string {
  if (path === 'anykernel:kernel') return kernelSource(options);
  return path === 'anykernel:node-fs' ? namedExports(UKFS_NAMES, 'fs') : namedExports(UKFS_PROMISE_NAMES, 'fs.promises');
}

/** The package that a file belongs to: the nearest package.json with a name above it. */
export function packageOf(file: string): { readonly name: string; readonly dir: string } | undefined {
  for (let dir = dirname(file); ; dir = dirname(dir)) {
    const manifest = join(dir, 'package.json');
    if (existsSync(manifest)) {
      const { name } = JSON.parse(readFileSync(manifest, 'utf8')) as { name?: string };
      if (name !== undefined) return { name, dir };
    }
    if (dirname(dir) === dir) return undefined;
  }
}
