/** What the language offers and this code does without: default exports, enums, namespaces, `any`; in kernel code also `async` and generators. */
import ts from 'typescript';
import { hasModifier, walk } from '../syntax.js';
import { COMPONENT_GROUPS, type Finding, type Tree } from '../tree.js';

/** The entry layer, where a sleeping call becomes a promise: the one place below which everything is a plain function. */
const ENTRY = 'packages/librump/rumpkern/src/entry.ts';

/** No default export, enum, namespace or `any`, in sources and tests. */
export function language(tree: Tree): Finding[] {
  return each(
    tree,
    tree.units.flatMap((unit) => [...unit.sources, ...unit.tests]),
    refused,
  );
}

/** Kernel code is synchronous: sleeping is by restart. */
export function synchronous(tree: Tree): Finding[] {
  const kernel = tree.units.filter((unit) => COMPONENT_GROUPS.includes(unit.group)).flatMap((unit) => unit.sources);
  return each(
    tree,
    kernel.filter((path) => path !== ENTRY),
    suspended,
  );
}

function each(tree: Tree, paths: readonly string[], judge: (node: ts.Node) => string | undefined): Finding[] {
  return paths.flatMap((path) => {
    const findings: Finding[] = [];
    walk(tree.parse(path), (node) => {
      const message = judge(node);
      if (message !== undefined) findings.push({ path, message: `${tree.at(path, node)} ${message}` });
    });
    return findings;
  });
}

function refused(node: ts.Node): string | undefined {
  if (ts.isExportAssignment(node) || hasModifier(node, ts.SyntaxKind.DefaultKeyword)) return 'a default export: export it by its name';
  if (ts.isEnumDeclaration(node)) return 'an enum: constants, or a union';
  if (ts.isModuleDeclaration(node) && !(node.flags & ts.NodeFlags.GlobalAugmentation)) return 'a namespace: a module';
  if (node.kind === ts.SyntaxKind.AnyKeyword) return '`any`: `unknown`, or the type';
  return undefined;
}

function suspended(node: ts.Node): string | undefined {
  if (hasModifier(node, ts.SyntaxKind.AsyncKeyword) || ts.isAwaitExpression(node)) return '`async` in the kernel: sleep by restart';
  if (ts.isYieldExpression(node)) return 'a generator in the kernel: sleep by restart';
  return undefined;
}
