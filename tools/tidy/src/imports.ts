/** The imports of a file: what it names, and whether anything of it is left when the types are gone. */
import ts from 'typescript';

export interface Import {
  /** As written: './x.js', 'node:fs', '@anykernel/rumpvfs'. */
  readonly from: string;
  readonly typeOnly: boolean;
  /** `import('x')` in an expression. */
  readonly dynamic: boolean;
  /** The imported names (before `as`); '*' for all, 'default' for a default import. */
  readonly names: readonly string[];
  readonly node: ts.Node;
}

/** All imports and re-exports of `file`, import types, dynamic imports and `new URL('./x.js', import.meta.url)` included. */
export function importsOf(file: ts.SourceFile): readonly Import[] {
  const found: Import[] = [];
  const visit = (node: ts.Node): void => {
    const one = ofDeclaration(node) ?? ofExpression(node);
    if (one !== undefined) found.push(one);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

function ofDeclaration(node: ts.Node): Import | undefined {
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    const { importClause: clause, moduleSpecifier } = node;
    const bindings = clause?.namedBindings;
    const named = bindings !== undefined && ts.isNamedImports(bindings) ? bindings.elements : [];
    const names = named.map((element) => (element.propertyName ?? element.name).text);
    if (clause?.name !== undefined) names.push('default');
    if (bindings !== undefined && ts.isNamespaceImport(bindings)) names.push('*');
    const typeOnly =
      clause?.isTypeOnly === true || (names.length > 0 && names.length === named.length && named.every((element) => element.isTypeOnly));
    return { from: moduleSpecifier.text, typeOnly, dynamic: false, names, node };
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined && ts.isStringLiteral(node.moduleSpecifier)) {
    const clause = node.exportClause;
    const named = clause !== undefined && ts.isNamedExports(clause) ? clause.elements : [];
    const names =
      clause === undefined || ts.isNamespaceExport(clause) ? ['*'] : named.map((element) => (element.propertyName ?? element.name).text);
    const typeOnly = node.isTypeOnly || (named.length > 0 && named.every((element) => element.isTypeOnly));
    return { from: node.moduleSpecifier.text, typeOnly, dynamic: false, names, node };
  }
  return undefined;
}

function ofExpression(node: ts.Node): Import | undefined {
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal)) {
    return { from: node.argument.literal.text, typeOnly: true, dynamic: false, names: ['*'], node };
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    const [argument] = node.arguments;
    return argument !== undefined && ts.isStringLiteral(argument)
      ? { from: argument.text, typeOnly: false, dynamic: true, names: ['*'], node }
      : undefined;
  }
  if (ts.isNewExpression(node) && node.expression.getText() === 'URL') {
    const [first] = node.arguments ?? [];
    if (first !== undefined && ts.isStringLiteral(first) && /^\.\.?\/.*\.js$/.test(first.text)) {
      return { from: first.text, typeOnly: false, dynamic: true, names: ['*'], node };
    }
  }
  return undefined;
}
