/** A package that was never released is named by a changeset, so that the next release brings it. */
import type { Finding, Tree, Unit } from '../tree.js';

/** The changeset of the first release, to which `--fix` adds what no other names. */
export const FIRST_CHANGESET = '.changeset/first-release.md';

export function released(tree: Tree): Finding[] {
  return unnamed(tree).map((name) => ({
    path: FIRST_CHANGESET,
    message: `no changeset names ${name}, which was never released: \`pnpm tidy --fix\``,
  }));
}

/** The first changeset with all that no changeset names added; undefined when there is nothing to add. */
export function firstChangeset(tree: Tree): string | undefined {
  const added = unnamed(tree);
  if (added.length === 0) return undefined;
  const text = tree.text(FIRST_CHANGESET) ?? '---\n---\n\nThe first release.\n';
  const [, front = '', body = ''] = /^---\n([\s\S]*?)---\n([\s\S]*)$/.exec(text) ?? [];
  const lines = [...front.trim().split('\n'), ...added.map((name) => `'${name}': minor`)].filter((line) => line !== '').sort();
  return `---\n${lines.join('\n')}\n---\n${body}`;
}

function unnamed(tree: Tree): string[] {
  const changesets = [...tree.files].filter(([path]) => /^\.changeset\/(?!README).*\.md$/.test(path)).map(([, text]) => text);
  return tree.units
    .filter((unit) => isPublic(tree, unit) && (tree.json(`${unit.dir}/package.json`)?.['version'] ?? '0.0.0') === '0.0.0')
    .map((unit) => unit.name)
    .filter((name) => !changesets.some((text) => text.includes(`'${name}':`) || text.includes(`"${name}":`)));
}

function isPublic(tree: Tree, unit: Unit): boolean {
  return unit.group !== 'tools' && unit.group !== 'example' && tree.json(`${unit.dir}/package.json`)?.['private'] !== true;
}
