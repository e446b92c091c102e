/** Packages as one file each, made from their sources: programs start faster with them, and tests need no build. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const { sourceOf } = createRequire(import.meta.url)('../../jest/resolver.cjs') as {
  sourceOf(request: string, from: string): string | undefined;
};

/** Writes the hijack into `folder`; the path for `node --import`. */
export function bundleHijack(folder: string): Promise<string> {
  return bundlePackage('packages/client/rumphijack', folder, ['index', 'thread']);
}

/** Writes the package in `dir` (a path in this repository) into `folder`, with what it imports from this tree; the path of its `index.mjs`.
 * An entry is a name in `src`, or a file anywhere. */
export async function bundlePackage(
  dir: string,
  folder: string,
  entries: readonly (string | { readonly name: string; readonly path: string })[] = ['index'],
  external: readonly string[] = [],
): Promise<string> {
  await build({
    entryPoints: Object.fromEntries(entries.map((e) => (typeof e === 'string' ? [e, join(ROOT, dir, `src/${e}.ts`)] : [e.name, e.path]))),
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'es2022',
    logLevel: 'error',
    legalComments: 'none',
    external: [...external],
    // Packages in CommonJS require what Node has.
    banner: { js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);" },
    nodePaths: [join(ROOT, 'packages/client/rumphijack/node_modules')],
    plugins: [
      {
        name: 'sources',
        setup(b): void {
          b.onResolve({ filter: /^(@anykernel\/|#)/ }, ({ path, resolveDir }) => {
            const source = sourceOf(path, resolveDir);
            return source === undefined ? undefined : { path: source };
          });
        },
      },
    ],
  });
  return join(folder, 'index.mjs');
}
