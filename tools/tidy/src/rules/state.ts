/**
 * State belongs to a kernel instance, never to a module: many kernels live in one process.
 *
 * In kernel code a module has no `let`, no constant whose contents a function changes, no collection exported for others to change, and
 * a class no changing static.
 */
import ts from 'typescript';
import { hasModifier, isLocal, moduleVariables, walk } from '../syntax.js';
import { type Finding, KERNEL_GROUPS, type Tree } from '../tree.js';

const CHANGES = new Set([
  'push',
  'pop',
  'shift',
  'unshift',
  'splice',
  'sort',
  'reverse',
  'fill',
  'set',
  'add',
  'delete',
  'clear',
  'copyWithin',
]);
const COLLECTION = /^new (Map|Set|WeakMap|WeakSet|Array)\b|^\[/;
const READONLY = /^(readonly\b|Readonly)|as const$/;

export function state(tree: Tree): Finding[] {
  const units = tree.units.filter((unit) => KERNEL_GROUPS.includes(unit.group));
  return units.flatMap((unit) =>
    unit.sources.flatMap((path) => [...variables(tree, path), ...changes(tree, path), ...statics(tree, path)]),
  );
}

function variables(tree: Tree, path: string): Finding[] {
  return moduleVariables(tree.parse(path)).flatMap(({ statement, declaration }) => {
    const where = tree.at(path, declaration);
    const name = declaration.name.getText();
    if (!(statement.declarationList.flags & ts.NodeFlags.Const)) return [{ path, message: `${where} \`${name}\` is state of a module` }];
    const value = declaration.initializer?.getText() ?? '';
    const frozen = READONLY.test(declaration.type?.getText() ?? '') || READONLY.test(value);
    const open = hasModifier(statement, ts.SyntaxKind.ExportKeyword) && COLLECTION.test(value) && !frozen;
    return open ? [{ path, message: `${where} \`${name}\` is exported, and anyone can change it: make its type readonly` }] : [];
  });
}

/** Changes made within functions to constants of the module. */
function changes(tree: Tree, path: string): Finding[] {
  const file = tree.parse(path);
  const constants = new Set(moduleVariables(file).map(({ declaration }) => declaration.name.getText()));
  const findings: Finding[] = [];
  walk(file, (node) => {
    const root = changedRoot(node);
    if (root === undefined || !constants.has(root.text) || !insideFunction(node) || isLocal(node, root.text)) return;
    findings.push({ path, message: `${tree.at(path, node)} changes \`${root.text}\`, which is of the module and so of all kernels` });
  });
  return findings;
}

/** The identifier at the root of what `node` changes: `a` in `a.b[0] = 1`, `a.push(x)`, `a.n++`, `delete a.x`. */
function changedRoot(node: ts.Node): ts.Identifier | undefined {
  if (ts.isBinaryExpression(node) && isAssignment(node.operatorToken.kind)) return rootOf(node.left);
  if (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) {
    const counts = node.operator === ts.SyntaxKind.PlusPlusToken || node.operator === ts.SyntaxKind.MinusMinusToken;
    return counts ? rootOf(node.operand) : undefined;
  }
  if (ts.isDeleteExpression(node)) return rootOf(node.expression);
  if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression) && CHANGES.has(node.expression.name.text)) {
    return rootOf(node.expression.expression);
  }
  return undefined;
}

function isAssignment(kind: ts.SyntaxKind): boolean {
  return kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment;
}

function rootOf(node: ts.Expression): ts.Identifier | undefined {
  if (ts.isIdentifier(node)) return node;
  return ts.isPropertyAccessExpression(node) || ts.isElementAccessExpression(node) ? rootOf(node.expression) : undefined;
}

function insideFunction(node: ts.Node): boolean {
  return ts.findAncestor(node, (above) => ts.isFunctionLike(above)) !== undefined;
}

function statics(tree: Tree, path: string): Finding[] {
  const findings: Finding[] = [];
  walk(tree.parse(path), (node) => {
    const loose =
      ts.isPropertyDeclaration(node) && hasModifier(node, ts.SyntaxKind.StaticKeyword) && !hasModifier(node, ts.SyntaxKind.ReadonlyKeyword);
    if (loose) findings.push({ path, message: `${tree.at(path, node)} a static that changes is state of a module` });
  });
  return findings;
}
