/** Words that mark unfinished work, or that tell how it was organised: a thing is whole, or it is absent and named under "Not here". */
import type { Finding, Tree } from '../tree.js';

const BANNED: readonly RegExp[] = [
  /\b(TODO|FIXME|XXX|HACK)\b/,
  /\b(for now|placeholders?|stubs?|stubbed)\b/i,
  /\bnot yet implemented\b/i,
  /\bissue #?\d+\b/i,
];

/** This file and its test are made of the words. */
const EXEMPT = /^tools\/tidy\/(src\/rules|test)\/words\b/;

export function words(tree: Tree): Finding[] {
  return [...tree.files]
    .filter(([path]) => /\.(ts|mjs|cjs|md|yaml)$|^\.ci\/run$/.test(path) && !EXEMPT.test(path) && path !== 'pnpm-lock.yaml')
    .flatMap(([path, text]) =>
      text.split('\n').flatMap((line, index) => {
        const found = BANNED.map((pattern) => pattern.exec(line)?.[0]).find((word) => word !== undefined);
        return found === undefined ? [] : [{ path, message: `${path}:${index + 1} says "${found}"` }];
      }),
    );
}
