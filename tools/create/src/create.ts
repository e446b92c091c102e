/**
 * A new kernel component, as files: declaration, README, tests, changeset. Everything else follows from the imports (tidy).
 */
import { type Tree, treeOf } from '@anykernel/tools-tidy';

export interface Wish {
  readonly group: string;
  readonly unit: string;
  /** What it is, in one sentence. */
  readonly sentence: string;
}

/** The groups that hold kernel components, the template for each, and the class of its components. */
export const TEMPLATES: Readonly<Record<string, { readonly template: string; readonly class: string }>> = {
  fs: { template: 'fs', class: 'vfs' },
  kern: { template: 'plain', class: 'misc' },
  dev: { template: 'plain', class: 'driver' },
  net: { template: 'plain', class: 'net' },
};

/** The word in the templates that stands for the component. */
const WORD = 'foofs';

/** `fs/foofs` and a sentence, as a wish. Throws with what is wrong with it, seen against `tree`. */
export function wish(tree: Tree, where: string, sentence: string): Wish {
  const [group = '', unit = '', ...more] = where.split('/');
  if (TEMPLATES[group] === undefined || more.length > 0)
    throw new Error(`"${where}" is not GROUP/NAME with a group of ${Object.keys(TEMPLATES).join(', ')}`);
  if (!/^[a-z][a-z0-9]*$/.test(unit)) throw new Error(`"${unit}" is no name of a component: small letters and digits, a letter first`);
  if (RESERVED.has(unit)) throw new Error(`"${unit}" cannot be a constant in TypeScript: add fs, dev or the like`);
  const taken = tree.units.find((found) => found.unit === unit);
  if (taken !== undefined) throw new Error(`there is ${taken.dir} already`);
  if (sentence.trim() === '') throw new Error('a sentence is missing: what is it?');
  return { group, unit, sentence: sentence.trim() };
}

const RESERVED = new Set(['null', 'void', 'new', 'delete', 'this', 'package', 'default', 'import', 'export', 'class', 'function']);

/** Path and text of the files of a wish. `templates` are the files under template/, by their path from there. */
export function filesOf({ group, unit, sentence }: Wish, templates: ReadonlyMap<string, string>): Map<string, string> {
  const { template, class: kind } = TEMPLATES[group] as { template: string; class: string };
  const files = new Map<string, string>();
  for (const [path, text] of templates) {
    if (!path.startsWith(`${template}/`)) continue;
    const filled = text.replaceAll(WORD, unit).replaceAll('{{sentence}}', sentence).replaceAll('{{class}}', kind);
    files.set(`packages/${group}/${unit}/${path.slice(template.length + 1)}`, filled);
  }
  files.set(`packages/${group}/${unit}/package.json`, `${JSON.stringify({ version: '0.0.0', description: sentence })}\n`);
  files.set(`.changeset/${unit}.md`, `---\n'@anykernel/${unit}': minor\n---\n\n${sentence}\n`);
  return files;
}

/** `tree` with `files` over it. */
export function over(tree: Tree, files: ReadonlyMap<string, string>): Tree {
  return treeOf(Object.fromEntries([...tree.files, ...files]));
}
