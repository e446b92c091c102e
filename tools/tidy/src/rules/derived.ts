/** What follows from the sources stands as it follows. */
import { derive } from '../derive/derive.js';
import type { Finding, Tree } from '../tree.js';

export function derived(tree: Tree): Finding[] {
  return [...derive(tree)]
    .filter(([path, text]) => tree.text(path) !== text)
    .map(([path, text]) => ({
      path,
      message: tree.text(path) === undefined ? 'is missing: `pnpm tidy --fix`' : firstDifference(tree.text(path) ?? '', text),
    }));
}

function firstDifference(now: string, then: string): string {
  const lines = now.split('\n');
  const wanted = then.split('\n');
  const index = wanted.findIndex((line, at) => line !== lines[at]);
  const at = index === -1 ? wanted.length : index;
  return `line ${at + 1} should be ${JSON.stringify(wanted[at] ?? '')}: \`pnpm tidy --fix\``;
}
