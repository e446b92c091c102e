/** tsconfig.json, derived: the base that the group demands, and a reference for every edge of the sources. */
import { posix } from 'node:path';
import { sourceEdges } from '../edges.js';
import { KERNEL_GROUPS, type Tree, type Unit } from '../tree.js';

/** The base configuration of a unit: kernel code sees the language alone. */
function baseOf(unit: Unit): 'kernel' | 'node' {
  const kernel = KERNEL_GROUPS.includes(unit.group) || unit.name === '@anykernel/host-rumpuser';
  return kernel ? 'kernel' : 'node';
}

/** The text of `unit`'s tsconfig.json. Compiler options of its own are kept, except in kernel code, which has none. */
export function deriveTsconfig(tree: Tree, unit: Unit): string {
  const now = tree.json(`${unit.dir}/tsconfig.json`);
  const base = baseOf(unit);
  const references = sourceEdges(tree, unit)
    .filter((found) => found.group !== 'tools')
    .map((found) => ({ path: posix.relative(unit.dir, found.dir) }));
  const config = {
    extends: `${posix.relative(unit.dir, '')}/tsconfig.${base}.json`,
    compilerOptions: base === 'kernel' ? undefined : now?.['compilerOptions'],
    references: references.length === 0 ? undefined : references,
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}
