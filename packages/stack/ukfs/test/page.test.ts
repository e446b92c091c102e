/** The one line in a program for a page, made by a bundler that knows no module of Node. */
import { createRequire } from 'node:module';
import { expect, test } from '@jest/globals';
import { build } from 'esbuild';

const { sourceOf } = createRequire(import.meta.url)('../../../../tools/jest/resolver.cjs') as {
  sourceOf(request: string, from: string, condition: string): string | undefined;
};

test('a bundle for pages has the line with a host of its own, and no import of Node', async () => {
  const { outputFiles } = await build({
    stdin: { contents: `import { ukfs } from '@anykernel/stack-ukfs';\nexport const start = (host) => ukfs({ host });`, loader: 'ts', resolveDir: import.meta.dirname },
    plugins: [{ name: 'sources', setup: (b) => b.onResolve({ filter: /^(@anykernel\/|#)/ }, ({ path, resolveDir }) => ({ path: sourceOf(path, resolveDir, 'default') })) }],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'silent',
  });
  expect(outputFiles[0]?.text).not.toMatch(/(from|import\() ?['"]node:/);
});
