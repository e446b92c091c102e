/** Programs in one file, minified, to be weighed and imported: ukfs over tmpfs with its kernel, and memfs. */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { type BuildOptions, type Plugin, build } from 'esbuild';

const { sourceOf } = createRequire(import.meta.url)('../../jest/resolver.cjs') as {
  sourceOf(request: string, from: string): string | undefined;
};

/** The least that gives a whole `fs` in memory. */
const UKFS = `import { bareHostNode } from '@anykernel/host-node';
import { bareBoot } from '@anykernel/rumpkern';
import { rootTmpfs } from '@anykernel/tmpfs';
import { ukfs } from '@anykernel/ukfs';
export const fs = ukfs(bareBoot(bareHostNode(), [rootTmpfs]).newproc());`;

export interface Bundled {
  readonly code: Uint8Array;
  /** Paths of the modules that something of is in it. */
  readonly modules: readonly string[];
}

/** ukfs over tmpfs, from the packages as they are built, or from their sources. */
export function ukfsBundle(from: 'built' | 'sources' = 'built'): Promise<Bundled> {
  return bundle(UKFS, fileURLToPath(new URL('..', import.meta.url)), from === 'sources' ? { plugins: [fromSources] } : {});
}

/** memfs in the same form. It is CommonJS, and asks for Node's modules by require(). */
export function memfsBundle(): Promise<Bundled> {
  const from = createRequire(import.meta.url).resolve('memfs');
  const banner = { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" };
  return bundle(`import * as memfs from ${JSON.stringify(from)}; export const fs = memfs.createFsFromVolume(new memfs.Volume());`, '/', { banner });
}

/** Bytes, as they go over the wire. */
export function gzipLength(code: Uint8Array): number {
  return gzipSync(code, { level: 9 }).length;
}

async function bundle(contents: string, resolveDir: string, options: BuildOptions): Promise<Bundled> {
  const all = { bundle: true, minify: true, write: false, format: 'esm', platform: 'node', target: 'es2022', legalComments: 'none', metafile: true } as const;
  const { outputFiles, metafile } = await build({ ...options, ...all, stdin: { contents, resolveDir } });
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs));
  return {
    code: outputFiles[0]?.contents ?? new Uint8Array(0),
    modules: inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path),
  };
}

/** Packages by their sources, whose imports have the same effects as those of the built ones: none. */
const fromSources: Plugin = {
  name: 'sources',
  setup(b): void {
    b.onResolve({ filter: /^(@anykernel\/|#)/ }, ({ path, resolveDir }) => ({ path: sourceOf(path, resolveDir), sideEffects: false }));
  },
};
