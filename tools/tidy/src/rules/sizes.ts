/**
 * Sizes as a ratchet: a file has at most 500 lines, a function 60. What was longer when the rule came stands in ratchet.json with its
 * length: it may shrink, not grow. `--fix` lowers the numbers and drops those no longer needed; nothing raises them but a person.
 */
import ts from 'typescript';
import { walk } from '../syntax.js';
import type { Finding, Tree } from '../tree.js';

export const RATCHET = 'tools/tidy/ratchet.json';
const FILE_LINES = 500;
const FUNCTION_LINES = 60;

/** Lines by path, and by path#function. */
export interface Sizes {
  readonly files: Readonly<Record<string, number>>;
  readonly functions: Readonly<Record<string, number>>;
}

export function sizes(tree: Tree): Finding[] {
  const allowed = ratchet(tree);
  const now = measure(tree);
  return [...compare(now.files, allowed.files, FILE_LINES), ...compare(now.functions, allowed.functions, FUNCTION_LINES)];
}

/** The ratchet as the tree allows it to be: no number above today's, none that is not needed. */
export function lowered(tree: Tree): string {
  const allowed = ratchet(tree);
  const now = measure(tree);
  const lower = (was: Readonly<Record<string, number>>, is: Readonly<Record<string, number>>, limit: number): Record<string, number> =>
    Object.fromEntries(
      Object.entries(was)
        .map(([key, lines]): [string, number] => [key, Math.min(lines, is[key] ?? 0)])
        .filter(([, lines]) => lines > limit)
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  const sizes: Sizes = {
    files: lower(allowed.files, now.files, FILE_LINES),
    functions: lower(allowed.functions, now.functions, FUNCTION_LINES),
  };
  return `${JSON.stringify(sizes, undefined, 2)}\n`;
}

/** The lines of every source file, and of every named function in one. */
function measure(tree: Tree): Sizes {
  const files: Record<string, number> = {};
  const functions: Record<string, number> = {};
  for (const path of tree.units.flatMap((unit) => unit.sources)) {
    const file = tree.parse(path);
    files[path] = file.text.split('\n').length - 1;
    walk(file, (node) => {
      const name = functionName(node);
      if (name === undefined) return;
      const key = `${path}#${name}`;
      functions[key] = Math.max(functions[key] ?? 0, lineAt(file, node.end) - lineAt(file, node.getStart(file)) + 1);
    });
  }
  return { files, functions };
}

function lineAt(file: ts.SourceFile, position: number): number {
  return file.getLineAndCharacterOfPosition(position).line;
}

function functionName(node: ts.Node): string | undefined {
  if (ts.isConstructorDeclaration(node)) return `${className(node)}.constructor`;
  if (ts.isMethodDeclaration(node) || ts.isAccessor(node)) return `${className(node)}.${node.name.getText()}`;
  if (ts.isFunctionDeclaration(node)) return node.name?.text;
  const assigned =
    ts.isVariableDeclaration(node) &&
    node.initializer !== undefined &&
    (ts.isArrowFunction(node.initializer) || ts.isFunctionExpression(node.initializer));
  return assigned ? node.name.getText() : undefined;
}

function className(member: ts.Node): string {
  return ts.isClassLike(member.parent) ? (member.parent.name?.text ?? 'class') : 'object';
}

function ratchet(tree: Tree): Sizes {
  const { files = {}, functions = {} } = (tree.json(RATCHET) ?? {}) as Partial<Sizes>;
  return { files, functions };
}

function compare(now: Readonly<Record<string, number>>, allowed: Readonly<Record<string, number>>, limit: number): Finding[] {
  return Object.entries(now).flatMap(([key, lines]) => {
    const most = allowed[key] ?? limit;
    if (lines <= Math.max(most, limit)) return [];
    const [path = key] = key.split('#');
    return [
      { path, message: `${key} has ${lines} lines; ${most === limit ? `the limit is ${limit}` : `it had ${most}, and may not grow`}` },
    ];
  });
}
