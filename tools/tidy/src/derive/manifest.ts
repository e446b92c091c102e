/**
 * package.json, derived: the standard fields, and an edge for every import.
 *
 * What a person decides is kept: version, description, `bin`, `private`, dependencies from outside this tree. The rest is the same everywhere.
 */
import { sourceEdges, testEdges } from '../edges.js';
import type { Tree, Unit } from '../tree.js';

type Json = Record<string, unknown>;

const ENGINES = { node: '>=20.19' };

/** The text of `unit`'s package.json as it should be. */
export function deriveManifest(tree: Tree, unit: Unit): string {
  const now: Json = tree.json(`${unit.dir}/package.json`) ?? {};
  const common: Json = { ...now, name: unit.name, type: 'module', license: 'BSD-2-Clause' };
  const whole = unit.group === 'tools' ? toolManifest(common) : packageManifest(common, unit);
  return `${JSON.stringify(ordered({ ...whole, ...dependencies(tree, unit, now) }), undefined, 2)}\n`;
}

/** A tool is used from its source, and never published. */
function toolManifest(now: Json): Json {
  return { ...now, version: '0.0.0', private: true, exports: { '.': './src/index.ts' } };
}

function packageManifest(now: Json, unit: Unit): Json {
  const shared: Json = {
    ...now,
    version: now['version'] ?? '0.0.0',
    description: now['description'] ?? '',
    sideEffects: false,
    exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } },
    files: ['dist', 'src', 'README.md', 'LICENSE', ...extraFiles(now)],
    scripts: { ...(now['scripts'] as Json | undefined), build: 'tsc -b' },
    engines: ENGINES,
  };
  if (unit.group === 'example') return { ...shared, private: true };
  return { ...shared, publishConfig: { access: 'public' } };
}

/** Files that a package ships beside the usual ones, such as an image or a `bin` folder. */
function extraFiles(now: Json): string[] {
  const standard = ['dist', 'src', 'README.md', 'LICENSE'];
  const listed = Array.isArray(now['files']) ? (now['files'] as string[]) : [];
  return listed.filter((file) => !standard.includes(file));
}

function dependencies(tree: Tree, unit: Unit, now: Json): Json {
  const outside = (field: string): Json =>
    Object.fromEntries(Object.entries((now[field] as Json | undefined) ?? {}).filter(([name]) => tree.unit(name) === undefined));
  const inside = (units: readonly Unit[]): Json => Object.fromEntries(units.map((found) => [found.name, 'workspace:^']));
  const sorted = (all: Json): Json | undefined =>
    Object.keys(all).length === 0 ? undefined : Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
  const peers = Object.keys((now['peerDependencies'] as Json | undefined) ?? {});
  const own = sourceEdges(tree, unit).filter((found) => !peers.includes(found.name));
  return {
    dependencies: sorted({ ...outside('dependencies'), ...inside(own) }),
    devDependencies: sorted({ ...outside('devDependencies'), ...inside(testEdges(tree, unit)) }),
  };
}

const ORDER = [
  'name',
  'version',
  'private',
  'description',
  'keywords',
  'license',
  'type',
  'sideEffects',
  'bin',
  'exports',
  'imports',
  'files',
  'scripts',
  'engines',
  'publishConfig',
  'dependencies',
  'peerDependencies',
  'peerDependenciesMeta',
  'optionalDependencies',
  'devDependencies',
];

function ordered(manifest: Json): Json {
  const rest = Object.keys(manifest)
    .filter((key) => !ORDER.includes(key))
    .sort();
  return Object.fromEntries([...ORDER, ...rest].filter((key) => manifest[key] !== undefined).map((key) => [key, manifest[key]]));
}
