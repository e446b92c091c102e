/**
 * The graph of a stack: which components it has, and which edges. It is read off the declarations, and nothing is booted.
 */
import { type AnyComponent, closure } from '@anykernel/lib-component';

export interface GraphNode {
  readonly name: string;
  readonly class: string;
  readonly provides: readonly string[];
  /** Somebody asked for it; the others are there because it needs them. */
  readonly leaf: boolean;
  /** 0 for what needs nothing; else one more than the highest of what it requires. */
  readonly level: number;
}

/** `from` requires `to`. */
export interface GraphEdge {
  readonly from: string;
  readonly to: string;
}

/** Nodes stand in attach order. */
export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

/** The graph of the closure of `leaves`. ClosureError: they do not fit together. */
export function graphOf(leaves: readonly AnyComponent[]): Graph {
  const levels = new Map<AnyComponent, number>();
  const all = closure(leaves);
  for (const c of all) levels.set(c, Math.max(-1, ...c.requires.map((r) => levels.get(r) ?? 0)) + 1);
  return {
    nodes: all.map((c) => ({ name: c.name, class: c.class, provides: c.provides, leaf: leaves.includes(c), level: levels.get(c) ?? 0 })),
    edges: all.flatMap((c) => c.requires.map((r) => ({ from: c.name, to: r.name }))),
  };
}

/** Why component `name` is in the graph: every way from a leaf down to it, the shortest first. Empty: it is not in it. */
export function why(graph: Graph, name: string): string[][] {
  const users = new Map<string, string[]>();
  for (const e of graph.edges) users.set(e.to, [...(users.get(e.to) ?? []), e.from]);
  const node = new Map(graph.nodes.map((n) => [n.name, n]));
  const ways: string[][] = [];
  const climb = (at: string, way: string[]): void => {
    if (ways.length >= WAYS_MAX) return;
    if (node.get(at)?.leaf === true) ways.push(way);
    for (const user of users.get(at) ?? []) climb(user, [user, ...way]);
  };
  if (node.has(name)) climb(name, [name]);
  return ways.sort((a, b) => a.length - b.length);
}

/** A graph has more ways than anybody reads. */
const WAYS_MAX = 1000;
