/** The graph of the packages in docs/graph: for people (Mermaid in Markdown) and for programs (JSON). */
import { sourceEdges } from '../edges.js';
import type { Tree, Unit } from '../tree.js';

/** The files of docs/graph. */
export function deriveGraph(tree: Tree): [string, string][] {
  const units = tree.units.filter((unit) => unit.group !== 'tools');
  if (units.length === 0) return [];
  return [
    ['docs/graph/README.md', markdown(tree, units)],
    ['docs/graph/graph.json', json(tree, units)],
  ];
}

function json(tree: Tree, units: readonly Unit[]): string {
  const nodes = units.map((unit) => ({
    name: unit.name,
    dir: unit.dir,
    group: unit.group,
    requires: sourceEdges(tree, unit).map((found) => found.name),
  }));
  return `${JSON.stringify({ packages: nodes }, undefined, 2)}\n`;
}

const idOf = (unit: Unit): string => unit.dir.replace(/^packages\//, '').replace(/[^a-z0-9]/gi, '_');

function markdown(tree: Tree, units: readonly Unit[]): string {
  const lines = [
    '# The graph of the packages',
    '',
    'Derived from the imports. An arrow goes from a package to what it requires.',
    '',
    '```mermaid',
    'flowchart TD',
  ];
  for (const group of [...new Set(units.map((unit) => unit.group))]) {
    lines.push(`  subgraph ${group}`);
    for (const unit of units) if (unit.group === group) lines.push(`    ${idOf(unit)}["${unit.unit}"]`);
    lines.push('  end');
  }
  for (const unit of units) for (const found of sourceEdges(tree, unit)) lines.push(`  ${idOf(unit)} --> ${idOf(found)}`);
  return [...lines, '```', ''].join('\n');
}
