import { expect, test } from '@jest/globals';
import { treeOf } from '../src/index.js';
import { words } from '../src/rules/words.js';

test.each(['TODO: more', 'works for now', 'a stub', 'Placeholder', 'see issue #12'])('the words "%s" are found', (line) => {
  expect(words(treeOf({ 'packages/fs/foofs/src/index.ts': `/** F. */\n// ${line}\n` }))).toEqual([
    { path: 'packages/fs/foofs/src/index.ts', message: expect.stringMatching(/index\.ts:2 says "/) },
  ]);
});

test('words that only look like them are not', () => {
  expect(words(treeOf({ 'docs/a.md': '# Forknow\n\nmkdtemp XXXXXX, stubborn, an issue of its own.\n' }))).toEqual([]);
});
