/** Programs for browsers, from the sources of this tree, so that the tests need no build. */
import { createRequire } from 'node:module';
import { type BuildOptions, type OutputFile, type Plugin, build } from 'esbuild';

const { sourceOf } = createRequire(import.meta.url)('../../../../tools/jest/resolver.cjs') as {
  sourceOf(name: string, from: string, condition: string): string | undefined;
};

const sources: Plugin = {
  name: 'sources',
  setup(b): void {
    b.onResolve({ filter: /^(@anykernel\/|#)/ }, ({ path, resolveDir }) => ({ path: sourceOf(path, resolveDir, 'default') }));
  },
};

export async function bundled(options: BuildOptions): Promise<OutputFile[]> {
  const { outputFiles } = await build({
    ...options,
    plugins: [sources],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
  });
  return outputFiles;
}
