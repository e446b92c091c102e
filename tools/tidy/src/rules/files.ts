/** No file without a reader, and every file says what it is. */
import { posix } from 'node:path';
import type { Finding, Tree, Unit } from '../tree.js';

/** Sources that nothing reaches from the entry, and helpers of tests that no test reaches. */
export function deadFiles(tree: Tree): Finding[] {
  return tree.units.flatMap((unit) => {
    const entries = [
      ...unit.sources.filter((path) => isEntry(tree, unit, path)),
      ...unit.tests.filter((path) => path.endsWith('.test.ts')),
    ];
    const reached = reach(tree, entries);
    return [...unit.sources, ...unit.tests]
      .filter((path) => !reached.has(path))
      .map((path) => ({ path, message: 'nobody imports this file' }));
  });
}

/** A source file opens with a comment: its contract. A list of re-exports needs none. */
export function opening(tree: Tree): Finding[] {
  return tree.units.flatMap((unit) =>
    unit.sources
      .filter((path) => !/^(#!.*\n)?\/\*\*/.test(tree.text(path) ?? '') && !isListOfExports(tree.text(path) ?? ''))
      .map((path) => ({ path, message: 'does not open with its contract (a /** comment */)' })),
  );
}

function isListOfExports(text: string): boolean {
  return (
    text
      .replace(/export (type )?(\*|\{[^}]*\}) from '[^']*';/g, '')
      .replace(/\/\/.*/g, '')
      .trim() === ''
  );
}

/** index.ts, a tool's main.ts, and what package.json names: programs, and files that scripts run. */
function isEntry(tree: Tree, unit: Unit, path: string): boolean {
  const inside = path.slice(unit.dir.length + 1);
  if (inside === 'src/index.ts' || (unit.group === 'tools' && inside === 'src/main.ts')) return true;
  const built = inside.replace(/^src\//, 'dist/').replace(/\.ts$/, '.js');
  return (
    [tree.text(`${unit.dir}/package.json`), tree.text('package.json')].some((text) => text?.includes(built) || text?.includes(path)) ||
    runByName(tree, unit, built)
  );
}

/** Files that the scripts in tools/run call by their path. */
function runByName(tree: Tree, unit: Unit, built: string): boolean {
  return [...tree.files].some(([path, text]) => path.startsWith('tools/run/') && text.includes(`${unit.dir}/${built}`));
}

function reach(tree: Tree, entries: readonly string[]): ReadonlySet<string> {
  const reached = new Set<string>();
  const visit = (path: string): void => {
    if (reached.has(path) || tree.text(path) === undefined) return;
    reached.add(path);
    for (const { from } of tree.imports(path))
      if (from.startsWith('.')) visit(posix.join(posix.dirname(path), from).replace(/\.js$/, '.ts'));
  };
  for (const path of entries) visit(path);
  return reached;
}
