/** Small questions about syntax trees that several rules ask. */
import ts from 'typescript';

/** Calls `visit` with `node` and everything below it. */
export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

export function hasModifier(node: ts.Node, kind: ts.SyntaxKind): boolean {
  return ts.canHaveModifiers(node) && (ts.getModifiers(node)?.some((modifier) => modifier.kind === kind) ?? false);
}

/** The constants and variables declared at the top of a module. */
export function moduleVariables(file: ts.SourceFile): { statement: ts.VariableStatement; declaration: ts.VariableDeclaration }[] {
  return file.statements
    .filter(ts.isVariableStatement)
    .flatMap((statement) => statement.declarationList.declarations.map((declaration) => ({ statement, declaration })));
}

/** Whether the identifier refers to a value or a type, rather than naming a property, a parameter or a declaration. */
export function isReference(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isQualifiedName(parent)) return parent.left === node;
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node;
  if (ts.isBindingElement(parent)) return parent.initializer === node;
  if (ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent) || ts.isTypePredicateNode(parent)) return false;
  const named = parent as { readonly name?: ts.Node };
  return named.name !== node || ts.isShorthandPropertyAssignment(parent);
}

/** Whether `name` is declared in a function round `node`: as a parameter or a variable. */
export function isLocal(node: ts.Node, name: string): boolean {
  for (let scope = node.parent; !ts.isSourceFile(scope); scope = scope.parent) {
    if (ts.isFunctionLike(scope) && declares(scope, name)) return true;
  }
  return false;
}

function declares(scope: ts.Node, name: string): boolean {
  let found = false;
  walk(scope, (node) => {
    const declaration =
      ts.isParameter(node) || ts.isVariableDeclaration(node) || ts.isBindingElement(node) || ts.isFunctionDeclaration(node);
    if (declaration && node.name !== undefined && ts.isIdentifier(node.name) && node.name.text === name) found = true;
  });
  return found;
}
