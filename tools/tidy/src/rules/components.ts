/**
 * One word in four places: a kernel component's folder, npm name, component name and exported constant are the same, and its `requires`
 * agrees with its imports. The npm name is derived from the folder; the other three are compared here.
 */
import { posix } from 'node:path';
import ts from 'typescript';
import { edgesOf } from '../edges.js';
import { walk } from '../syntax.js';
import { COMPONENT_GROUPS, type Finding, type Tree, type Unit } from '../tree.js';

interface Declared {
  readonly path: string;
  readonly node: ts.Node;
  readonly constant: string;
  readonly name: string | undefined;
  readonly requires: readonly string[];
}

/** Words that no constant may have; `null` becomes `nullfs`. */
const RESERVED = new Set(['null', 'void', 'new', 'delete', 'this', 'package']);

/** The constant that a component's folder demands. */
function constantOf(unit: Unit): string {
  const word = unit.unit.replace(/-(.)/g, (_all, letter: string) => letter.toUpperCase());
  return RESERVED.has(word) ? `${word}fs` : word;
}

/** Folder, component name and exported constant are one word. */
export function sameWord(tree: Tree): Finding[] {
  return componentUnits(tree).flatMap((unit) => {
    const declared = declarations(tree, unit);
    const own = declared.find((found) => found.constant === constantOf(unit));
    if (own === undefined) return [{ path: unit.dir, message: `exports no component constant ${constantOf(unit)}` }];
    const where = tree.at(own.path, own.node);
    const findings: Finding[] = [];
    if (own.name !== unit.unit)
      findings.push({ path: own.path, message: `${where}: the component is called ${own.name}, its folder ${unit.unit}` });
    if (!exportsName(tree, `${unit.dir}/src/index.ts`, own.constant))
      findings.push({ path: `${unit.dir}/src/index.ts`, message: `does not export ${own.constant}` });
    return findings;
  });
}

/** What a component uses of another at run time, it requires, itself or through what it requires. */
export function requires(tree: Tree): Finding[] {
  const required = new Map(componentUnits(tree).map((unit) => [unit.name, requiredBy(tree, unit)]));
  const reach = (name: string, seen: Set<string>): Set<string> => {
    for (const next of required.get(name) ?? []) if (!seen.has(next)) reach(next, seen.add(next));
    return seen;
  };
  return componentUnits(tree).flatMap((unit) => {
    const reached = reach(unit.name, new Set());
    return edgesOf(tree, unit, unit.sources)
      .filter((edge) => !edge.typeOnly && required.has(edge.to) && !reached.has(edge.to))
      .map((edge) => ({ path: edge.files[0] ?? unit.dir, message: `imports ${edge.to}, which is not in the component's \`requires\`` }));
  });
}

function componentUnits(tree: Tree): Unit[] {
  return tree.units.filter((unit) => COMPONENT_GROUPS.includes(unit.group));
}

/** The npm names of the components in the `requires` of the unit's component. */
function requiredBy(tree: Tree, unit: Unit): string[] {
  const own = declarations(tree, unit).find((found) => found.constant === constantOf(unit));
  if (own === undefined) return [];
  const from = new Map(tree.imports(own.path).flatMap((found) => found.names.map((name) => [name, found.from])));
  return own.requires.flatMap((name) => from.get(name) ?? []);
}

/** Every exported `const x = component({ ... })` of a unit. */
function declarations(tree: Tree, unit: Unit): Declared[] {
  const found: Declared[] = [];
  for (const path of unit.sources) {
    walk(tree.parse(path), (node) => {
      if (!ts.isVariableDeclaration(node) || !ts.isIdentifier(node.name) || node.initializer === undefined) return;
      const call = node.initializer;
      const [argument] = ts.isCallExpression(call) && call.expression.getText() === 'component' ? call.arguments : [];
      if (argument === undefined || !ts.isObjectLiteralExpression(argument)) return;
      found.push({ path, node, constant: node.name.text, name: nameIn(argument), requires: requiresIn(argument) });
    });
  }
  return found;
}

function property(object: ts.ObjectLiteralExpression, name: string): ts.Expression | undefined {
  return object.properties.filter(ts.isPropertyAssignment).find((found) => found.name.getText() === name)?.initializer;
}

function nameIn(object: ts.ObjectLiteralExpression): string | undefined {
  const value = property(object, 'name');
  return value !== undefined && ts.isStringLiteral(value) ? value.text : undefined;
}

function requiresIn(object: ts.ObjectLiteralExpression): string[] {
  const value = property(object, 'requires');
  return value !== undefined && ts.isArrayLiteralExpression(value) ? value.elements.filter(ts.isIdentifier).map((found) => found.text) : [];
}

/** Whether the module exports the name, itself or by re-export. */
function exportsName(tree: Tree, path: string, name: string): boolean {
  if (tree.text(path) === undefined) return false;
  const file = tree.parse(path);
  const text = new RegExp(`export (const|function|class) ${name}\\b|export \\{[^}]*\\b${name}\\b`);
  if (text.test(file.text)) return true;
  const stars = file.statements.filter(ts.isExportDeclaration).filter((found) => found.exportClause === undefined);
  return stars.some((found) => {
    const from = found.moduleSpecifier;
    return (
      from !== undefined &&
      ts.isStringLiteral(from) &&
      exportsName(tree, posix.join(posix.dirname(path), from.text).replace(/\.js$/, '.ts'), name)
    );
  });
}
