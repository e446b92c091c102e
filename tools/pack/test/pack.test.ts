import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { asStranger, blocksOf, closure, contents, count, lines, table, type Tarball } from '../src/index.js';

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

test('a page has programs, commands and files; what is left out says so', () => {
  const fence = '```';
  const page = `A\n\n${fence}js\na();\n${fence}\n\n\`b.json\`:\n\n${fence}json\n{}\n${fence}\n\n<!-- not run: no -->\n${fence}sh\nx\n${fence}\n\n${fence}sh\ny\n${fence}\n${fence}ts\nz\n${fence}\n`;
  expect(blocksOf(page)).toEqual([
    { language: 'js', code: 'a();\n', line: 3 },
    { language: 'json', code: '{}\n', line: 9, file: 'b.json' },
    { language: 'sh', code: 'y\n', line: 18 },
  ]);
});

test("the files in the driver's tutorial are the example's", () => {
  const page = read('docs/tutorials/driver.md');
  for (const file of ['src/index.ts', 'src/vnops.ts', 'test/conformance.test.ts'])
    expect(page).toContain(`### ${file}\n\n\`\`\`ts\n${read(`packages/example/mapfs/${file}`)}\`\`\`\n`);
});

/** A file of this tree. */
function read(path: string): string {
  return readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
}
