/**
 * Everything that follows from the sources: `tidy --fix` writes it, and the rule `derived` compares it with what stands there.
 */
import { FIRST_CHANGESET, firstChangeset } from '../rules/released.js';
import { lowered, RATCHET } from '../rules/sizes.js';
import { LICENSE } from './license.js';
import { deriveComponents } from './components.js';
import { deriveGraph } from './graph.js';
import { deriveManifest } from './manifest.js';
import { deriveReadme } from './readme.js';
import { deriveTsconfig } from './tsconfig.js';
import type { Tree, Unit } from '../tree.js';

/** Path and text of every derived file, whether it is right already or not. */
export function derive(tree: Tree): Map<string, string> {
  const files = new Map<string, string>();
  for (const unit of tree.units) for (const [path, text] of deriveUnit(tree, unit)) files.set(path, text);
  for (const [path, text] of deriveGraph(tree)) files.set(path, text);
  const readme = deriveComponents(tree);
  if (readme !== undefined) files.set('README.md', readme);
  const changeset = firstChangeset(tree);
  if (changeset !== undefined) files.set(FIRST_CHANGESET, changeset);
  if (tree.text(RATCHET) !== undefined) files.set(RATCHET, lowered(tree));
  return files;
}

function deriveUnit(tree: Tree, unit: Unit): [string, string][] {
  const files: [string, string][] = [
    [`${unit.dir}/package.json`, deriveManifest(tree, unit)],
    [`${unit.dir}/tsconfig.json`, deriveTsconfig(tree, unit)],
  ];
  if (unit.group === 'tools') return files;
  return [...files, [`${unit.dir}/README.md`, deriveReadme(tree, unit)], [`${unit.dir}/LICENSE`, LICENSE]];
}
