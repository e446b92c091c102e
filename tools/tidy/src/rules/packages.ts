/** Every package can be published as it is: it says what it is, has one entry, and lists what it imports. */
import { isBuiltin } from 'node:module';
import { posix } from 'node:path';
import { SECTIONS, sectionOf } from '../derive/readme.js';
import { edgesOf, packageOf } from '../edges.js';
import type { Finding, Tree, Unit } from '../tree.js';

const SCOPE = '@anykernel/';

/** A description, and a README whose sections all say something. */
export function described(tree: Tree): Finding[] {
  return published(tree).flatMap((unit) => {
    const readme = `${unit.dir}/README.md`;
    const text = tree.text(readme) ?? '';
    const empty = SECTIONS.filter((section) => section !== 'Edges' && sectionOf(text, section) === '').map((section) => ({
      path: readme,
      message: `"## ${section}" says nothing`,
    }));
    if (tree.json(`${unit.dir}/package.json`)?.['description']) return empty;
    return [...empty, { path: `${unit.dir}/package.json`, message: 'has no description' }];
  });
}

/** Packages meet at their one entry: no imports of their insides, by name or by path. */
export function entries(tree: Tree): Finding[] {
  return tree.units.flatMap((unit) =>
    [...unit.sources, ...unit.tests].flatMap((path) =>
      tree.imports(path).flatMap(({ from, node }) => {
        const deep = from.startsWith(SCOPE) && packageOf(from) !== from;
        const outside = from.startsWith('.') && !`${posix.join(posix.dirname(path), from)}/`.startsWith(`${unit.dir}/`);
        const finding = { path, message: `${tree.at(path, node)} imports the inside of another package: ${from}` };
        return (deep || outside) && unit.group !== 'tools' ? [finding] : [];
      }),
    ),
  );
}

/** An import from outside this tree is in package.json; one from inside exists. */
export function dependencies(tree: Tree): Finding[] {
  const shared = namesIn(tree, 'package.json', ['devDependencies']);
  return tree.units.flatMap((unit) => {
    const manifest = `${unit.dir}/package.json`;
    const runtime = namesIn(tree, manifest, ['dependencies', 'peerDependencies', 'optionalDependencies']);
    const all = new Set([...runtime, ...namesIn(tree, manifest, ['devDependencies']), ...shared]);
    return [...missing(tree, unit, unit.sources, unit.group === 'tools' ? all : runtime), ...missing(tree, unit, unit.tests, all)];
  });
}

function missing(tree: Tree, unit: Unit, files: readonly string[], known: ReadonlySet<string>): Finding[] {
  return edgesOf(tree, unit, files)
    .filter((edge) => !isBuiltin(edge.to) && tree.unit(edge.to) === undefined && !known.has(edge.to))
    .map((edge) => ({
      path: edge.files[0] ?? unit.dir,
      message: edge.to.startsWith(SCOPE) ? `there is no package ${edge.to}` : `${edge.to} is not in ${unit.dir}/package.json`,
    }));
}

function namesIn(tree: Tree, manifest: string, fields: readonly string[]): ReadonlySet<string> {
  const json = tree.json(manifest) ?? {};
  return new Set(fields.flatMap((field) => Object.keys((json[field] as Record<string, string> | undefined) ?? {})));
}

/** The units that have a README and a manifest of their own for users. */
function published(tree: Tree): readonly Unit[] {
  return tree.units.filter((unit) => unit.group !== 'tools');
}
