/** The house rules of this repository, as functions over a tree. */
import { derive } from './derive/derive.js';
import { requires, sameWord } from './rules/components.js';
import { cycles } from './rules/cycles.js';
import { derived } from './rules/derived.js';
import { directions } from './rules/directions.js';
import { links, titles } from './rules/documents.js';
import { deadFiles, opening } from './rules/files.js';
import { hosts } from './rules/hosts.js';
import { language, synchronous } from './rules/language.js';
import { dependencies, described, entries } from './rules/packages.js';
import { released } from './rules/released.js';
import { sizes } from './rules/sizes.js';
import { state } from './rules/state.js';
import { words } from './rules/words.js';
import type { Finding, Tree } from './tree.js';

export { type Finding, readTree, Tree, treeOf } from './tree.js';

/** A rule: what it finds wrong in a tree. */
export type Rule = (tree: Tree) => Finding[];

/** Every rule, by the sentence that it upholds. */
export const RULES: Readonly<Record<string, Rule>> = {
  'what follows from the sources stands as it follows': derived,
  'imports point down': directions,
  'no package needs itself': cycles,
  'packages meet at their one entry': entries,
  'every import is a dependency': dependencies,
  'every package says what it is': described,
  'a component has one word in four places': sameWord,
  'a component requires what it imports': requires,
  'kernel code names no host': hosts,
  'kernel code has no module state': state,
  'kernel code is synchronous': synchronous,
  'no default export, enum, namespace or any': language,
  'every file has a reader': deadFiles,
  'every file opens with its contract': opening,
  'a document has one title': titles,
  'every link leads somewhere': links,
  'no words of unfinished work': words,
  'files and functions do not outgrow the ratchet': sizes,
  'what was never released is in a changeset': released,
};

/** All findings of all rules. */
export function check(tree: Tree): Finding[] {
  return Object.values(RULES).flatMap((rule) => rule(tree));
}

/** Path and new text of what `--fix` writes. */
export function fixes(tree: Tree): [string, string][] {
  return [...derive(tree)].filter(([path, text]) => tree.text(path) !== text);
}
