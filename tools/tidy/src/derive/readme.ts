/** README.md: the sections which every package has. Edges is derived; the others are a person's, made empty where they are missing. */
import { posix } from 'node:path';
import { sourceEdges } from '../edges.js';
import type { Tree, Unit } from '../tree.js';

/** In this order, others may stand between. */
export const SECTIONS: readonly string[] = ['What', 'Use', 'Not here', 'Standard', 'Edges'];

/** The text of `unit`'s README.md, with the missing sections and today's edges. */
export function deriveReadme(tree: Tree, unit: Unit): string {
  let text = tree.text(`${unit.dir}/README.md`) ?? `# ${unit.name}\n`;
  for (const section of SECTIONS) {
    if (!hasSection(text, section)) text = `${text.trimEnd()}\n\n## ${section}\n`;
  }
  return withSection(text, 'Edges', edgeList(tree, unit));
}

function hasSection(text: string, section: string): boolean {
  return new RegExp(`^## ${section}$`, 'm').test(text);
}

/** The text below a heading, up to the next heading of its level. */
export function sectionOf(text: string, section: string): string {
  const [, after = ''] = text.split(new RegExp(`^## ${section}$`, 'm'));
  return (after.split(/^## /m)[0] ?? '').trim();
}

function withSection(text: string, section: string, body: string): string {
  const heading = new RegExp(`(^## ${section}\\n)[\\s\\S]*?(?=^## |(?![\\s\\S]))`, 'm');
  return `${text.trimEnd()}\n`.replace(heading, (_all, title: string) => `${title}\n${body}\n\n`).trimEnd() + '\n';
}

function edgeList(tree: Tree, unit: Unit): string {
  const edges = sourceEdges(tree, unit);
  if (edges.length === 0) return 'None.';
  return edges.map((found) => `- [${found.name}](${posix.relative(unit.dir, found.dir)})`).join('\n');
}
