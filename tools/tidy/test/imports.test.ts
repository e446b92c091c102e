import { expect, test } from '@jest/globals';
import ts from 'typescript';
import { importsOf } from '../src/imports.js';

function found(text: string): string[] {
  const file = ts.createSourceFile('a.ts', text, ts.ScriptTarget.ES2023, true);
  return importsOf(file).map(({ from, typeOnly, dynamic, names }) =>
    `${from}${typeOnly ? ' type' : ''}${dynamic ? ' dynamic' : ''} ${names.join()}`.trim(),
  );
}

test.each([
  ["import { a, type B } from 'x';", 'x a,B'],
  ["import type { A } from 'x';", 'x type A'],
  ["import { type A, type B } from 'x';", 'x type A,B'],
  ["import { a as b } from 'x';", 'x a'],
  ["import * as a from 'x';", 'x *'],
  ["import a from 'x';", 'x default'],
  ["import 'x';", 'x'],
  ["export * from 'x';", 'x *'],
  ["export { a } from 'x';", 'x a'],
  ["export type { A } from 'x';", 'x type A'],
  ["const a: import('x').A = b;", 'x type *'],
  ["await import('x');", 'x dynamic *'],
  ["new Worker(new URL('./x.js', import.meta.url));", './x.js dynamic *'],
])('%s', (text, expected) => {
  expect(found(text)).toEqual([expected]);
});

test('text and comments that look like imports are none', () => {
  expect(found("// import 'x';\nconst a = \"import 'y'\";")).toEqual([]);
});
