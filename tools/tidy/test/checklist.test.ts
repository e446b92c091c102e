/** docs/netbsd-tests.md: what it says is tested has a test of that name. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

interface Line {
  readonly name: string;
  readonly covered: readonly { readonly file: string; readonly title: string }[];
  readonly why: string | undefined;
}

function linesOf(page: string): Line[] {
  return page
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| NetBSD |'))
    .map((line) => {
      const [name, here] = line.slice(2, -2).split(' | ');
      const covered = [...here.matchAll(/\[[^\]]+\]\(\.\.\/([^)]+)\) "([^"]+)"/g)].map((m) => ({ file: m[1], title: m[2] }));
      return { name, covered, why: /^not done: (.+)$/.exec(here)?.[1] };
    });
}

const LINES = linesOf(readFileSync(join(ROOT, 'docs/netbsd-tests.md'), 'utf8'));

test('there are lines, each covered or with its reason', () => {
  expect(LINES.length).toBeGreaterThan(70);
  expect(LINES.filter((line) => (line.covered.length > 0) === (line.why !== undefined)).map((line) => line.name)).toEqual([]);
});

test('each test that is named is there', () => {
  const missing = LINES.flatMap((line) => line.covered.filter(({ file, title }) => !titlesOf(file).has(title)).map(({ file, title }) => `${line.name}: ${file} "${title}"`));
  expect(missing).toEqual([]);
});

/** Every text in quotation marks of a file. */
function titlesOf(file: string): ReadonlySet<string> {
  const text = readFileSync(join(ROOT, file), 'utf8');
  return new Set([...text.matchAll(/'((?:[^'\\\n]|\\.)+)'/g)].map((m) => m[1].replaceAll("\\'", "'")));
}
