/** The house rules of this repository, as functions over a tree. */
import { derive } from './derive/derive.js';
import { derived } from './rules/derived.js';
import type { Finding, Tree } from './tree.js';

export { type Finding, readTree, Tree, treeOf } from './tree.js';

/** A rule: what it finds wrong in a tree. */
export type Rule = (tree: Tree) => Finding[];

/** Every rule, by name. */
export const RULES: Readonly<Record<string, Rule>> = {
  derived,
};

/** All findings of all rules. */
export function check(tree: Tree): Finding[] {
  return Object.values(RULES).flatMap((rule) => rule(tree));
}

/** Path and new text of what `--fix` writes. */
export function fixes(tree: Tree): [string, string][] {
  return [...derive(tree)].filter(([path, text]) => tree.text(path) !== text);
}
