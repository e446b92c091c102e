/** Who is reached by whom: the shortest way over the routers of a plan. */
import type { Plan } from './plan.js';

/** The first router on the way from node `from` to bus `to`, and the port by which it is reached. undefined: the node is on that bus itself. */
export interface Hop {
  readonly router: number;
  /** Index in the buses of `from`. */
  readonly port: number;
}

/** The hop for each bus; undefined for those that the node is on. */
export function hopsOf(plan: Plan, from: number): (Hop | undefined)[] {
  const own = plan.nodes[from].buses;
  const first = new Map<number, Hop | undefined>(own.map((bus) => [bus, undefined]));
  const queue = [...own];
  for (let bus = queue.shift(); bus !== undefined; bus = queue.shift()) {
    plan.nodes.forEach((node, router) => {
      if (router === from || !node.buses.includes(bus)) return;
      for (const next of node.buses) {
        if (first.has(next)) continue;
        first.set(next, own.includes(bus) ? { router, port: own.indexOf(bus) } : first.get(bus));
        queue.push(next);
      }
    });
  }
  return plan.buses.map((_bus, index) => first.get(index));
}
