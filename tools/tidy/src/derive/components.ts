/** The list of packages in the root README, between its two marks: derived, so that it is never out of date. */
import type { Tree, Unit } from '../tree.js';

const BEGIN = '<!-- components:begin -->';
const END = '<!-- components:end -->';

/** Groups as a reader meets them, and what they are called. */
const GROUPS: readonly (readonly [string, string])[] = [
  ['fs', 'File systems'],
  ['net', 'Network'],
  ['dev', 'Devices'],
  ['kern', 'Kernel'],
  ['librump', 'Base and factions'],
  ['client', 'Clients'],
  ['stack', 'Stacks'],
  ['host', 'Hosts'],
  ['lib', 'Libraries'],
  ['conformance', 'Conformance suites'],
];

/** The root README with today's list; undefined where it has no marks. */
export function deriveComponents(tree: Tree): string | undefined {
  const text = tree.text('README.md');
  const begin = text?.indexOf(BEGIN) ?? -1;
  const end = text?.indexOf(END) ?? -1;
  if (text === undefined || begin === -1 || end === -1) return undefined;
  return `${text.slice(0, begin + BEGIN.length)}\n${list(tree).join('\n')}\n${text.slice(end)}`;
}

function list(tree: Tree): string[] {
  return GROUPS.flatMap(([group, title]) => {
    const units = tree.units.filter((unit) => unit.group === group);
    return units.length === 0 ? [] : ['', `| ${title} | |`, '|---|---|', ...units.map((unit) => row(tree, unit))];
  }).concat('');
}

function row(tree: Tree, unit: Unit): string {
  const description = tree.json(`${unit.dir}/package.json`)?.['description'] ?? '';
  return `| [\`${unit.name}\`](${unit.dir}) | ${description} |`;
}
