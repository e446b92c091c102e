/** The programs in the README are run. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Programs } from './programs.js';

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const EXAMPLES = [...README.matchAll(/```js\n([\s\S]*?)```/g)].map((m) => m[1] as string);

const programs = new Programs();
beforeAll(() => programs.prepare());
afterAll(() => programs.remove());

test('there are as many as there should be', () => expect(EXAMPLES.length).toBe(4));

test.each(EXAMPLES.map((code, i) => [code.split('\n', 1)[0], code, i] as const))('what begins with %s', (_, code, i) => {
  const name = `readme${i}.mjs`;
  const program = code.replaceAll("'@anykernel/rumphijack'", JSON.stringify(programs.hijack));
  programs.write({ [name]: `import assert from 'node:assert/strict';\n${program}\nconsole.log('whole');` });
  expect(programs.start(join(programs.folder, name))).toMatchObject({ status: 0, stdout: 'whole\n' });
});
