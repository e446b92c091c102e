/** The packages of this tree as a stranger gets them: tarballs, what stands in them, and what they need of each other. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Tarball {
  /** The npm name. */
  readonly name: string;
  readonly file: string;
  /** Packed for strangers to install; examples are packed and never published. */
  readonly published: boolean;
  /** Names of its `dependencies`, those outside this tree included. */
  readonly requires: readonly string[];
  /** Names of its `devDependencies`. */
  readonly tests: readonly string[];
  /** Paths within the package. */
  readonly contents: readonly string[];
}

/** Packs every package under `root` into `folder`, and reads the tarballs. The packages are built already. */
export function packAll(root: string, folder: string): Tarball[] {
  mkdirSync(folder, { recursive: true });
  const done = spawnSync('pnpm', ['-r', '--filter', './packages/**', 'pack', '--pack-destination', folder], {
    cwd: root,
    encoding: 'utf8',
  });
  if (done.status !== 0) throw new Error(`pnpm pack failed:\n${done.stdout}${done.stderr}`);
  return readdirSync(folder)
    .filter((file) => file.endsWith('.tgz'))
    .sort()
    .map((file) => readTarball(join(folder, file)));
}

export function readTarball(file: string): Tarball {
  const manifest = JSON.parse(tar(['-xzOf', file, 'package/package.json']));
  const contents = tar(['-tzf', file])
    .trim()
    .split('\n')
    .map((path) => path.replace(/^package\//, ''));
  return {
    name: manifest.name,
    file,
    published: manifest.private !== true,
    requires: Object.keys(manifest.dependencies ?? {}),
    tests: Object.keys(manifest.devDependencies ?? {}),
    contents,
  };
}

/** The tarballs that `names` need, each once: the closure over `requires` within `all`. Throws on a name that is not among them. */
export function closure(all: readonly Tarball[], names: readonly string[]): Tarball[] {
  const byName = new Map(all.map((tarball) => [tarball.name, tarball]));
  const found = new Set<Tarball>();
  const visit = (name: string): void => {
    const tarball = byName.get(name);
    if (tarball === undefined || found.has(tarball)) return;
    found.add(tarball);
    for (const required of tarball.requires) visit(required);
  };
  for (const name of names) {
    if (!byName.has(name)) throw new Error(`there is no package ${name}`);
    visit(name);
  }
  return [...found];
}

/** A tarball's bytes. */
export function bytesOf(tarball: Tarball): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(tarball.file));
}

function tar(args: readonly string[]): string {
  return execFileSync('tar', args, { encoding: 'utf8', maxBuffer: 64 << 20 });
}
