/** No package needs itself, by its sources or its tests: a build has an order. */
import { sourceEdges, testEdges } from '../edges.js';
import type { Finding, Tree, Unit } from '../tree.js';

export function cycles(tree: Tree): Finding[] {
  const done = new Set<Unit>();
  const findings: Finding[] = [];
  const visit = (unit: Unit, path: readonly Unit[]): void => {
    const start = path.indexOf(unit);
    if (start !== -1) {
      const circle = [...path.slice(start), unit].map((found) => found.unit).join(' -> ');
      findings.push({ path: unit.dir, message: `a circle: ${circle}. A test that needs an upper package stands in that package` });
      return;
    }
    if (done.has(unit)) return;
    for (const to of [...sourceEdges(tree, unit), ...testEdges(tree, unit)]) visit(to, [...path, unit]);
    done.add(unit);
  };
  for (const unit of tree.units) visit(unit, []);
  return findings;
}
