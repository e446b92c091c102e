import { expect, test } from '@jest/globals';
import { asStranger, closure, contents, count, lines, table, type Tarball } from '../src/index.js';

function tarball(name: string, ...requires: string[]): Tarball {
  return { name, requires, file: `/${name}.tgz`, published: true, tests: [], contents: [] };
}

const WHOLE = ['package.json', 'README.md', 'LICENSE', 'dist/index.js', 'dist/index.d.ts', 'src/index.ts'];

test('a set is the closure of its leaves and nothing more', () => {
  const all = [tarball('a', 'b', 'npm-thing'), tarball('b', 'c'), tarball('c'), tarball('d')];
  expect(closure(all, ['a']).map((found) => found.name)).toEqual(['a', 'b', 'c']);
});

test('a set of a package that is not there is refused by name', () => {
  expect(() => closure([tarball('a')], ['b'])).toThrow(/no package b/);
});

test('a whole tarball has nothing to complain of', () => {
  expect(contents(WHOLE)).toEqual([]);
});

test('a tarball without its licence, or with a build record, is found', () => {
  expect(contents([...WHOLE.filter((path) => path !== 'LICENSE'), 'tsconfig.tsbuildinfo'])).toEqual([
    'LICENSE is missing',
    'tsconfig.tsbuildinfo should not be there',
  ]);
});

test('a check with a problem counts as failed, and says it', () => {
  const check = { name: 'a', problems: ['no good'] };
  expect(count([check, { name: 'b', problems: [] }])).toEqual({ passed: 1, failed: 1 });
  expect(lines(check)).toEqual(['FAILED a', '       no good']);
});

test('the table gives packages and size', () => {
  expect(table([{ title: 'all', packages: 12, bytes: 2048 }])[1]).toMatch(/^all +12 +2 KiB$/);
});

test("an example's test sees the installed package", () => {
  const text = "import { foofs } from '../src/index.js';\nconst a: number = foofs;\nexport { a };\n";
  expect(asStranger(text, '@anykernel/example-foofs')).toMatch(/^import \{ foofs \} from "@anykernel\/example-foofs";\nconst a = foofs;/);
});
