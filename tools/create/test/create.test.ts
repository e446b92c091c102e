/** New components, seen as files, and made in a copy of this repository, where they must be green at once. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { check, fixes, readTree, treeOf } from '@anykernel/tools-tidy';
import { fileURLToPath } from 'node:url';
import { filesOf, over, templates, wish } from '../src/index.js';
import { Copy } from './copy.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const TREE = treeOf({ 'packages/fs/tmpfs/src/index.ts': '/** T. */\n' });

test.each([
  ['foofs', /not GROUP\/NAME/],
  ['host/foo', /not GROUP\/NAME/],
  ['fs/foo/bar', /not GROUP\/NAME/],
  ['fs/FooFs', /no name of a component/],
  ['fs/null', /cannot be a constant/],
  ['fs/tmpfs', /there is packages\/fs\/tmpfs already/],
])('"%s" is refused', (where, says) => {
  expect(() => wish(TREE, where, 'A file system.')).toThrow(says);
});

test('a component without a sentence is refused', () => {
  expect(() => wish(TREE, 'fs/foofs', ' ')).toThrow(/a sentence is missing/);
});

test('the sentence is in the declaration, the README, the manifest and the changeset', () => {
  const files = filesOf(wish(TREE, 'fs/barfs', 'The bar file system.'), templates());
  const with_ = [...files].filter(([, text]) => text.includes('The bar file system.')).map(([path]) => path);
  expect(with_.sort()).toEqual([
    '.changeset/barfs.md',
    'packages/fs/barfs/README.md',
    'packages/fs/barfs/package.json',
    'packages/fs/barfs/src/index.ts',
  ]);
  expect([...files.values()].join()).not.toMatch(/foofs|\{\{/);
});

describe('one of each group, in a copy of this repository', () => {
  const wishes = ['fs/newfs', 'dev/newdev', 'kern/newkern'];
  const dirs = wishes.map((where) => `packages/${where}`);
  const tree = readTree(ROOT);
  const files = new Map(wishes.flatMap((where) => [...filesOf(wish(tree, where, 'A new component.'), templates())]));
  const ours = (path: string): boolean => dirs.some((dir) => path.startsWith(`${dir}/`));
  const whole = over(tree, new Map([...files, ...fixes(over(tree, files)).filter(([path]) => ours(path))]));
  let copy: Copy;

  beforeAll(() => {
    copy = new Copy(ROOT, whole);
  });
  afterAll(() => copy.remove());

  test('keeps the house rules', () => {
    expect(check(whole).filter(({ path }) => ours(path))).toEqual([]);
  });

  test('passes the type checker', () => {
    expect(copy.typecheck(dirs)).toBe('');
  }, 300_000);

  test('passes its own tests', () => {
    const { passed, failed, said } = copy.jest(dirs);
    if (failed > 0) throw new Error(said);
    expect(passed).toBeGreaterThan(wishes.length);
  }, 300_000);
});
