/** Edges between packages, derived from the imports in their sources and tests. */
import type { Tree, Unit } from './tree.js';

export interface Edge {
  /** The imported package's npm name, deep paths cut off. */
  readonly to: string;
  /** The files that import it, sources before tests. */
  readonly files: readonly string[];
  readonly typeOnly: boolean;
}

/** The package part of a specifier: '@a/b/c' is '@a/b'; undefined for a path, a Node module, or a module of the package itself. */
export function packageOf(specifier: string): string | undefined {
  if (/^[./#]|^node:/.test(specifier)) return undefined;
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0];
}

/** The packages imported by `files` of `unit`, itself excepted, in order of name. */
export function edgesOf(tree: Tree, unit: Unit, files: readonly string[]): Edge[] {
  const found = new Map<string, { files: Set<string>; typeOnly: boolean }>();
  for (const path of files) {
    for (const one of tree.imports(path)) {
      const to = packageOf(one.from);
      if (to === undefined || to === unit.name) continue;
      const edge = found.get(to) ?? { files: new Set(), typeOnly: true };
      edge.files.add(path);
      edge.typeOnly &&= one.typeOnly;
      found.set(to, edge);
    }
  }
  return [...found].map(([to, edge]) => ({ to, files: [...edge.files], typeOnly: edge.typeOnly })).sort((a, b) => (a.to < b.to ? -1 : 1));
}

/** The units that `unit`'s sources import. */
export function sourceEdges(tree: Tree, unit: Unit): Unit[] {
  return unitsBehind(tree, edgesOf(tree, unit, unit.sources));
}

/** The units that only its tests import. */
export function testEdges(tree: Tree, unit: Unit): Unit[] {
  const known = new Set(sourceEdges(tree, unit));
  return unitsBehind(tree, edgesOf(tree, unit, unit.tests)).filter((found) => !known.has(found));
}

function unitsBehind(tree: Tree, edges: readonly Edge[]): Unit[] {
  return edges.flatMap((edge) => tree.unit(edge.to) ?? []);
}
