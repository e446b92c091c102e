/**
 * Kernel code names no host: no module of Node, no package from outside, no global but the language's own. The compiler refuses most of
 * it (there are no types for it); this rule refuses what the language itself gives of time, chance, place and the collector.
 */
import { isBuiltin } from 'node:module';
import ts from 'typescript';
import { packageOf } from '../edges.js';
import { hasModifier, isLocal, isReference, walk } from '../syntax.js';
import { type Finding, KERNEL_GROUPS, type Tree, type Unit } from '../tree.js';

/** Globals, and what kernel code has in their place. */
const GLOBALS: ReadonlyMap<string, string> = new Map([
  ['Date', "the kernel's clock"],
  ['performance', "the kernel's clock"],
  ['setTimeout', 'a callout'],
  ['setInterval', 'a callout'],
  ['setImmediate', 'a softint'],
  ['queueMicrotask', 'a softint'],
  ['process', 'the hypercalls'],
  ['Buffer', 'Uint8Array'],
  ['TextEncoder', 'byte strings'],
  ['TextDecoder', 'byte strings'],
  ['console', 'k.printf'],
  ['crypto', "the host's random"],
  ['fetch', 'the hypercalls'],
  ['globalThis', 'nothing: state belongs to a kernel'],
  ['Intl', 'byte strings'],
  ['WeakRef', 'reference counts: the collector is not deterministic'],
  ['FinalizationRegistry', 'reference counts: the collector is not deterministic'],
  ['eval', 'code'],
  ['require', 'import'],
]);

/** Properties, by what stands before the dot where that matters. */
const PROPERTIES: ReadonlyMap<string, string> = new Map([
  ['Math.random', "the host's random"],
  ['localeCompare', 'comparison by code unit: locales differ from host to host'],
  ['toLocaleString', 'toString: locales differ from host to host'],
  ['toLocaleUpperCase', 'toUpperCase: locales differ from host to host'],
  ['toLocaleLowerCase', 'toLowerCase: locales differ from host to host'],
]);

export function hosts(tree: Tree): Finding[] {
  return tree.units
    .filter(isKernelCode)
    .flatMap((unit) => unit.sources.flatMap((path) => [...foreignImports(tree, path), ...foreignNames(tree, path)]));
}

function isKernelCode(unit: Unit): boolean {
  return KERNEL_GROUPS.includes(unit.group) || unit.name === '@anykernel/host-rumpuser';
}

function foreignImports(tree: Tree, path: string): Finding[] {
  return tree
    .imports(path)
    .filter(({ from, dynamic }) => dynamic || isBuiltin(from) || (packageOf(from) !== undefined && !from.startsWith('@anykernel/')))
    .map(({ from, node, dynamic }) => ({
      path,
      message: `${tree.at(path, node)} ${dynamic ? 'imports at run time' : 'imports'} ${from}: kernel code knows no host`,
    }));
}

function foreignNames(tree: Tree, path: string): Finding[] {
  const findings: Finding[] = [];
  const complain = (node: ts.Node, what: string, instead: string): void => {
    findings.push({ path, message: `${tree.at(path, node)} names ${what}; here it is ${instead}` });
  };
  walk(tree.parse(path), (node) => {
    if (hasModifier(node, ts.SyntaxKind.DeclareKeyword) && !ts.isPropertyDeclaration(node))
      complain(node, 'a thing that is declared and not there', 'an import');
    if (ts.isPropertyAccessExpression(node)) {
      const short = node.name.text;
      const whole = `${node.expression.getText()}.${short}`;
      const instead = PROPERTIES.get(whole) ?? PROPERTIES.get(short);
      if (instead !== undefined) complain(node, PROPERTIES.has(whole) ? whole : short, instead);
    }
    if (!ts.isIdentifier(node)) return;
    const instead = GLOBALS.get(node.text);
    if (instead !== undefined && isReference(node) && !isLocal(node, node.text)) complain(node, node.text, instead);
  });
  return findings;
}
