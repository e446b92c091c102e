/** What a stack weighs: the bytes of each package in it, minified, and compressed. */
import { gzipSync } from 'node:zlib';
import { dirname, relative } from 'node:path';
import { type Bundle, type BundleOptions, build, bundle, packageOf } from './bundle.js';

export interface Weight {
  /** The package's npm name. */
  readonly name: string;
  /** Bytes of its own code in the bundle, minified. */
  readonly minified: number;
  /** The same, compressed on its own; the parts add up to more than the whole. */
  readonly gzip: number;
}

export interface Weights {
  /** The heaviest first. */
  readonly packages: readonly Weight[];
  /** The whole bundle. */
  readonly minified: number;
  readonly gzip: number;
}

/** Weighs the bundle that `options` would make. */
export async function weigh(options: BundleOptions): Promise<Weights> {
  const whole = await bundle({ ...options, minify: true });
  const packages: Weight[] = [];
  for (const [name, entry] of packagesIn(whole)) {
    const platform = options.host === 'worker' ? 'browser' : 'node';
    const alone = await build({ entryPoints: [entry], platform, minify: true, packages: 'external' });
    const code = alone.outputFiles[0]?.contents ?? new Uint8Array(0);
    packages.push({ name, minified: code.length, gzip: gzipSync(code, { level: 9 }).length });
  }
  packages.sort((a, b) => b.minified - a.minified);
  return { packages, minified: whole.code.length, gzip: gzipSync(whole.code, { level: 9 }).length };
}

/** The packages of the bundle with their entry modules: the shallowest `index` that the bundle took from each. */
function packagesIn(b: Bundle): Map<string, string> {
  const entries = new Map<string, string>();
  for (const input of b.inputs) {
    const pkg = packageOf(input);
    if (pkg === undefined) continue;
    const entry = entries.get(pkg.name);
    if (entry === undefined || depth(pkg.dir, input) < depth(pkg.dir, entry)) entries.set(pkg.name, input);
    else if (depth(pkg.dir, input) === depth(pkg.dir, entry) && /[\\/]index\.[jt]s$/.test(input)) entries.set(pkg.name, input);
  }
  return entries;
}

function depth(dir: string, file: string): number {
  return relative(dir, dirname(file)).split(/[\\/]/).length;
}
